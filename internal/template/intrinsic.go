package template

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// functions are the intrinsic functions that are modelled, by their long names.
var functions = map[string]bool{
	"Ref": true, "Condition": true, "Fn::GetAtt": true, "Fn::Sub": true, "Fn::If": true, "Fn::Equals": true,
	"Fn::Not": true, "Fn::And": true, "Fn::Or": true, "Fn::FindInMap": true, "Fn::Join": true, "Fn::Select": true,
	"Fn::Split": true,
}

// longName is the long form of a function's tag: "Sub" is "Fn::Sub", and Ref and Condition are themselves.
func longName(tag string) string {
	if tag == "Ref" || tag == "Condition" {
		return tag
	}
	return "Fn::" + tag
}

// call is an intrinsic function and its arguments.
type call struct {
	name string
	// args are the elements of a list, or the one argument.
	args []*yaml.Node
	// listed says that args came as a list.
	listed bool
}

// asCall tells whether a node is an intrinsic function, in the short form (a tag) or the long one (a mapping with one
// key). {Condition: …} is one in a condition only; elsewhere it is a property.
func asCall(n *yaml.Node, path string) (*call, error) {
	var name string
	arg := n
	switch {
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		name = longName(n.Tag[1:])
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 &&
		(n.Content[0].Value == "Ref" || strings.HasPrefix(n.Content[0].Value, "Fn::")):
		name, arg = n.Content[0].Value, n.Content[1]
		if strings.HasPrefix(arg.Tag, "!") && !strings.HasPrefix(arg.Tag, "!!") {
			return &call{name, []*yaml.Node{arg}, false}, checkFunction(n, path, name)
		}
	default:
		return nil, nil
	}
	if err := checkFunction(n, path, name); err != nil {
		return nil, err
	}
	switch arg.Kind {
	case yaml.SequenceNode:
		return &call{name, arg.Content, true}, nil
	case yaml.ScalarNode:
		return &call{name, []*yaml.Node{arg}, false}, nil
	}
	return nil, errorAt(n, path, "%s takes text or a list", name)
}

func checkFunction(n *yaml.Node, path, name string) error {
	if !functions[name] {
		return errorAt(n, path, "%s is not modelled", name)
	}
	return nil
}

// resolver gives templates' nodes their values.
type resolver struct {
	doc        *document
	parameters map[string]string
	types      map[string]string // of the resources, by logical id
	conditions map[string]*bool  // nil while being worked out
	// named gives the text that stands for a resource; nil for that of the local edge.
	named func(name, typ, attribute string) string
	// spent counts the values and bytes that were made, against a template that multiplies a long text.
	spent int
}

// maxSpent is a thousand times what hosting.yaml needs.
const maxSpent = 8 << 20

func (r *resolver) spend(units int, n *yaml.Node, path string) error {
	if r.spent += units; r.spent > maxSpent {
		return errorAt(n, path, "the template resolves to more than %d bytes", maxSpent)
	}
	return nil
}

// resolve returns the value of a node, with all functions in it worked out.
func (r *resolver) resolve(n *yaml.Node, path string) (*value, error) {
	c, err := asCall(n, path)
	if err != nil {
		return nil, err
	}
	if err := r.spend(1+len(n.Value), n, path); err != nil {
		return nil, err
	}
	if c != nil {
		return r.apply(c, n, path)
	}
	v := &value{node: n, path: path, text: n.Value}
	switch n.Kind {
	case yaml.SequenceNode:
		v.list, err = r.resolveAll(n.Content, path)
	case yaml.MappingNode:
		v.keys = entries(n)
		v.fields = make(map[string]*value, len(v.keys))
		for _, e := range v.keys {
			if v.fields[e.name], err = r.resolve(e.value, join(path, e.name)); err != nil {
				return nil, err
			}
		}
	}
	return v, err
}

// resolveAll resolves the elements of a list, and leaves out those without a value. The list is never nil.
func (r *resolver) resolveAll(nodes []*yaml.Node, path string) ([]*value, error) {
	list := make([]*value, 0, len(nodes))
	for i, n := range nodes {
		v, err := r.resolve(n, index(path, i))
		if err != nil {
			return nil, err
		}
		if !v.none {
			list = append(list, v)
		}
	}
	return list, nil
}

// apply works a function out.
func (r *resolver) apply(c *call, n *yaml.Node, path string) (*value, error) {
	switch c.name {
	case "Ref":
		return r.ref(c, n, path)
	case "Fn::GetAtt":
		return r.getAtt(c, n, path)
	case "Fn::Sub":
		return r.sub(c, n, path)
	case "Fn::If":
		if len(c.args) != 3 || !c.listed {
			return nil, errorAt(n, path, "Fn::If takes a condition and two values")
		}
		yes, err := r.condition(c.args[0].Value, c.args[0], path)
		if err != nil {
			return nil, err
		}
		if yes {
			return r.resolve(c.args[1], path)
		}
		return r.resolve(c.args[2], path)
	case "Fn::Join":
		return r.joined(c, n, path)
	case "Fn::Split":
		return r.split(c, n, path)
	case "Fn::Select":
		return r.selected(c, n, path)
	case "Fn::FindInMap":
		return r.findInMap(c, n, path)
	}
	return nil, errorAt(n, path, "%s belongs into a condition", c.name)
}

func (r *resolver) ref(c *call, n *yaml.Node, path string) (*value, error) {
	if len(c.args) != 1 || c.listed {
		return nil, errorAt(n, path, "Ref takes one name")
	}
	return r.reference(c.args[0].Value, n, path)
}

// reference is what Ref gives for a name.
func (r *resolver) reference(name string, n *yaml.Node, path string) (*value, error) {
	if name == "AWS::NoValue" {
		return &value{node: n, path: path, none: true}, nil
	}
	if text, ok := r.parameters[name]; ok {
		return &value{node: n, path: path, text: text}, nil
	}
	if _, ok := r.types[name]; ok {
		return r.attribute(name, "", n, path)
	}
	return nil, errorAt(n, path, "%s is neither a parameter nor a resource", name)
}

func (r *resolver) getAtt(c *call, n *yaml.Node, path string) (*value, error) {
	var parts []string
	for _, arg := range c.args {
		parts = append(parts, arg.Value)
	}
	name, attribute, ok := strings.Cut(strings.Join(parts, "."), ".")
	if !ok {
		return nil, errorAt(n, path, "Fn::GetAtt takes a resource and an attribute")
	}
	return r.attribute(name, attribute, n, path)
}

// attribute is what Ref (with an empty attribute) or GetAtt gives for a resource.
func (r *resolver) attribute(name, attribute string, n *yaml.Node, path string) (*value, error) {
	typ, ok := r.types[name]
	if !ok {
		return nil, errorAt(n, path, "there is no resource %s", name)
	}
	if attribute != "" && !resourceTypes[typ].has(attribute) {
		return nil, errorAt(n, path, "%s has no attribute %s", typ, attribute)
	}
	exists, err := r.exists(name)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, errorAt(n, path, "%s does not exist under these parameters", name)
	}
	return &value{
		node: n, path: path, resource: name, attribute: attribute, text: r.attributeText(name, typ, attribute),
	}, nil
}

// placeholder is a reference in the text of Fn::Sub; ${!Name} stands for ${Name} itself.
var placeholder = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (r *resolver) sub(c *call, n *yaml.Node, path string) (*value, error) {
	local := map[string]*value{}
	switch {
	case c.listed && len(c.args) == 2 && c.args[1].Kind == yaml.MappingNode:
		for _, e := range entries(c.args[1]) {
			v, err := r.resolve(e.value, join(path, e.name))
			if err != nil {
				return nil, err
			}
			local[e.name] = v
		}
	case c.listed || c.args[0].Kind != yaml.ScalarNode:
		return nil, errorAt(n, path, "Fn::Sub takes text, or text and a mapping")
	}
	var failed error
	text := placeholder.ReplaceAllStringFunc(c.args[0].Value, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		if m[1] == "!" {
			return "${" + m[2] + "}"
		}
		v, err := r.substitute(m[2], local, n, path)
		switch {
		case failed != nil:
		case err != nil:
			failed = err
		case !v.scalar():
			failed = errorAt(n, path, "${%s} is not text", m[2])
		default:
			if failed = r.spend(len(v.text), n, path); failed == nil {
				return v.text
			}
		}
		return ""
	})
	return &value{node: n, path: path, text: text}, failed
}

func (r *resolver) substitute(name string, local map[string]*value, n *yaml.Node, path string) (*value, error) {
	if v, ok := local[name]; ok {
		return v, nil
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return r.attribute(id, attribute, n, path)
	}
	return r.reference(name, n, path)
}

func (r *resolver) joined(c *call, n *yaml.Node, path string) (*value, error) {
	if len(c.args) != 2 || !c.listed {
		return nil, errorAt(n, path, "Fn::Join takes a separator and a list")
	}
	list, err := r.resolve(c.args[1], path)
	if err != nil {
		return nil, err
	}
	if list.list == nil {
		return nil, errorAt(n, path, "Fn::Join takes a separator and a list")
	}
	parts := make([]string, len(list.list))
	for i, v := range list.list {
		if !v.scalar() {
			return nil, v.errorf("Fn::Join takes text")
		}
		if err := r.spend(len(v.text)+len(c.args[0].Value), n, path); err != nil {
			return nil, err
		}
		parts[i] = v.text
	}
	return &value{node: n, path: path, text: strings.Join(parts, c.args[0].Value)}, nil
}

func (r *resolver) split(c *call, n *yaml.Node, path string) (*value, error) {
	if len(c.args) != 2 || !c.listed || c.args[0].Value == "" {
		return nil, errorAt(n, path, "Fn::Split takes a separator and text")
	}
	v, err := r.resolve(c.args[1], path)
	if err != nil {
		return nil, err
	}
	if !v.scalar() {
		return nil, v.errorf("Fn::Split takes text")
	}
	if err := r.spend(len(v.text), n, path); err != nil {
		return nil, err
	}
	out := &value{node: n, path: path, list: []*value{}}
	for i, part := range strings.Split(v.text, c.args[0].Value) {
		out.list = append(out.list, &value{node: n, path: index(path, i), text: part})
	}
	return out, nil
}

func (r *resolver) selected(c *call, n *yaml.Node, path string) (*value, error) {
	if len(c.args) != 2 || !c.listed {
		return nil, errorAt(n, path, "Fn::Select takes an index and a list")
	}
	at, err := r.resolve(c.args[0], path)
	if err != nil {
		return nil, err
	}
	list, err := r.resolve(c.args[1], path)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(at.text)
	if err != nil || i < 0 || i >= len(list.list) {
		return nil, errorAt(n, path, "Fn::Select: the list has no element %q", at.text)
	}
	return list.list[i], nil
}

func (r *resolver) findInMap(c *call, n *yaml.Node, path string) (*value, error) {
	if len(c.args) != 3 || !c.listed {
		return nil, errorAt(n, path, "Fn::FindInMap takes a map, a key and a second key")
	}
	at := r.doc.mappings
	var found *yaml.Node
	for _, arg := range c.args {
		name, err := r.resolve(arg, path)
		if err != nil {
			return nil, err
		}
		if found = lookup(at, name.text); found == nil {
			return nil, errorAt(n, path, "Fn::FindInMap finds no %q", name.text)
		}
		at = nil
		if found.Kind == yaml.MappingNode {
			at = entries(found)
		}
	}
	// A map holds plain values; a function in it would be CloudFormation's error.
	if c, err := asCall(found, path); c != nil || err != nil {
		return nil, errorAt(found, path, "a mapping holds plain values")
	}
	return r.resolve(found, path)
}
