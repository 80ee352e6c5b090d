package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/wizard"
)

// zoneLister lists the hosted zones of the account in which a site will be hosted.
type zoneLister interface {
	// HostedZones returns the public zones, each with the name of its domain. It is called at most once, by the wizard, and
	// only for the AWS target.
	HostedZones(ctx context.Context) ([]hostedZone, error)
}

// hostedZone is a Route 53 zone: its id as the configuration has it, and its domain without the last dot.
type hostedZone struct{ ID, Domain string }

// severalApps reports whether the folder is the root of a monorepo, and nothing says what of it is hosted.
func (o *initOptions) severalApps(p proposal) bool {
	return len(p.found.Apps) > 0 && p.found.Framework == "" && !(o.given("build-command") && o.given("output-dir")) && !o.known
}

// chooseApp makes the project folder that of one project of the monorepo.
func (o *initOptions) chooseApp(ctx context.Context, apps []detect.App) error {
	if !o.asks() {
		var lines []string
		for _, a := range apps {
			lines = append(lines, "--dir "+shellWord(o.in(a.Dir))+"   "+frameworkTitle(a.Framework))
		}
		return usage("name one of them:\n"+strings.Join(lines, "\n"), "this is the root of a monorepo with %d projects that can be hosted", len(apps))
	}
	var options []wizard.Option
	for _, a := range apps {
		options = append(options, wizard.Option{Value: a.Dir, Label: a.Dir + "  " + frameworkTitle(a.Framework)})
	}
	dir, err := wizard.Choose(ctx, o.Streams, "Which project of this monorepo is hosted?", "Each can be a site of its own.", options)
	if err != nil {
		return left(err)
	}
	o.dir = o.in(dir)
	return nil
}

// in is a folder below the one that --dir names.
func (o *initOptions) in(dir string) string {
	if o.dir == "." || o.dir == "" {
		return dir
	}
	return strings.TrimSuffix(o.dir, "/") + "/" + dir
}

func left(err error) error {
	if errors.Is(err, wizard.ErrLeft) {
		return fault.New(fault.Other, "", "nothing was written")
	}
	return err
}

// ask shows the proposal on one page until it is accepted. problem is what stands against it so far.
func (o *initOptions) ask(ctx context.Context, p proposal, problem error) (proposal, error) {
	var zones []wizard.Option
	err := wizard.Run(ctx, o.Streams, o.page(p, problem, nil), func(key, value string) (wizard.Page, error) {
		restore := o.set(key, value)
		next, err := o.propose(ctx)
		if err != nil && (!next.arguable || problem == nil) {
			restore()
			return wizard.Page{}, err
		}
		p, problem = next, err
		if o.awsWithDomain(p) && zones == nil {
			zones = o.listZones(ctx)
		}
		return o.page(p, problem, zones), nil
	})
	if err != nil {
		return proposal{}, left(err)
	}
	return p, nil
}

// set makes a value the one of a flag, as if it had been given, and returns what takes that back.
func (o *initOptions) set(flag, value string) (restore func()) {
	flags, build, output, given := o.flags, o.buildCommand, o.outputDir, o.given
	switch flag {
	case "framework":
		o.flags.Framework = value
	case "build-command":
		o.buildCommand = value
	case "output-dir":
		o.outputDir = value
	case "routing":
		o.flags.Routing = site.Routing(value)
	case "repo":
		o.flags.RepoURL = value
	case "branch":
		o.flags.BranchName = value
	case "bucket":
		o.flags.S3Bucket = value
	case "prefix":
		o.flags.S3Path = value
	case "target":
		o.flags.Target = site.Target(value)
	case "domain":
		setDomains(&o.flags, site.SplitDomains(value))
	case "hosted-zone":
		o.flags.HostedZoneID = value
	}
	o.given = func(name string) bool { return name == flag || given(name) }
	return func() { o.flags, o.buildCommand, o.outputDir, o.given = flags, build, output, given }
}

// awsWithDomain reports whether a hosted zone has a meaning.
func (o *initOptions) awsWithDomain(p proposal) bool {
	return cmp.Or(p.config.Target, o.existing.Target) == site.AWS && p.config.DomainName != ""
}

// zonesPatience is how long the account may take to list its zones: someone waits at the page.
const zonesPatience = 8 * time.Second

// listZones are the zones to choose from; empty, and not nil, where they cannot be listed, and then the id is typed.
func (o *initOptions) listZones(ctx context.Context) []wizard.Option {
	if o.zones == nil {
		return []wizard.Option{}
	}
	ctx, cancel := context.WithTimeout(ctx, zonesPatience)
	defer cancel()
	zones, err := o.zones.HostedZones(ctx)
	if err != nil {
		o.warn("the hosted zones cannot be listed: %v", err)
		return []wizard.Option{}
	}
	options := []wizard.Option{{Value: "", Label: "none: DNS is kept elsewhere"}}
	for _, z := range zones {
		options = append(options, wizard.Option{Value: z.ID, Label: z.Domain + "  " + z.ID})
	}
	return options
}

// frameworkTitle is the name that people know a framework by.
func frameworkTitle(key string) string {
	for _, f := range detect.Frameworks() {
		if f.Key == key {
			return f.Title
		}
	}
	if key == detect.Basic {
		return "Plain files"
	}
	return key
}

// frameworkHelp is the part of the help that lists the names which --framework takes.
func (o *initOptions) frameworkHelp() string {
	names := []string{detect.Basic}
	for _, f := range detect.Frameworks() {
		names = append(names, f.Key)
	}
	text := "Frameworks: " + strings.Join(names, ", ") + "."
	dir, err := o.templatesDir()
	if err != nil {
		return text
	}
	if own := o.templateNames(); len(own) > 0 {
		return text + "\n\nYour own, from " + o.path(dir) + ": " + strings.Join(own, ", ") + "."
	}
	return text + "\n\nYour own frameworks: a folder for each in " + o.path(dir) + ", with a build file, a function or both, named as in a project."
}

// completeFrameworks offers the user's own frameworks, and then those that are known.
func (o *initOptions) completeFrameworks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var offered []string
	for _, own := range o.templateNames() {
		offered = append(offered, cobra.CompletionWithDesc(own, "your own"))
	}
	offered = append(offered, cobra.CompletionWithDesc(detect.Basic, "Plain files"))
	for _, f := range detect.Frameworks() {
		offered = append(offered, cobra.CompletionWithDesc(f.Key, f.Title))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// frameworkOptions are the frameworks to choose from in the wizard: what is there, the user's own, and all others.
func (o *initOptions) frameworkOptions(now string) []wizard.Option {
	var options []wizard.Option
	add := func(value, label string) {
		for _, known := range options {
			if known.Value == value {
				return
			}
		}
		options = append(options, wizard.Option{Value: value, Label: label})
	}
	add(now, frameworkTitle(now))
	for _, own := range o.templateNames() {
		add(own, own+"  (your own)")
	}
	add(detect.Basic, "Plain files, without a build")
	for _, f := range detect.Frameworks() {
		add(f.Key, f.Title)
	}
	return options
}

// pending is what of a plan would be written, in words.
func pending(plan *scaffold.Plan) (words []string) {
	for _, f := range plan.Files {
		switch f.Status {
		case scaffold.Created, scaffold.Changed, scaffold.Converted:
			words = append(words, fmt.Sprintf("%s: %s", f.Path, f.Status))
		case scaffold.Kept:
			words = append(words, fmt.Sprintf("%s: kept", f.Path)+cmp.Or(prefixed("; ", f.Reason), " as it is"))
		}
	}
	return words
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
