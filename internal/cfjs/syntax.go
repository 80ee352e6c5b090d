package cfjs

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/grafana/sobek/ast"
	"github.com/grafana/sobek/file"
	"github.com/grafana/sobek/token"
)

// problem is a construct that the runtime refuses, or (in warnings) one that may behave differently there.
type problem struct {
	at     file.Idx
	reason string
}

// syntaxCheck walks a parsed function and collects what CloudFront's runtime would not take.
//
// CloudFront documents a list of "all supported features" (functions-javascript-runtime-20, -10): ECMAScript 5.1 and a
// selection of later ones. What is neither in the list nor understood by njs, whose dialect the list describes, is refused.
// What is not in the list but is understood by njs (`??`, shorthand and computed properties, tagged templates, nested
// async functions) is let through; the risky ones of these are warnings.
type syntaxCheck struct {
	runtime  string
	refused  []problem
	warnings []problem
	// touchesIntrinsics is true when the code changes an object that every invocation would share: a polyfill on a
	// prototype, a property of a global object. What is hidden from this look (a prototype under another name) fails
	// when it runs, since those objects are frozen (see realm.js).
	touchesIntrinsics bool
	depth             int
}

func (c *syntaxCheck) refuse(at file.Idx, format string, args ...any) {
	c.refused = append(c.refused, problem{at, fmt.Sprintf(format, args...)})
}

func (c *syntaxCheck) warn(at file.Idx, reason string) {
	c.warnings = append(c.warnings, problem{at, reason})
}

// sorted returns the refusals in the order of the source.
func (c *syntaxCheck) sorted() []problem {
	sort.SliceStable(c.refused, func(i, j int) bool { return c.refused[i].at < c.refused[j].at })
	return c.refused
}

var nodeType = reflect.TypeOf((*ast.Node)(nil)).Elem()

// visitAll calls visit for every node below v, and what that returns after its children. The parser's trees have no cycles but for DeclarationList, which repeats declarations.
func visitAll(v reflect.Value, visit func(ast.Node) (leave func())) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			visitAll(v.Elem(), visit)
		}
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return
		}
		if v.Type().Implements(nodeType) {
			leave := visit(v.Interface().(ast.Node))
			defer leave()
		}
		visitAll(v.Elem(), visit)
	case reflect.Struct:
		if v.Type() == reflect.TypeOf(file.File{}) {
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "DeclarationList" && f.Name != "ImportEntries" && f.Name != "ExportEntries" {
				visitAll(v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visitAll(v.Index(i), visit)
		}
	}
}

func nothing() {}

// visit checks one node and returns what to do after its children.
func (c *syntaxCheck) visit(n ast.Node) (leave func()) {
	leave = nothing
	at := n.Idx0()
	switch n := n.(type) {
	case *ast.ClassLiteral:
		c.refuse(at, "classes are not supported: use functions and objects")
	case *ast.PrivateDotExpression:
		c.refuse(at, "private fields are not supported")
	case *ast.ForOfStatement:
		c.refuse(at, "for…of is not supported: use forEach or a for loop")
	case *ast.YieldExpression:
		c.refuse(at, "generators are not supported")
	case *ast.ObjectPattern, *ast.ArrayPattern:
		c.refuse(at, "destructuring is not supported: read the properties one by one")
	case *ast.SpreadElement:
		c.refuse(at-3, "spread (...) is not supported: use concat, apply or Object.assign")
	case *ast.OptionalChain:
		c.refuse(at, "optional chaining (?.) is not supported: test with && instead")
	case *ast.DynamicImportExpression:
		c.refuse(at, "import() is not supported")
	case *ast.MetaProperty:
		c.refuse(at, "%s.%s is not supported", n.Meta.Name, n.Property.Name)
	case *ast.SuperExpression:
		c.refuse(at, "super is not supported")
	case *ast.WithStatement:
		c.refuse(at, "with is not allowed: functions run in strict mode")
	case *ast.ExportDeclaration:
		c.refuse(n.Idx, "export is not supported: CloudFront calls the top-level function named handler")
	case *ast.CatchStatement:
		if n.Parameter == nil {
			c.refuse(n.Catch, "catch without a variable is not supported: write catch (e)")
		}
	case *ast.ParameterList:
		c.parameters(n)
	case *ast.AwaitExpression:
		if c.depth == 0 {
			c.refuse(at, "await is only supported inside async functions")
		}
	case *ast.FunctionLiteral:
		leave = c.function(n.Function, n.Async, n.Generator)
	case *ast.ArrowFunctionLiteral:
		leave = c.function(n.Start, n.Async, false)
	default:
		c.visitValue(n, at)
	}
	return leave
}

// visitValue checks the nodes that are refused for their content rather than their kind.
func (c *syntaxCheck) visitValue(n ast.Node, at file.Idx) {
	switch n := n.(type) {
	case *ast.NumberLiteral:
		if strings.HasSuffix(n.Literal, "n") && !strings.HasPrefix(n.Literal, "0x") {
			c.refuse(at, "BigInt is not supported")
		}
	case *ast.RegExpLiteral:
		if i := strings.IndexFunc(n.Flags, func(r rune) bool { return !strings.ContainsRune("gimy", r) }); i >= 0 {
			c.refuse(at, "the regular expression flag %q is not supported", n.Flags[i:i+1])
		}
	case *ast.LexicalDeclaration:
		c.lexical(n.Idx, n.Token.String())
	case *ast.ForDeclaration:
		c.lexical(n.Idx, "let and const")
	case *ast.ForLoopInitializerLexicalDecl:
		c.lexical(n.LexicalDeclaration.Idx, n.LexicalDeclaration.Token.String())
	case *ast.AssignExpression:
		c.assign(n, at)
	case *ast.BinaryExpression:
		if n.Operator == token.COALESCE {
			c.warn(at, "?? is not in CloudFront's list of supported features")
		}
	case *ast.CallExpression:
		c.call(n, at)
	case *ast.ImportDeclaration:
		c.importing(n)
	case *ast.Identifier:
		if n.Name == "globalThis" {
			c.touchesIntrinsics = true
		}
		c.name(at, n.Name.String())
	case *ast.DotExpression:
		c.name(n.Identifier.Idx, n.Identifier.Name.String())
	case *ast.StringLiteral:
		if n.Literal != "" && !strings.ContainsAny(n.Literal[:1], `'"`) { // a name in an object, without quotation marks
			c.name(at, n.Literal)
		}
	}
}

// name refuses what is not made of ASCII letters, digits, _ and $, as CloudFront's engine does.
func (c *syntaxCheck) name(at file.Idx, name string) {
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		c.refuse(at, "the name %s has a letter that is not ASCII, which is supported in strings only", name)
	}
}

func (c *syntaxCheck) function(at file.Idx, async, generator bool) func() {
	if generator {
		c.refuse(at, "generators are not supported")
	}
	if async && c.runtime == Runtime1 {
		c.refuse(at, "async functions need the runtime %s", Runtime2)
	} else if async && c.depth > 0 {
		c.warn(at, "CloudFront does not support async functions inside functions: declare them at the top level")
	}
	c.depth++
	return func() { c.depth-- }
}

func (c *syntaxCheck) lexical(at file.Idx, word string) {
	if c.runtime == Runtime1 {
		c.refuse(at, "%s needs the runtime %s: use var", word, Runtime2)
	}
}

func (c *syntaxCheck) parameters(list *ast.ParameterList) {
	for _, b := range list.List {
		if b.Initializer != nil {
			c.refuse(b.Idx0(), "default parameters are not supported: test for undefined in the function")
		}
	}
}

func (c *syntaxCheck) assign(n *ast.AssignExpression, at file.Idx) {
	switch n.Operator {
	case token.LOGICAL_AND, token.LOGICAL_OR, token.COALESCE:
		c.refuse(at, "the operator %s= is not supported", n.Operator)
	}
	if member(n.Left) && intrinsic(n.Left) {
		c.touchesIntrinsics = true
	}
}

func member(x ast.Expression) bool {
	switch x.(type) {
	case *ast.DotExpression, *ast.BracketExpression:
		return true
	}
	return false
}

// intrinsic reports whether the expression is a global object of the language or a member of one: String.prototype.
func intrinsic(x ast.Expression) bool {
	for {
		switch n := x.(type) {
		case *ast.DotExpression:
			x = n.Left
		case *ast.BracketExpression:
			x = n.Left
		case *ast.Identifier:
			return allowedGlobals[n.Name.String()]
		default:
			return false
		}
	}
}

// changesArgument are the functions of Object that change their first argument.
var changesArgument = map[string]bool{"assign": true, "defineProperty": true, "defineProperties": true, "setPrototypeOf": true}

func (c *syntaxCheck) call(n *ast.CallExpression, at file.Idx) {
	d, ok := n.Callee.(*ast.DotExpression)
	if !ok {
		return
	}
	id, ok := d.Left.(*ast.Identifier)
	if ok && id.Name == "Object" && changesArgument[d.Identifier.Name.String()] && len(n.ArgumentList) > 0 && intrinsic(n.ArgumentList[0]) {
		c.touchesIntrinsics = true
	}
	if !ok || id.Name != "console" {
		return
	}
	if d.Identifier.Name != "log" {
		c.warn(at, fmt.Sprintf("CloudFront documents console.log only, not console.%s", d.Identifier.Name))
	} else if len(n.ArgumentList) > 1 {
		c.warn(at, "CloudFront's console.log takes one argument: join them with +")
	}
}

func (c *syntaxCheck) importing(n *ast.ImportDeclaration) {
	name := n.ModuleSpecifier.String()
	if name == "" && n.FromClause != nil {
		name = n.FromClause.ModuleSpecifier.String()
	}
	switch {
	case c.runtime == Runtime1:
		c.refuse(n.Idx, "import needs the runtime %s", Runtime2)
	case !moduleNames[name]:
		c.refuse(n.Idx, "there is no module %q: CloudFront has cloudfront, crypto, querystring and buffer", name)
	case n.ImportClause == nil || n.ImportClause.ImportedDefaultBinding == nil || n.ImportClause.NamedImports != nil || n.ImportClause.NameSpaceImport != nil:
		c.refuse(n.Idx, "only default imports are supported: import %s from '%s'", map[bool]string{true: "cf", false: name}[name == "cloudfront"], name)
	}
}
