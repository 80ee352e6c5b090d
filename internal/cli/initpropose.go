package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// proposal is what init would do: what was found, after flags and the configuration that was there have had their say, and
// the files that follow from it.
type proposal struct {
	found    detect.Found
	config   site.Config
	template *scaffold.Template
	// plan is nil if something stands in the way.
	plan *scaffold.Plan
	// arguable is set if what stands in the way is a value that another one can take the place of.
	arguable bool
	// buildKept is set when the build is what the build file says, and not what was detected.
	buildKept bool
}

// propose works the proposal out. With an error it holds what is known all the same.
func (o *initOptions) propose(ctx context.Context) (p proposal, err error) {
	if o.existing, o.known, err = o.readExisting(); err != nil {
		return p, err
	}
	templates, err := o.templatesDir()
	if err != nil {
		return p, err
	}
	if o.given("framework") {
		if p.template, err = scaffold.LoadTemplate(templates, o.flags.Framework); err != nil {
			return p, err
		}
	}
	if err := o.unknownFramework(p.template); err != nil {
		return p, err
	}
	framework := o.flags.Framework
	if p.template != nil {
		framework = ""
	}
	if p.found, err = detect.Project(ctx, o.dir, framework); err != nil {
		return p, err
	}
	p.arguable = true
	o.decide(&p)
	if err := errors.Join(o.unsupported(p.found), o.source(&p)); err != nil {
		return p, err
	}
	o.missingBranch(ctx, &p)
	p.plan, err = scaffold.Prepare(o.dir, scaffold.Choices{
		Config: p.config, Clear: o.cleared(), Build: p.found.Build, Template: p.template, Subdir: p.found.Subdir, Reframed: o.reframed(), Force: o.force,
	})
	if err != nil {
		return p, err
	}
	p.config = p.plan.Config
	if o.known && !o.force {
		o.keepBuild(&p)
	}
	return p, nil
}

// readExisting returns the configuration that is there already. One that cannot be read counts as none with --force.
func (o *initOptions) readExisting() (config site.Config, known bool, err error) {
	file := filepath.Join(o.dir, site.Folder, site.ConfigFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return site.Config{}, false, nil
	}
	if err != nil {
		return site.Config{}, false, fmt.Errorf("read configuration: %w", err)
	}
	config, err = site.Parse(file, data)
	if err != nil && o.force {
		return site.Config{}, false, nil
	}
	if err != nil {
		return site.Config{}, false, fault.New(fault.Usage, cmp.Or(fault.HintOf(err), "mend it, or replace it with --force"), "%w", err)
	}
	return config, true, nil
}

// decide lays flags, and then the existing configuration, over what has been detected.
func (o *initOptions) decide(p *proposal) {
	found := &p.found
	configured := o.existing.Framework
	if now := found.Framework; configured != "" && o.flags.Framework == "" && now != "" && now != configured && !detect.Means(configured, now) {
		found.Warnings = append(found.Warnings, fmt.Sprintf("this looks like a %s project, and is configured as %s; --framework %s changes that",
			cmp.Or(found.Title, now), configured, now))
	}
	detected := found.Framework
	found.Framework = cmp.Or(o.flags.Framework, configured, detected)
	if found.Framework != detected && !detect.Means(found.Framework, detected) {
		found.Title, found.Version = "", ""
	}
	if routing := o.existing.Routing; !o.reframed() || routing == site.RoutingCustom {
		found.Routing = cmp.Or(routing, found.Routing)
	}
	found.Routing = cmp.Or(o.flags.Routing, found.Routing)
	if p.template != nil && p.template.Function != nil {
		found.Routing = cmp.Or(o.flags.Routing, site.RoutingCustom)
	}
	if o.flags.Framework == detect.Basic || o.zips() && !o.known && !o.given("framework") {
		// Whoever uploads zip files has built the site, unless they say that it is to be built here: what there is to say
		// about the build is not for them.
		if o.flags.Framework != detect.Basic {
			found.Warnings = nil
		}
		found.Build = detect.Build{Dir: found.Build.Dir}
	}
	if o.given("build-command") {
		found.BuildCommand = o.buildCommand
	}
	if o.given("output-dir") {
		found.OutputDir = filepath.ToSlash(o.outputDir)
	}
	p.config = o.flags
	p.config.Framework, p.config.Routing = found.Framework, found.Routing
	if !o.known && !o.zips() {
		p.config.Paths = fewPaths(found.Paths)
	}
}

// reframed reports whether a project that is configured is to have another framework than it has.
func (o *initOptions) reframed() bool {
	return o.known && o.flags.Framework != "" && o.flags.Framework != o.existing.Framework
}

// unsupported refuses a project that cannot be hosted as files, unless flags say what is published, or it was settled when
// the project was configured.
func (o *initOptions) unsupported(found detect.Found) error {
	u := found.Unsupported
	settled := o.given("build-command") && o.given("output-dir") || o.force || o.zips() && !o.given("framework") || o.known && o.flags.Framework == ""
	if u == nil || settled || len(found.Apps) > 0 {
		return nil
	}
	hint := fmt.Sprintf("in %s:\n%s\n\nor say what is published with --build-command and --output-dir", u.File, u.Change)
	return fault.New(fault.Usage, hint, "%s", u.Reason)
}

// unknownFramework refuses a name that nobody knows, that of a template that is gone among them. What is configured may be
// any name, as long as no flag asks for it.
func (o *initOptions) unknownFramework(template *scaffold.Template) error {
	name := o.flags.Framework
	if name == "" || template != nil || detect.Known(name) {
		return nil
	}
	names := append([]string{detect.Basic}, o.templateNames()...)
	for _, f := range detect.Frameworks() {
		names = append(names, f.Key)
	}
	hint := "see init --help for the names; for another framework give --build-command and --output-dir instead"
	if near := fault.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return usage(hint, "--framework %s: no framework and no template has this name", name)
}

// missingBranch warns of a branch that was asked for and that the project's own clone does not know. It may be made later, so
// that is no error.
func (o *initOptions) missingBranch(ctx context.Context, p *proposal) {
	if o.zips() || !o.given("branch") || o.given("repo") || detect.HasBranch(ctx, o.dir, p.found.Branch) {
		return
	}
	p.found.Warnings = append(p.found.Warnings, fmt.Sprintf("this repository knows no branch %s yet: make it, and push it, before you deploy", p.found.Branch))
}

// zips reports whether the site's source is a bucket.
func (o *initOptions) zips() bool { return o.s3 || o.existing.Zips() && !o.given("repo") }

// source settles where the site comes from.
func (o *initOptions) source(p *proposal) error {
	found := &p.found
	if o.zips() {
		p.config.RepoURL, p.config.BranchName = "", ""
		if !o.given("prefix") {
			p.config.S3Path = o.existing.S3Path
		}
		if !o.given("bucket") {
			p.config.S3Bucket = o.existing.S3Bucket
		}
		if p.config.S3Bucket == "" {
			p.config.SiteName = cmp.Or(o.existing.SiteName, o.newName())
		}
		return nil
	}
	repository, branch := cmp.Or(o.flags.RepoURL, o.existing.RepoURL), cmp.Or(o.flags.BranchName, o.existing.BranchName)
	unknown := repository == "" && found.Repository == "" || branch == "" && found.Branch == ""
	found.Repository, found.Branch = cmp.Or(repository, found.Repository), cmp.Or(branch, found.Branch)
	p.config.RepoURL, p.config.BranchName = found.Repository, found.Branch
	switch {
	case unknown && found.SourceError != nil:
		return found.SourceError
	case found.Branch == "":
		return usage("give --branch", "the branch to deploy is not known")
	}
	return nil
}

// newName is the name of a site whose bucket deploy makes; the same one however often it is asked for.
func (o *initOptions) newName() string {
	if o.siteName == "" {
		abs, err := filepath.Abs(o.dir)
		if err != nil {
			abs = o.dir
		}
		o.siteName = site.NewName(filepath.Base(abs))
	}
	return o.siteName
}

// cleared are the keys that flags set to nothing.
func (o *initOptions) cleared() (keys []string) {
	for _, f := range []struct{ flag, value, key string }{
		{"domain", o.flags.DomainName, "domainName"}, {"hosted-zone", o.flags.HostedZoneID, "hostedZoneId"}, {"prefix", o.flags.S3Path, "s3path"},
	} {
		if o.given(f.flag) && f.value == "" {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// fewPaths joins path filters until there are no more than a pipeline takes: packages of one folder become the folder.
func fewPaths(paths []string) []string {
	for len(paths) > site.MaxPaths {
		parents := map[string]int{}
		for _, p := range paths {
			if folder, ok := strings.CutSuffix(p, "/**"); ok && path.Dir(folder) != "." {
				parents[path.Dir(folder)]++
			}
		}
		most := ""
		for parent, n := range parents {
			if n > parents[most] || n == parents[most] && parent < most {
				most = parent
			}
		}
		if most == "" {
			return nil // whatever is left out would be missed: every commit is deployed
		}
		paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return strings.HasPrefix(p, most+"/") })
		paths = append(paths, most+"/**")
	}
	return paths
}

// keepBuild keeps the build file unless a flag asks for another build: the flags with which it was once made are not
// recorded anywhere else. So `init --domain example.com` changes the domain and nothing else.
func (o *initOptions) keepBuild(p *proposal) {
	if o.given("build-command") || o.given("output-dir") || o.given("framework") {
		return
	}
	for i := range p.plan.Files {
		f := &p.plan.Files[i]
		if path.Base(f.Path) == site.BuildFile && (f.Status == scaffold.Changed || f.Status == scaffold.Kept) {
			f.Status, f.Reason, f.Diff = scaffold.Kept, "", ""
			p.buildKept = true
		}
	}
}
