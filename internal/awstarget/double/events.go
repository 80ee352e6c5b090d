package double

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// eventPage is how many events a page has: few, so that paging is tried.
const eventPage = 10

// operation is one of a stack: CloudFormation gives each an id, and its events that id.
type operation struct{ id, typ string }

// operationTypes are the types of operations by the status with which they begin.
var operationTypes = map[string]string{
	"CREATE_IN_PROGRESS": "CREATE_STACK", "UPDATE_IN_PROGRESS": "UPDATE_STACK", "DELETE_IN_PROGRESS": "DELETE_STACK",
	"ROLLBACK_IN_PROGRESS": "ROLLBACK", "UPDATE_ROLLBACK_IN_PROGRESS": "ROLLBACK", "REVIEW_IN_PROGRESS": "CREATE_CHANGESET",
}

// operate begins an operation.
func (a *Account) operate(s *stack, typ string) string {
	id := a.id()
	s.operations = append(s.operations, operation{id, typ})
	return id
}

// lastOperations are the five newest, newest first.
func (s *stack) lastOperations() []any {
	var list []any
	for _, o := range slices.Backward(s.operations) {
		if len(list) < 5 {
			list = append(list, map[string]any{"OperationId": o.id, "OperationType": o.typ})
		}
	}
	return list
}

// event adds an event about a resource, or about the stack itself, to the operation that is going on.
func (a *Account) event(s *stack, r *resource, status, reason string) {
	if typ := operationTypes[status]; r == nil && typ != "" {
		a.operate(s, typ)
	}
	e := map[string]any{
		"EventId": a.id(), "StackId": s.id, "Timestamp": a.tick(), "ResourceStatus": status,
		"LogicalResourceId": s.name, "PhysicalResourceId": s.id, "ResourceType": "AWS::CloudFormation::Stack",
	}
	if n := len(s.operations); n > 0 {
		e["OperationId"] = s.operations[n-1].id
	}
	if r != nil {
		e["LogicalResourceId"], e["PhysicalResourceId"], e["ResourceType"] = r.name, r.physical, r.typ
	}
	if reason != "" {
		e["ResourceStatusReason"] = reason
	}
	s.events = append(s.events, e)
}

// object adds what CloudFormation's checks have against a resource, to an operation.
func (a *Account) object(s *stack, operation, name, typ, why string) {
	s.events = append(s.events, map[string]any{
		"EventId": a.id(), "StackId": s.id, "Timestamp": a.tick(), "OperationId": operation, "EventType": "VALIDATION_ERROR",
		"LogicalResourceId": name, "ResourceType": typ, "ValidationFailureMode": "FAIL", "ValidationName": "NAME_CONFLICT_VALIDATION",
		"ValidationStatus": "FAILED", "ValidationStatusReason": why,
	})
}

// describeStackEvents tells a stack's events, newest first; not what the checks object to.
func (a *Account) describeStackEvents(req *wire.Request) (map[string]any, *Fault) {
	s := a.findStack(req.Text("StackName"))
	if s == nil {
		return nil, refuse("ValidationError", "Stack [%s] does not exist", req.Text("StackName"))
	}
	var newest []map[string]any
	for _, e := range slices.Backward(s.events) {
		if e["EventType"] == nil {
			e = with(e, "StackName", s.name)
			newest = append(newest, e)
		}
	}
	return page(req, "StackEvents", newest), nil
}

// describeEvents tells the events of an operation, or those of the making of a change set, oldest first.
func (a *Account) describeEvents(req *wire.Request) (map[string]any, *Fault) {
	id := req.Text("OperationId")
	if set := req.Text("ChangeSetName"); set != "" {
		found := a.findChangeSet("", set)
		if found == nil {
			return nil, refuse("ValidationError", "ChangeSet [%s] does not exist", set)
		}
		id = found.operation
	}
	failed := false
	if filters, ok := req.Input["Filters"].(map[string]any); ok {
		failed, _ = filters["FailedEvents"].(bool)
	}
	var list []map[string]any
	known := false
	for _, s := range a.stacks {
		i := slices.IndexFunc(s.operations, func(o operation) bool { return o.id == id })
		if i < 0 {
			continue
		}
		known = true
		for _, e := range s.events {
			status, _ := e["ResourceStatus"].(string)
			if e["OperationId"] != id || failed && e["EventType"] == nil && !strings.HasSuffix(status, "_FAILED") {
				continue
			}
			if e["EventType"] == nil {
				e = with(e, "EventType", "STACK_EVENT")
			}
			list = append(list, with(e, "OperationType", s.operations[i].typ))
		}
	}
	if !known {
		return nil, refuse("ValidationError", "Operation [%s] does not exist", id)
	}
	return page(req, "OperationEvents", list), nil
}

// with is a copy of an event with one more field.
func with(event map[string]any, name, value string) map[string]any {
	out := map[string]any{name: value}
	for k, v := range event {
		out[k] = v
	}
	return out
}

// page is the page of a list that a request asks for.
func page(req *wire.Request, name string, list []map[string]any) map[string]any {
	start := 0
	if token := req.Text("NextToken"); token != "" {
		_, _ = fmt.Sscan(token, &start)
	}
	items := []any{}
	for _, e := range list[min(start, len(list)):min(start+eventPage, len(list))] {
		items = append(items, e)
	}
	out := map[string]any{name: items}
	if start+eventPage < len(list) {
		out["NextToken"] = fmt.Sprint(start + eventPage)
	}
	return out
}
