package cli

import (
	"cmp"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/wizard"
)

// page is the wizard's page for a proposal. The keys of its lines are names of flags.
func (o *initOptions) page(p proposal, problem error, zones []wizard.Option) wizard.Page {
	page := wizard.Page{Title: o.pageTitle(), Accept: "Write this into " + site.Folder + "/"}
	if p.plan != nil {
		if o.known {
			page.Notes = pending(p.plan)
			page.Differences = differences(p.plan)
		}
		if !changed(p.plan) {
			page.Accept = "Leave everything as it is"
		}
	}
	for _, w := range p.found.Warnings {
		page.Notes = append(page.Notes, "Mind: "+w)
	}
	page.Notes = append(page.Notes, p.found.Evidence...)
	if problem != nil {
		page.Problem = problem.Error() + prefixed("\n", fault.HintOf(problem))
	}
	page.Lines = append(o.buildLines(p), o.sourceLines(p)...)
	page.Lines = append(page.Lines, o.hostingLines(p, zones)...)
	return page
}

func (o *initOptions) pageTitle() string {
	if o.dir == "." || o.dir == "" {
		return "This project"
	}
	return "The project in " + o.dir
}

// buildLines are about how the site is built and routed.
func (o *initOptions) buildLines(p proposal) []wizard.Line {
	found := p.found
	framework := strings.TrimSpace(cmp.Or(found.Title, frameworkTitle(found.Framework)) + " " + found.Version)
	build, output := cmp.Or(found.BuildCommand, "none: the files are published as they are"), cmp.Or(found.OutputDir, "the project folder")
	if p.buildKept || p.template != nil && p.template.Build != nil {
		build, output = "as it is in "+site.BuildFile, "as it is there"
		if p.template != nil {
			build = "as in the template " + p.template.Name
		}
	}
	return []wizard.Line{
		{Key: "framework", Label: "Framework", Value: found.Framework, Shown: framework, Options: o.frameworkOptions(found.Framework)},
		{Key: "build-command", Label: "Build", Value: found.BuildCommand, Shown: build,
			Help: "The command that builds the site; empty if there is nothing to build.", Validate: oneLine},
		{Key: "output-dir", Label: "Output", Value: found.OutputDir, Shown: output,
			Help: "The folder that the build writes to, relative to the project; empty for the project folder.",
			Validate: func(dir string) error {
				_, err := scaffold.Buildspec(detect.Build{BuildCommand: "true", OutputDir: dir}, found.Subdir)
				return err
			}},
		{Key: "routing", Label: "Routing", Value: string(found.Routing), Shown: string(found.Routing) + prefixed(": ", routingReason(found)),
			Options: []wizard.Option{
				{Value: string(site.RoutingSPA), Label: "spa: a path without a file is answered with index.html"},
				{Value: string(site.RoutingStatic), Label: "static: /about finds about.html or about/index.html"},
				{Value: string(site.RoutingCustom), Label: "custom: the function file is my own"},
			}},
	}
}

// routingReason is why the routing was detected; nothing is known of one that was chosen.
func routingReason(found detect.Found) string {
	if found.Routing == site.RoutingCustom {
		return "the function is your own"
	}
	return found.Reason
}

func oneLine(text string) error {
	if strings.ContainsAny(text, "\n\r") {
		return fault.New(fault.Usage, "", "write one command; join several with &&")
	}
	return nil
}

// sourceLines are about where the site comes from.
func (o *initOptions) sourceLines(p proposal) []wizard.Line {
	if o.zips() {
		return []wizard.Line{
			{Key: "bucket", Label: "Bucket", Value: p.config.S3Bucket, Shown: cmp.Or(p.config.S3Bucket, "deploy makes one"),
				Help: "An existing bucket that zip files are put into, without s3://; empty for one that deploy makes.",
				Validate: valid("s3bucket", func(c *site.Config, v string) {
					if v != "" {
						c.S3Bucket, c.RepoURL, c.BranchName = v, "", ""
					}
				})},
			{Key: "prefix", Label: "Prefix", Value: p.config.S3Path, Shown: cmp.Or(p.config.S3Path, "the bucket's root"),
				Help: "The folder of the bucket in which zip files are looked for."},
		}
	}
	shown := p.config.RepoURL
	if shown == "." {
		shown = "this repository"
	}
	return []wizard.Line{
		{Key: "repo", Label: "Repository", Value: p.config.RepoURL, Shown: cmp.Or(shown, "not known"), Help: "A URL that git can fetch, or . for the project's own repository.",
			Validate: valid("repoUrl", func(c *site.Config, v string) { c.RepoURL = v })},
		{Key: "branch", Label: "Branch", Value: p.config.BranchName, Shown: cmp.Or(p.config.BranchName, "not known"), Help: "The branch whose newest commit is live.",
			Validate: valid("branchName", func(c *site.Config, v string) { c.BranchName = v })},
	}
}

// hostingLines are about where the site is hosted.
func (o *initOptions) hostingLines(p proposal, zones []wizard.Option) []wizard.Line {
	target := cmp.Or(p.config.Target, o.existing.Target, site.Local)
	domain := strings.Join(configuredDomains(p.config), " ")
	where := map[site.Target]string{site.Local: "this machine", site.AWS: "an AWS account"}
	lines := []wizard.Line{
		{Key: "target", Label: "Target", Value: string(target), Shown: where[target], Options: []wizard.Option{
			{Value: string(site.Local), Label: "this machine: to try it, to preview, or on a server of your own"},
			{Value: string(site.AWS), Label: "an AWS account: S3, CloudFront, CodePipeline"},
		}},
		{Key: "domain", Label: "Domain", Value: domain, Shown: cmp.Or(domainsText(p.config), "none yet"),
			Help:     "The site's own name, like www.example.com, and any further ones after it; empty for none.",
			Validate: valid("domainName", func(c *site.Config, v string) { setDomains(c, site.SplitDomains(v)) })},
	}
	if target != site.AWS || domain == "" {
		return lines
	}
	zone := p.config.HostedZoneID
	line := wizard.Line{Key: "hosted-zone", Label: "Hosted zone", Value: zone, Shown: cmp.Or(zone, "none: DNS is kept elsewhere"), Options: zones,
		Help: "The id of the domain's Route 53 zone, like Z0123456789ABC; empty if DNS is kept elsewhere."}
	if len(zones) == 0 {
		line.Validate = valid("hostedZoneId", func(c *site.Config, v string) { c.DomainName, c.HostedZoneID = p.config.DomainName, v })
	}
	return append(lines, line)
}

// valid is the check of one key of the configuration.
func valid(key string, set func(*site.Config, string)) func(string) error {
	return func(value string) error {
		c := site.Config{RepoURL: ".", BranchName: "main"}
		set(&c, strings.TrimSpace(value))
		err := c.Validate()
		if err == nil {
			return nil
		}
		text := err.Error()
		for _, k := range []string{key, "domainNames"} {
			text = strings.TrimPrefix(text, `"`+k+`": `)
		}
		return fault.New(fault.Usage, "", "%s", text+prefixed(": ", fault.HintOf(err)))
	}
}
