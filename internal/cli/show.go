package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// showOptions are what show depends on.
type showOptions struct {
	*session
	all bool
}

func newShowCmd(s *session) *cobra.Command {
	o := &showOptions{session: s}
	cmd := &cobra.Command{
		Use:   "show [--all]",
		Short: "Show where the site lives and what it serves",
		Long: `Shows where the site lives and what it serves, and whether the project's function,
template or configuration differ from what is deployed.

With --all it lists the sites of this machine, wherever their projects are: a project that was
moved is another site, and its old one stays until it is deleted.`,
		Example:           "  " + name + " show\n  " + name + " show --json\n  " + name + " show --all",
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.all {
				return runShowAll(cmd.Context(), s)
			}
			return runShow(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "local: list all sites of this machine")
	return cmd
}

func runShow(ctx context.Context, o *showOptions) error {
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	info, err := t.Show(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(newInfoView(info))
	}
	style := o.OutStyle()
	stored := ""
	if info.Releases > 0 {
		stored = term.Count(info.Releases, "release") + ", " + term.Size(info.Bytes)
	}
	release := o.id(info.Release)
	if release == "" {
		release = style.Dim("none yet")
	}
	err = o.fields(
		[2]string{"Site", style.Bold(info.Site) + style.Dim("  on the "+info.Target+" target")},
		[2]string{"URL", info.URL},
		[2]string{"Listens at", strings.Join(info.Addresses, ", ")},
		[2]string{"Domain", namesText(info.Names)},
		[2]string{"Source", o.path(sourceWords(info.Source, style))},
		[2]string{"Release", release},
		[2]string{"Stored", stored},
		[2]string{"Kept in", o.path(info.Location) + onDisk(info, style)},
		[2]string{"Push to", o.path(info.PushURL)},
		[2]string{"Zips go to", o.path(info.Upload)},
		[2]string{"CI role", ciRoleARN(info)},
	)
	if err != nil {
		return err
	}
	o.differs(info.Differs)
	o.next(o.afterShow(info)...)
	return nil
}

// afterShow is what to do about a site that does not answer, or has nothing to answer with.
func (s *session) afterShow(info hosting.Info) (steps [][2]string) {
	s.sourceProblem(info)
	if !info.Serving {
		s.warn("the site does not answer: no server runs")
		steps = append(steps, [2]string{"To serve it", s.command("serve")})
	}
	if len(info.TryDomain) > 0 {
		words := make([]string, len(info.TryDomain))
		for i, word := range info.TryDomain {
			words[i] = shellWord(word)
		}
		steps = append(steps, [2]string{"To try " + info.Domain, strings.Join(words, " ")})
	}
	if info.Release == "" && info.Upload != "" {
		steps = append(steps, [2]string{"To release a zip file", uploadCommand(info)})
	} else if info.Release == "" {
		steps = append(steps, [2]string{"To see what became of it", s.command("status")})
	}
	return steps
}

// sourceProblem says what the site's own names wait for, and why news of the repository do not arrive, or are passed over.
func (s *session) sourceProblem(info hosting.Info) {
	if info.DomainState != "" && !s.json {
		s.warn("%s: %s", strings.TrimSpace("domain "+info.Domain), hang(info.DomainState, len("warning: ")))
	}
	if info.SourceError != "" && !s.json {
		s.warn("the repository cannot be read at present: %s", hang(info.SourceError, len("warning: ")))
	}
	if id, subject, ok := strings.Cut(info.PassedOver, " "); ok && !s.json {
		fmt.Fprintf(s.Err, "Not deployed: %s  %s\n  It changes nothing within the paths of the configuration.\n", short(id), subject)
	}
}

// differs says what of the project is not what is deployed.
func (s *session) differs(what []string) {
	if len(what) == 0 || s.json {
		return
	}
	verb := "differs"
	if len(what) > 1 {
		verb = "differ"
	}
	s.warn("the project's %s %s from what is deployed", list(what), verb)
	s.next([2]string{"To deploy the change", s.command("deploy")})
}

func sourceWords(source hosting.Source, style term.Style) string {
	if source.Bucket != "" {
		return fmt.Sprintf("s3://%s/%s", source.Bucket, strings.TrimPrefix(source.Path, "/"))
	}
	if source.Repository == "" {
		return ""
	}
	return source.Repository + style.Dim("  branch ") + source.Branch
}

// path shortens a path of the home folder, for people.
func (s *session) path(path string) string {
	home, err := os.UserHomeDir()
	if rest, inside := strings.CutPrefix(path, home+string(filepath.Separator)); s.OutTerminal && err == nil && inside {
		return filepath.Join("~", rest)
	}
	return path
}

// onDisk says what a site takes in its place; nothing if that is not known.
func onDisk(info hosting.Info, style term.Style) string {
	if info.Disk == 0 {
		return ""
	}
	cache := "build cache"
	if info.BuildCache > 0 {
		cache = "a build cache of " + term.Size(info.BuildCache)
	}
	return style.Dim("  " + term.Size(info.Disk) + " with " + cache + ", logs and repository")
}

// infoView is show's JSON: every key of the contract is there, whatever its value.
type infoView struct {
	Site   string `json:"site"`
	Target string `json:"target"`
	URL    string `json:"url"`
	Domain string `json:"domain"`
	// DomainState says what the site's own names wait for; empty if they are served.
	DomainState string `json:"domainState"`
	// Names are all host names that the site answers to, with the redirected ones.
	Names []hosting.Name `json:"names"`
	// TryDomain is a command, in words, that asks the site for its domain before DNS leads to it.
	TryDomain []string   `json:"tryDomain,omitempty"`
	Source    sourceView `json:"source"`
	Release   string     `json:"release"`
	Serving   bool       `json:"serving"`
	// Addresses are where the server of this machine listens.
	Addresses []string `json:"addresses,omitempty"`
	Location  string   `json:"location"`
	PushURL   string   `json:"pushUrl"`
	Releases  int      `json:"releases"`
	Bytes     int64    `json:"bytes"`
	// Disk is what the site takes on this machine with all that belongs to it.
	Disk int64 `json:"disk,omitempty"`
	// BuildCache is what of it is kept between builds.
	BuildCache int64    `json:"buildCache,omitempty"`
	Differs    []string `json:"differs"`
	// Upload is where zip files are put, of a site that is fed by them.
	Upload string `json:"upload,omitempty"`
	// CIRole is the role with which a CI publishes.
	CIRole *hosting.CIRole `json:"ciRole,omitempty"`
	// SourceError says why the repository cannot be read at present.
	SourceError string `json:"sourceError"`
	// PassedOver names the newest commit if it was not deployed because it changes nothing within the site's paths.
	PassedOver string `json:"passedOver"`
}

type sourceView struct {
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Bucket     string `json:"bucket,omitempty"`
	Path       string `json:"path,omitempty"`
}

func newInfoView(i hosting.Info) infoView {
	return infoView{
		Site: i.Site, Target: i.Target, URL: i.URL, Domain: i.Domain, DomainState: i.DomainState, Names: orEmpty(i.Names), TryDomain: i.TryDomain,
		Source: sourceView(i.Source), Release: i.Release, Serving: i.Serving, Addresses: i.Addresses, Location: i.Location, PushURL: i.PushURL,
		Releases: i.Releases, Bytes: i.Bytes, Disk: i.Disk, BuildCache: i.BuildCache, Differs: orEmpty(i.Differs), Upload: i.Upload, CIRole: i.CIRole, SourceError: i.SourceError, PassedOver: i.PassedOver,
	}
}

// orEmpty makes nil an empty list, which JSON tells apart.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
