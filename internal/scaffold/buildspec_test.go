package scaffold_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
)

func TestBuildspec(t *testing.T) {
	tests := map[string]struct {
		build  detect.Build
		subdir string
	}{
		"plain":               {},
		"plain in a folder":   {subdir: "docs"},
		"built folder":        {build: detect.Build{OutputDir: "public"}},
		"npm":                 {build: vite.Build},
		"command only":        {build: detect.Build{BuildCommand: "make site"}},
		"subfolder":           {build: detect.Build{Dir: "my site", InstallCommand: "npm ci", BuildCommand: "npm run build", OutputDir: "dist", Cache: []string{".next/cache/**/*"}}, subdir: "my site"},
		"workspace":           {build: detect.Build{InstallCommand: "pnpm install --frozen-lockfile", BuildCommand: "pnpm --filter ./apps/web run build", OutputDir: "build"}, subdir: "apps/web"},
		"workspace, Nx":       {build: detect.Build{BuildCommand: "npx nx build web", OutputDir: "../../dist/apps/web"}, subdir: "apps/web"},
		"awkward commands":    {build: detect.Build{BuildCommand: `npm run build -- --base="/a: b" # 'x' && true`, OutputDir: "di st", Runtimes: map[string]string{"nodejs": "22", "python": "3.12"}}},
		"commands like words": {build: detect.Build{Setup: []string{"true", "- x", "[ -x a ] || b", "@a", "%b", "!c", "{d", "*e", "&f", "? g", "a:", "null", "~", "0x1f", "it's \"so\""}, BuildCommand: "yes", OutputDir: "123"}},
		"several lines":       {build: detect.Build{BuildCommand: "set -e\nhugo --minify\n\necho done", OutputDir: "public"}},
		"backslashes":         {build: detect.Build{BuildCommand: "build.cmd", OutputDir: `out\www`}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := scaffold.Buildspec(tc.build, tc.subdir)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := buildspec.Parse("build.yml", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			var commands []string
			for _, phase := range spec.Phases {
				for _, c := range phase.Commands {
					commands = append(commands, c.Text)
				}
			}
			all := "\n" + strings.Join(commands, "\n") + "\n"
			for _, c := range append(tc.build.Setup, tc.build.InstallCommand, tc.build.BuildCommand) {
				if !strings.Contains(all, "\n"+c+"\n") && c != "" {
					t.Errorf("command %q is not in %q", c, commands)
				}
			}
			golden.Check(t, strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")+".yml", string(text))
		})
	}
	if text, _ := scaffold.Buildspec(detect.Build{}, ""); string(text) != string(buildspec.Plain()) {
		t.Error("a basic site does not get the plain build file")
	}
}

func TestOutputFolderStaysInTheRepository(t *testing.T) {
	for _, dir := range []string{"/srv/www", "../dist", "a/../../b", `C:\dist`} {
		if _, err := scaffold.Buildspec(detect.Build{OutputDir: dir}, ""); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
