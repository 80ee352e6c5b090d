package jsconfig

import "strings"

type kind byte

const (
	end kind = iota
	punct
	word
	text     // a string, its value in val
	template // a template literal, its raw text in val
	number
	regex
)

type token struct {
	kind    kind
	val     string
	line    int
	newline bool // a line break comes before it
}

// operators of more than one character, the longest first.
var operators = []string{
	">>>=", "...", "===", "!==", "**=", "<<=", ">>=", "&&=", "||=", "??=",
	"=>", "==", "!=", "<=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**", "<<",
}

// lexer turns JavaScript or TypeScript into tokens. It never fails: what it does not know becomes punctuation.
type lexer struct {
	src    string
	pos    int
	line   int
	tokens []token
}

func lex(src string) []token {
	l := lexer{src: strings.TrimPrefix(src, "\ufeff"), line: 1}
	if strings.HasPrefix(l.src, "#!") {
		l.pos = len(l.src) - len(strings.TrimLeft(l.src, "#!"))
		l.lineComment()
	}
	for l.next() {
	}
	return append(l.tokens, token{kind: end, line: l.line, newline: true})
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// next reads one token and reports whether there was one.
func (l *lexer) next() bool {
	newline := l.space()
	if l.pos >= len(l.src) {
		return false
	}
	t := token{line: l.line, newline: newline || len(l.tokens) == 0}
	c := l.src[l.pos]
	switch {
	case c == '"' || c == '\'':
		t.kind, t.val = text, l.str(c)
	case c == '`':
		t.kind, t.val = template, l.tmpl()
	case isDigit(c) || c == '.' && isDigit(l.peek(1)):
		t.kind, t.val = number, l.while(func(c byte) bool { return isWord(c) || c == '.' })
	case isWord(c) || c == '#':
		l.pos++
		t.kind, t.val = word, string(c)+l.while(isWord)
	case c == '/' && l.regexAllowed():
		t.kind, t.val = regex, l.regexp()
	default:
		t.kind, t.val = punct, l.operator()
	}
	l.tokens = append(l.tokens, t)
	return true
}

// space skips blanks and comments, and reports whether a line break was among them.
func (l *lexer) space() (newline bool) {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n':
			newline = true
			l.line++
			l.pos++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			l.lineComment()
		case c == '/' && l.peek(1) == '*':
			length := strings.Index(l.src[l.pos+2:], "*/")
			if length < 0 {
				l.pos = len(l.src)
				return newline
			}
			lines := strings.Count(l.src[l.pos:l.pos+2+length], "\n")
			l.line += lines
			newline = newline || lines > 0
			l.pos += length + 4
		default:
			return newline
		}
	}
	return newline
}

func (l *lexer) lineComment() {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		l.pos += i
		return
	}
	l.pos = len(l.src)
}

func (l *lexer) while(in func(byte) bool) string {
	start := l.pos
	for l.pos < len(l.src) && in(l.src[l.pos]) {
		l.pos++
	}
	return l.src[start:l.pos]
}

// str reads a string; escapes other than the plain ones are left out of the value.
func (l *lexer) str(quote byte) string {
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; c {
		case quote:
			l.pos++
			return b.String()
		case '\n': // not closed: it ends with its line
			return b.String()
		case '\\':
			l.pos++
			switch e := l.peek(0); e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\n':
				l.line++
			case 'u', 'x', 'r', 'b', 'f', 'v', '0', 0:
			default:
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// tmpl reads a template literal with all its substitutions and returns what is between the backquotes.
func (l *lexer) tmpl() string {
	start := l.pos + 1
	depth := 0
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\':
			l.pos++
		case c == '\n':
			l.line++
		case c == '$' && l.peek(1) == '{':
			depth++
			l.pos++
		case c == '}' && depth > 0:
			depth--
		case c == '`' && depth == 0:
			l.pos++
			return l.src[start : l.pos-1]
		}
	}
	return l.src[min(start, len(l.src)):]
}

// regexAllowed reports whether a slash here begins a regular expression rather than a division.
func (l *lexer) regexAllowed() bool {
	if len(l.tokens) == 0 {
		return true
	}
	switch last := l.tokens[len(l.tokens)-1]; last.kind {
	case punct:
		return !strings.Contains(") ] } <", last.val) // "</" closes a tag
	case word:
		return last.val == "return" || last.val == "typeof" || last.val == "case"
	}
	return false
}

func (l *lexer) regexp() string {
	start, class := l.pos, false
	for l.pos++; l.pos < len(l.src) && l.src[l.pos] != '\n'; l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\':
			l.pos++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			l.pos++
			l.while(isWord)
			return l.src[start:l.pos]
		}
	}
	l.pos = min(l.pos, len(l.src))
	return l.src[start:l.pos]
}

func (l *lexer) operator() string {
	for _, op := range operators {
		if strings.HasPrefix(l.src[l.pos:], op) && (op != "?." || !isDigit(l.peek(2))) {
			l.pos += len(op)
			return op
		}
	}
	l.pos++
	return l.src[l.pos-1 : l.pos]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWord takes every byte of a character outside of ASCII for a letter.
func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}
