package template

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Render returns hosting.yaml as the template of one site: with its function's code, and its parameters as defaults, so
// that it deploys by hand without any. The same input gives the same bytes. Comments stay where CloudFormation takes the
// template with them, and those at its head always. Where the code has upstream's placeholder for the key-value store's id,
// CloudFormation puts the id in.
//
// It is an error (fault.Usage) if the code is longer than CloudFront takes or holds characters that YAML does not, if a
// parameter does not exist or does not take its value, or if the template gets longer than CloudFormation takes inline.
func Render(in Input) ([]byte, error) {
	code, err := functionCode(in.FunctionCode)
	if err != nil {
		return nil, err
	}
	whole, err := withBehaviours(hosting, in.Behaviours)
	if err != nil {
		return nil, err
	}
	out, err := splice(whole, in.Parameters, code)
	if err == nil && len(out) > MaxInlineBytes {
		out, err = splice(withoutComments(whole), in.Parameters, code)
	}
	if err != nil {
		return nil, err
	}
	if err := verify(out, code); err != nil {
		return nil, err
	}
	if len(out) > MaxInlineBytes {
		return nil, fault.New(fault.Usage, "shorten the function, or join behaviours of the configuration",
			"template: %d bytes, and CloudFormation takes %d", len(out), MaxInlineBytes)
	}
	return out, nil
}

// splice puts the parameters' values and the function's code into the text of a template.
func splice(template []byte, params Parameters, code string) ([]byte, error) {
	out, err := withDefaults(template, params)
	if err != nil {
		return nil, err
	}
	i := bytes.Index(out, []byte(emptyFunction))
	if i < 0 {
		return nil, fmt.Errorf("hosting.yaml: no line %q", emptyFunction)
	}
	indent := bytes.LastIndexByte(out[:i], '\n')
	block := "FunctionCode: " + codeValue(code, i-indent-1)
	return slices.Concat(out[:i], []byte(block), out[i+len(emptyFunction):]), nil
}

// withoutComments leaves out what only tells a reader something, after the template's first key: the lines that hold nothing
// but a comment, empty ones, and the descriptions of parameters and outputs. hosting.yaml has no block of text with such lines.
func withoutComments(template []byte) []byte {
	head := bytes.Index(template, []byte("\nAWSTemplateFormatVersion:")) + 1
	out := slices.Clone(template[:head])
	folded := false // within a description of several lines
	for line := range bytes.Lines(template[head:]) {
		if folded && bytes.HasPrefix(line, []byte("      ")) {
			continue
		}
		folded = false
		if bytes.HasPrefix(line, []byte("    Description: ")) {
			folded = bytes.HasSuffix(line, []byte(">-\n"))
			continue
		}
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			out = append(out, line...)
		}
	}
	return out
}

// emptyFunction is the line of hosting.yaml that the function's code replaces.
const emptyFunction = "FunctionCode: ''\n"

// functionCode returns the code with line feeds for line ends, and one at its end at most, once it is sure that CloudFront
// and YAML can hold it.
func functionCode(code string) (string, error) {
	code = strings.ReplaceAll(code, "\r\n", "\n")
	if body := strings.TrimRight(code, "\n"); len(body) < len(code) {
		code = body + "\n"
	}
	if strings.TrimSpace(code) == "" {
		return "", fault.New(fault.Usage, "", "function: there is no code")
	}
	// The id is a UUID.
	size := len(code) + strings.Count(code, KVSPlaceholder)*(36-len(KVSPlaceholder))
	if size > MaxFunctionBytes {
		return "", fault.New(fault.Usage, "remove comments, or minify the function",
			"function: %d bytes, and CloudFront takes %d", size, MaxFunctionBytes)
	}
	line, column := 1, 1
	for i, r := range code {
		if r == utf8.RuneError && !strings.HasPrefix(code[i:], "\uFFFD") {
			return "", fault.New(fault.Usage, "save the file as UTF-8", "function:%d:%d: not UTF-8", line, column)
		}
		if !holdable(r) {
			return "", fault.New(fault.Usage, fmt.Sprintf("write it as \\u%04x in a string, or remove it", r),
				"function:%d:%d: the character U+%04X cannot stand in a template", line, column, r)
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return code, nil
}

// holdable tells whether a character can stand in a YAML block and comes out as it went in: what YAML 1.1 calls printable,
// without what it takes for line ends other than the line feed.
func holdable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r >= 0x20 && r <= 0x7e:
		return true
	case r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return r >= 0xa0
}

// codeValue is the YAML for the code, under a key that is indented by so many spaces: a literal block. Where the code has
// placeholders, blocks joined around the store's id: Fn::Sub would read the "${" of the code's own template literals.
func codeValue(code string, indent int) string {
	parts := strings.Split(code, KVSPlaceholder)
	if len(parts) == 1 {
		return codeBlock(code, indent+2)
	}
	item := "\n" + strings.Repeat(" ", indent+4) + "- "
	var b strings.Builder
	b.WriteString("!Join\n" + strings.Repeat(" ", indent+2) + "- ''\n" + strings.Repeat(" ", indent+2) + "-")
	for i, part := range parts {
		if i > 0 {
			b.WriteString(item + "!GetAtt KeyValueStore.Id")
		}
		switch {
		case part == "":
		case strings.Trim(part, "\n") == "": // a block cannot hold line ends alone
			b.WriteString(item + strconv.Quote(part))
		default:
			b.WriteString(item + strings.TrimSuffix(codeBlock(part, indent+6), "\n"))
		}
	}
	return b.String() + "\n"
}

// codeBlock is text as a literal block whose lines are indented by so many spaces.
func codeBlock(text string, indent int) string {
	var b strings.Builder
	b.WriteString("|")
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") {
		b.WriteString("2") // said, since it cannot be seen from the first line
	}
	body := strings.TrimRight(text, "\n")
	switch len(text) - len(body) {
	case 0:
		b.WriteString("-")
	case 1:
	default:
		b.WriteString("+")
	}
	b.WriteString("\n")
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(line)
	}
	if len(text) == len(body) {
		b.WriteString("\n")
	}
	return b.String()
}

// withDefaults sets the defaults of parameters. Each parameter of hosting.yaml has its default on a line of its own.
func withDefaults(template []byte, params Parameters) ([]byte, error) {
	const header = "\nParameters:\n"
	start := bytes.Index(template, []byte(header)) + len(header)
	var out bytes.Buffer
	out.Grow(len(template) + 1024)
	out.Write(template[:start])
	left := len(params)
	current, inside := "", true
	for line := range bytes.Lines(template[start:]) {
		text := string(line)
		switch {
		case !inside:
		case text != "\n" && text[0] != ' ':
			inside = false
		case strings.HasPrefix(text, "  ") && text[2] != ' ':
			current = strings.TrimSuffix(strings.TrimSpace(text), ":")
		case strings.HasPrefix(text, "    Default:"):
			if value, ok := params[current]; ok {
				left--
				if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || !holdable(r) }) || !utf8.ValidString(value) {
					return nil, fault.New(fault.Usage, "", "parameter %s: %q is not one line of text", current, value)
				}
				text = "    Default: " + likeDefault(value, strings.TrimSpace(strings.TrimPrefix(text, "    Default:"))) + "\n"
			}
		}
		out.WriteString(text)
	}
	if left > 0 {
		return nil, unknownParameter(template, params)
	}
	return out.Bytes(), nil
}

func unknownParameter(template []byte, params Parameters) error {
	doc, err := parse(template)
	if err != nil {
		return err
	}
	for _, name := range params.Names() {
		if lookup(doc.parameters, name) == nil {
			return fault.New(fault.Usage, "", "template: there is no parameter %s", name)
		}
	}
	return fmt.Errorf("hosting.yaml: a parameter has no default of its own line")
}

// likeDefault is a value as YAML: a number where the default is one and the value too, text otherwise.
func likeDefault(value, was string) string {
	_, wasNumber := strconv.Atoi(was)
	if n, err := strconv.Atoi(value); err == nil && wasNumber == nil && strconv.Itoa(n) == value {
		return value
	}
	return quote(value)
}

// quote returns text as a YAML scalar.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// verify reads the rendered template back: the parameters take their values, and the function's code is what went in.
func verify(rendered []byte, code string) error {
	doc, err := parse(rendered)
	if err != nil {
		return err
	}
	if _, err := parameterValues(doc, nil); err != nil {
		return err
	}
	if plainCode(functionNode(doc)) != code {
		return fmt.Errorf("rendered template: the function's code is not what went in")
	}
	return nil
}

// plainCode is a function's code as it went into Render, or "" if it is of another make.
func plainCode(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	c, err := asCall(n, "")
	switch {
	case err != nil:
		return ""
	case c == nil:
		return n.Value
	case c.name != "Fn::Join" || len(c.args) != 2:
		return ""
	}
	var b strings.Builder
	for _, part := range c.args[1].Content {
		inner, err := asCall(part, "")
		switch {
		case err != nil:
			return ""
		case inner != nil:
			b.WriteString(KVSPlaceholder)
		default:
			b.WriteString(part.Value)
		}
	}
	return b.String()
}

// functionNode returns the code of the first function of a template, or nil.
func functionNode(doc *document) *yaml.Node {
	for _, e := range doc.resources {
		resource := entries(e.value)
		if typ := lookup(resource, "Type"); typ == nil || typ.Value != "AWS::CloudFront::Function" {
			continue
		}
		if properties := lookup(resource, "Properties"); properties != nil {
			return lookup(entries(properties), "FunctionCode")
		}
	}
	return nil
}
