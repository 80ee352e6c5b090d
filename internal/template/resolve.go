package template

import "slices"

// Stack is what CloudFormation would make of a template.
type Stack struct {
	// Resources are those whose conditions hold, in the template's order.
	Resources []Resource
	// Outputs are the values of the outputs whose conditions hold.
	Outputs map[string]string
}

// Resource is one resource of a Stack.
type Resource struct {
	Name, Type string
	// Properties have all functions worked out: text, []any and map[string]any. Numbers and booleans are text.
	Properties map[string]any
	// Uses are the resources that this one refers to or is said to depend on.
	Uses []string
}

// Resolve works a template out: conditions, references and functions. named returns what stands for a resource in text:
// its physical id (an empty attribute) or an attribute of it. The pseudo parameters (AWS::Region) are among params.
// What Compile refuses is an error here too, but for properties, which are not checked.
func Resolve(templateYAML []byte, params Parameters, named func(name, typ, attribute string) string) (Stack, error) {
	doc, err := parse(templateYAML)
	if err != nil {
		return Stack{}, err
	}
	r, err := newResolver(doc, params)
	if err != nil {
		return Stack{}, err
	}
	if err := r.check(); err != nil {
		return Stack{}, err
	}
	s := Stack{Outputs: map[string]string{}}
	for _, e := range doc.resources {
		exists, err := r.exists(e.name)
		if err != nil {
			return Stack{}, err
		}
		if !exists {
			continue
		}
		resource, err := r.resource(e, named)
		if err != nil {
			return Stack{}, err
		}
		s.Resources = append(s.Resources, resource)
	}
	r.named = named
	return s, r.outputs(s.Outputs)
}

func (r *resolver) resource(e entry, named func(name, typ, attribute string) string) (Resource, error) {
	resource := Resource{Name: e.name, Type: r.types[e.name], Properties: map[string]any{}}
	r.named = func(name, typ, attribute string) string {
		if name != e.name && !slices.Contains(resource.Uses, name) {
			resource.Uses = append(resource.Uses, name)
		}
		return named(name, typ, attribute)
	}
	if node := lookup(entries(e.value), "DependsOn"); node != nil {
		for _, n := range append(slices.Clone(node.Content), node) {
			if n.Value != "" && !slices.Contains(resource.Uses, n.Value) {
				resource.Uses = append(resource.Uses, n.Value)
			}
		}
	}
	if node := lookup(entries(e.value), "Properties"); node != nil {
		v, err := r.resolve(node, join(join("Resources", e.name), "Properties"))
		if err != nil {
			return resource, err
		}
		resource.Properties, _ = v.plain().(map[string]any)
	}
	return resource, nil
}

func (r *resolver) outputs(out map[string]string) error {
	for _, e := range r.doc.outputs {
		path := join("Outputs", e.name)
		if cond := lookup(entries(e.value), "Condition"); cond != nil {
			holds, err := r.condition(cond.Value, cond, path)
			if err != nil {
				return err
			}
			if !holds {
				continue
			}
		}
		node := lookup(entries(e.value), "Value")
		if node == nil {
			return errorAt(e.key, path, "Value is missing")
		}
		v, err := r.resolve(node, join(path, "Value"))
		if err != nil {
			return err
		}
		out[e.name] = v.text
	}
	return nil
}

// plain is a value as text, list and mapping.
func (v *value) plain() any {
	switch {
	case v.fields != nil:
		m := map[string]any{}
		for name, field := range v.fields {
			if !field.none {
				m[name] = field.plain()
			}
		}
		return m
	case v.list != nil:
		list := make([]any, len(v.list))
		for i, item := range v.list {
			list[i] = item.plain()
		}
		return list
	}
	return v.text
}
