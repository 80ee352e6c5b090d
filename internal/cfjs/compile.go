package cfjs

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/ast"
	"github.com/grafana/sobek/parser"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// The runtimes, as a function's configuration names them.
const (
	Runtime1 = "cloudfront-js-1.0"
	Runtime2 = "cloudfront-js-2.0"
)

const (
	// MaxCode is how long a function's code may be, in bytes (CloudFront Developer Guide, cloudfront-limits).
	MaxCode = 10 << 10
	// DefaultTimeout is when an invocation is stopped. It is far above what CloudFront allows (about a millisecond), and
	// is extended while the process does not get its processor time, so that a busy machine does not fail a function that
	// would do well there; Utilization tells how near CloudFront's limit it is.
	DefaultTimeout = 100 * time.Millisecond
)

// Options are the choices of Compile. The zero value is what CloudFront does.
type Options struct {
	// Timeout ends an invocation that runs longer; DefaultTimeout if it is 0.
	Timeout time.Duration
	// Now is the clock that Date is frozen to; time.Now if it is nil.
	Now func() time.Time
	// Runtime is Runtime1 or Runtime2; Runtime2 if it is empty.
	Runtime string
	// EdgeLocation is what cf.edgeLocation says in viewer-request functions.
	EdgeLocation EdgeLocation
	// Measured takes Utilization from the processor time of the invocation's thread, which does not depend on how busy the machine
	// is, in place of the time that went by. It costs some calls of the system for each invocation, so servers do without. On
	// Windows, whose clock of threads is too coarse, it changes nothing.
	Measured bool
}

// EdgeLocation is where a request is handled: the airport code, the address of the server, the region of its cache.
type EdgeLocation struct {
	Name, ServerIP, Region string
}

// Function is compiled code. It is safe for concurrent use and needs no closing: it holds no goroutine.
type Function struct {
	name     string
	opts     Options
	program  *sobek.Program
	prefix   int
	imports  []imported
	uses     uses
	warnings []Warning
	pool     *pool
	// fresh is what the realm of an engine holds that has not run yet, in bytes.
	fresh func() int
}

// Warning is a place in the code that runs here and may not on CloudFront.
type Warning struct {
	Name         string
	Line, Column int
	Message      string
}

// String is the place and the message.
func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", w.Name, w.Line, w.Column, w.Message)
}

// imported is a module and the variable that it is bound to.
type imported struct{ module, variable string }

// uses are the costly parts of a realm that the code may need.
type uses struct {
	buffer, text, groups bool
	// fresh makes every invocation start in a realm of its own, because the code may change objects that would otherwise
	// be frozen and shared.
	fresh bool
}

const handlerHint = "write a top-level function named handler that takes the event and returns its request or a response"

// Compile checks the code as CloudFront would when it is published, and prepares it to run. The error is a fault.Usage
// that names the line and the column.
func Compile(name, code string, opts Options) (f *Function, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fault.New(fault.Usage, "", "%s: compile: %v", name, x)
		}
	}()
	if opts.Runtime == "" {
		opts.Runtime = Runtime2
	}
	if opts.Runtime != Runtime1 && opts.Runtime != Runtime2 {
		return nil, fault.New(fault.Usage, "use "+Runtime2, "%s: unknown runtime %q", name, opts.Runtime)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.EdgeLocation == (EdgeLocation{}) {
		opts.EdgeLocation = EdgeLocation{Name: "LOC", ServerIP: "127.0.0.1", Region: "local"}
	}
	if len(code) > MaxCode {
		return nil, fault.New(fault.Usage, "shorten it, or move data into the key-value store",
			"%s: the code has %d bytes, CloudFront takes at most %d", name, len(code), MaxCode)
	}
	tree, err := parser.ParseFile(nil, name, code, 0, parser.WithDisableSourceMaps, parser.IsModule)
	if err != nil {
		return nil, syntaxError(name, err, 0)
	}
	f = &Function{name: name, opts: opts}
	if err := f.check(tree); err != nil {
		return nil, err
	}
	if err := f.wrap(tree, code); err != nil {
		return nil, err
	}
	f.uses.buffer = mentions(code, "Buffer", "buffer", "digest", "bytes", "globalThis")
	f.uses.text = mentions(code, "TextEncoder", "TextDecoder", "globalThis")
	f.uses.groups = mentions(code, "(?<")
	f.pool = newPool(f.newEngine)
	f.fresh = sync.OnceValue(func() int {
		e, err := f.newEngine()
		if err != nil {
			return 0
		}
		return sizeOf(e.vm, math.MaxInt)
	})
	return f, nil
}

// Warnings are the places of the code that CloudFront may take differently, in no particular order.
func (f *Function) Warnings() []Warning { return f.warnings }

// check refuses what CloudFront would refuse.
func (f *Function) check(tree *ast.Program) error {
	c := &syntaxCheck{runtime: f.opts.Runtime}
	visitAll(reflect.ValueOf(tree.Body), c.visit)
	place := func(p problem) (line, column int) {
		pos := tree.File.Position(int(p.at) - tree.File.Base())
		return pos.Line, pos.Column
	}
	for _, p := range c.warnings {
		line, column := place(p)
		f.warnings = append(f.warnings, Warning{f.name, line, column, p.reason})
	}
	if refused := c.sorted(); len(refused) > 0 {
		line, column := place(refused[0])
		more := ""
		if n := len(refused) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		return fault.New(fault.Usage, "CloudFront's runtime knows ECMAScript 5.1 and parts of later editions; see docs/functions.md",
			"%s:%d:%d: %s%s", f.name, line, column, refused[0].reason, more)
	}
	if !hasHandler(tree) {
		return fault.New(fault.Usage, handlerHint, "%s: there is no function named \"handler\"", f.name)
	}
	f.uses.fresh = c.touchesIntrinsics
	return nil
}

// wrap turns the module into a function of its imports that returns the handler. Calling it starts one invocation: all
// top-level state is new each time, as on CloudFront, and nothing of it stays. Imports are blanked out, not removed, so
// that positions stay those of the source.
func (f *Function) wrap(tree *ast.Program, code string) error {
	body := []byte(code)
	var params []string
	for _, s := range tree.Body {
		d, ok := s.(*ast.ImportDeclaration)
		if !ok {
			continue
		}
		module := d.FromClause.ModuleSpecifier.String()
		variable := d.ImportClause.ImportedDefaultBinding.Name.String()
		f.imports = append(f.imports, imported{module, variable})
		params = append(params, variable)
		blankImport(body, int(d.Idx)-tree.File.Base(), module)
	}
	prefix := "(function(" + strings.Join(params, ",") + "){\"use strict\";"
	f.prefix = len(prefix)
	wrapped := prefix + string(body) + "\n;return typeof handler===\"function\"?handler:undefined})"
	wrappedTree, err := parser.ParseFile(nil, f.name, wrapped, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return syntaxError(f.name, err, f.prefix)
	}
	splitTemplates(wrappedTree)
	if f.program, err = sobek.CompileAST(wrappedTree, true); err != nil {
		return syntaxError(f.name, err, f.prefix)
	}
	return nil
}

// maxInserted is how many values the engine puts into a template at a time.
const maxInserted = 8

// splitTemplates makes of each template with many values one whose first value is a template with the first ones. The engine puts
// all values of a template together in one instruction, before it looks at any limit: with a few hundred it makes gigabytes of a
// string of two megabytes.
func splitTemplates(tree *ast.Program) {
	visitAll(reflect.ValueOf(tree.Body), func(n ast.Node) func() {
		t, ok := n.(*ast.TemplateLiteral)
		if !ok || t.Tag != nil {
			return nothing
		}
		for len(t.Expressions) > maxInserted {
			end := &ast.TemplateElement{Idx: t.Elements[maxInserted].Idx, Valid: true}
			first := &ast.TemplateLiteral{OpenQuote: t.OpenQuote, CloseQuote: t.CloseQuote, Expressions: t.Expressions[:maxInserted:maxInserted],
				Elements: append(t.Elements[:maxInserted:maxInserted], end)}
			start := &ast.TemplateElement{Idx: t.OpenQuote, Valid: true}
			t.Elements = append([]*ast.TemplateElement{start}, t.Elements[maxInserted:]...)
			t.Expressions = append([]ast.Expression{first}, t.Expressions[maxInserted:]...)
		}
		return nothing
	})
}

// blankImport overwrites the import statement that starts at from with spaces: up to the closing quote of its module.
func blankImport(body []byte, from int, module string) {
	end := from
	for _, quoted := range []string{"'" + module + "'", `"` + module + `"`} {
		if i := strings.Index(string(body[from:]), quoted); i >= 0 && (end == from || from+i+len(quoted) < end) {
			end = from + i + len(quoted)
		}
	}
	for i := from; i < end; i++ {
		if body[i] != '\n' && body[i] != '\r' {
			body[i] = ' '
		}
	}
}

func hasHandler(tree *ast.Program) bool {
	named := func(list []*ast.Binding) bool {
		for _, b := range list {
			if id, ok := b.Target.(*ast.Identifier); ok && id.Name == "handler" {
				return true
			}
		}
		return false
	}
	for _, s := range tree.Body {
		switch s := s.(type) {
		case *ast.FunctionDeclaration:
			if s.Function.Name != nil && s.Function.Name.Name == "handler" {
				return true
			}
		case *ast.VariableStatement:
			if named(s.List) {
				return true
			}
		case *ast.LexicalDeclaration:
			if named(s.List) {
				return true
			}
		}
	}
	return false
}

// syntaxError gives a parser's or compiler's error its place. prefix is what wrap put before the first line.
func syntaxError(name string, err error, prefix int) error {
	line, column, message := 0, 0, err.Error()
	var list parser.ErrorList
	var one *parser.Error
	var compile *sobek.CompilerSyntaxError
	switch {
	case errors.As(err, &list) && len(list) > 0:
		line, column, message = list[0].Position.Line, list[0].Position.Column, list[0].Message
	case errors.As(err, &one):
		line, column, message = one.Position.Line, one.Position.Column, one.Message
	case errors.As(err, &compile) && compile.File != nil:
		pos := compile.File.Position(compile.Offset)
		line, column, message = pos.Line, pos.Column, compile.Message
	}
	if line == 1 {
		column = max(1, column-prefix)
	}
	return fault.New(fault.Usage, "", "%s:%d:%d: %s", name, line, column, lowerFirst(message))
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func mentions(code string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(code, w) {
			return true
		}
	}
	return false
}
