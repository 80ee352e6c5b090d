package template

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// stack is hosting.yaml under given parameters.
type stack struct {
	*resolver
	t *testing.T
}

func newStack(t *testing.T, params Parameters) *stack {
	t.Helper()
	doc, err := parse(hosting)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newResolver(doc, params)
	if err != nil {
		t.Fatal(err)
	}
	return &stack{r, t}
}

// properties are a resource's, resolved: text, lists and maps.
func (s *stack) properties(name string) map[string]any {
	s.t.Helper()
	node := lookup(entries(lookup(s.doc.resources, name)), "Properties")
	if node == nil {
		s.t.Fatalf("no resource %s", name)
	}
	v, err := s.resolve(node, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return v.plain().(map[string]any)
}

// names are the resources that are created.
func (s *stack) names() []string {
	var names []string
	for _, e := range s.doc.resources {
		exists, err := s.exists(e.name)
		if err != nil {
			s.t.Fatal(err)
		}
		if exists {
			names = append(names, e.name)
		}
	}
	return names
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestResourceCount(t *testing.T) {
	tests := map[string]int{
		"git": 8 + 1, "git pipeline": 17, "existing connection": 16, "no buildspec": 17,
		"s3": 10, "s3 pipeline": 20, "existing bucket": 18,
		"github": 9 + 2, "gitlab": 9 + 2, "github provider": 9 + 1,
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			if got := newStack(t, variants[name]).names(); len(got) != want {
				t.Errorf("%d resources, want %d: %v", len(got), want, got)
			}
		})
	}
}

// Phase 2 adds to phase 1 and changes nothing of it, so that it can be taken back.
func TestPhase2OnlyAdds(t *testing.T) {
	for _, source := range []string{"git", "s3"} {
		before, after := newStack(t, variants[source]), newStack(t, variants[source+" pipeline"])
		for _, name := range before.names() {
			if was, is := asJSON(t, before.properties(name)), asJSON(t, after.properties(name)); was != is {
				t.Errorf("%s: %s changes", source, name)
			}
		}
	}
}

func TestEveryDeclarationIsUsed(t *testing.T) {
	doc, err := parse(hosting)
	if err != nil {
		t.Fatal(err)
	}
	text := string(hosting)
	for _, e := range doc.parameters {
		used := regexp.MustCompile(`(!Ref |\$\{)` + e.name + `\b`)
		if !used.MatchString(text) {
			t.Errorf("parameter %s is not used", e.name)
		}
		parts := entries(e.value)
		if lookup(parts, "Default") == nil || lookup(parts, "Description") == nil {
			t.Errorf("parameter %s has no default or no description", e.name)
		}
		if lookup(parts, "AllowedPattern") != nil && lookup(parts, "ConstraintDescription") == nil {
			t.Errorf("parameter %s does not say what it takes", e.name)
		}
	}
	for _, e := range doc.conditions {
		used := regexp.MustCompile(`(!If\s+(-\s+|\[)|!Condition |Condition: )` + e.name + `\b`)
		if !used.MatchString(text) {
			t.Errorf("condition %s is not used", e.name)
		}
	}
}

// The names in the code and the names in the template are the same, all of them.
func TestNamesInCode(t *testing.T) {
	doc, err := parse(hosting)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("template.go")
	if err != nil {
		t.Fatal(err)
	}
	for prefix, list := range map[string][]entry{"Param": doc.parameters, "Output": doc.outputs} {
		var want, got []string
		for _, e := range list {
			want = append(want, e.name)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s`+prefix+`\w+\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			got = append(got, m[1])
		}
		if slices.Sort(want); !slices.Equal(want, slices.Sorted(slices.Values(got))) {
			t.Errorf("%s constants %v, template %v", prefix, got, want)
		}
	}
	environment := asJSON(t, newStack(t, variants["git pipeline"]).properties("ReleaseProject")["Environment"])
	for _, name := range []string{"CHT_SITE", "CHT_BUCKET", "CHT_KEY_VALUE_STORE_ARN", "CHT_KEEP_RELEASES", "CHT_ROUTING", "CHT_URL"} {
		if !strings.Contains(environment, `"`+name+`"`) {
			t.Errorf("the release step has no %s", name)
		}
	}
}

// AWS-limits on names hold by construction: the longest site's name in the region with the longest name.
func TestNameLimits(t *testing.T) {
	site := "a" + strings.Repeat("b", 19) + "-12345678"
	s := newStack(t, Parameters{
		ParamSiteName: site, ParamPipelineName: pipelineName(site), "AWS::Region": "ap-southeast-2",
		ParamWithPipeline: "true", ParamToolkitSHA256: digest,
	})
	nested := func(resource, key string) any { return s.properties(resource)[key].(map[string]any)["Name"] }
	tests := map[string]struct {
		name  any
		limit int
	}{
		"function":       {s.properties("ViewerRequestFunction")["Name"], 64},
		"store":          {s.properties("KeyValueStore")["Name"], 64},
		"access control": {nested("OriginAccessControl", "OriginAccessControlConfig"), 64},
		"connection":     {s.properties("Connection")["ConnectionName"], 32},
		"pipeline":       {s.properties("Pipeline")["Name"], 20},
		"build":          {s.properties("BuildProject")["Name"], 150},
		"release":        {s.properties("ReleaseProject")["Name"], 150},
		"store comment":  {s.properties("KeyValueStore")["Comment"], 128},
	}
	for name, tc := range tests {
		if text := tc.name.(string); len(text) == 0 || len(text) > tc.limit {
			t.Errorf("%s: %q has %d characters, the limit is %d", name, text, len(text), tc.limit)
		}
	}
	if _, err := Compile(hosting, Parameters{ParamSiteName: site + "x"}); err == nil {
		t.Error("a site's name of 30 characters is taken")
	}
}

// What cfn-lint does not find when it is misspelt: providers, the keys of Configuration, compute types, the event.
func TestPipelineGoldens(t *testing.T) {
	regions := map[string]string{"lambda": "eu-west-1", "ec2": "eu-west-3"}
	for name, region := range regions {
		s := newStack(t, merged(variants["git pipeline"], Parameters{"AWS::Region": region}))
		golden(t, "projects-"+name+".json", []byte(asJSON(t, map[string]any{
			"Build": s.properties("BuildProject"), "Release": s.properties("ReleaseProject"),
		})))
	}
	git := newStack(t, merged(variants["git pipeline"], Parameters{ParamFullRepositoryID: "Alice/Hello"}))
	golden(t, "pipeline-git.json", []byte(asJSON(t, git.properties("Pipeline"))))
	golden(t, "pipeline-triggers.json", []byte(asJSON(t, newStack(t, variants["paths"]).properties("Pipeline")["Triggers"])))
	s3 := newStack(t, variants["s3 pipeline"])
	golden(t, "pipeline-s3.json", []byte(asJSON(t, map[string]any{
		"Pipeline": s3.properties("Pipeline"), "Rule": s3.properties("UploadRule"),
	})))
	template := s3.properties("UploadRule")["Targets"].([]any)[0].(map[string]any)["InputTransformer"].(map[string]any)["InputTemplate"].(string)
	event := strings.NewReplacer("<key>", `"in/a.zip"`, "<version>", `"v1"`).Replace(template)
	if !json.Valid([]byte(event)) {
		t.Errorf("the event is not JSON: %s", event)
	}
}

func merged(a, b Parameters) Parameters {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func TestReleaseComputeByRegion(t *testing.T) {
	const (
		lambda = "LINUX_LAMBDA_CONTAINER BUILD_LAMBDA_2GB aws/codebuild/amazonlinux-x86_64-lambda-standard:python3.13"
		ec2    = "LINUX_CONTAINER BUILD_GENERAL1_SMALL aws/codebuild/amazonlinux-x86_64-standard:5.0"
	)
	tests := map[string]struct{ region, choice, architecture, want string }{
		"offered":       {"us-east-1", "lambda", "x86_64", lambda},
		"last of list":  {"sa-east-1", "lambda", "x86_64", lambda},
		"not offered":   {"eu-west-3", "lambda", "x86_64", ec2},
		"future":        {"xx-new-1", "lambda", "x86_64", ec2},
		"chosen":        {"us-east-1", "ec2", "x86_64", ec2},
		"arm on lambda": {"us-east-1", "lambda", "arm64", "ARM_LAMBDA_CONTAINER BUILD_LAMBDA_2GB aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.13"},
		"arm on ec2":    {"eu-west-3", "lambda", "arm64", "ARM_CONTAINER BUILD_GENERAL1_SMALL aws/codebuild/amazonlinux-aarch64-standard:3.0"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, merged(variants["git pipeline"], Parameters{"AWS::Region": tc.region, ParamReleaseCompute: tc.choice,
				ParamReleaseArchitecture: tc.architecture}))
			e := s.properties("ReleaseProject")["Environment"].(map[string]any)
			if got := e["Type"].(string) + " " + e["ComputeType"].(string) + " " + e["Image"].(string); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// The buildspec of a project without one is that of internal/buildspec, for the chosen folder.
func TestBuiltInBuildspec(t *testing.T) {
	file, err := os.ReadFile("../buildspec/plain.yml")
	if err != nil {
		t.Fatal(err)
	}
	s := newStack(t, merged(variants["no buildspec"], Parameters{ParamSourceFolder: "docs/site"}))
	text := s.properties("BuildProject")["Source"].(map[string]any)["BuildSpec"].(string)
	var want, got map[string]any
	if err := yaml.Unmarshal(file, &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	artifacts := got["artifacts"].(map[string]any)
	if artifacts["base-directory"] != "docs/site" {
		t.Errorf("base-directory is %v", artifacts["base-directory"])
	}
	delete(artifacts, "base-directory")
	if asJSON(t, got) != asJSON(t, want) {
		t.Errorf("got %s, want %s", asJSON(t, got), asJSON(t, want))
	}
}

// Resources that hold what cannot be made again survive their replacement; the rest leaves nothing behind.
func TestReplacementKeepsReleases(t *testing.T) {
	doc, err := parse(hosting)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HostingBucket", "KeyValueStore", "SourceBucket"} {
		if policy := lookup(entries(lookup(doc.resources, name)), "UpdateReplacePolicy"); policy == nil || policy.Value != "Retain" {
			t.Errorf("%s: a replacement would lose it", name)
		}
	}
	for _, e := range doc.resources {
		if e.name == "CiIdentityProvider" {
			continue // an account has one of a kind, and other roles may count on it
		}
		if policy := lookup(entries(e.value), "DeletionPolicy"); policy != nil && policy.Value != "Delete" {
			t.Errorf("%s stays after the stack is deleted", e.name)
		}
	}
}
