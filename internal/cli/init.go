package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	templates    string
	// given tells which flags there are. A line that is changed in the wizard counts as its flag.
	given func(flag string) bool
	// existing is the configuration that was there; known is set if there was one.
	existing site.Config
	known    bool
	// siteName is the name that was made up for a site without a source of its own.
	siteName string
}

const initLong = `Looks at the project folder, finds out what it can, shows it with the reasons on one page, and
writes the configuration, the build file and the function into ` + site.Folder + `/.
Without a terminal, or with --yes, it asks nothing.

Running it again keeps what you have edited, and everything that no flag asks to change.
Another --framework brings its own build file and function; edited ones are kept beside them.`

func newInitCmd(s *session) *cobra.Command {
	o := &initOptions{session: s}
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "Look at the project, and write its configuration",
		Long:  initLong,
		Example: `  ` + name + ` init
  ` + name + ` init --yes --build-command "npm run build" --output-dir dist --routing spa
  ` + name + ` init --dir apps/web      (one project of a monorepo)
  ` + name + ` init --dry-run --json`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			return runInit(cmd.Context(), o)
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		cmd.Long = initLong + "\n\n" + o.frameworkHelp()
		writeHelp(s.Streams, cmd)
	})
	o.addFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("routing", o.routings().complete)
	_ = cmd.RegisterFlagCompletionFunc("framework", o.completeFrameworks)
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
	f.StringVar(&o.flags.S3Bucket, "bucket", "", "with --s3: an existing `bucket` (default: deploy makes one)")
	f.StringVar(&o.flags.S3Path, "prefix", "", "with --s3: the `prefix` of the zip files")
	f.StringVar(&o.flags.Framework, "framework", "", "the `name` of the framework or template; basic has no build")
	f.StringVar(&o.templates, "templates", "", "`folder` of your own frameworks (also $CHT_TEMPLATES)")
	f.Var(o.routings(), "routing", "how a path finds its file")
	f.StringVar(&o.buildCommand, "build-command", "", "the `command` that builds the site")
	f.StringVar(&o.outputDir, "output-dir", "", "the `folder` that the build writes to")
	f.Var(&domains{&o.flags}, "domain", "the `name` of the site's domain; again for each further one")
	f.StringVar(&o.flags.HostedZoneID, "hosted-zone", "", "the `id` of the domain's Route 53 zone")
}

// asks reports whether there is somebody to ask, about something that will be written.
func (o *initOptions) asks() bool { return o.InTerminal && !o.Yes && !o.dryRun }

func runInit(ctx context.Context, o *initOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	p, err := o.propose(ctx)
	if o.severalApps(p) {
		if err = o.chooseApp(ctx, p.found.Apps); err == nil {
			p, err = o.propose(ctx)
		}
	}
	if o.asks() && p.arguable && !o.severalApps(p) {
		p, err = o.ask(ctx, p, err)
	}
	if err != nil {
		return o.refuse(p, err)
	}
	return o.carryOut(p)
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

// templatesDir is the folder of the user's own frameworks: --templates, else $CHT_TEMPLATES, else the one in the user's
// configuration folder. It need not exist unless it was named.
func (o *initOptions) templatesDir() (string, error) {
	for _, dir := range []string{o.templates, os.Getenv("CHT_TEMPLATES")} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", usage("name a folder that has a folder for each template", "templates: %s is not a folder", dir)
		}
		return dir, nil
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		var err error
		if config, err = os.UserConfigDir(); err != nil {
			return "", nil // a user without a home has no templates there
		}
	}
	return filepath.Join(config, name, "templates"), nil
}

// templateNames are the user's own frameworks; none where the folder cannot be read.
func (o *initOptions) templateNames() []string {
	dir, err := o.templatesDir()
	if err != nil {
		return nil
	}
	names, err := scaffold.Templates(dir)
	if err != nil {
		o.debug("%v", err)
	}
	return names
}

// refuse tells why nothing is written, and with --json also what was found: a script may want to go on from there.
func (o *initOptions) refuse(p proposal, err error) error {
	if !o.json || p.found.Framework == "" && len(p.found.Apps) == 0 {
		return err
	}
	view := refusalView{Error: newErrorView(err), Detected: newDetectedView(p.found)}
	if o.dryRun {
		view.detectedView = &view.Detected
	}
	return errors.Join(o.printJSON(view), reported{err})
}
