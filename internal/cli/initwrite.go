package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// carryOut writes the files and says what became of each.
func (o *initOptions) carryOut(p proposal) error {
	for _, w := range p.found.Warnings {
		o.warn("%s", w)
	}
	if !o.json {
		if err := o.showFound(p); err != nil {
			return err
		}
	}
	if changed(p.plan) && !o.dryRun {
		if err := p.plan.Write(); err != nil {
			return err
		}
	}
	if o.json {
		return o.printJSON(o.view(p))
	}
	return o.showFiles(p)
}

// changes reports whether a file with this status is written.
func changes(status scaffold.Status) bool {
	return status == scaffold.Created || status == scaffold.Changed || status == scaffold.Converted
}

func changed(plan *scaffold.Plan) bool {
	for _, f := range plan.Files {
		if changes(f.Status) {
			return true
		}
	}
	return false
}

// showFound shows what was found out and chosen.
func (o *initOptions) showFound(p proposal) error {
	style, found, config := o.OutStyle(), p.found, p.config
	source := config.RepoURL + style.Dim("  branch ") + config.BranchName
	if config.RepoURL == "." {
		source = style.Dim("this repository, branch ") + config.BranchName
	}
	switch {
	case config.S3Bucket != "":
		source = style.Dim("zip files in ") + "s3://" + config.S3Bucket + "/" + config.S3Path
	case config.SiteName != "":
		source = style.Dim("zip files in a bucket that deploy makes; the site is ") + config.SiteName
	}
	framework := cmp.Or(found.Title, frameworkTitle(found.Framework))
	if found.Version != "" {
		framework += " " + found.Version
	}
	build := cmp.Or(found.BuildCommand, style.Dim("none, the files are published as they are"))
	output := cmp.Or(found.OutputDir, style.Dim("the project folder"))
	switch {
	case p.buildKept:
		build, output = style.Dim("as it is in "+site.BuildFile), ""
	case p.template != nil && p.template.Build != nil:
		build, output = style.Dim("as in the template "+p.template.Name), ""
	}
	return o.fields(
		[2]string{"Source", source},
		[2]string{"Framework", framework},
		[2]string{"Packages", found.PackageManager},
		[2]string{"Build", build},
		[2]string{"Output", output},
		[2]string{"Routing", string(config.Routing)},
		[2]string{"Domain", domainsText(config)},
		[2]string{"Target", string(cmp.Or(config.Target, site.Local))},
		[2]string{"Because", o.because(found)},
	)
}

// because is the evidence, in lines that the terminal has room for. Whoever was asked has seen it.
func (o *initOptions) because(found detect.Found) string {
	if o.asks() {
		return ""
	}
	text := strings.Join(found.Evidence, "; ")
	const before = 11 // the widest name of a field, and the gap after it
	if width := o.OutWidth(); width > 0 {
		text = term.Wrap(text, max(20, width-before))
	}
	return hang(text, before)
}

// showFiles shows what became of each file, and what to do next.
func (o *initOptions) showFiles(p proposal) error {
	style := o.OutStyle()
	fmt.Fprintln(o.Out)
	table := term.Table{Columns: []term.Column{{}, {}, {}}}
	for _, f := range p.plan.Files {
		status := string(f.Status)
		if o.dryRun {
			status = "would be " + status
		}
		switch {
		case changes(f.Status):
			status = style.Green(status)
		case f.Status == scaffold.Kept:
			status = style.Yellow(status)
		default:
			status = style.Dim(status)
		}
		table.Row(status, f.Path)
	}
	if err := table.Write(o.Out, style, 0); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	o.explainFiles(p.plan)
	if o.dryRun {
		o.next([2]string{"To write it", o.command("init")})
		return nil
	}
	steps := [][2]string{{"To deploy", o.command("deploy")}}
	if changed(p.plan) {
		steps = append([][2]string{{"To keep it", "git add . && git commit -m \"Add hosting\""}}, steps...)
	}
	o.next(steps...)
	return nil
}

// explainFiles says why files were kept or replaced, and what the differences are: those of files that were changed always,
// those that files which are kept would have, with --verbose.
func (o *initOptions) explainFiles(plan *scaffold.Plan) {
	for _, f := range plan.Files {
		if f.Reason != "" {
			o.warn("%s: %s", f.Path, f.Reason)
		}
		if f.Backup != "" {
			o.warn("the file that was there is now %s", f.Backup)
		}
		if f.Diff != "" && (o.verbose || changes(f.Status)) {
			fmt.Fprint(o.Err, f.Diff)
		}
	}
}

// differences are those of the files that would be written, or would be if they were not kept.
func differences(plan *scaffold.Plan) string {
	var b strings.Builder
	for _, f := range plan.Files {
		if f.Diff != "" && f.Status == scaffold.Kept {
			b.WriteString("Not written, since you have edited the file:\n")
		}
		b.WriteString(f.Diff)
	}
	return b.String()
}

// detectedView is what init found out, after flags and the configuration that was there have had their say.
type detectedView struct {
	Repository     string              `json:"repository"`
	Branch         string              `json:"branch"`
	Framework      string              `json:"framework"`
	Version        string              `json:"version"`
	PackageManager string              `json:"packageManager"`
	NodeVersion    string              `json:"nodeVersion"`
	InstallCommand string              `json:"installCommand"`
	BuildCommand   string              `json:"buildCommand"`
	OutputDir      string              `json:"outputDir"`
	Routing        site.Routing        `json:"routing"`
	RoutingReason  string              `json:"routingReason"`
	Subdir         string              `json:"subdir"`
	Apps           []detect.App        `json:"apps"`
	Paths          []string            `json:"paths"`
	EnvFiles       []string            `json:"envFiles"`
	Evidence       []string            `json:"evidence"`
	Warnings       []string            `json:"warnings"`
	Unsupported    *detect.Unsupported `json:"unsupported"`
}

func newDetectedView(f detect.Found) detectedView {
	return detectedView{
		Repository: f.Repository, Branch: f.Branch, Framework: f.Framework, Version: f.Version, PackageManager: f.PackageManager,
		NodeVersion: f.NodeVersion, InstallCommand: f.InstallCommand, BuildCommand: f.BuildCommand, OutputDir: f.OutputDir,
		Routing: f.Routing, RoutingReason: f.Reason, Subdir: f.Subdir, Apps: orEmpty(f.Apps), Paths: orEmpty(f.Paths),
		EnvFiles: orEmpty(f.EnvFiles), Evidence: orEmpty(f.Evidence), Warnings: orEmpty(f.Warnings), Unsupported: f.Unsupported,
	}
}

// initView is init's JSON.
type initView struct {
	// detectedView adds its keys at the top level with --dry-run only.
	*detectedView
	Files    []string        `json:"files"`
	Changes  []scaffold.File `json:"changes"`
	Config   site.Config     `json:"config"`
	Detected detectedView    `json:"detected"`
}

// refusalView is init's JSON where it refuses: why, and what was found all the same.
type refusalView struct {
	*detectedView
	Error    errorView    `json:"error"`
	Detected detectedView `json:"detected"`
}

func (o *initOptions) view(p proposal) initView {
	v := initView{Config: p.config, Changes: p.plan.Files, Detected: newDetectedView(p.found)}
	for _, f := range p.plan.Files {
		v.Files = append(v.Files, f.Path)
	}
	if o.dryRun {
		v.detectedView = &v.Detected
	}
	return v
}
