package template

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What Differs answers with.
const (
	DiffersFunction      = "function"
	DiffersTemplate      = "template"
	DiffersConfiguration = "configuration"
)

// Differs compares a deployed template with what Render would make now, and names what is not the same: the function's
// code, anything else of the template, or the values of parameters (the configuration). Only what CloudFormation acts on
// counts: comments, descriptions, layout and the form in which functions are written do not. A deployed template that
// cannot be read differs.
func Differs(deployed []byte, in Input) []string {
	rendered, err := Render(in)
	if err != nil {
		return []string{DiffersTemplate}
	}
	now, err := parse(rendered)
	if err != nil {
		return []string{DiffersTemplate}
	}
	then, err := parse(deployed)
	if err != nil {
		return []string{DiffersTemplate}
	}
	var differs []string
	if plainCode(functionNode(then)) != plainCode(functionNode(now)) {
		differs = append(differs, DiffersFunction)
	}
	if essence(then) != essence(now) {
		differs = append(differs, DiffersTemplate)
	}
	if !maps.Equal(defaults(then), defaults(now)) {
		differs = append(differs, DiffersConfiguration)
	}
	return differs
}

// defaults are the parameters' defaults.
func defaults(doc *document) map[string]string {
	values := make(map[string]string, len(doc.parameters))
	for _, e := range doc.parameters {
		if n := lookup(entries(e.value), "Default"); n != nil {
			values[e.name] = n.Value
		}
	}
	return values
}

// essence is what CloudFormation acts on, but for the function's code and the parameters' defaults, in one form.
func essence(doc *document) string {
	var b strings.Builder
	code := functionNode(doc)
	section := func(name string, list []entry, without ...string) {
		b.WriteString(name + "{")
		for _, e := range sorted(list) {
			b.WriteString(e.name + ":{")
			if e.value.Kind != yaml.MappingNode {
				canonical(&b, e.value, code)
				continue
			}
			for _, part := range sorted(entries(e.value)) {
				if !slices.Contains(without, part.name) {
					b.WriteString(part.name + ":")
					canonical(&b, part.value, code)
				}
			}
			b.WriteString("}")
		}
		b.WriteString("}")
	}
	section("Parameters", doc.parameters, "Default", "Description", "ConstraintDescription")
	section("Rules", doc.rules)
	section("Mappings", doc.mappings)
	b.WriteString("Conditions{")
	for _, e := range sorted(doc.conditions) {
		b.WriteString(e.name + ":")
		canonical(&b, e.value, code)
	}
	b.WriteString("}")
	section("Resources", doc.resources, "Metadata")
	section("Outputs", doc.outputs, "Description")
	return b.String()
}

func sorted(list []entry) []entry {
	return slices.SortedFunc(slices.Values(list), func(a, b entry) int { return strings.Compare(a.name, b.name) })
}

// canonical writes a node so that equal meaning gives equal text: keys sorted, functions in the long form, scalars by
// their text, whatever their quotation.
func canonical(b *strings.Builder, n, skip *yaml.Node) {
	if n == skip {
		return
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		name := longName(n.Tag[1:])
		b.WriteString("{" + name + ":")
		bare := *n
		bare.Tag = ""
		if name == "Fn::GetAtt" && n.Kind == yaml.ScalarNode {
			id, attribute, _ := strings.Cut(n.Value, ".")
			bare = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Value: id}, {Kind: yaml.ScalarNode, Value: attribute},
			}}
		}
		canonical(b, &bare, skip)
		b.WriteString(",}")
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		b.WriteString("[")
		for _, item := range n.Content {
			canonical(b, item, skip)
			b.WriteString(",")
		}
		b.WriteString("]")
	case yaml.MappingNode:
		b.WriteString("{")
		for _, e := range sorted(entries(n)) {
			b.WriteString(e.name + ":")
			canonical(b, e.value, skip)
			b.WriteString(",")
		}
		b.WriteString("}")
	default:
		b.WriteString(quote("\x00" + n.Value))
	}
}
