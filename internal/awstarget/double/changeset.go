package double

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

func texts(list any, key, value string) map[string]string {
	out := map[string]string{}
	items, _ := list.([]any)
	for _, item := range items {
		m := item.(map[string]any)
		k, _ := m[key].(string)
		out[k], _ = m[value].(string)
	}
	return out
}

func (a *Account) createChangeSet(req *wire.Request) (map[string]any, *Fault) {
	name := req.Text("StackName")
	create := req.Text("ChangeSetType") == "CREATE"
	s := a.findStack(name)
	switch {
	case s == nil && !create:
		return nil, refuse("ValidationError", "Stack [%s] does not exist", name)
	case s != nil && create && s.status != "REVIEW_IN_PROGRESS":
		return nil, refuse("ValidationError", "Stack [%s] already exists and cannot be created again with the changeSet [%s].", name, req.Text("ChangeSetName"))
	case s != nil && !create && (strings.HasSuffix(s.status, "_IN_PROGRESS") || strings.Contains(s.status, "ROLLBACK_COMPLETE") && !strings.HasPrefix(s.status, "UPDATE") || strings.HasSuffix(s.status, "ROLLBACK_FAILED")):
		return nil, refuse("ValidationError", "Stack:%s is in %s state and can not be updated.", s.id, s.status)
	}
	if s != nil {
		if i := slices.IndexFunc(s.changeSets, func(c *changeSet) bool { return c.name == req.Text("ChangeSetName") }); i >= 0 {
			set := s.changeSets[i]
			if set.token != "" && set.token == req.Text("ClientToken") {
				return map[string]any{"Id": set.id, "StackId": s.id}, nil
			}
			return nil, refuse("AlreadyExistsException", "ChangeSet %s cannot be created due to a mismatch with existing attribute", set.name)
		}
	}
	set := &changeSet{
		token: req.Text("ClientToken"),
		id:    fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", Region, AccountID, req.Text("ChangeSetName"), a.id()),
		name:  req.Text("ChangeSetName"), template: []byte(req.Text("TemplateBody")), create: create,
		tags: texts(req.Input["Tags"], "Key", "Value"),
	}
	set.params = parameters(s, set.template, req.Input["Parameters"])
	if config, ok := req.Input["DeploymentConfig"].(map[string]any); ok {
		set.mode, _ = config["Mode"].(string)
	}
	if len(set.template) > template.MaxInlineBytes {
		return nil, refuse("ValidationError", "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200")
	}
	wanted, err := template.Resolve(set.template, a.withPseudo(name, set.params), a.named(name, set.params))
	if err != nil {
		return nil, refuse("ValidationError", "Template error: %v", err)
	}
	set.wanted = wanted
	if s == nil {
		s = a.newStack(name)
		s.status, s.tags = "REVIEW_IN_PROGRESS", set.tags
		a.event(s, nil, "REVIEW_IN_PROGRESS", "User Initiated")
	}
	set.stack, set.status, set.operation = s, "CREATE_COMPLETE", a.operate(s, "CREATE_CHANGESET")
	set.changes = a.compare(s, wanted)
	for _, c := range set.changes {
		if why := a.Objects[c.name]; why != "" {
			set.status = "FAILED"
			set.reason = "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information."
			a.object(s, set.operation, c.name, c.typ, why)
		}
	}
	if len(set.changes) == 0 && maps.Equal(s.tags, set.tags) && !create {
		set.status, set.reason = "FAILED", "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	s.changeSets = append(s.changeSets, set)
	return map[string]any{"Id": set.id, "StackId": s.id}, nil
}

func (a *Account) withPseudo(stackName string, params map[string]string) template.Parameters {
	all := template.Parameters(maps.Clone(params))
	all["AWS::Region"], all["AWS::AccountId"], all["AWS::StackName"] = Region, AccountID, stackName
	return all
}

// compare lists what makes a stack the wanted one, in an order in which it can be done.
func (a *Account) compare(s *stack, wanted template.Stack) []change {
	var changes []change
	for _, w := range inOrder(wanted.Resources) {
		r := s.resources[w.Name]
		switch {
		case r == nil:
			changes = append(changes, change{"Add", w.Name, w.Type, false})
		case asJSON(r.properties) != asJSON(w.Properties):
			changes = append(changes, change{"Modify", w.Name, w.Type, a.Replaces[w.Name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		if !slices.ContainsFunc(wanted.Resources, func(w template.Resource) bool { return w.Name == name }) {
			changes = append(changes, change{"Remove", name, s.resources[name].typ, false})
		}
	}
	return changes
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// inOrder puts resources after those that they use.
func inOrder(resources []template.Resource) []template.Resource {
	var ordered []template.Resource
	done := map[string]bool{}
	var visit func(r template.Resource)
	visit = func(r template.Resource) {
		if done[r.Name] {
			return
		}
		done[r.Name] = true
		for _, use := range r.Uses {
			for _, other := range resources {
				if other.Name == use {
					visit(other)
				}
			}
		}
		ordered = append(ordered, r)
	}
	for _, r := range resources {
		visit(r)
	}
	return ordered
}

// describe answers first that the change set is still being made, unless it is quick.
func (c *changeSet) describe(quick bool) map[string]any {
	c.looks++
	status := c.status
	out := map[string]any{"ChangeSetId": c.id, "ChangeSetName": c.name, "StackId": c.stack.id, "StackName": c.stack.name}
	if c.looks == 1 && !quick {
		status = "CREATE_IN_PROGRESS"
	}
	out["Status"] = status
	if status == "FAILED" {
		out["StatusReason"] = c.reason
	}
	var changes []any
	for _, ch := range c.changes {
		rc := map[string]any{"Action": ch.action, "LogicalResourceId": ch.name, "ResourceType": ch.typ, "Scope": []any{}, "Details": []any{}}
		if ch.action == "Modify" {
			rc["Replacement"] = map[bool]string{true: "True", false: "False"}[ch.replace]
			rc["Scope"] = []any{"Properties"}
			rc["Details"] = []any{map[string]any{"Target": map[string]any{"Attribute": "Properties", "Name": changedProperty(c, ch.name)}}}
		}
		changes = append(changes, map[string]any{"Type": "Resource", "ResourceChange": rc})
	}
	if status == "CREATE_COMPLETE" && changes != nil {
		out["Changes"] = changes
	}
	return out
}

func changedProperty(c *changeSet, name string) string {
	for _, w := range c.wanted.Resources {
		if w.Name != name {
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(w.Properties)) {
			if asJSON(w.Properties[p]) != asJSON(c.stack.resources[name].properties[p]) {
				return p
			}
		}
	}
	return "Properties"
}

// parameters are those of a stack: the template's defaults, and over them what the request gives or keeps.
func parameters(s *stack, text []byte, given any) map[string]string {
	params := defaults(text)
	maps.Copy(params, texts(given, "ParameterKey", "ParameterValue"))
	items, _ := given.([]any)
	for _, item := range items {
		if item := item.(map[string]any); item["UsePreviousValue"] == true && s != nil {
			name, _ := item["ParameterKey"].(string)
			params[name] = s.params[name]
		}
	}
	return params
}

// defaults are the parameters of a template, with their defaults.
func defaults(text []byte) map[string]string {
	var parsed struct {
		Parameters map[string]struct {
			Default yaml.Node `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	params := map[string]string{}
	if err := yaml.Unmarshal(text, &parsed); err != nil {
		return params // which is for whoever resolves it to refuse
	}
	for name, p := range parsed.Parameters {
		params[name] = p.Default.Value
	}
	return params
}
