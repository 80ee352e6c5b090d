package jsconfig

import (
	"path"
	"strings"
)

// Value is a value in a configuration, as far as it can be told without running anything. The zero Value is absent.
type Value struct {
	m    *Module
	e    *expr
	root string // the name whose assigned members belong to the value
}

// Exists reports whether there is a value, known or not.
func (v Value) Exists() bool { return v.e != nil }

// Line is the line on which the value is written; 0 if it is absent.
func (v Value) Line() int {
	if v.e == nil {
		return 0
	}
	return v.e.line
}

// Get returns the member of an object at a path of keys. It is absent if the object, or what is on the way, is absent or
// has no such member.
func (v Value) Get(keys ...string) Value {
	for i, key := range keys {
		if v.e == nil {
			return Value{m: v.m}
		}
		if assigned := v.assigned(keys[i:]); assigned != nil {
			return Value{m: v.m, e: assigned}
		}
		v = Value{m: v.m, e: v.m.member(v.e, key, 0)}
	}
	return v
}

// assigned finds a value that a statement gives to the members at a path.
func (v Value) assigned(keys []string) *expr {
	if v.root == "" {
		return nil
	}
	var found *expr
	for _, a := range v.m.assigned {
		if a.root != v.root || len(a.path) > len(keys) || !equal(a.path, keys[:len(a.path)]) {
			continue
		}
		e := a.value
		for _, key := range keys[len(a.path):] {
			if e != nil {
				e = v.m.member(e, key, 0)
			}
		}
		if e != nil {
			found = e
		}
	}
	return found
}

func equal(a, b []string) bool { return strings.Join(a, "\x00") == strings.Join(b, "\x00") }

// Keys are the keys of an object, in order.
func (v Value) Keys() []string {
	if v.e == nil {
		return nil
	}
	o := v.m.resolve(v.e, 0)
	if o == nil || o.form != object {
		return nil
	}
	var keys []string
	for _, f := range o.fields {
		if f.key != "" {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// Items are the items of an array, or the value itself if it is not one.
func (v Value) Items() []Value {
	if v.e == nil {
		return nil
	}
	list := v.m.resolve(v.e, 0)
	if list == nil || list.form != array {
		return []Value{v}
	}
	items := make([]Value, len(list.kids))
	for i, e := range list.kids {
		items[i] = Value{m: v.m, e: e}
	}
	return items
}

// String returns a string value.
func (v Value) String() (string, bool) {
	if v.e == nil {
		return "", false
	}
	return v.m.text(v.e, 0, false)
}

// Bool returns a boolean value.
func (v Value) Bool() (value, ok bool) {
	if v.e == nil {
		return false, false
	}
	e := v.m.resolve(v.e, 0)
	if e == nil || e.form != boolean {
		return false, false
	}
	return e.str == "true", true
}

// Path returns a string that names a file, relative to the folder of the configuration: __dirname, process.cwd() and the
// like stand for that folder. An absolute path stays absolute.
func (v Value) Path() (string, bool) {
	if v.e == nil {
		return "", false
	}
	p, ok := v.m.text(v.e, 0, true)
	if !ok || p == "" {
		return "", false
	}
	return path.Clean(strings.ReplaceAll(p, `\`, "/")), true
}

// here are the expressions that stand for the folder of the configuration or of the project.
var here = map[string]bool{
	"__dirname": true, "import.meta.dirname": true, "process.cwd": true, "cwd": true, "projectRoot": true, "workspaceRoot": true,
	"import.meta.url": true, "__filename": true,
}

// maxSteps bounds the work on one module, against values that refer to each other in circles.
const maxSteps = 100_000

func (m *Module) tooMuch(depth int) bool {
	m.steps++
	return depth > maxDepth || m.steps > maxSteps
}

// text evaluates a string. With paths, calls that make paths are understood too.
func (m *Module) text(e *expr, depth int, paths bool) (string, bool) {
	if e == nil || m.tooMuch(depth) {
		return "", false
	}
	switch e.form {
	case literal:
		return e.str, true
	case concat:
		var b strings.Builder
		for _, kid := range e.kids {
			part, ok := m.text(kid, depth+1, paths)
			if !ok {
				return "", false
			}
			b.WriteString(part)
		}
		return b.String(), true
	case either:
		for _, kid := range e.kids {
			if s, ok := m.text(kid, depth+1, paths); ok {
				return s, true
			}
		}
	case name:
		if paths && here[e.str] {
			return ".", true
		}
		if to := m.lookup(e.str); to != nil && to != e {
			return m.text(to, depth+1, paths)
		}
	case member:
		if paths && (e.str == "pathname" || e.str == "href") {
			return m.text(e.kids[0], depth+1, paths)
		}
		return m.text(m.member(e.kids[0], e.str, depth+1), depth+1, paths)
	case call:
		if paths {
			return m.pathCall(e, depth)
		}
	}
	return "", false
}

// pathCall evaluates the calls that make a path.
func (m *Module) pathCall(e *expr, depth int) (string, bool) {
	if here[e.str] {
		return ".", true
	}
	function := e.str[strings.LastIndexByte(e.str, '.')+1:]
	args := e.kids[1:]
	switch function {
	case "resolve", "join", "normalize", "dirname", "fileURLToPath", "resolvePath", "pathResolve":
	case "URL": // new URL("./dist", import.meta.url)
		args = args[:min(1, len(args))]
	default:
		return "", false
	}
	result := ""
	for _, a := range args {
		part, ok := m.text(a, depth+1, true)
		if !ok {
			return "", false
		}
		if path.IsAbs(part) && function != "join" {
			result = ""
		}
		result = path.Join(result, part)
	}
	return result, result != ""
}

// lookup finds what a name, possibly with members, stands for in the module.
func (m *Module) lookup(dotted string) *expr {
	root, rest, more := strings.Cut(dotted, ".")
	e := m.bindings[root]
	for more && e != nil {
		var key string
		key, rest, more = strings.Cut(rest, ".")
		e = m.member(e, key, 1)
	}
	return e
}

// member finds a member of an object expression. Later fields win over earlier ones, as in JavaScript.
func (m *Module) member(e *expr, key string, depth int) *expr {
	o := m.resolve(e, depth)
	if o == nil || m.tooMuch(depth) {
		return nil
	}
	if o.form == either {
		for _, kid := range o.kids {
			if found := m.member(kid, key, depth+1); found != nil {
				return found
			}
		}
		return nil
	}
	if o.form != object {
		return nil
	}
	for i := len(o.fields) - 1; i >= 0; i-- {
		f := o.fields[i]
		if f.key == key {
			return f.value
		}
		if f.key == "" {
			if found := m.member(f.value, key, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// resolve follows names, calls and functions to the object, array or literal that they stand for. A result of the form
// either is one of several objects. nil means that it is unknown.
func (m *Module) resolve(e *expr, depth int) *expr {
	if e == nil || m.tooMuch(depth) {
		return nil
	}
	switch e.form {
	case object, array, literal, numeric, boolean, null:
		return e
	case name:
		if to := m.lookup(e.str); to != e {
			return m.resolve(to, depth+1)
		}
	case member:
		return m.resolve(m.member(e.kids[0], e.str, depth+1), depth+1)
	case call:
		return m.resolveCall(e, depth)
	case function:
		return m.one(m.returns(e), depth)
	case either:
		return m.one(e.kids, depth)
	}
	return nil
}

// one resolves alternatives: to the only one that is known, or to an either of them.
func (m *Module) one(alternatives []*expr, depth int) *expr {
	var known []*expr
	for _, a := range alternatives {
		if r := m.resolve(a, depth+1); r != nil {
			known = append(known, r)
		}
	}
	switch len(known) {
	case 0:
		return nil
	case 1:
		return known[0]
	}
	return &expr{form: either, kids: known, line: known[0].line}
}

// resolveCall takes a call for the configuration that it is given: defineConfig({…}), withPlugin(config, options). Calls
// that merge objects merge them; a call of a function of this module is what that returns.
func (m *Module) resolveCall(e *expr, depth int) *expr {
	args := e.kids[1:]
	switch e.str {
	case "Object.assign", "mergeConfig", "merge", "defu", "lodash.merge", "deepmerge":
		merged := &expr{form: object, line: e.line}
		for _, a := range args {
			merged.fields = append(merged.fields, field{value: a})
		}
		return merged
	case "Object.freeze":
	default:
		if local := m.lookup(e.str); local != nil && local.form == function {
			if r := m.resolve(local, depth+1); r != nil {
				return r
			}
		}
	}
	for _, a := range args {
		if r := m.resolve(a, depth+1); r != nil && (r.form == object || r.form == either || r.form == array && len(args) == 1) {
			return r
		}
	}
	if callee := e.kids[0]; callee.form == function { // an immediately called function
		return m.resolve(callee, depth+1)
	}
	return nil
}

// returns are the values that a function may return. Those of functions inside of it are left out.
func (m *Module) returns(f *expr) []*expr {
	if len(f.kids) > 0 {
		return f.kids
	}
	var values []*expr
	for i := f.from; i < f.to; i++ {
		t := m.p.at(i)
		switch {
		case t.kind == punct && t.val == "{" && m.functionBody(i):
			i = m.p.closing(i)
		case t.kind == word && t.val == "return" && m.p.at(i-1).val != ".":
			values = append(values, m.p.from(i+1))
			i = max(i, m.p.pos-1)
		}
	}
	return values
}

// functionBody reports whether the brace at i begins the body of a function rather than a block or an object.
func (m *Module) functionBody(i int) bool {
	before := m.p.at(i - 1)
	if before.kind == punct && before.val == "=>" {
		return true
	}
	if before.kind != punct || before.val != ")" {
		return false
	}
	opening := m.p.match[i-1]
	keyword := m.p.at(opening - 1)
	return opening > 0 && !(keyword.kind == word && strings.Contains(" if for while switch with catch ", " "+keyword.val+" "))
}
