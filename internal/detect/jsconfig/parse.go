package jsconfig

import "strings"

// maxDepth bounds the nesting that is followed; deeper expressions are unknown.
const maxDepth = 100

// form is what an expression is, as it is written.
type form byte

const (
	unknown form = iota
	literal      // a string, in str
	numeric      // a number, its text in str
	boolean      // str is "true" or "false"
	null
	object
	array
	name     // an identifier with its dotted members, in str
	call     // of kids[0] with arguments kids[1:]; str is the dotted name of what is called
	member   // the member str of kids[0]
	function // kids[0] is the value of an expression body; a block body is tokens[from:to]
	either   // one of kids: a condition, or a fallback with || or ??
	concat   // kids joined by +, or a template literal
)

// expr is an expression.
type expr struct {
	form     form
	str      string
	kids     []*expr
	fields   []field
	from, to int
	line     int
}

// field is an entry of an object: a key with its value, or, without a key, the value of a spread.
type field struct {
	key   string
	value *expr
}

// parser reads expressions from tokens. What it cannot read is unknown, and it goes on behind it.
type parser struct {
	tokens []token
	match  []int // for each bracket, the index of its partner; -1 if there is none
	pos    int
	depth  int
}

func newParser(src string) *parser {
	p := &parser{tokens: lex(src)}
	p.match = make([]int, len(p.tokens))
	var open []int
	for i, t := range p.tokens {
		p.match[i] = -1
		if t.kind != punct {
			continue
		}
		switch t.val {
		case "(", "[", "{":
			open = append(open, i)
		case ")", "]", "}":
			if n := len(open); n > 0 && partner[p.tokens[open[n-1]].val] == t.val {
				p.match[i], p.match[open[n-1]] = open[n-1], i
				open = open[:n-1]
			}
		}
	}
	return p
}

var partner = map[string]string{"(": ")", "[": "]", "{": "}"}

func (p *parser) at(i int) token {
	if i < 0 || i >= len(p.tokens) {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[i]
}

func (p *parser) is(op string) bool {
	return p.at(p.pos).kind == punct && p.tokens[p.pos].val == op
}

func (p *parser) take(op string) bool {
	if p.is(op) {
		p.pos++
		return true
	}
	return false
}

// closing is the index of the partner of the bracket at i, or the end of the tokens.
func (p *parser) closing(i int) int {
	if i < len(p.match) && p.match[i] > i {
		return p.match[i]
	}
	return len(p.tokens) - 1
}

// expression reads an expression up to, not including, a comma, a closing bracket or the end of a statement.
func (p *parser) expression() *expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.skip()
		return &expr{}
	}
	e := p.binary()
	if p.take("?") {
		yes := p.expression()
		if p.take(":") {
			return &expr{form: either, kids: []*expr{yes, p.expression()}, line: e.line}
		}
		p.skip()
		return &expr{line: e.line}
	}
	return e
}

// skip goes to the end of an expression that is not understood.
func (p *parser) skip() {
	for p.at(p.pos).kind != end {
		if t := p.at(p.pos); t.kind == punct {
			switch t.val {
			case ",", ";", ")", "]", "}":
				return
			case "(", "[", "{":
				p.pos = p.closing(p.pos)
			}
		}
		p.pos++
	}
}

var binaryOperators = map[string]bool{
	"+": true, "-": true, "*": true, "/": true, "%": true, "**": true, "||": true, "&&": true, "??": true, "==": true, "===": true,
	"!=": true, "!==": true, "<": true, ">": true, "<=": true, "<<": true, "&": true, "|": true, "^": true,
}

func (p *parser) binary() *expr {
	left := p.unary()
	for {
		t := p.at(p.pos)
		if t.kind == word && (t.val == "in" || t.val == "instanceof") {
			p.pos++
			p.unary()
			left = &expr{line: left.line}
			continue
		}
		if t.kind != punct || !binaryOperators[t.val] {
			return left
		}
		p.pos++
		for p.is(">") || p.is("=") { // >=, >> and so on, which are not operators here for the sake of generics
			p.pos++
		}
		right := p.unary()
		switch t.val {
		case "+":
			left = &expr{form: concat, kids: []*expr{left, right}, line: left.line}
		case "||", "??":
			left = &expr{form: either, kids: []*expr{left, right}, line: left.line}
		case "&&":
			left = right
		default:
			left = &expr{line: left.line}
		}
	}
}

func (p *parser) unary() *expr {
	t := p.at(p.pos)
	if t.kind == word {
		switch t.val {
		case "await", "new":
			p.pos++
			return p.unary()
		case "typeof", "void", "delete":
			p.pos++
			p.unary()
			return &expr{line: t.line}
		}
	}
	if t.kind == punct && strings.Contains("! - + ~ ++ --", t.val) {
		p.pos++
		operand := p.unary()
		switch {
		case t.val == "-" && operand.form == numeric:
			return &expr{form: numeric, str: "-" + operand.str, line: t.line}
		case t.val == "!" && operand.form == numeric: // minifiers write !0 and !1
			return &expr{form: boolean, str: map[bool]string{true: "true", false: "false"}[operand.str == "0"], line: t.line}
		}
		return &expr{line: t.line}
	}
	return p.postfix(p.primary())
}

func (p *parser) primary() *expr {
	t := p.at(p.pos)
	if f := p.arrow(); f != nil {
		return f
	}
	switch t.kind {
	case text:
		p.pos++
		return &expr{form: literal, str: t.val, line: t.line}
	case number:
		p.pos++
		return &expr{form: numeric, str: t.val, line: t.line}
	case template:
		p.pos++
		return p.templateParts(t)
	case regex:
		p.pos++
		return &expr{line: t.line}
	case word:
		return p.wordExpression()
	case punct:
		switch t.val {
		case "{":
			return p.object()
		case "[":
			return p.list("]", &expr{form: array, line: t.line})
		case "(":
			closing := p.closing(p.pos)
			p.pos++
			e := p.expression()
			for p.take(",") { // the comma operator: the last one counts
				e = p.expression()
			}
			p.pos = min(closing+1, len(p.tokens)-1)
			return e
		case "<": // a type assertion, or JSX
			p.skip()
			return &expr{line: t.line}
		case ",", ";", ")", "]", "}":
			return &expr{line: t.line}
		}
	}
	if t.kind != end {
		p.pos++
	}
	return &expr{line: t.line}
}

func (p *parser) wordExpression() *expr {
	t := p.at(p.pos)
	switch t.val {
	case "true", "false":
		p.pos++
		return &expr{form: boolean, str: t.val, line: t.line}
	case "null", "undefined":
		p.pos++
		return &expr{form: null, line: t.line}
	case "function":
		return p.functionExpression()
	case "async":
		if p.at(p.pos+1).val == "function" {
			p.pos++
			return p.functionExpression()
		}
	case "class":
		for p.at(p.pos).kind != end && !p.is("{") {
			p.pos++
		}
		p.pos = min(p.closing(p.pos)+1, len(p.tokens)-1)
		return &expr{line: t.line}
	}
	p.pos++
	return &expr{form: name, str: t.val, line: t.line}
}

// arrow reads an arrow function, if one begins here.
func (p *parser) arrow() *expr {
	i := p.pos
	if p.at(i).kind == word && p.at(i).val == "async" && !p.at(i+1).newline {
		i++
	}
	switch t := p.at(i); {
	case t.kind == punct && t.val == "(":
		i = p.closing(i) + 1
		if p.at(i).kind == punct && p.at(i).val == ":" { // the type of the result
			i = p.typeEnd(i + 1)
		}
	case t.kind == word && !strings.Contains(" function class new await ", " "+t.val+" "):
		i++
	default:
		return nil
	}
	if p.at(i).kind != punct || p.at(i).val != "=>" {
		return nil
	}
	line := p.at(p.pos).line
	p.pos = i + 1
	if p.is("{") {
		return p.block(line)
	}
	return &expr{form: function, kids: []*expr{p.expression()}, line: line}
}

// functionExpression reads a function from its keyword, or from its name or parameters on.
func (p *parser) functionExpression() *expr {
	line := p.at(p.pos).line
	for p.at(p.pos).kind != end && !p.is("(") {
		p.pos++
	}
	p.pos = p.closing(p.pos) + 1
	if p.take(":") {
		p.pos = p.typeEnd(p.pos)
	}
	if !p.is("{") {
		return &expr{line: line}
	}
	return p.block(line)
}

func (p *parser) block(line int) *expr {
	from := p.pos + 1
	to := p.closing(p.pos)
	p.pos = min(to+1, len(p.tokens)-1)
	return &expr{form: function, from: from, to: to, line: line}
}
