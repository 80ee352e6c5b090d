package template

import (
	"slices"
	"strings"
	"testing"
)

// statements are the policy statements of a resource, roles and bucket policies alike.
func (s *stack) statements(name string) []map[string]any {
	properties := s.properties(name)
	var documents []any
	if d, ok := properties["PolicyDocument"]; ok {
		documents = append(documents, d)
	}
	if list, ok := properties["Policies"].([]any); ok {
		for _, p := range list {
			documents = append(documents, p.(map[string]any)["PolicyDocument"])
		}
	}
	var all []map[string]any
	for _, d := range documents {
		for _, statement := range d.(map[string]any)["Statement"].([]any) {
			all = append(all, statement.(map[string]any))
		}
	}
	return all
}

func listed(v any) []string {
	if text, ok := v.(string); ok {
		return []string{text}
	}
	var list []string
	for _, item := range v.([]any) {
		list = append(list, item.(string))
	}
	return list
}

// The defects of the upstream toolkit that this template makes impossible, each by its number and what went wrong.
func TestUpstreamDefects(t *testing.T) {
	tests := map[string]func(t *testing.T){
		"defect 5: a second upload changes what a run releases": defect5,
		"defect 8: files are not compressed":                    defect8,
		"defect 11: missing files answer 403":                   defect11,
		"defect 14: HSTS is forced on subdomains":               defect14,
		"defect 17: the toolkit's folder is published":          defect17,
		"defect 18: the buildspec is baked into the stack":      defect18,
		"defect 19: any zip in the bucket deploys":              defect19,
		"defect 20: the build role can overwrite a release":     defect20,
		"defect 22: runtimes that retire":                       defect22,
		"defect 23: two sites share names":                      defect23,
		"defect 26: one name only":                              defect26,
	}
	for name, test := range tests {
		t.Run(name, test)
	}
}

func defect5(t *testing.T) {
	s := newStack(t, variants["s3 pipeline"])
	rule := asJSON(t, s.properties("UploadRule"))
	for _, want := range []string{"S3_OBJECT_VERSION_ID", "$.detail.object.version-id", "$.detail.object.key"} {
		if !strings.Contains(rule, want) {
			t.Errorf("the rule does not pass %s on", want)
		}
	}
	if status := s.properties("SourceBucket")["VersioningConfiguration"].(map[string]any)["Status"]; status != "Enabled" {
		t.Error("the source bucket has no versions")
	}
	if !strings.Contains(asJSON(t, s.properties("Pipeline")), "#{SourceVariables.VersionId}") {
		t.Error("the release is not named by its version")
	}
}

func defect8(t *testing.T) {
	config, err := Compile(hosting, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range config.Behaviors {
		if b.PathPattern == "/_errors/*" {
			continue // pages that are never cached, and that CloudFront compresses only when they are
		}
		if !b.Compress || !b.CachePolicy.AcceptGzip || !b.CachePolicy.AcceptBrotli {
			t.Errorf("behaviour %q: compress %v, policy %+v", b.PathPattern, b.Compress, b.CachePolicy)
		}
	}
}

func defect11(t *testing.T) {
	s := newStack(t, nil)
	var listsFor []string
	for _, statement := range s.statements("HostingBucketPolicy") {
		if slices.Contains(listed(statement["Action"]), "s3:ListBucket") {
			listsFor = append(listsFor, asJSON(t, statement))
		}
	}
	if len(listsFor) != 1 || !strings.Contains(listsFor[0], "cloudfront.amazonaws.com") ||
		!strings.Contains(listsFor[0], "AWS:SourceArn") || !strings.Contains(listsFor[0], `"Resource": "HostingBucket.Arn"`) {
		t.Errorf("the distribution alone must be allowed to list the bucket: %v", listsFor)
	}
	config, err := Compile(hosting, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range config.ErrorPages {
		if page.Status != page.ResponseStatus || page.PagePath != "/_errors/404.html" || page.MinTTL.Seconds() != 10 {
			t.Errorf("error page %+v", page)
		}
	}
	if config.Behaviors[0].PathPattern != "/_errors/*" || config.Behaviors[0].ViewerRequest != nil {
		t.Error("the error page is not reached without the function")
	}
}

func defect14(t *testing.T) {
	config, err := Compile(hosting, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range config.Behaviors {
		for _, h := range b.ResponseHeadersPolicy.Set {
			if strings.Contains(strings.ToLower(h.Value), "includesubdomains") || strings.Contains(h.Value, "preload") {
				t.Errorf("behaviour %q: %s: %s", b.PathPattern, h.Name, h.Value)
			}
		}
	}
}

func defect17(t *testing.T) {
	s := newStack(t, variants["no buildspec"])
	if !strings.Contains(asJSON(t, s.properties("BuildProject")), "cloudfront-hosting-toolkit/**/*") {
		t.Error("the toolkit's folder is not left out")
	}
}

func defect18(t *testing.T) {
	s := newStack(t, variants["git pipeline"])
	source := s.properties("BuildProject")["Source"].(map[string]any)
	if got := source["BuildSpec"]; got != "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml" {
		t.Errorf("the buildspec is %q, not a path in the repository", got)
	}
}

func defect19(t *testing.T) {
	s := newStack(t, variants["s3 pipeline"])
	if got := asJSON(t, s.properties("UploadRule")["EventPattern"]); !strings.Contains(got, `"wildcard": "in/*.zip"`) ||
		strings.Contains(got, "prefix") || strings.Contains(got, "suffix") {
		t.Errorf("the rule's pattern: %s", got)
	}
}

func defect20(t *testing.T) {
	s := newStack(t, variants["git pipeline"])
	for _, statement := range s.statements("BuildRole") {
		text := asJSON(t, statement)
		for _, forbidden := range []string{"HostingBucket", "KeyValueStore", "toolkit/", "keyvaluestore", `"Resource": "*"`} {
			if strings.Contains(text, forbidden) {
				t.Errorf("the build role names %s: %s", forbidden, text)
			}
		}
	}
	// The whole artifact bucket would hold the binary too.
	for _, role := range []string{"BuildRole", "PipelineRole"} {
		for _, statement := range s.statements(role) {
			if slices.Contains(listed(statement["Action"]), "s3:PutObject") &&
				slices.Contains(listed(statement["Resource"]), "ArtifactBucket.Arn/*") {
				t.Errorf("%s may replace the binary", role)
			}
		}
	}
	writers := 0
	for _, name := range s.names() {
		for _, statement := range s.statementsIfAny(name) {
			text := asJSON(t, statement)
			if statement["Effect"] == "Allow" && strings.Contains(text, "s3:PutObject") && strings.Contains(text, "HostingBucket") {
				writers++
				if name != "ReleaseRole" {
					t.Errorf("%s may write releases", name)
				}
			}
		}
	}
	if writers != 1 {
		t.Errorf("%d statements allow to write releases", writers)
	}
}

func (s *stack) statementsIfAny(name string) []map[string]any {
	if typ := s.types[name]; typ == "AWS::IAM::Role" || typ == "AWS::S3::BucketPolicy" {
		return s.statements(name)
	}
	return nil
}

func defect22(t *testing.T) {
	for _, params := range variants {
		s := newStack(t, params)
		for name, typ := range s.types {
			if strings.HasPrefix(typ, "AWS::Lambda::") || strings.HasPrefix(typ, "AWS::StepFunctions::") ||
				strings.HasPrefix(typ, "Custom::") || strings.HasPrefix(typ, "AWS::CloudFormation::") {
				t.Errorf("%s is a %s", name, typ)
			}
		}
	}
	if strings.Contains(string(hosting), "runtime-versions") {
		t.Error("the release step asks for a runtime")
	}
}

func defect23(t *testing.T) {
	a := pipelineName("a-repository-with-a-long-name"[:20] + "-11111111")
	b := pipelineName("a-repository-with-a-long-name"[:20] + "-22222222")
	if a == b || len(a) > maxPipelineName {
		t.Errorf("pipelines %q and %q", a, b)
	}
	names := func(site string) string {
		s := newStack(t, Parameters{ParamSiteName: site})
		return asJSON(t, []any{s.properties("KeyValueStore")["Name"], s.properties("ViewerRequestFunction")["Name"]})
	}
	if names("site-11111111") == names("site-22222222") {
		t.Error("two sites share the names of their resources")
	}
}

func defect26(t *testing.T) {
	config, err := Compile(hosting, Parameters{ParamDomainNames: "example.com,www.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(config.Aliases, []string{"example.com", "www.example.com"}) {
		t.Errorf("aliases %v", config.Aliases)
	}
}

// No statement allows more than it names: no wildcard in an allowed action, and resources that are this stack's.
func TestLeastPrivilege(t *testing.T) {
	for variant, params := range variants {
		s := newStack(t, params)
		for _, name := range s.names() {
			for _, statement := range s.statementsIfAny(name) {
				where := variant + ", " + name + ", " + statement["Sid"].(string)
				if statement["Effect"] == "Deny" {
					continue // denying every action to whoever comes without TLS
				}
				for _, action := range listed(statement["Action"]) {
					if strings.Contains(action, "*") {
						t.Errorf("%s: action %s", where, action)
					}
				}
				for _, resource := range listed(statement["Resource"]) {
					if resource == "*" || strings.HasPrefix(resource, "arn:aws:s3:::*") {
						t.Errorf("%s: resource %s", where, resource)
					}
				}
			}
		}
	}
}

// What CodePipeline puts into JSON or a shell comes from ids only: text of other people could add variables or commands.
func TestPipelineVariablesAreIDs(t *testing.T) {
	for _, forbidden := range []string{"CommitMessage", "SourceVariables.ObjectKey", "SourceVariables.BranchName", "AuthorDisplayName"} {
		if strings.Contains(string(hosting), forbidden) {
			t.Errorf("the template passes %s on", forbidden)
		}
	}
}
