package template

import "go.yaml.in/yaml/v3"

// condition returns whether a named condition holds.
func (r *resolver) condition(name string, n *yaml.Node, path string) (bool, error) {
	if known, started := r.conditions[name]; started {
		if known == nil {
			return false, errorAt(n, path, "condition %s depends on itself", name)
		}
		return *known, nil
	}
	node := lookup(r.doc.conditions, name)
	if node == nil {
		return false, errorAt(n, path, "there is no condition %s", name)
	}
	r.conditions[name] = nil
	holds, err := r.holds(node, join("Conditions", name))
	if err != nil {
		return false, err
	}
	r.conditions[name] = &holds
	return holds, nil
}

// holds works the body of a condition out.
func (r *resolver) holds(n *yaml.Node, path string) (bool, error) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "Condition" {
		return r.condition(n.Content[1].Value, n, path)
	}
	c, err := asCall(n, path)
	if err != nil {
		return false, err
	}
	if c == nil {
		return false, errorAt(n, path, "a condition is a function")
	}
	switch {
	case c.name == "Condition" && len(c.args) == 1:
		return r.condition(c.args[0].Value, n, path)
	case c.name == "Fn::Equals" && len(c.args) == 2:
		return r.equal(c, path)
	case c.name == "Fn::Not" && len(c.args) == 1 && c.listed:
		holds, err := r.holds(c.args[0], path)
		return !holds, err
	case (c.name == "Fn::And" || c.name == "Fn::Or") && len(c.args) >= 2 && len(c.args) <= 10:
		return r.all(c, path)
	}
	return false, errorAt(n, path, "%s with %d arguments is not a condition", c.name, len(c.args))
}

// all works out And and Or. Each part is, so that a mistake in one is found whatever the others say.
func (r *resolver) all(c *call, path string) (bool, error) {
	every, some := true, false
	for i, arg := range c.args {
		holds, err := r.holds(arg, index(path, i))
		if err != nil {
			return false, err
		}
		every, some = every && holds, some || holds
	}
	if c.name == "Fn::And" {
		return every, nil
	}
	return some, nil
}

func (r *resolver) equal(c *call, path string) (bool, error) {
	var sides [2]string
	for i, arg := range c.args {
		v, err := r.resolve(arg, path)
		if err != nil {
			return false, err
		}
		if !v.scalar() || v.resource != "" {
			return false, v.errorf("Fn::Equals compares text and parameters")
		}
		sides[i] = v.text
	}
	return sides[0] == sides[1], nil
}

// exists tells whether a resource's condition holds.
func (r *resolver) exists(name string) (bool, error) {
	resource := entries(lookup(r.doc.resources, name))
	cond := lookup(resource, "Condition")
	if cond == nil {
		return true, nil
	}
	return r.condition(cond.Value, cond, join("Resources", name))
}
