package double

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// stack is one stack, also after its deletion.
type stack struct {
	id, name, status, reason string
	description              string
	template                 []byte
	params, tags, outputs    map[string]string
	resources                map[string]*resource
	events                   []map[string]any // oldest first
	changeSets               []*changeSet
	created                  time.Time
	steps                    []func()
	edge                     *edge.Edge
	spread                   int
	mode                     string
}

// resource is a resource that exists.
type resource struct {
	name, typ, physical string
	properties          map[string]any
	uses                []string
}

type changeSet struct {
	id, name, status, reason string
	stack                    *stack
	template                 []byte
	params, tags             map[string]string
	wanted                   template.Stack
	changes                  []change
	create                   bool
	looks                    int
	mode                     string
}

type change struct {
	action, name, typ string
	replace           bool
}

func (a *Account) cloudFormation(name string, req *wire.Request) (map[string]any, *Fault) {
	switch name {
	case "CreateChangeSet":
		return a.createChangeSet(req)
	case "DescribeStacks":
		s := a.findStack(req.Text("StackName"))
		if s == nil {
			return nil, refuse("ValidationError", "Stack with id %s does not exist", req.Text("StackName"))
		}
		a.advance(s)
		return map[string]any{"Stacks": []any{s.describe()}}, nil
	case "GetTemplate":
		s := a.findStack(req.Text("StackName"))
		if s == nil {
			return nil, refuse("ValidationError", "Stack with id %s does not exist", req.Text("StackName"))
		}
		return map[string]any{"TemplateBody": string(s.template)}, nil
	case "DescribeStackEvents":
		return a.describeEvents(req)
	case "DeleteStack":
		if s := a.findStack(req.Text("StackName")); s != nil {
			a.deleteStack(s)
		}
		return nil, nil
	case "ContinueUpdateRollback":
		s := a.findStack(req.Text("StackName"))
		a.begin(s, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
		a.rollBack(s)
		return nil, nil
	}
	set := a.findChangeSet(req.Text("ChangeSetName"))
	if set == nil {
		return nil, refuse("ChangeSetNotFound", "ChangeSet [%s] does not exist", req.Text("ChangeSetName"))
	}
	switch name {
	case "DescribeChangeSet":
		return set.describe(), nil
	case "DeleteChangeSet":
		set.stack.changeSets = slices.DeleteFunc(set.stack.changeSets, func(c *changeSet) bool { return c == set })
		return nil, nil
	default:
		return nil, a.execute(set)
	}
}

// findStack finds a stack by name, if it is not deleted, or by id.
func (a *Account) findStack(nameOrID string) *stack {
	for _, s := range a.stacks {
		if s.id == nameOrID || s.name == nameOrID && s.status != "DELETE_COMPLETE" {
			return s
		}
	}
	return nil
}

func (a *Account) findChangeSet(id string) *changeSet {
	for _, s := range a.stacks {
		for _, c := range s.changeSets {
			if c.id == id {
				return c
			}
		}
	}
	return nil
}

// AddStack puts a stack that somebody else made, or left in some status, into the account.
func (a *Account) AddStack(name, status string, tags map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.newStack(name)
	s.tags, s.status = tags, status
	a.event(s, nil, status, "")
}

// SetStatus changes the status of a stack from outside.
func (a *Account) SetStatus(name, status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.findStack(name)
	s.status = status
	a.event(s, nil, status, "")
}

// Status returns the status of a stack, by name; "" if there is none.
func (a *Account) Status(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.findStack(name); s != nil {
		return s.status
	}
	return ""
}

// Force makes the next change sets change a resource, whatever the template says.
func (a *Account) Force(resource string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.stacks {
		if r := s.resources[resource]; r != nil {
			r.properties = map[string]any{"Forced": "yes"}
		}
	}
}

// Mode is the deployment mode of the last operation of a stack.
func (a *Account) Mode(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.findStack(name).mode
}

func (a *Account) newStack(name string) *stack {
	s := &stack{
		id:     fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", Region, AccountID, name, a.id()),
		name:   name,
		params: map[string]string{}, tags: map[string]string{}, outputs: map[string]string{}, resources: map[string]*resource{},
		created: a.tick(), spread: a.Spread,
	}
	a.stacks = append(a.stacks, s)
	return s
}

func (s *stack) describe() map[string]any {
	out := map[string]any{"StackId": s.id, "StackName": s.name, "StackStatus": s.status, "CreationTime": s.created}
	if s.reason != "" {
		out["StackStatusReason"] = s.reason
	}
	if s.description != "" {
		out["Description"] = s.description
	}
	list := func(m map[string]string, key, value string) []any {
		var items []any
		for _, k := range slices.Sorted(maps.Keys(m)) {
			items = append(items, map[string]any{key: k, value: m[k]})
		}
		return items
	}
	if len(s.params) > 0 {
		out["Parameters"] = list(s.params, "ParameterKey", "ParameterValue")
	}
	if len(s.outputs) > 0 {
		out["Outputs"] = list(s.outputs, "OutputKey", "OutputValue")
	}
	if len(s.tags) > 0 {
		out["Tags"] = list(s.tags, "Key", "Value")
	}
	return out
}

// event adds an event about a resource, or about the stack itself.
func (a *Account) event(s *stack, r *resource, status, reason string) {
	e := map[string]any{
		"EventId": a.id(), "StackId": s.id, "StackName": s.name, "Timestamp": a.tick(), "ResourceStatus": status,
		"LogicalResourceId": s.name, "PhysicalResourceId": s.id, "ResourceType": "AWS::CloudFormation::Stack",
	}
	if r != nil {
		e["LogicalResourceId"], e["PhysicalResourceId"], e["ResourceType"] = r.name, r.physical, r.typ
	}
	if reason != "" {
		e["ResourceStatusReason"] = reason
	}
	s.events = append(s.events, e)
}

// eventPage is how many events a page has: few, so that paging is tried.
const eventPage = 10

func (a *Account) describeEvents(req *wire.Request) (map[string]any, *Fault) {
	s := a.findStack(req.Text("StackName"))
	if s == nil {
		return nil, refuse("ValidationError", "Stack [%s] does not exist", req.Text("StackName"))
	}
	start := 0
	if token := req.Text("NextToken"); token != "" {
		_, _ = fmt.Sscan(token, &start)
	}
	newest := slices.Clone(s.events)
	slices.Reverse(newest)
	var page []any
	for _, e := range newest[min(start, len(newest)):min(start+eventPage, len(newest))] {
		page = append(page, e)
	}
	out := map[string]any{"StackEvents": page}
	if page == nil {
		out["StackEvents"] = []any{}
	}
	if start+eventPage < len(newest) {
		out["NextToken"] = fmt.Sprint(start + eventPage)
	}
	return out, nil
}

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
	set := &changeSet{
		id:   fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", Region, AccountID, req.Text("ChangeSetName"), a.id()),
		name: req.Text("ChangeSetName"), template: []byte(req.Text("TemplateBody")), create: create,
		params: texts(req.Input["Parameters"], "ParameterKey", "ParameterValue"), tags: texts(req.Input["Tags"], "Key", "Value"),
	}
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
	set.stack, set.status = s, "CREATE_COMPLETE"
	set.changes = a.compare(s, wanted)
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

// describe answers first that the change set is still being made.
func (c *changeSet) describe() map[string]any {
	c.looks++
	status := c.status
	out := map[string]any{"ChangeSetId": c.id, "ChangeSetName": c.name, "StackId": c.stack.id, "StackName": c.stack.name}
	if c.looks == 1 {
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
