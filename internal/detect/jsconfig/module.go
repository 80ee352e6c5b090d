// Package jsconfig reads values from a JavaScript or TypeScript configuration file, and from JSON with comments, without
// running it. It understands what such files are made of: object literals behind defineConfig(…) and the like, functions
// that return them, constants, spreads, path.resolve(__dirname, …), CommonJS and ES modules, types. Everything else is
// unknown, and is said to be so; it never guesses.
package jsconfig

import (
	"slices"
	"strings"
)

// maxSource is the largest file that is read; what is behind it does not count.
const maxSource = 1 << 20

// Module is a parsed file. Looking things up in it never fails and never runs any of it. It is for one goroutine at a time.
type Module struct {
	p        *parser
	exported *expr
	bindings map[string]*expr
	assigned []assignment
	imports  map[string]Import
	steps    int
}

// Import says where a name of a module comes from.
type Import struct {
	// From is the module's name, such as "@sveltejs/adapter-static"; Name is the export's name, "default" or "*".
	From, Name string
}

type assignment struct {
	root  string
	path  []string
	value *expr
}

// Parse reads a file. It takes any text; what makes no sense is unknown.
func Parse(src []byte) *Module {
	if len(src) > maxSource {
		src = src[:maxSource]
	}
	m := &Module{p: newParser(string(src)), bindings: map[string]*expr{}, imports: map[string]Import{}}
	for i := range m.p.tokens {
		m.scan(i)
	}
	return m
}

// ParseJSON reads a JSON document, which may have comments and trailing commas.
func ParseJSON(src []byte) *Module {
	if len(src) > maxSource {
		src = src[:maxSource]
	}
	m := &Module{p: newParser(string(src)), bindings: map[string]*expr{}, imports: map[string]Import{}}
	m.exported = m.p.expression()
	return m
}

// scan looks for what a module declares at token i.
func (m *Module) scan(i int) {
	p := m.p
	t := p.at(i)
	if t.kind != word {
		return
	}
	before := p.at(i - 1)
	if i > 0 && before.kind == punct && (before.val == "." || before.val == "?.") {
		return
	}
	switch t.val {
	case "export":
		if p.at(i+1).val == "default" {
			m.exported = p.from(i + 2)
		}
		if p.at(i+1).val == "=" { // TypeScript's export = value
			m.exported = p.from(i + 2)
		}
	case "const", "let", "var":
		m.declare(i)
	case "function":
		if name := p.at(i + 1); name.kind == word {
			m.bind(name.val, p.from(i))
		}
	case "import":
		m.imported(i)
	default:
		m.assign(i)
	}
}

// from reads the expression at token i.
func (p *parser) from(i int) *expr {
	p.pos = i
	return p.expression()
}

func (m *Module) bind(name string, value *expr) {
	if _, ok := m.bindings[name]; !ok {
		m.bindings[name] = value
	}
}

// declare binds the names of `const a = …, b: T = …`.
func (m *Module) declare(i int) {
	p := m.p
	for p.pos = i + 1; p.at(p.pos).kind == word; {
		name := p.at(p.pos).val
		p.pos++
		if p.take(":") {
			p.pos = p.typeEnd(p.pos)
		}
		if !p.take("=") {
			return
		}
		value := p.expression()
		if value.form == call && value.str == "require" && len(value.kids) == 2 && value.kids[1].form == literal {
			m.imports[name] = Import{value.kids[1].str, "default"}
		}
		m.bind(name, value)
		if !p.take(",") {
			return
		}
	}
	if p.is("{") { // const { a, b: c } = require("…")
		closing := p.closing(p.pos)
		if p.at(closing+1).val == "=" && p.at(closing+2).val == "require" && p.at(closing+4).kind == text {
			m.importedNames(p.pos+1, closing, p.at(closing+4).val)
		}
	}
}

// imported reads `import a, { b as c } from "…"` and `import * as d from "…"`.
func (m *Module) imported(i int) {
	p := m.p
	j := i + 1
	for n := 0; n < 200 && p.at(j).kind != text && p.at(j).kind != end && p.at(j).val != ";"; n++ {
		j++
	}
	from := p.at(j)
	if from.kind != text || p.at(j-1).val != "from" {
		return
	}
	for k := i + 1; k < j-1; k++ {
		switch t := p.at(k); {
		case t.kind == punct && t.val == "{":
			m.importedNames(k+1, p.closing(k), from.val)
			k = p.closing(k)
		case t.kind == punct && t.val == "*":
			k += 2
			m.imports[p.at(k).val] = Import{from.val, "*"}
		case t.kind == word && (t.val != "type" || k == j-2):
			m.imports[t.val] = Import{from.val, "default"}
		}
	}
}

func (m *Module) importedNames(start, stop int, from string) {
	p := m.p
	for k := start; k < stop; k++ {
		if p.at(k).kind != word {
			continue
		}
		name := p.at(k).val
		local := name
		if next := p.at(k + 1); next.val == "as" || next.val == ":" {
			local = p.at(k + 2).val
			k += 2
		}
		m.imports[local] = Import{from, name}
	}
}

// assign reads `module.exports = …`, `exports.a = …` and `config.a.b = …`.
func (m *Module) assign(i int) {
	p := m.p
	first := p.at(i)
	if prev := p.at(i - 1); i > 0 && !first.newline && (prev.kind != punct || !strings.Contains("; { } )", prev.val)) {
		return
	}
	path := []string{first.val}
	for i++; p.at(i).kind == punct && p.at(i).val == "." && p.at(i+1).kind == word; i += 2 {
		path = append(path, p.at(i+1).val)
	}
	if len(path) < 2 || p.at(i).kind != punct || p.at(i).val != "=" {
		return
	}
	value := p.from(i + 1)
	if path[0] == "module" && path[1] == "exports" {
		path = path[1:]
	}
	if path[0] == "exports" && (len(path) == 1 || len(path) == 2 && path[1] == "default") {
		m.exported = value
		return
	}
	m.assigned = append(m.assigned, assignment{path[0], path[1:], value})
}

// ImportsFrom reports whether the module imports anything from another.
func (m *Module) ImportsFrom(module string) bool {
	for _, i := range m.imports {
		if i.From == module {
			return true
		}
	}
	return false
}

// Default is what the module exports: its default export, or module.exports.
func (m *Module) Default() Value {
	if m.exported == nil {
		if slices.ContainsFunc(m.assigned, func(a assignment) bool { return a.root == "exports" }) {
			return Value{m: m, e: &expr{form: object}, root: "exports"}
		}
		return Value{m: m}
	}
	root := ""
	if m.exported.form == name {
		root = m.exported.str
	}
	return Value{m: m, e: m.exported, root: root}
}

// Named is a constant or function of the module; exported or not.
func (m *Module) Named(name string) Value { return Value{m: m, e: m.bindings[name], root: name} }

// Call returns the first argument of the first call of a function that is imported from a module, or of a function of the
// given name ("eleventyConfig.setOutputDirectory"), and whether there is such a call.
func (m *Module) Call(function string) (Value, bool) {
	names := []string{function}
	for local, i := range m.imports {
		if i.From == function {
			names = append(names, local)
		}
	}
	for i, t := range m.p.tokens {
		if t.kind != word || i > 0 && m.p.at(i-1).val == "." || m.p.at(i-1).val == "function" && i > 0 {
			continue
		}
		name, j := t.val, i+1
		for m.p.at(j).kind == punct && m.p.at(j).val == "." && m.p.at(j+1).kind == word {
			name += "." + m.p.at(j+1).val
			j += 2
		}
		if m.p.at(j).kind != punct || m.p.at(j).val != "(" || !slices.Contains(names, name) {
			continue
		}
		m.p.pos = j
		called := m.p.list(")", &expr{form: call, kids: []*expr{{}}})
		if len(called.kids) > 1 {
			return Value{m: m, e: called.kids[1]}, true
		}
		return Value{m: m, e: &expr{form: object}}, true
	}
	return Value{m: m}, false
}
