package jsconfig

import "strings"

// postfix reads members, calls and type assertions behind an expression.
func (p *parser) postfix(e *expr) *expr {
	for {
		t := p.at(p.pos)
		switch {
		case t.kind == punct && (t.val == "." || t.val == "?.") && p.at(p.pos+1).kind == word:
			e = dotted(e, p.at(p.pos+1).val)
			p.pos += 2
		case t.kind == punct && t.val == "?.":
			p.pos++
		case t.kind == punct && t.val == "[" && !t.newline:
			closing := p.closing(p.pos)
			key := p.at(p.pos + 1)
			p.pos = min(closing+1, len(p.tokens)-1)
			if key.kind == text && closing-1 > 0 && p.at(closing-1).kind == text {
				e = dotted(e, key.val)
			} else {
				e = &expr{line: e.line}
			}
		case t.kind == punct && t.val == "(" && e.form != unknown:
			called := &expr{form: call, str: e.callee(), kids: []*expr{e}, line: e.line}
			e = p.list(")", called)
		case t.kind == punct && t.val == "(" && !t.newline:
			p.pos = min(p.closing(p.pos)+1, len(p.tokens)-1)
		case t.kind == punct && t.val == "<" && e.form == name && p.generic() > 0:
			p.pos = p.generic()
		case t.kind == punct && t.val == "!" && !t.newline && !isOperand(p.at(p.pos+1)):
			p.pos++
		case t.kind == word && (t.val == "as" || t.val == "satisfies") && !t.newline:
			p.pos = p.typeEnd(p.pos + 1)
		case t.kind == template && e.form == name:
			p.pos++
			e = &expr{line: e.line}
		default:
			return e
		}
	}
}

func isOperand(t token) bool {
	return t.kind == word || t.kind == text || t.kind == number || t.kind == punct && (t.val == "=" || t.val == "==")
}

// callee is the dotted name of what is called; that of a call's result is the name of the call.
func (e *expr) callee() string {
	switch e.form {
	case name, call:
		return e.str
	case member:
		return e.kids[0].callee() + "." + e.str
	}
	return ""
}

func dotted(e *expr, key string) *expr {
	if e.form == name {
		return &expr{form: name, str: e.str + "." + key, line: e.line}
	}
	return &expr{form: member, str: key, kids: []*expr{e}, line: e.line}
}

// generic is the position behind type arguments that begin here and are followed by a call; 0 if there are none.
func (p *parser) generic() int {
	depth := 0
	for i := p.pos; i < min(p.pos+200, len(p.tokens)); i++ {
		t := p.tokens[i]
		if t.kind == end || t.kind == punct && strings.Contains("; ) ] }", t.val) {
			return 0
		}
		if t.kind != punct {
			continue
		}
		switch t.val {
		case "<":
			depth++
		case ">":
			if depth--; depth == 0 {
				if next := p.at(i + 1); next.kind == punct && next.val == "(" {
					return i + 1
				}
				return 0
			}
		case "(", "[", "{":
			i = p.closing(i)
		}
	}
	return 0
}

// typeEnd is the position behind the TypeScript type that begins at i.
func (p *parser) typeEnd(i int) int {
	for {
		for p.at(i).kind == word && strings.Contains(" typeof keyof readonly ", " "+p.at(i).val+" ") {
			i++
		}
		if t := p.at(i); t.kind == punct && partner[t.val] != "" {
			i = p.closing(i) + 1
		} else if t.kind != punct && t.kind != end {
			i++
		}
		i = p.typeSuffix(i)
		if t := p.at(i); t.kind != punct || t.val != "|" && t.val != "&" {
			return min(i, len(p.tokens)-1)
		}
		i++
	}
}

// typeSuffix skips members, type arguments and array brackets of a type.
func (p *parser) typeSuffix(i int) int {
	for p.at(i).kind == punct {
		switch p.at(i).val {
		case ".":
			i += 2
		case "[":
			i = p.closing(i) + 1
		case "<":
			depth := 0
			for ; p.at(i).kind != end; i++ {
				if p.at(i).kind == punct && p.at(i).val == "<" {
					depth++
				}
				if p.at(i).kind == punct && p.at(i).val == ">" {
					if depth--; depth == 0 {
						break
					}
				}
			}
			i++
		default:
			return i
		}
	}
	return i
}

// list reads the items of an array or the arguments of a call into e.
func (p *parser) list(closer string, e *expr) *expr {
	closing := p.closing(p.pos)
	p.pos++
	for p.pos < closing {
		if p.is(",") {
			p.pos++
			continue
		}
		spread := p.take("...")
		before := p.pos
		item := p.expression()
		if spread && item.form != array {
			item = &expr{form: unknown, kids: []*expr{item}, line: item.line}
		}
		e.kids = append(e.kids, item)
		if !p.is(",") && !p.is(closer) {
			p.skip()
		}
		if p.pos == before {
			p.pos++
		}
	}
	p.pos = min(closing+1, len(p.tokens)-1)
	return e
}

func (p *parser) object() *expr {
	e := &expr{form: object, line: p.at(p.pos).line}
	closing := p.closing(p.pos)
	p.pos++
	for p.pos < closing {
		before := p.pos
		if f, ok := p.field(closing); ok {
			e.fields = append(e.fields, f)
		}
		if p.pos < closing && !p.is(",") && !p.is(";") {
			p.skip()
		}
		if p.is(",") || p.is(";") || p.pos == before {
			p.pos++
		}
	}
	p.pos = min(closing+1, len(p.tokens)-1)
	return e
}

// field reads one entry of an object.
func (p *parser) field(closing int) (field, bool) {
	if p.take("...") {
		return field{value: p.expression()}, true
	}
	for p.at(p.pos).kind == word && strings.Contains(" async get set static ", " "+p.at(p.pos).val+" ") && p.keyAt(p.pos+1) {
		p.pos++
	}
	p.take("*")
	t := p.at(p.pos)
	switch {
	case t.kind == word || t.kind == text || t.kind == number:
		p.pos++
	case t.kind == punct && t.val == "[": // a computed key
		if key := p.at(p.pos + 1); key.kind == text && p.closing(p.pos) == p.pos+2 {
			t = key
		} else {
			t.val = ""
		}
		p.pos = p.closing(p.pos) + 1
	default:
		return field{}, false
	}
	switch {
	case p.take(":"):
		return field{t.val, p.expression()}, t.val != ""
	case p.is("("), p.is("<"):
		return field{t.val, p.functionExpression()}, t.val != ""
	case t.kind == word && (p.is(",") || p.pos >= closing): // shorthand
		return field{t.val, &expr{form: name, str: t.val, line: t.line}}, true
	}
	return field{}, false
}

func (p *parser) keyAt(i int) bool {
	t := p.at(i)
	return t.kind == word || t.kind == text || t.kind == punct && (t.val == "[" || t.val == "*")
}

// templateParts turns a template literal into the string that it is, or into a concatenation.
func (p *parser) templateParts(t token) *expr {
	e := &expr{form: concat, line: t.line}
	rest := t.val
	for {
		start := strings.Index(rest, "${")
		stop := strings.IndexByte(rest[max(start, 0):], '}')
		if start < 0 || stop < 0 {
			break
		}
		e.kids = append(e.kids, &expr{form: literal, str: rest[:start], line: t.line})
		inner := newParser(rest[start+2 : start+stop])
		inner.depth = p.depth + 1
		e.kids = append(e.kids, inner.expression())
		rest = rest[start+stop+1:]
	}
	if e.kids == nil {
		return &expr{form: literal, str: rest, line: t.line}
	}
	e.kids = append(e.kids, &expr{form: literal, str: rest, line: t.line})
	return e
}
