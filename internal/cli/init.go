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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/scaffold"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// initOptions are what init depends on.
type initOptions struct {
	*session
	dryRun, s3, force bool
	// flags are the configuration that flags give: what is not given is empty.
	flags        site.Config
	buildCommand string
	outputDir    string
	given        func(flag string) bool
	// buildKept is set when the build is what the build file says, and not what was detected.
	buildKept bool
}

func newInitCmd(s *session) *cobra.Command {
	o := &initOptions{session: s}
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "Look at the project, and write its configuration",
		Long: `Looks at the project folder, finds out what it can, and writes the configuration, the build
file and the function into ` + site.Folder + `/.

Running it again keeps what you have edited, and everything that no flag asks to change.`,
		Example: `  ` + name + ` init
  ` + name + ` init --yes --build-command "npm run build" --output-dir dist --routing spa
  ` + name + ` init --dry-run --json`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			return runInit(cmd.Context(), o)
		},
	}
	o.addFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("routing", o.routings().complete)
	return cmd
}

func (o *initOptions) routings() choice[site.Routing] {
	return choice[site.Routing]{&o.flags.Routing, []site.Routing{site.RoutingSPA, site.RoutingStatic, site.RoutingCustom}}
}

func (o *initOptions) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, only say what would be written")
	f.BoolVar(&o.force, "force", false, "replace files that you have edited too; yours are kept beside them")
	f.StringVar(&o.flags.RepoURL, "repo", "", "`URL` or path of the repository; . is the project's own")
	f.StringVar(&o.flags.BranchName, "branch", "", "the `branch` to deploy")
	f.BoolVar(&o.s3, "s3", false, "deploy zip files from a bucket instead of a repository")
	f.StringVar(&o.flags.S3Bucket, "bucket", "", "with --s3: the `bucket`")
	f.StringVar(&o.flags.S3Path, "prefix", "", "with --s3: the `prefix` of the zip files")
	f.StringVar(&o.flags.Framework, "framework", "", "the `name` of the framework; basic is a site without a build")
	f.Var(o.routings(), "routing", "how a path finds its file")
	f.StringVar(&o.buildCommand, "build-command", "", "the `command` that builds the site")
	f.StringVar(&o.outputDir, "output-dir", "", "the `folder` that the build writes to")
	f.StringVar(&o.flags.DomainName, "domain", "", "the site's domain `name`")
	f.StringVar(&o.flags.HostedZoneID, "hosted-zone", "", "the `id` of the domain's Route 53 zone")
}

func runInit(ctx context.Context, o *initOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	existing, known, err := o.existing()
	if err != nil {
		return err
	}
	found, err := detect.Project(ctx, o.dir)
	if err != nil {
		return err
	}
	if err := o.decide(ctx, &found, existing); err != nil {
		return err
	}
	config, err := o.config(ctx, found, existing)
	if err != nil {
		return err
	}
	plan, err := scaffold.Prepare(o.dir, scaffold.Choices{Config: config, Build: found.Build, Subdir: found.Subdir, Force: o.force})
	if err != nil {
		return err
	}
	if known && !o.force {
		o.keepBuild(plan)
	}
	return o.carryOut(ctx, plan, found)
}

// check refuses flags that contradict one another.
func (o *initOptions) check() error {
	o.flags.Target = o.target
	o.s3 = o.s3 || o.given("bucket") || o.given("prefix")
	if o.s3 && (o.given("repo") || o.given("branch")) {
		return usage("leave out --repo and --branch, or --s3, --bucket and --prefix", "a site has one source: a repository, or a bucket")
	}
	if info, err := os.Stat(o.dir); err != nil || !info.IsDir() {
		return usage("give the project's folder with --dir", "%s is not a folder", o.dir)
	}
	return nil
}

// existing returns the configuration that is there already. One that cannot be read counts as none with --force.
func (o *initOptions) existing() (config site.Config, known bool, err error) {
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

// decide lays flags, and then the existing configuration, over what has been detected: found becomes what is meant.
func (o *initOptions) decide(ctx context.Context, found *detect.Found, existing site.Config) error {
	if existing.Framework == detect.Basic && found.Framework != detect.Basic && o.flags.Framework == "" {
		found.Warnings = append(found.Warnings, fmt.Sprintf(
			"this looks like a %s project, and is configured without a build; --framework %s changes that",
			cmp.Or(found.Title, found.Framework), found.Framework))
	}
	found.Framework = cmp.Or(o.flags.Framework, existing.Framework, found.Framework)
	found.Routing = cmp.Or(o.flags.Routing, existing.Routing, found.Routing)
	if o.flags.Framework == detect.Basic {
		found.Build = detect.Build{Dir: found.Build.Dir}
	}
	if o.given("build-command") {
		found.BuildCommand = o.buildCommand
	}
	if o.given("output-dir") {
		found.OutputDir = filepath.ToSlash(o.outputDir)
	}
	if u := found.Unsupported; u != nil && !(o.given("build-command") && o.given("output-dir")) && !o.force {
		return fault.New(fault.Usage, fmt.Sprintf("in %s: %s", u.File, u.Change), "%s", u.Reason)
	}
	if o.s3 || existing.S3Bucket != "" && !o.given("repo") {
		return nil
	}
	repository, branch := cmp.Or(o.flags.RepoURL, existing.RepoURL), cmp.Or(o.flags.BranchName, existing.BranchName)
	if (repository == "" && found.Repository == "" || branch == "" && found.Branch == "") && found.SourceError != nil {
		return found.SourceError
	}
	found.Repository, found.Branch = cmp.Or(repository, found.Repository), cmp.Or(branch, found.Branch)
	if found.Branch != "" {
		return nil
	}
	var err error
	found.Branch, err = o.Ask(ctx, "Which branch is deployed?", "main", "--branch")
	return err
}

// config is the configuration that was chosen.
func (o *initOptions) config(ctx context.Context, found detect.Found, existing site.Config) (site.Config, error) {
	config := o.flags
	config.Framework, config.Routing = found.Framework, found.Routing
	if !o.s3 && (existing.S3Bucket == "" || o.given("repo")) {
		config.RepoURL, config.BranchName = found.Repository, found.Branch
		return config, nil
	}
	config.S3Bucket = cmp.Or(config.S3Bucket, existing.S3Bucket)
	config.S3Path = cmp.Or(config.S3Path, existing.S3Path)
	if config.S3Bucket != "" {
		return config, nil
	}
	var err error
	config.S3Bucket, err = o.Ask(ctx, "Which bucket are the zip files put into?", "", "--bucket")
	return config, err
}

// keepBuild keeps the build file unless a flag asks for another build: the flags with which it was once made are not
// recorded anywhere else. So `init --domain example.com` changes the domain and nothing else.
func (o *initOptions) keepBuild(plan *scaffold.Plan) {
	if o.given("build-command") || o.given("output-dir") || o.given("framework") {
		return
	}
	for i := range plan.Files {
		f := &plan.Files[i]
		if path.Base(f.Path) == site.BuildFile && (f.Status == scaffold.Changed || f.Status == scaffold.Kept) {
			f.Status, f.Reason, f.Diff = scaffold.Kept, "", ""
			o.buildKept = true
		}
	}
}
