package double

import (
	"fmt"
	"maps"
	"slices"
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
	operations               []operation      // oldest first
	changeSets               []*changeSet
	created                  time.Time
	steps                    []func()
	edge                     *edge.Edge
	spread                   int
	mode                     string
	protected                bool
	role                     string
	// token is that of the request which began the last operation.
	token string
}

// again reports whether a request has been answered before: its token tells (CloudFormation API Reference, ExecuteChangeSet,
// "ClientRequestToken").
func (s *stack) again(req *wire.Request) bool {
	token := req.Text("ClientRequestToken")
	if token != "" && token == s.token {
		return true
	}
	s.token = token
	return false
}

// resource is a resource that exists.
type resource struct {
	name, typ, physical string
	// status and why are those of a deletion that failed, or passed over it.
	status, why string
	properties  map[string]any
	uses        []string
}

type changeSet struct {
	id, name, status, reason string
	stack                    *stack
	template                 []byte
	params, tags             map[string]string
	wanted                   template.Stack
	changes                  []change
	create                   bool
	// token is that of the request that made the change set.
	token string
	// operation is the one that made the change set.
	operation string
	looks     int
	mode      string
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
	case "GetTemplateSummary":
		s := a.findStack(req.Text("StackName"))
		if s == nil {
			return nil, refuse("ValidationError", "Stack with id %s does not exist", req.Text("StackName"))
		}
		list := []any{}
		for _, name := range slices.Sorted(maps.Keys(defaults(s.template))) {
			list = append(list, map[string]any{"ParameterKey": name})
		}
		return map[string]any{"Parameters": list}, nil
	case "DescribeStackEvents":
		return a.describeStackEvents(req)
	case "DescribeEvents":
		return a.describeEvents(req)
	case "DeleteStack":
		if s := a.findStack(req.Text("StackName")); s != nil {
			return nil, a.deleteStack(s, req)
		}
		return nil, nil
	case "ListStackResources":
		return a.listResources(req)
	case "ContinueUpdateRollback":
		s := a.findStack(req.Text("StackName"))
		if s.again(req) {
			return nil, nil
		}
		if s.status != "UPDATE_ROLLBACK_FAILED" {
			return nil, refuse("ValidationError", "Stack:%s is in %s state and can not continue update rollback.", s.id, s.status)
		}
		a.begin(s, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
		a.rollBack(s)
		return nil, nil
	}
	set := a.findChangeSet(req.Text("StackName"), req.Text("ChangeSetName"))
	if s := a.findStack(req.Text("StackName")); name == "ExecuteChangeSet" && s != nil && s.again(req) {
		return nil, nil
	}
	if set == nil && name == "DeleteChangeSet" {
		return nil, nil
	}
	if set == nil {
		return nil, refuse("ChangeSetNotFound", "ChangeSet [%s] does not exist", req.Text("ChangeSetName"))
	}
	switch name {
	case "DescribeChangeSet":
		return set.describe(a.Quick), nil
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

// findChangeSet finds a change set by its id, or by its name and its stack's.
func (a *Account) findChangeSet(stackName, nameOrID string) *changeSet {
	for _, s := range a.stacks {
		for _, c := range s.changeSets {
			if c.id == nameOrID || c.name == nameOrID && s.name == stackName {
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

// ChangeSets is how many change sets a stack has that were neither carried out nor given up.
func (a *Account) ChangeSets(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.findStack(name).changeSets)
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

// Outputs returns the outputs of a stack.
func (a *Account) Outputs(name string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.findStack(name).outputs)
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
	if s.protected {
		out["EnableTerminationProtection"] = true
	}
	if s.role != "" {
		out["RoleARN"] = s.role
	}
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
	if last := s.lastOperations(); len(last) > 0 {
		out["LastOperations"] = last
	}
	if len(s.tags) > 0 {
		out["Tags"] = list(s.tags, "Key", "Value")
	}
	return out
}
