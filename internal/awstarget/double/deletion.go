package double

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Protect switches a stack's termination protection.
func (a *Account) Protect(name string, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.findStack(name).protected = on
}

// ActAs gives a stack a role in whose name CloudFormation changes it.
func (a *Account) ActAs(name, role string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.findStack(name).role = role
}

// Has reports whether a stack that was deleted, or is there, left a resource in the account.
func (a *Account) Has(name, resource string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.stacks {
		if s.name == name && s.resources[resource] != nil {
			return true
		}
	}
	return false
}

// deleteStack begins the deletion of a stack: resource by resource, those first that others do not need. What fails stays,
// and what does not depend on it goes all the same.
func (a *Account) deleteStack(s *stack, req *wire.Request) *Fault {
	if s.again(req) {
		return nil
	}
	var retain []string
	if list, ok := req.Input["RetainResources"].([]any); ok {
		for _, name := range list {
			retain = append(retain, name.(string))
		}
	}
	switch {
	case s.protected:
		return refuse("ValidationError", "Stack [%s] cannot be deleted while TerminationProtection is enabled", s.name)
	case len(retain) > 0 && s.status != "DELETE_FAILED":
		return refuse("ValidationError", "Invalid operation on stack [%s]. Specify the resources to retain only when the stack is in the DELETE_FAILED state", s.id)
	case strings.HasSuffix(s.status, "_IN_PROGRESS") && !strings.HasPrefix(s.status, "DELETE") && s.status != "REVIEW_IN_PROGRESS":
		return refuse("ValidationError", "Stack [%s] cannot be deleted while in status %s", s.id, s.status)
	case s.status == "DELETE_IN_PROGRESS":
		return nil
	}
	a.begin(s, "DELETE_IN_PROGRESS", "User Initiated")
	var failed []string
	s.steps = nil
	for _, r := range s.lastFirst() {
		if slices.Contains(retain, r.name) {
			s.steps = append(s.steps, func() { a.event(s, r, "DELETE_SKIPPED", ""); r.status = "DELETE_SKIPPED" })
			continue
		}
		if r.retained() {
			s.steps = append(s.steps, func() { a.event(s, r, "DELETE_SKIPPED", ""); r.status = "DELETE_SKIPPED" })
			continue
		}
		s.steps = append(s.steps, func() { a.event(s, r, "DELETE_IN_PROGRESS", "") }, func() {
			if why := a.unmade(s, r); why != "" {
				failed = append(failed, r.name)
				r.status, r.why = "DELETE_FAILED", why
				a.event(s, r, "DELETE_FAILED", why)
				return
			}
			delete(s.resources, r.name)
			a.event(s, r, "DELETE_COMPLETE", "")
		})
	}
	s.steps = append(s.steps, func() {
		if len(failed) == 0 {
			a.end(s, "DELETE_COMPLETE")
			return
		}
		a.end(s, "DELETE_FAILED")
		s.reason = fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(failed, ", "))
	})
	return nil
}

// retained reports whether the template leaves the resource in the account.
func (r *resource) retained() bool { return r.typ == "AWS::IAM::OIDCProvider" }

// lastFirst are a stack's resources, those before the ones that they use.
func (s *stack) lastFirst() []*resource {
	var all []template.Resource
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		if s.resources[name].status != "DELETE_SKIPPED" {
			all = append(all, template.Resource{Name: name, Uses: s.resources[name].uses})
		}
	}
	ordered := inOrder(all)
	slices.Reverse(ordered)
	list := make([]*resource, len(ordered))
	for i, r := range ordered {
		list[i] = s.resources[r.Name]
	}
	return list
}

// unmade does what deleting a resource means in the double, and returns why it cannot be deleted.
func (a *Account) unmade(s *stack, r *resource) string {
	if why := a.FailDelete[r.name]; why != "" {
		return why
	}
	switch r.typ {
	case "AWS::S3::Bucket":
		rec := a.bucket(http.MethodDelete, r.physical, "")
		if rec.Code == http.StatusConflict {
			return "Resource handler returned message: \"The bucket you tried to delete is not empty. You must delete all versions in the bucket. (Service: S3, Status Code: 409)\" (HandlerErrorCode: GeneralServiceException)"
		}
	case "AWS::CodePipeline::Pipeline":
		delete(a.pipelines, r.physical)
	}
	return ""
}

// bucket sends a request of the double's own to S3.
func (a *Account) bucket(method, name, query string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "/"+name+query, bytes.NewReader(nil))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 the double's own")
	rec := httptest.NewRecorder()
	a.S3.ServeHTTP(rec, req)
	return rec
}

// resourcePage is how many resources a page has: few, so that paging is tried.
const resourcePage = 6

func (a *Account) listResources(req *wire.Request) (map[string]any, *Fault) {
	s := a.findStack(req.Text("StackName"))
	if s == nil {
		return nil, refuse("ValidationError", "Stack with id %s does not exist", req.Text("StackName"))
	}
	start := 0
	if token := req.Text("NextToken"); token != "" {
		_, _ = fmt.Sscan(token, &start)
	}
	names := slices.Sorted(maps.Keys(s.resources))
	list := []any{}
	for _, name := range names[min(start, len(names)):min(start+resourcePage, len(names))] {
		r := s.resources[name]
		item := map[string]any{
			"LogicalResourceId": r.name, "PhysicalResourceId": r.physical, "ResourceType": r.typ,
			"LastUpdatedTimestamp": s.created, "ResourceStatus": "CREATE_COMPLETE",
		}
		if r.status != "" {
			item["ResourceStatus"] = r.status
		}
		if r.why != "" {
			item["ResourceStatusReason"] = r.why
		}
		list = append(list, item)
	}
	out := map[string]any{"StackResourceSummaries": list}
	if start+resourcePage < len(names) {
		out["NextToken"] = fmt.Sprint(start + resourcePage)
	}
	return out, nil
}

// stopExecution is StopPipelineExecution: the action that runs goes on, and none comes after it.
func (p *pipeline) stopExecution(req *wire.Request) (map[string]any, *Fault) {
	for _, e := range p.executions {
		if e.id != req.Text("pipelineExecutionId") {
			continue
		}
		switch {
		case e.status == "Stopping":
			return nil, refuse("DuplicatedStopRequestException", "The pipeline execution %s is already being stopped", e.id)
		case e.status != "InProgress":
			return nil, refuse("PipelineExecutionNotStoppableException", "The pipeline execution %s is in status %s", e.id, e.status)
		}
		e.status = "Stopping"
		return map[string]any{"pipelineExecutionId": e.id}, nil
	}
	return nil, refuse("PipelineExecutionNotStoppableException", "There is no pipeline execution %s", req.Text("pipelineExecutionId"))
}

// stopBuild is StopBuild: the build ends at once.
func (a *Account) stopBuild(req *wire.Request) (map[string]any, *Fault) {
	b := a.builds[req.Text("id")]
	if b == nil {
		return nil, refuse("ResourceNotFoundException", "Build %s cannot be found", req.Text("id"))
	}
	b.stop()
	return map[string]any{"build": map[string]any{"id": b.id, "buildStatus": b.status}}, nil
}

// Building reports whether a build is running its commands.
func (a *Account) Building() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.builds {
		if b.phase == "BUILD" {
			return true
		}
	}
	return false
}
