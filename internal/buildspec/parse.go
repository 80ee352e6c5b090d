package buildspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Parse reads a build file strictly. Its error is a fault.Usage that lists every problem as file:line:column, what was
// found, and what was expected.
func Parse(file string, data []byte) (*Spec, error) {
	d := &decoder{file: file}
	spec := &Spec{File: file, Shell: "sh", upstream: Upstream(data)}
	if root := d.document(data); root != nil {
		d.spec(root, spec)
	}
	if len(d.problems) > 0 {
		return nil, fault.New(fault.Usage, d.hint(), "%s", strings.Join(d.problems, "\n"))
	}
	return spec, nil
}

// maxProblems bounds how much of a badly broken file is reported at once.
const maxProblems = 10

// decoder walks the YAML nodes of one file and collects problems.
type decoder struct {
	file     string
	problems []string
}

// problem adds one problem at the node's position.
func (d *decoder) problem(n *yaml.Node, format string, args ...any) {
	if len(d.problems) < maxProblems {
		at := fmt.Sprintf("%s:%d:%d: ", d.file, max(n.Line, 1), max(n.Column, 1))
		d.problems = append(d.problems, at+fmt.Sprintf(format, args...))
	}
}

func (d *decoder) hint() string {
	return "correct " + d.file + "; the format is CodeBuild's buildspec 0.2: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html"
}

// yamlLine finds the line in a message of the YAML package.
var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s*)?line (\d+): `)

// document parses the YAML and returns the top-level node, or nil after adding a problem.
func (d *decoder) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		d.problem(&yaml.Node{}, "the file is empty, expected a buildspec that starts with \"version: 0.2\"")
		return nil
	case err != nil:
		at := &yaml.Node{Line: 1}
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			text = strings.TrimPrefix(err.Error(), m[0])
		}
		d.problem(at, "not valid YAML: %s", text)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		d.problem(&second, "a second YAML document, expected one")
		return nil
	}
	if len(doc.Content) == 0 {
		d.problem(&doc, "the file is empty, expected a buildspec that starts with \"version: 0.2\"")
		return nil
	}
	return doc.Content[0]
}

// field is one key of a mapping and what reads its value.
type field struct {
	name string
	read func(key, value *yaml.Node)
}

// mapping reads a mapping that may have only the given keys.
func (d *decoder) mapping(n *yaml.Node, what string, fields []field) {
	d.entries(n, what, func(key, value *yaml.Node) {
		names := make([]string, len(fields))
		for i, f := range fields {
			if f.name == key.Value {
				f.read(key, value)
				return
			}
			names[i] = f.name
		}
		if near := fault.Nearest(key.Value, names); near != "" {
			d.problem(key, "unknown key %q in %s, did you mean %q?", key.Value, what, near)
			return
		}
		d.problem(key, "unknown key %q in %s, expected one of %s", key.Value, what, strings.Join(names, ", "))
	})
}

// entries calls fn for each entry of a mapping, anchors and merge keys resolved.
func (d *decoder) entries(n *yaml.Node, what string, fn func(key, value *yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		d.problem(n, "%s is %s, expected a mapping of keys and values", what, kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Tag == "!!merge":
			d.problem(key, "the merge key << is not supported, write the keys out")
		case key.Kind != yaml.ScalarNode:
			d.problem(key, "a key of %s is %s, expected text", what, kind(key))
		case seen[key.Value] > 0:
			d.problem(key, "the key %q stands in %s twice, first on line %d", key.Value, what, seen[key.Value])
		default:
			seen[key.Value] = max(key.Line, 1)
			fn(key, resolve(value))
		}
	}
}

// sequence calls fn for each item of a sequence.
func (d *decoder) sequence(n *yaml.Node, what, example string, fn func(item *yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "%s is %s, expected a list such as \"%s\"", what, kind(n), example)
		return
	}
	for _, item := range n.Content {
		fn(resolve(item))
	}
}

// text reads a scalar as it is written; null is not text.
func (d *decoder) text(n *yaml.Node, what string) (string, bool) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.problem(n, "%s is %s, expected text", what, kind(n))
		return "", false
	}
	return n.Value, true
}

// yesNo reads CodeBuild's yes | no, or true | false.
func (d *decoder) yesNo(n *yaml.Node, what string) bool {
	switch strings.ToLower(resolve(n).Value) {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	}
	d.problem(n, "%s is %s, expected yes or no", what, kind(n))
	return false
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// kind says what a node is, in words.
func kind(n *yaml.Node) string {
	switch n = resolve(n); {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	case len(n.Value) > 40:
		return "a text"
	}
	return strconv.Quote(n.Value)
}
