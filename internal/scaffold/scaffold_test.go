package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

const (
	configFile   = site.Folder + "/" + site.ConfigFile
	buildFile    = site.Folder + "/" + site.BuildFile
	functionFile = site.Folder + "/" + site.FunctionFile
)

var (
	basic = scaffold.Choices{Config: site.Config{RepoURL: ".", BranchName: "main", Framework: detect.Basic, Routing: site.RoutingStatic}}
	vite  = scaffold.Choices{
		Config: site.Config{RepoURL: ".", BranchName: "main", Framework: "vite", Routing: site.RoutingSPA},
		Build: detect.Build{PackageManager: "npm", InstallCommand: "npm ci", BuildCommand: "npm run build", OutputDir: "dist",
			Runtimes: map[string]string{"nodejs": "22"}, Cache: []string{"/root/.npm/**/*"}},
	}
)

func TestFirstRun(t *testing.T) {
	dir := t.TempDir()
	p := prepare(t, dir, vite)
	want := []string{configFile + " created", buildFile + " created", functionFile + " created", ".gitignore created"}
	if diff := cmp.Diff(want, statuses(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("a plan has written %v", entries)
	}
	write(t, p)
	s, err := site.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Config.Schema != site.SchemaURL || s.Config.Framework != "vite" || s.Config.Routing != site.RoutingSPA {
		t.Errorf("configuration %+v", s.Config)
	}
	code, err := s.Function()
	if toolkit, _ := routing.Code(site.RoutingSPA); err != nil || !strings.HasSuffix(code, toolkit) {
		t.Errorf("function %v:\n%s", err, code)
	}
	if len(code) > 10*1024 {
		t.Errorf("the function has %d bytes, CloudFront takes 10 KB", len(code))
	}
	entries, _ := os.ReadDir(filepath.Join(dir, site.Folder))
	if len(entries) != 3 {
		t.Errorf("folder holds %v", entries)
	}
}

func TestRunningAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, prepare(t, dir, vite))
	p := prepare(t, dir, vite)
	for _, f := range p.Files {
		if f.Status != scaffold.Unchanged || f.Diff != "" {
			t.Errorf("%s is %s\n%s", f.Path, f.Status, f.Diff)
		}
	}
}

// TestDefect21_FrameworkChanges: upstream kept the old build file and function when init was run for another framework.
func TestDefect21_FrameworkChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, prepare(t, dir, vite))
	p := prepare(t, dir, basic)
	want := []string{configFile + " changed", buildFile + " changed", functionFile + " changed", ".gitignore unchanged"}
	if diff := cmp.Diff(want, statuses(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if d := p.Files[1].Diff; !strings.Contains(d, "-      - npm run build") {
		t.Errorf("diff of the build file:\n%s", d)
	}
	write(t, p)
	if text := read(t, dir, buildFile); !strings.HasSuffix(text, string(buildspec.Plain())) {
		t.Errorf("build file:\n%s", text)
	}
	if code, _ := routing.Code(site.RoutingStatic); !strings.HasSuffix(read(t, dir, functionFile), code) {
		t.Errorf("function:\n%s", read(t, dir, functionFile))
	}
}

func TestHandEditsAreKept(t *testing.T) {
	dir := t.TempDir()
	write(t, prepare(t, dir, vite))
	edited := strings.Replace(read(t, dir, buildFile), "npm run build", "npm run build:production", 1)
	put(t, dir, buildFile, edited)
	put(t, dir, functionFile, "function handler(event) { return event.request }\n")

	p := prepare(t, dir, basic)
	want := []string{configFile + " changed", buildFile + " kept", functionFile + " kept", ".gitignore unchanged"}
	if diff := cmp.Diff(want, statuses(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if f := p.Files[1]; !strings.Contains(f.Diff, "-      - npm run build:production") || !strings.Contains(f.Reason, "--force") || string(f.Text()) != edited {
		t.Errorf("kept file: %+v", f)
	}
	write(t, p)
	if got := read(t, dir, buildFile); got != edited {
		t.Errorf("the edit is lost:\n%s", got)
	}

	force := basic
	force.Force = true
	for i, backup := range []string{".bak", ".bak2"} {
		p = prepare(t, dir, force)
		if f := p.Files[1]; f.Status != scaffold.Changed || f.Backup != buildFile+backup {
			t.Fatalf("run %d: %s, backup %q", i, f.Status, f.Backup)
		}
		write(t, p)
		if got := read(t, dir, buildFile+backup); got != edited {
			t.Errorf("backup:\n%s", got)
		}
		if got := read(t, dir, buildFile); !strings.HasSuffix(got, string(buildspec.Plain())) {
			t.Errorf("build file:\n%s", got)
		}
		put(t, dir, buildFile, edited)
	}
}

func TestUpstreamsFilesAreConverted(t *testing.T) {
	const theirs = `version: 0.2
phases:
  install:
    commands:
      - npm ci
  build:
    commands:
      - npm run build
      - cd build # the output
      - echo aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive
      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive
`
	const function = "import cf from 'cloudfront';\nconst kvsId = '__KVS_ID__';\n"
	dir := t.TempDir()
	put(t, dir, configFile, `{"repoUrl": ".", "branchName": "main", "framework": "reactjs"}`)
	put(t, dir, buildFile, theirs)
	put(t, dir, functionFile, function)
	p := prepare(t, dir, vite)
	want := []string{configFile + " changed", buildFile + " converted", functionFile + " kept", ".gitignore created"}
	if diff := cmp.Diff(want, statuses(p)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	if f := p.Files[1]; !strings.Contains(f.Diff, "-      - aws s3 cp") || !strings.Contains(f.Reason, "upstream") || f.Backup == "" {
		t.Errorf("converted file: %+v", f)
	}
	if f := p.Files[2]; !strings.Contains(f.Reason, "upstream") {
		t.Errorf("function: %s", f.Reason)
	}
	write(t, p)
	if read(t, dir, buildFile+".bak") != theirs {
		t.Error("upstream's build file is lost")
	}
	spec, err := buildspec.Parse("b.yml", []byte(read(t, dir, buildFile)))
	if err != nil || spec.Artifacts == nil || spec.Artifacts.Base.Glob != "build" {
		t.Errorf("%v\n%s", err, read(t, dir, buildFile))
	}
	force := vite
	force.Force = true
	if p := prepare(t, dir, force); p.Files[2].Status != scaffold.Changed || p.Files[2].Backup == "" {
		t.Errorf("with --force: %+v", p.Files[2])
	}
}

func TestUpstreamsFilesThatCannotBeConverted(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, buildFile, "version: 0.2\nphases:\n  build:\n    commands:\n      - cd $OUT\n      - aws s3 cp ./ s3://$DEST_BUCKET_NAME/$CODEBUILD_RESOLVED_SOURCE_VERSION/ --recursive\n")
	if f := prepare(t, dir, vite).Files[1]; f.Status != scaffold.Kept || !strings.Contains(f.Reason, "--force") {
		t.Errorf("%s: %s", f.Status, f.Reason)
	}
}

func TestLineEndingsAreNoEdit(t *testing.T) {
	dir := t.TempDir()
	write(t, prepare(t, dir, vite))
	put(t, dir, buildFile, strings.ReplaceAll(read(t, dir, buildFile), "\n", "\r\n"))
	if p := prepare(t, dir, vite); p.Files[1].Status != scaffold.Unchanged {
		t.Errorf("the same choices: %s", p.Files[1].Status)
	}
	if p := prepare(t, dir, basic); p.Files[1].Status != scaffold.Changed {
		t.Errorf("other choices: %s", p.Files[1].Status)
	}
}

func TestConfigurationIsMerged(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, configFile, `{"branchName": "main", "repoUrl": ".", "keepReleases": 3, "framework": "reactjs"}`)
	before := read(t, dir, configFile)
	if p := prepare(t, dir, scaffold.Choices{Config: site.Config{BranchName: "main"}}); p.Files[0].Status != scaffold.Unchanged {
		t.Errorf("the same values: %s\n%s", p.Files[0].Status, p.Files[0].Diff)
	}
	p := prepare(t, dir, scaffold.Choices{Config: site.Config{DomainName: "a.example"}})
	want := site.Config{Schema: site.SchemaURL, RepoURL: ".", BranchName: "main", Framework: "reactjs", KeepReleases: 3, DomainName: "a.example"}
	if diff := cmp.Diff(want, p.Config); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	p = prepare(t, dir, scaffold.Choices{Config: site.Config{S3Bucket: "my-bucket"}})
	if p.Config.RepoURL != "" || p.Config.BranchName != "" || p.Config.S3Bucket != "my-bucket" || p.Config.KeepReleases != 3 {
		t.Errorf("another source: %+v", p.Config)
	}
	if read(t, dir, configFile) != before {
		t.Error("a plan has written the configuration")
	}
}

func TestInvalidConfigurations(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, configFile, `{"repoUrl": 1}`)
	if _, err := scaffold.Prepare(dir, basic); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), configFile+":1:13") || !strings.Contains(fault.HintOf(err), "--force") {
		t.Errorf("an invalid file: %v (hint %q)", err, fault.HintOf(err))
	}
	force := basic
	force.Force = true
	p := prepare(t, dir, force)
	write(t, p)
	if read(t, dir, configFile+".bak") != `{"repoUrl": 1}` {
		t.Error("the invalid file is lost")
	}
	if _, err := scaffold.Prepare(t.TempDir(), scaffold.Choices{Config: site.Config{RepoURL: "."}}); fault.KindOf(err) != fault.Usage {
		t.Errorf("an invalid choice: %v", err)
	}
}

func TestCustomRouting(t *testing.T) {
	custom := basic
	custom.Config.Routing = site.RoutingCustom
	dir := t.TempDir()
	p := prepare(t, dir, custom)
	if code, _ := routing.Code(site.RoutingStatic); !strings.HasSuffix(string(p.Files[2].Text()), code) {
		t.Errorf("a function to begin with:\n%s", p.Files[2].Text())
	}
	write(t, prepare(t, dir, vite))
	if p := prepare(t, dir, custom); p.Files[2].Status != scaffold.Unchanged {
		t.Errorf("the function that is there: %s", p.Files[2].Status)
	}
}

func TestGitignore(t *testing.T) {
	tests := map[string]struct{ before, after string }{
		"none":            {"", "cloudfront-hosting-toolkit/*.log\n"},
		"others":          {"dist/\n", "dist/\ncloudfront-hosting-toolkit/*.log\n"},
		"no last newline": {"dist/", "dist/\ncloudfront-hosting-toolkit/*.log\n"},
		"Windows":         {"dist/\r\n", "dist/\r\ncloudfront-hosting-toolkit/*.log\r\n"},
		"there already":   {"/cloudfront-hosting-toolkit/*.log\nx", "/cloudfront-hosting-toolkit/*.log\nx"},
		"all logs":        {"*.log", "*.log"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.before != "" {
				put(t, dir, ".gitignore", tc.before)
			}
			write(t, prepare(t, dir, basic))
			if got := read(t, dir, ".gitignore"); got != tc.after {
				t.Errorf("got %q, want %q", got, tc.after)
			}
		})
	}
}

func TestWriteRefusesWhatHasChanged(t *testing.T) {
	dir := t.TempDir()
	p := prepare(t, dir, basic)
	put(t, dir, buildFile, "mine")
	if err := p.Write(); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(configFile))); err == nil {
		t.Error("half of the plan was written")
	}
}

func TestSymbolicLinksStay(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	put(t, elsewhere, "shared.ignore", "x\n")
	if err := os.Symlink(filepath.Join(elsewhere, "shared.ignore"), filepath.Join(dir, ".gitignore")); err != nil {
		t.Skip(err)
	}
	write(t, prepare(t, dir, basic))
	if info, err := os.Lstat(filepath.Join(dir, ".gitignore")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if got := read(t, elsewhere, "shared.ignore"); !strings.Contains(got, "*.log") {
		t.Errorf("got %q", got)
	}
}

func prepare(t *testing.T, dir string, c scaffold.Choices) *scaffold.Plan {
	t.Helper()
	p, err := scaffold.Prepare(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, p *scaffold.Plan) {
	t.Helper()
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
}

func statuses(p *scaffold.Plan) []string {
	var all []string
	for _, f := range p.Files {
		all = append(all, f.Path+" "+string(f.Status))
	}
	return all
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
