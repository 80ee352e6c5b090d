package double

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// advance does the next step of a stack's operation, or all of them.
func (a *Account) advance(s *stack) {
	for len(s.steps) > 0 {
		next := s.steps[0]
		s.steps = s.steps[1:]
		next()
		if !a.Quick {
			return
		}
	}
}

func (a *Account) begin(s *stack, status, reason string) {
	s.status, s.reason = status, reason
	a.event(s, nil, status, reason)
}

// end is the last step of an operation.
func (a *Account) end(s *stack, status string) {
	s.status, s.reason, s.edge = status, "", nil
	a.event(s, nil, status, "")
}

// execute carries a change set out, step by step with each look at the stack.
func (a *Account) execute(set *changeSet) *Fault {
	s := set.stack
	if set.status != "CREATE_COMPLETE" {
		return refuse("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", set.id, set.status)
	}
	if strings.HasSuffix(s.status, "_IN_PROGRESS") && s.status != "REVIEW_IN_PROGRESS" {
		return refuse("ValidationError", "Stack:%s is in %s state and can not be updated.", s.id, s.status)
	}
	word := "UPDATE"
	if set.create {
		word = "CREATE"
	}
	before := maps.Clone(s.resources)
	a.begin(s, word+"_IN_PROGRESS", "User Initiated")
	s.changeSets, s.mode = nil, set.mode
	for _, c := range set.changes {
		if c.action == "Remove" {
			continue
		}
		s.steps = append(s.steps, a.making(s, set, c, before)...)
	}
	s.steps = append(s.steps, func() {
		for _, c := range set.changes {
			if c.action == "Remove" {
				a.event(s, s.resources[c.name], "DELETE_COMPLETE", "")
				delete(s.resources, c.name)
			}
		}
		s.template, s.params, s.tags, s.outputs = set.template, set.params, set.tags, set.wanted.Outputs
		s.description = "cloudfront-hosting-toolkit: static hosting with atomic releases"
		a.end(s, word+"_COMPLETE")
	})
	return nil
}

// making are the two steps that add or change a resource.
func (a *Account) making(s *stack, set *changeSet, c change, before map[string]*resource) []func() {
	word := map[string]string{"Add": "CREATE", "Modify": "UPDATE"}[c.action]
	i := slices.IndexFunc(set.wanted.Resources, func(w template.Resource) bool { return w.Name == c.name })
	w := set.wanted.Resources[i]
	r := &resource{name: w.Name, typ: w.Type, physical: a.named(s.name, set.params)(w.Name, w.Type, ""), properties: w.Properties, uses: w.Uses}
	return []func(){
		func() { a.event(s, r, word+"_IN_PROGRESS", "") },
		func() {
			why := a.FailResource[c.name]
			if why == "" && c.name == "Distribution" {
				why = a.refusesAliases(s, set.params)
			}
			if why != "" {
				a.event(s, r, word+"_FAILED", why)
				s.steps = nil
				a.takeBack(s, set, before)
				return
			}
			s.resources[r.name] = r
			a.made(s, r, c.action == "Add")
			a.event(s, r, word+"_COMPLETE", "")
		},
	}
}

// takeBack begins the rollback of an operation.
func (a *Account) takeBack(s *stack, set *changeSet, before map[string]*resource) {
	s.resources = before
	if !set.create {
		a.begin(s, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update")
		a.rollBack(s)
		return
	}
	s.template, s.params, s.tags = set.template, set.params, set.tags
	a.begin(s, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create")
	s.steps = append(s.steps, func() { a.end(s, "ROLLBACK_COMPLETE") })
}

func (a *Account) rollBack(s *stack) {
	s.steps = append(s.steps, func() {
		if a.StuckRollback {
			a.event(s, &resource{name: "Distribution", typ: "AWS::CloudFront::Distribution", physical: "E1"}, "UPDATE_FAILED", "The distribution was removed by hand")
			a.end(s, "UPDATE_ROLLBACK_FAILED")
			return
		}
		a.end(s, "UPDATE_ROLLBACK_COMPLETE")
	})
}

// Busy lets somebody else's update of a stack go on for a few looks.
func (a *Account) Busy(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.findStack(name)
	a.begin(s, "UPDATE_IN_PROGRESS", "User Initiated")
	s.steps = []func(){func() {}, func() {}, func() { a.end(s, "UPDATE_COMPLETE") }}
}

// made does what making a resource means in the double.
func (a *Account) made(s *stack, r *resource, first bool) {
	switch r.typ {
	case "AWS::S3::Bucket":
		if first {
			rec := a.bucket(http.MethodPut, r.physical, "")
			if rec.Code != http.StatusOK && rec.Code != http.StatusConflict { // left from a stack that was taken back
				a.t.Errorf("make bucket %s: %d %s", r.physical, rec.Code, rec.Body)
			}
			if r.properties["VersioningConfiguration"] != nil {
				a.bucket(http.MethodPut, r.physical, "?versioning")
			}
			if n, ok := r.properties["NotificationConfiguration"].(map[string]any); ok && n["EventBridgeConfiguration"] != nil {
				a.S3.Configure(r.physical, a.S3.Versioned(r.physical), "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>")
			}
		}
	case "AWS::CloudFront::KeyValueStore":
		if first {
			a.KVS.AddStore(r.physical)
		}
	case "AWS::CodeConnections::Connection":
		if first {
			c := a.newConnection(fmt.Sprint(r.properties["ConnectionName"]), fmt.Sprint(r.properties["ProviderType"]))
			c.arn = r.physical
		}
	case "AWS::CodePipeline::Pipeline":
		a.madePipeline(s, r, first)
	case "AWS::IAM::OIDCProvider":
		if first {
			a.madeProvider(r)
		}
	}
}

// named gives resources their physical ids and attributes.
func (a *Account) named(stackName string, params map[string]string) func(name, typ, attribute string) string {
	lower := strings.ToLower
	return func(name, typ, attribute string) string {
		bucket := lower(stackName + "-" + name + "-x")
		switch typ + " " + attribute {
		case "AWS::S3::Bucket ":
			return bucket
		case "AWS::S3::Bucket Arn":
			return "arn:aws:s3:::" + bucket
		case "AWS::S3::Bucket RegionalDomainName":
			return bucket + ".s3." + Region + ".amazonaws.com"
		case "AWS::CloudFront::Distribution ":
			return "E" + strings.ToUpper(hash(stackName)[:13])
		case "AWS::CloudFront::Distribution DomainName":
			return "d" + hash(stackName)[:13] + ".cloudfront.net"
		case "AWS::CloudFront::KeyValueStore Arn", "AWS::CloudFront::KeyValueStore ":
			return "arn:aws:cloudfront::" + AccountID + ":key-value-store/" + uuid(stackName)
		case "AWS::CloudFront::KeyValueStore Id":
			return uuid(stackName)
		case "AWS::IAM::OIDCProvider ":
			return "arn:aws:iam::" + AccountID + ":oidc-provider/" + map[string]string{"github": "token.actions.githubusercontent.com", "gitlab": "gitlab.com"}[params[template.ParamCIProvider]]
		case "AWS::IAM::Role Arn":
			return roleARN(stackName + "-" + name)
		case "AWS::CodePipeline::Pipeline ":
			return params[template.ParamPipelineName]
		case "AWS::CodeConnections::Connection ":
			return "arn:aws:codeconnections:" + Region + ":" + AccountID + ":connection/" + uuid(stackName)
		}
		if attribute == "" {
			return stackName + "-" + name
		}
		return "arn:aws:double:" + Region + ":" + AccountID + ":" + stackName + "-" + name + "/" + attribute
	}
}
