package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// project makes a site with the given files in its toolkit's folder.
func project(t *testing.T, s site.Site, files ...string) *site.Site {
	t.Helper()
	s.Dir = t.TempDir()
	if s.Config.Routing == "" {
		s.Config.Routing = site.RoutingStatic
	}
	folder := filepath.Join(s.Dir, site.Folder)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("// "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &s
}

func TestForParameters(t *testing.T) {
	const buildspec = "cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml"
	common := func(s *site.Site, more Parameters) Parameters {
		return merged(Parameters{
			ParamSiteName: s.Name(), ParamPipelineName: pipelineName(s.Name()), ParamKeepReleases: "10",
			ParamBuildTimeoutMinutes: "30", ParamDomainNames: "", ParamBuildspecPath: "", ParamSourceType: "git",
			ParamRouting: string(s.Config.Routing),
		}, more)
	}
	tests := map[string]struct {
		site  site.Site
		files []string
		want  Parameters
	}{
		"GitHub": {
			site.Site{Repository: "https://github.com/Alice/Hello.git", Config: site.Config{BranchName: "main"}},
			[]string{site.BuildFile},
			Parameters{ParamProviderType: "GitHub", ParamFullRepositoryID: "Alice/Hello", ParamBranchName: "main",
				ParamBuildspecPath: buildspec},
		},
		"GitHub over ssh": {
			site.Site{Repository: "git@github.com:Alice/Hello.git", Config: site.Config{BranchName: "main"}}, nil,
			Parameters{ParamProviderType: "GitHub", ParamFullRepositoryID: "Alice/Hello", ParamBranchName: "main"},
		},
		"GitLab subgroup": {
			site.Site{Repository: "ssh://git@gitlab.com/group/sub/app", Config: site.Config{BranchName: "v1"}}, nil,
			Parameters{ParamProviderType: "GitLab", ParamFullRepositoryID: "group/sub/app", ParamBranchName: "v1"},
		},
		"another host": {
			site.Site{Repository: "https://git.example.com/alice/hello", Config: site.Config{BranchName: "main"}}, nil,
			Parameters{ParamBranchName: "main"},
		},
		"a local repository": {
			site.Site{Repository: "/home/alice/hello", Config: site.Config{BranchName: "main"}}, nil,
			Parameters{ParamBranchName: "main"},
		},
		"a subfolder": {
			site.Site{Repository: "https://github.com/a/b", Subdir: "apps/web", Config: site.Config{BranchName: "main"}},
			[]string{site.BuildFile},
			Parameters{ParamProviderType: "GitHub", ParamFullRepositoryID: "a/b", ParamBranchName: "main",
				ParamBuildspecPath: "apps/web/" + buildspec},
		},
		"a subfolder without a build": {
			site.Site{Repository: "https://github.com/a/b", Subdir: "apps/web", Config: site.Config{BranchName: "main"}}, nil,
			Parameters{ParamProviderType: "GitHub", ParamFullRepositoryID: "a/b", ParamBranchName: "main",
				ParamSourceFolder: "apps/web"},
		},
		"a bucket": {
			site.Site{Config: site.Config{S3Bucket: "drop", S3Path: "/sites/hello/"}}, nil,
			Parameters{ParamSourceType: "s3", ParamSourceBucketName: "drop", ParamSourcePrefix: "sites/hello/"},
		},
		"one of a monorepo": {
			site.Site{Repository: "/r", Subdir: "apps/web", Config: site.Config{BranchName: "main", Paths: []string{"apps/web/**", "package.json"}}}, nil,
			Parameters{ParamBranchName: "main", ParamSourceFolder: "apps/web", ParamPathFilters: "apps/web/**,package.json"},
		},
		"choices": {
			site.Site{Repository: "/r", Config: site.Config{BranchName: "b", DomainName: "example.com", KeepReleases: 3,
				BuildTimeoutMinutes: 1}}, nil,
			Parameters{ParamBranchName: "b", ParamDomainNames: "example.com,www.example.com", ParamKeepReleases: "3",
				ParamBuildTimeoutMinutes: "5"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := project(t, tc.site, tc.files...)
			in, err := For(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(common(s, tc.want), in.Parameters); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			rendered, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			config, err := Compile(rendered, nil)
			if err != nil {
				t.Fatal(err)
			}
			if config.DomainName != s.Name()+".localhost" {
				t.Errorf("domain %s", config.DomainName)
			}
		})
	}
}

func TestForFunction(t *testing.T) {
	in, err := For(project(t, site.Site{Repository: "/r", Config: site.Config{BranchName: "b"}}, site.FunctionFile))
	if err != nil || in.FunctionCode != "// "+site.FunctionFile+"\n" {
		t.Errorf("the project's function: %q, %v", in.FunctionCode, err)
	}
	for _, routing := range []site.Routing{site.RoutingSPA, site.RoutingStatic} {
		in, err := For(project(t, site.Site{Repository: "/r", Config: site.Config{BranchName: "b", Routing: routing}}))
		if err != nil || !strings.Contains(in.FunctionCode, "handler") {
			t.Errorf("routing %s: %q, %v", routing, in.FunctionCode, err)
		}
	}
	_, err = For(project(t, site.Site{Repository: "/r", Config: site.Config{BranchName: "b", Routing: site.RoutingCustom}}))
	if fault.KindOf(err) != fault.Usage {
		t.Errorf("a custom routing without a function: %v", err)
	}
}

// The end of a site's name, which tells sites apart, is never cut off.
func TestPipelineName(t *testing.T) {
	tests := map[string]struct{ site, want string }{
		"short":         {"hello-1a2b3c4d", "hello-1a2b3c4d"},
		"exactly":       {"hello-world-1a2b3c4d", "hello-world-1a2b3c4d"},
		"long":          {"a-rather-long-name-1a2b3c4d", "a-rather-lo-1a2b3c4d"},
		"cut at hyphen": {"hello-wide-world-1a2b3c4d", "hello-wide-1a2b3c4d"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := pipelineName(tc.site); got != tc.want || len(got) > maxPipelineName {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestBuildMinutes(t *testing.T) {
	for d, want := range map[time.Duration]int{
		time.Second: 5, 5 * time.Minute: 5, 90 * time.Second * 10: 15, 901 * time.Second: 16, 100 * time.Hour: 480,
	} {
		if got := buildMinutes(d); got != want {
			t.Errorf("%s: %d, want %d", d, got, want)
		}
	}
}
