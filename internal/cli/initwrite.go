package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// carryOut shows the plan, asks if there is somebody to ask, and writes the files.
func (o *initOptions) carryOut(ctx context.Context, plan *scaffold.Plan, found detect.Found) error {
	for _, w := range found.Warnings {
		o.warn("%s", w)
	}
	if !o.json {
		if err := o.showFound(plan.Config, found); err != nil {
			return err
		}
	}
	if changes := changed(plan); changes && !o.dryRun {
		if o.InTerminal && !o.Yes {
			fmt.Fprintln(o.Err)
			ok, err := o.Confirm(ctx, "Write this into "+site.Folder+"/?", true)
			if err == nil && !ok {
				err = errors.New("nothing was written")
			}
			if err != nil {
				return err
			}
		}
		if err := plan.Write(); err != nil {
			return err
		}
	}
	if o.json {
		return o.printJSON(o.view(plan, found))
	}
	return o.showFiles(plan)
}

func changed(plan *scaffold.Plan) bool {
	for _, f := range plan.Files {
		if f.Status == scaffold.Created || f.Status == scaffold.Changed {
			return true
		}
	}
	return false
}

// showFound shows what was found out and chosen.
func (o *initOptions) showFound(config site.Config, found detect.Found) error {
	style := o.OutStyle()
	source := found.Repository + style.Dim("  branch ") + found.Branch
	if config.RepoURL == "." {
		source = style.Dim("this repository, branch ") + found.Branch
	}
	if config.S3Bucket != "" {
		source = "s3://" + config.S3Bucket + "/" + config.S3Path
	}
	framework := cmp.Or(found.Title, found.Framework)
	if found.Version != "" {
		framework += " " + found.Version
	}
	build := cmp.Or(found.BuildCommand, style.Dim("none, the files are published as they are"))
	output := cmp.Or(found.OutputDir, style.Dim("the project folder"))
	if o.buildKept {
		build, output = style.Dim("as it is in "+site.BuildFile), ""
	}
	return o.fields(
		[2]string{"Source", source},
		[2]string{"Framework", framework},
		[2]string{"Packages", found.PackageManager},
		[2]string{"Build", build},
		[2]string{"Output", output},
		[2]string{"Routing", string(found.Routing)},
		[2]string{"Domain", config.DomainName},
		[2]string{"Target", string(cmp.Or(config.Target, site.Local))},
	)
}

// showFiles shows what became of each file, and what to do next.
func (o *initOptions) showFiles(plan *scaffold.Plan) error {
	style := o.OutStyle()
	fmt.Fprintln(o.Out)
	table := term.Table{Columns: []term.Column{{}, {}, {}}}
	for _, f := range plan.Files {
		status := string(f.Status)
		if o.dryRun {
			status = "would be " + status
		}
		switch f.Status {
		case scaffold.Created, scaffold.Changed:
			status = style.Green(status)
		case scaffold.Kept:
			status = style.Yellow(status)
		default:
			status = style.Dim(status)
		}
		table.Row(status, f.Path)
	}
	if err := table.Write(o.Out, style, 0); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	o.explainFiles(plan)
	if o.dryRun {
		o.next([2]string{"To write it", o.command("init")})
		return nil
	}
	steps := [][2]string{{"To deploy", o.command("deploy")}}
	if changed(plan) {
		steps = append([][2]string{{"To keep it", "git add . && git commit -m \"Add hosting\""}}, steps...)
	}
	o.next(steps...)
	return nil
}

// explainFiles says why files were kept or replaced, and with --verbose what the difference is.
func (o *initOptions) explainFiles(plan *scaffold.Plan) {
	for _, f := range plan.Files {
		if f.Reason != "" {
			o.warn("%s: %s", f.Path, f.Reason)
		}
		if f.Backup != "" {
			o.warn("the file that was there is now %s", f.Backup)
		}
		if o.verbose && f.Diff != "" {
			fmt.Fprint(o.Err, f.Diff)
		}
	}
}

// detectedView is what init found out, after flags and the configuration that was there have had their say.
type detectedView struct {
	Repository     string       `json:"repository"`
	Branch         string       `json:"branch"`
	Framework      string       `json:"framework"`
	PackageManager string       `json:"packageManager"`
	InstallCommand string       `json:"installCommand"`
	BuildCommand   string       `json:"buildCommand"`
	OutputDir      string       `json:"outputDir"`
	Routing        site.Routing `json:"routing"`
	Subdir         string       `json:"subdir"`
	Evidence       []string     `json:"evidence"`
	Warnings       []string     `json:"warnings"`
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

func (o *initOptions) view(plan *scaffold.Plan, found detect.Found) initView {
	v := initView{
		Config: plan.Config, Changes: plan.Files,
		Detected: detectedView{
			Repository: found.Repository, Branch: found.Branch, Framework: found.Framework, PackageManager: found.PackageManager,
			InstallCommand: found.InstallCommand, BuildCommand: found.BuildCommand, OutputDir: found.OutputDir, Routing: found.Routing,
			Subdir: found.Subdir, Evidence: orEmpty(found.Evidence), Warnings: orEmpty(found.Warnings),
		},
	}
	for _, f := range plan.Files {
		v.Files = append(v.Files, f.Path)
	}
	if o.dryRun {
		v.detectedView = &v.Detected
	}
	return v
}
