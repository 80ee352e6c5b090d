package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// oldestGit is the first version of git that takes settings from the environment, as package source gives them.
const oldestGit = "2.31"

// Git looks for the git program.
func Git() Look {
	return Look{"Git", func(ctx context.Context) Finding {
		const hint = "install git, version " + oldestGit + " or newer: https://git-scm.com/downloads"
		out, err := exec.CommandContext(ctx, "git", "--version").Output()
		if err != nil {
			return Failed(hint, "the git program does not run: %v", err)
		}
		version := numbers.FindString(string(out))
		if version == "" || older(version, oldestGit) {
			return Failed(hint, "git is version %s", version)
		}
		return OK("version %s", version)
	}}
}

var numbers = regexp.MustCompile(`\d+(\.\d+)+`)

// older compares two versions by their numbers.
func older(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range b {
		if i >= len(a) {
			return true
		}
		x, _ := strconv.Atoi(a[i])
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return false
}

// Project are the looks that the project alone answers: its configuration, its build file and its function.
func Project(p *site.Site) []Look {
	return []Look{
		{"Configuration", func(context.Context) Finding { return configuration(p) }},
		{"Build file", func(context.Context) Finding { return buildFile(p) }},
		{"Function", func(ctx context.Context) Finding { return function(ctx, p) }},
	}
}

// configuration says what is deployed; the file itself was read and checked when the project was loaded.
func configuration(p *site.Site) Finding {
	if _, err := template.For(p); err != nil {
		return Wrong(err)
	}
	if p.Repository == "" {
		return OK("site %s, from zip files%s", p.Name(), bucketWords(p.Config))
	}
	return OK("site %s, branch %s of %s", p.Name(), p.Config.BranchName, site.StripCredentials(p.Repository))
}

func buildFile(p *site.Site) Finding {
	data, err := p.Buildspec()
	if err != nil {
		return Wrong(err)
	}
	if data == nil {
		return OK("none: the files of the repository are published as they are")
	}
	if buildspec.Upstream(data) {
		return Failed("run init, which shows the converted file and keeps the old one",
			"%s is the upstream toolkit's: it copies the site itself instead of naming its artifacts", site.BuildFile)
	}
	spec, err := buildspec.Parse(site.Folder+"/"+site.BuildFile, data)
	if err != nil {
		return Failed(HintOf(err, "mend the build file"), "%v", err)
	}
	commands := 0
	for _, phase := range spec.Phases {
		commands += len(phase.Commands) + len(phase.Finally)
	}
	if commands == 1 {
		return OK("1 command")
	}
	return OK("%d commands", commands)
}

// function compiles the function and calls it for the start page, on a store that names a release.
func function(ctx context.Context, p *site.Site) Finding {
	in, err := template.For(p)
	if err != nil {
		return Skipped("", "the configuration has to be mended first")
	}
	whose := "the toolkit's, for " + string(p.Config.Routing) + " routing"
	if own, err := p.Function(); err == nil && own != "" {
		whose = site.FunctionFile
	}
	code := strings.ReplaceAll(in.FunctionCode, template.KVSPlaceholder, "")
	if n := len(in.FunctionCode); n > template.MaxFunctionBytes {
		return Failed("make it smaller", "%s has %d bytes, and CloudFront takes %d", whose, n, template.MaxFunctionBytes)
	}
	event, err := functiontest.URLEvent("GET", "/", nil)
	if err != nil {
		return Wrong(err)
	}
	const release = "0000000"
	store := functiontest.Store{"path": release}
	const hint = "mend it, and see what it does: function test --url /"
	outcome, err := functiontest.Run(ctx, functiontest.Function{Name: site.FunctionFile, Code: code}, event, cfjs.KV(store), time.Time{})
	if err != nil {
		return Failed(HintOf(err, hint), "%v", err)
	}
	switch {
	case outcome.Failure != nil && readsMore(outcome):
		return OK("%s compiles; what it answers depends on keys of its own in the store", whose)
	case outcome.Failure != nil:
		return Failed(hint, "%s answers / with an error: %v", whose, outcome.Failure)
	case outcome.Result.Request != nil && !strings.HasPrefix(outcome.Result.Request.URI, "/"+release+"/"):
		return Warning(hint, "%s leads / to %s, which is in no release", whose, outcome.Result.Request.URI)
	}
	answer := strings.TrimPrefix(outcome.Summary(), "request for ")
	return OK("%s; / leads to %s", whose, strings.Replace(answer, "/"+release+"/", "/<release>/", 1))
}

// readsMore reports whether a function asked the store for a key that it does not have.
func readsMore(o functiontest.Outcome) bool {
	return slices.ContainsFunc(o.Reads(), func(r cfjs.Read) bool { return !r.OK })
}

// Tools looks whether this machine has what the build file names: the runtimes, and the programs that its commands begin
// with. It is for builds on this machine.
func Tools(p *site.Site) Look {
	return Look{"Tools", func(ctx context.Context) Finding {
		data, err := p.Buildspec()
		if err != nil || data == nil || buildspec.Upstream(data) {
			return Finding{}
		}
		spec, err := buildspec.Parse(site.BuildFile, data)
		if err != nil {
			return Skipped("", "the build file has to be mended first")
		}
		return tools(spec.Tools(ctx))
	}}
}

func tools(all []buildspec.Tool) Finding {
	var have, other, missing []string
	for _, tool := range all {
		switch {
		case tool.Missing:
			missing = append(missing, tool.String())
		case tool.Differs:
			other = append(other, tool.String())
		default:
			have = append(have, tool.String())
		}
	}
	switch {
	case len(missing) > 0:
		return Failed("install it, or change the commands of "+site.BuildFile, "builds on this machine will fail without %s", strings.Join(missing, ", "))
	case len(other) > 0:
		return Warning("install that version, if the site is to be built as on AWS", "the build file asks for %s", strings.Join(other, ", "))
	case len(have) == 0:
		return OK("the build file needs none")
	}
	return OK("%s", strings.Join(have, ", "))
}

// Unloadable is the finding about a project whose configuration cannot be read.
func Unloadable(err error) Look {
	return Look{"Configuration", func(context.Context) Finding { return Wrong(err) }}
}

// Differs is the finding about what of the project is not what is deployed.
func Differs(what []string) Finding {
	if len(what) == 0 {
		return OK("what is deployed is the project's")
	}
	return Warning("run deploy", "of the project, this differs from what is deployed: %s", strings.Join(what, ", "))
}

// Newest compares the live release with the branch's newest commit.
func Newest(live, tip, branch string) Finding {
	const hint = "run status to see why, or deploy to release it"
	switch {
	case live == "":
		return Warning("run deploy", "nothing is released yet")
	case tip == "":
		return OK("%s is live", short(live))
	case live == tip || strings.HasPrefix(live, tip+"-"):
		return OK("%s, the newest commit of %s, is live", short(live), branch)
	}
	return Warning(hint, "%s is live, and the newest commit of %s is %s", short(live), branch, short(tip))
}

func short(id string) string {
	if len(id) >= 40 && strings.Trim(id[:40], "0123456789abcdef") == "" {
		return fmt.Sprintf("%.7s%s", id, id[40:])
	}
	return id
}

// HintOf is an error's own hint, or another one.
func HintOf(err error, other string) string {
	if hint := fault.HintOf(err); hint != "" {
		return hint
	}
	return other
}

// bucketWords say which bucket the zip files are in, if the configuration names one.
func bucketWords(c site.Config) string {
	if c.S3Bucket == "" {
		return " in a bucket that deploy makes"
	}
	return " in s3://" + c.S3Bucket + "/" + c.S3Path
}
