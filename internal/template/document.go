package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// maxDepth bounds how deep a template nests; hosting.yaml needs 16.
const maxDepth = 64

// entry is one key of a mapping.
type entry struct {
	name       string
	key, value *yaml.Node
}

// document is a template as it is written: its sections, unresolved.
type document struct {
	parameters, rules, mappings, conditions, resources, outputs []entry
}

// sections of a template, and whether Compile understands them (CloudFormation User Guide, "Template sections").
var sections = map[string]bool{
	"AWSTemplateFormatVersion": true, "Description": true, "Metadata": true, "Parameters": true, "Rules": true,
	"Mappings": true, "Conditions": true, "Resources": true, "Outputs": true, "Transform": false, "Hooks": false,
}

// parse reads a template. It refuses what CloudFormation does not take (anchors and aliases, which also keeps a small
// file from standing for a huge one, duplicate keys, tags of other languages) and what is too large or too deep.
func parse(data []byte) (*document, error) {
	if len(data) > maxTemplateBytes {
		return nil, fault.New(fault.Usage, "", "template: %d bytes, and CloudFormation takes %d", len(data), maxTemplateBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var file yaml.Node
	if err := dec.Decode(&file); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fault.New(fault.Usage, "", "template: empty")
		}
		return nil, fault.New(fault.Usage, "", "template: %w", err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Usage, "", "template: more than one YAML document")
	}
	root := file.Content[0] // a decoded document has exactly one node
	if err := wellFormed(root, "", 0); err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, errorAt(root, "", "a template is a mapping of sections")
	}
	return split(root)
}

func split(root *yaml.Node) (*document, error) {
	doc := &document{}
	for _, e := range entries(root) {
		known, listed := sections[e.name]
		switch {
		case !listed:
			return nil, errorAt(e.key, e.name, "not a section of a template")
		case !known:
			return nil, errorAt(e.key, e.name, "this section is not modelled")
		case e.name == "AWSTemplateFormatVersion" || e.name == "Description" || e.name == "Metadata":
			continue
		case e.value.Kind != yaml.MappingNode:
			return nil, errorAt(e.value, e.name, "must be a mapping")
		}
		*map[string]*[]entry{
			"Parameters": &doc.parameters, "Rules": &doc.rules, "Mappings": &doc.mappings,
			"Conditions": &doc.conditions, "Resources": &doc.resources, "Outputs": &doc.outputs,
		}[e.name] = entries(e.value)
	}
	for _, e := range slices.Concat(doc.parameters, doc.rules, doc.mappings, doc.resources, doc.outputs) {
		if e.value.Kind != yaml.MappingNode {
			return nil, errorAt(e.value, e.name, "must be a mapping")
		}
	}
	return doc, nil
}

// wellFormed checks what YAML allows and CloudFormation does not.
func wellFormed(n *yaml.Node, path string, depth int) error {
	if depth > maxDepth {
		return errorAt(n, path, "nested more than %d deep", maxDepth)
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return errorAt(n, path, "CloudFormation takes no anchors and aliases")
	}
	if err := knownTag(n, path); err != nil {
		return err
	}
	if n.Tag == "!!null" {
		return errorAt(n, path, "there is no value")
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if err := wellFormed(item, index(path, i), depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		seen := make(map[string]bool, len(n.Content)/2)
		for _, e := range entries(n) {
			if e.key.Kind != yaml.ScalarNode || e.key.Tag == "!!merge" || !strings.HasPrefix(e.key.Tag, "!!") {
				return errorAt(e.key, path, "a key must be plain text")
			}
			if seen[e.name] {
				return errorAt(e.key, join(path, e.name), "this key occurs twice")
			}
			seen[e.name] = true
			if err := wellFormed(e.value, join(path, e.name), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func knownTag(n *yaml.Node, path string) error {
	switch n.Tag {
	case "", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map", "!!merge", "!!timestamp":
		return nil
	}
	if name := strings.TrimPrefix(n.Tag, "!"); functions[longName(name)] {
		return nil
	}
	return errorAt(n, path, "%s is not modelled", n.Tag)
}

func entries(n *yaml.Node) []entry {
	list := make([]entry, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		list = append(list, entry{n.Content[i].Value, n.Content[i], n.Content[i+1]})
	}
	return list
}

// lookup returns the value of a key, or nil.
func lookup(list []entry, name string) *yaml.Node {
	for _, e := range list {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// errorAt is an error about one place of a template.
func errorAt(n *yaml.Node, path, format string, args ...any) error {
	where := fmt.Sprintf("template:%d:%d", n.Line, n.Column)
	if path != "" {
		where += ": " + path
	}
	return fault.New(fault.Usage, "", "%s: "+format, append([]any{where}, args...)...)
}
