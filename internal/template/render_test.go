package template

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestRender(t *testing.T) {
	got, err := Render(sample(nil))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rendered.yaml", got)
	again, err := Render(sample(nil))
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("rendering again gives something else, %v", err)
	}
	comments := 0
	for line := range strings.Lines(string(hosting)) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			comments++
			if !strings.Contains(string(got), line) {
				t.Errorf("comment lost: %s", line)
			}
		}
	}
	if comments < 30 {
		t.Errorf("%d comments", comments)
	}
}

// Whatever the function's text is, the edge gets it as it was written, with the store's id in it.
func TestRenderKeepsTheCode(t *testing.T) {
	tests := map[string]string{
		"one line":             "x",
		"line end":             "x\n",
		"line ends":            "x\n\n\n",
		"leading space":        "   x\n y\n",
		"leading line":         "\n\n  x\n",
		"trailing space":       "x   \n   \n\ty\n",
		"looks like YAML":      "- a: &b !Ref c # d\n--- \n...\n'\"|>%@`\n",
		"template literal":     "const a = `${b}-${!c}`;\n",
		"literal and store":    "const a = `${b}-${!c} ${`${d}`} ${`; cf.kvs('__KVS_ID__');\n",
		"store at the ends":    "__KVS_ID__\n\n\n  x\n\n__KVS_ID__",
		"store on its own":     "__KVS_ID__\n",
		"two stores":           "'__KVS_ID__','__KVS_ID__'",
		"pseudo parameter":     "'${AWS::Region} __KVS_ID__ ${KeyValueStore.Id}'\n",
		"other writing":        "// größer, 日本語, 🚀\n",
		"replacement":          "// \uFFFD\n",
		"Windows":              "a\r\nb\r\n",
		"the empty function":   "FunctionCode: ''\n",
		"long line":            strings.Repeat("x", 9000),
		"as long as it can be": strings.Repeat("x\n", MaxFunctionBytes/2)[:MaxFunctionBytes/4],
	}
	id := (&resolver{parameters: map[string]string{ParamSiteName: "hello-1a2b3c4d"}}).storeID()
	for name, code := range tests {
		t.Run(name, func(t *testing.T) {
			in := sample(nil)
			in.FunctionCode = code
			rendered, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			config, err := Compile(rendered, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := functionCode(code)
			if err != nil {
				t.Fatal(err)
			}
			want = strings.ReplaceAll(want, KVSPlaceholder, id)
			if got := config.Behaviors[len(config.Behaviors)-1].ViewerRequest.Code; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if differs := Differs(rendered, in); differs != nil {
				t.Errorf("differs from itself: %v", differs)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := map[string]struct {
		in   Input
		want string
	}{
		"no code":           {Input{FunctionCode: " \n"}, "there is no code"},
		"too long":          {Input{FunctionCode: strings.Repeat("x", MaxFunctionBytes+1)}, "10241 bytes, and CloudFront takes 10240"},
		"too long with id":  {Input{FunctionCode: strings.Repeat("x", MaxFunctionBytes-20) + KVSPlaceholder}, "and CloudFront takes"},
		"many short lines":  {Input{FunctionCode: strings.Repeat("x\n", MaxFunctionBytes/2)}, "CloudFormation takes 51200"},
		"control character": {Input{FunctionCode: "a\nb\x00"}, "function:2:2: the character U+0000"},
		"not UTF-8":         {Input{FunctionCode: "a\xff"}, "function:1:2: not UTF-8"},
		"line separator":    {Input{FunctionCode: "a\u2028"}, "U+2028"},
		"byte order mark":   {Input{FunctionCode: "\ufeffa"}, "U+FEFF"},
		"old Mac":           {Input{FunctionCode: "a\rb"}, "U+000D"},
		"unknown parameter": {Input{FunctionCode: "x", Parameters: Parameters{"Size": "1"}}, "there is no parameter Size"},
		"invalid value":     {Input{FunctionCode: "x", Parameters: Parameters{ParamSiteName: "a b"}}, "must be a DNS label"},
		"line in a value":   {Input{FunctionCode: "x", Parameters: Parameters{ParamBuildImage: "a\nb"}}, "not one line"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Render(tc.in)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("kind %v", fault.KindOf(err))
			}
		})
	}
}

func TestRenderQuotesDefaults(t *testing.T) {
	tests := map[string]string{
		"number": "123", "boolean": "true", "quotation": "it's", "comment": "a #b", "colon": "a: b", "octal": "0123", "empty": "",
	}
	for name, value := range tests {
		t.Run(name, func(t *testing.T) {
			in := sample(Parameters{ParamBuildImage: value})
			rendered, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := parse(rendered)
			if err != nil {
				t.Fatal(err)
			}
			if n := lookup(entries(lookup(doc.parameters, ParamBuildImage)), "Default"); n.Value != value || n.Tag != "!!str" {
				t.Errorf("default %q %s", n.Value, n.Tag)
			}
		})
	}
}

// A function of 10 KB, laid out as people write, leaves the template well inside what one request may carry.
func TestRenderedSize(t *testing.T) {
	line := "  const something = event.request.headers['accept'];\n"
	in := sample(nil)
	in.FunctionCode = strings.Repeat(line, MaxFunctionBytes/len(line))
	rendered, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(rendered) > MaxInlineBytes {
		t.Errorf("%d bytes, more than %d", len(rendered), MaxInlineBytes)
	}
	// With the longest function the template may go without its comments; without them there is room for longer parameters.
	bare, err := splice(withoutComments(hosting), in.Parameters, in.FunctionCode)
	if err != nil {
		t.Fatal(err)
	}
	if left := MaxInlineBytes - len(bare); left < 4096 {
		t.Errorf("%d bytes without comments, only %d left", len(bare), left)
	}
}

func TestCommentsAreLeftOutForLength(t *testing.T) {
	in := sample(nil)
	full, err := splice(hosting, in.Parameters, in.FunctionCode)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := splice(withoutComments(hosting), in.Parameters, in.FunctionCode)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(bare, in.FunctionCode); err != nil {
		t.Fatal(err)
	}
	var one, other any
	if err := errors.Join(yaml.Unmarshal(full, &one), yaml.Unmarshal(bare, &other)); err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"Parameters", "Outputs"} {
		for _, item := range one.(map[string]any)[section].(map[string]any) {
			delete(item.(map[string]any), "Description")
		}
	}
	if diff := cmp.Diff(one, other); diff != "" {
		t.Errorf("leaving comments out changed the template (-with +without):\n%s", diff)
	}
	if !bytes.HasPrefix(bare, []byte("# The hosting of one site")) {
		t.Error("the head that says how to deploy by hand is gone")
	}
}

func TestDiffers(t *testing.T) {
	in := sample(nil)
	rendered, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	text := string(rendered)
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(text, from) {
			t.Fatalf("no %q", from)
		}
		return strings.Replace(text, from, to, 1)
	}
	withoutComments := func() string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	tests := map[string]struct {
		deployed string
		want     []string
	}{
		"same":           {text, nil},
		"comment":        {"# by another version\n" + text, nil},
		"no comments":    {withoutComments(), nil},
		"description":    {change("Description: Name of the site;", "Description: The site's name;"), nil},
		"long form":      {change("!Ref HostingBucket\n", "{Ref: HostingBucket}\n"), nil},
		"long attribute": {change("!GetAtt HostingBucket.Arn", "{'Fn::GetAtt': [HostingBucket, Arn]}"), nil},
		"quotation":      {change("HttpVersion: http2and3", `HttpVersion: "http2and3"`), nil},
		"function":       {change("The release comes first", "The release comes last"), []string{"function"}},
		"property":       {change("HttpVersion: http2and3", "HttpVersion: http2"), []string{"template"}},
		"resource":       {change("  HostingBucketPolicy:", "  HostingBucketRules:"), []string{"template"}},
		"parameter":      {change("Default: 7", "Default: 8"), []string{"configuration"}},
		"all": {strings.Replace(strings.Replace(change("Default: 7", "Default: 8"), "http2and3", "http2", 1), "comes first", "last", 1),
			[]string{"function", "template", "configuration"}},
		"not a template": {"{", []string{"template"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Differs([]byte(tc.deployed), in); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// The redirects that follow from a site's names are part of what is deployed, and of what it is compared with: a site whose
// names are the same does not differ, and one with other names does.
func TestDiffersKnowsRedirects(t *testing.T) {
	dir := t.TempDir()
	input := func(domain string) Input {
		t.Helper()
		in, err := For(site.New(dir, site.Config{RepoURL: "https://github.com/o/r", BranchName: "main", DomainName: domain}))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := input("example.com")
	if !strings.Contains(in.FunctionCode, "const REDIRECTS = { 'www.example.com': 'example.com', };") {
		t.Errorf("function:\n%s", in.FunctionCode)
	}
	rendered, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := Differs(rendered, input("example.com")); got != nil {
		t.Errorf("the same names differ: %v", got)
	}
	if got := Differs(rendered, input("www.example.com")); !slices.Equal(got, []string{DiffersFunction, DiffersConfiguration}) {
		t.Errorf("other names: %v", got)
	}
	if got := Differs(rendered, input("")); !slices.Equal(got, []string{DiffersFunction, DiffersConfiguration}) {
		t.Errorf("no names: %v", got)
	}
}

// cfn-lint knows the schemas of all resources: it has nothing to say of any variant, in regions with and without Lambda
// compute. On a machine without it, the goldens have to do.
func TestCfnLint(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-lint takes seconds")
	}
	lint := need.Program(t, "cfn-lint", "pip install cfn-lint")
	dir := t.TempDir()
	var files []string
	inputs := map[string]Input{"behaviours": ownBehaviours()}
	for name, params := range variants {
		inputs[name] = sample(params)
	}
	for name, in := range inputs {
		rendered, err := Render(in)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(file, rendered, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	var running sync.WaitGroup // it uses one processor, and is half a second at each file
	for some := range slices.Chunk(files, (len(files)+1)/2) {
		running.Go(func() {
			args := append([]string{"--regions", "us-east-1", "eu-west-1", "eu-west-3", "sa-east-1", "--"}, some...)
			out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput()
			if err != nil || len(bytes.TrimSpace(out)) > 0 {
				t.Errorf("cfn-lint: %v\n%s", err, out)
			}
		})
	}
	running.Wait()
}
