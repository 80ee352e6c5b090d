package template

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// check reads every resource, condition and output, those included that mean nothing to the edge, and finds what
// CloudFormation would refuse: unknown types and functions, and names that nothing declares.
func (r *resolver) check() error {
	for _, e := range r.doc.conditions {
		if _, err := r.condition(e.name, e.value, join("Conditions", e.name)); err != nil {
			return err
		}
	}
	for _, e := range r.doc.resources {
		if err := r.checkResource(e); err != nil {
			return err
		}
	}
	for _, e := range r.doc.outputs {
		if err := r.checkOutput(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) checkResource(e entry) error {
	path := join("Resources", e.name)
	for _, attribute := range entries(e.value) {
		at := join(path, attribute.name)
		switch {
		case !slices.Contains(resourceAttributes, attribute.name):
			return errorAt(attribute.key, at, "not an attribute of a resource that is modelled")
		case attribute.name == "Condition":
			if lookup(r.doc.conditions, attribute.value.Value) == nil {
				return errorAt(attribute.value, at, "there is no condition %s", attribute.value.Value)
			}
		case attribute.name == "DependsOn":
			if err := r.checkDependsOn(attribute.value, at); err != nil {
				return err
			}
		case attribute.name == "Properties":
			if err := r.checkNode(attribute.value, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *resolver) checkDependsOn(n *yaml.Node, path string) error {
	names := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		names = n.Content
	}
	for _, name := range names {
		if _, ok := r.types[name.Value]; !ok {
			return errorAt(name, path, "there is no resource %s", name.Value)
		}
	}
	return nil
}

func (r *resolver) checkOutput(e entry) error {
	for _, part := range entries(e.value) {
		path := join(join("Outputs", e.name), part.name)
		if part.name == "Condition" {
			if lookup(r.doc.conditions, part.value.Value) == nil {
				return errorAt(part.value, path, "there is no condition %s", part.value.Value)
			}
			continue
		}
		if err := r.checkNode(part.value, path); err != nil {
			return err
		}
	}
	return nil
}

// checkNode checks the functions in a part of the template, in all branches, whatever the parameters are.
func (r *resolver) checkNode(n *yaml.Node, path string) error {
	c, err := asCall(n, path)
	if err != nil {
		return err
	}
	if c != nil {
		if err := r.checkCall(c, n, path); err != nil {
			return err
		}
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			err = r.checkNode(child, join(path, n.Content[i-1].Value))
		} else {
			err = r.checkNode(child, index(path, i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) checkCall(c *call, n *yaml.Node, path string) error {
	switch c.name {
	case "Ref":
		return r.checkName(c.args[0].Value, n, path)
	case "Fn::If":
		if len(c.args) == 0 || lookup(r.doc.conditions, c.args[0].Value) == nil {
			return errorAt(n, path, "Fn::If names no condition of the template")
		}
	case "Fn::GetAtt":
		var parts []string
		for _, arg := range c.args {
			parts = append(parts, arg.Value)
		}
		return r.checkName(strings.Join(parts, "."), n, path)
	case "Fn::Sub":
		if len(c.args) == 0 {
			return errorAt(n, path, "Fn::Sub takes text, or text and a mapping")
		}
		var local []entry
		if c.listed && len(c.args) == 2 && c.args[1].Kind == yaml.MappingNode {
			local = entries(c.args[1])
		}
		for _, m := range placeholder.FindAllStringSubmatch(c.args[0].Value, -1) {
			if m[1] == "!" || lookup(local, m[2]) != nil {
				continue
			}
			if err := r.checkName(m[2], n, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkName checks a name, or a name with an attribute, as Ref, GetAtt and Sub use them.
func (r *resolver) checkName(name string, n *yaml.Node, path string) error {
	if _, ok := r.parameters[name]; ok || name == "AWS::NoValue" {
		return nil
	}
	id, attribute, dotted := strings.Cut(name, ".")
	typ, ok := r.types[id]
	switch {
	case !ok:
		return errorAt(n, path, "%s is neither a parameter nor a resource", id)
	case dotted && !resourceTypes[typ].has(attribute):
		return errorAt(n, path, "%s has no attribute %s", typ, attribute)
	}
	return nil
}
