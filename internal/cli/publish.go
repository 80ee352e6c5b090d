package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

// publishOptions are what publish depends on.
type publishOptions struct {
	*session
	source  string
	release string
	message string
}

func newPublishCmd(s *session) *cobra.Command {
	o := &publishOptions{session: s}
	cmd := &cobra.Command{
		Use:   "publish DIR|ZIP [--release ID] [--message M]",
		Short: "Release built files, without a pipeline",
		Long: `Uploads a folder of built files, or a zip of one, as a release and makes it live. It
runs no build: use it on a laptop, or as the last step of any CI.

Without --release the id follows from the content, so that publishing the same files
again changes nothing; that of a zip is its file name. In GitHub Actions and GitLab CI it is
the commit. There a summary of the run says what was published (docs/ci.md).`,
		Example: `  ` + name + ` publish dist
  ` + name + ` publish dist --release "$GITHUB_SHA" --message "$TITLE"
  ` + name + ` publish site-1.4.zip`,
		Args: arguments(1, 1, "one folder or zip file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.source = args[0]
			if releaseStep(s) != nil {
				var err error
				if o.source, o.release, err = awstarget.StepSource(o.source, o.release); err != nil {
					return err
				}
			}
			if flag := cmd.Flags().Lookup("release"); flag.Changed {
				if err := site.ValidRelease(o.release); err != nil {
					return usage("", "--release: %w", err)
				}
			}
			return runPublish(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.release, "release", "", "the release's `id`, such as a commit id or a version")
	cmd.Flags().StringVarP(&o.message, "message", "m", "", "what `text` to show in the list of releases")
	_ = cmd.RegisterFlagCompletionFunc("release", noFiles)
	_ = cmd.RegisterFlagCompletionFunc("message", noFiles)
	return cmd
}

func runPublish(ctx context.Context, o *publishOptions) error {
	t, project, err := o.hosting()
	if err != nil {
		return err
	}
	o.warnUnconverted(project)
	request := publish.Request{StartedAt: time.Now()}
	dir, cleanUp, err := o.folder(ctx)
	if err != nil {
		return err
	}
	defer cleanUp()
	o.describe(ctx, &request, dir)
	p, err := t.Publisher(ctx)
	if err != nil {
		return err
	}
	report := o.progress(ctx)
	p.Progress = publishProgress(report)
	result, err := p.Publish(ctx, request)
	report.Close(err)
	if err != nil {
		return err
	}
	info, err := t.Show(ctx)
	if err != nil {
		return err
	}
	o.summarize(info.Site, result, info.URL)
	if o.json {
		return o.printJSON(publishedView{Result: result, URL: info.URL})
	}
	return printPublished(o, result, info)
}

// folder returns the folder to publish: the source itself, or what a zip holds, unpacked into a folder that cleanUp removes.
func (o *publishOptions) folder(ctx context.Context) (dir string, cleanUp func(), err error) {
	nothing := func() {}
	info, err := os.Stat(o.source)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nothing, usage("give the folder that the build writes its files to, or a zip of it", "%s does not exist", o.source)
	}
	if err != nil {
		return "", nothing, fmt.Errorf("publish: %w", err)
	}
	if info.IsDir() {
		return o.source, nothing, nil
	}
	temp, err := os.MkdirTemp("", name+"-publish-")
	if err != nil {
		return "", nothing, fmt.Errorf("unpack %s: %w", o.source, err)
	}
	cleanUp = func() { _ = os.RemoveAll(temp) }
	dir = filepath.Join(temp, "files")
	if err := unzip.Extract(ctx, o.source, dir, unzip.DefaultLimits); err != nil {
		cleanUp()
		return "", nothing, err
	}
	return dir, cleanUp, nil
}

// describe adds what the release is called and what it was made from. Without a name its id follows from the content.
func (o *publishOptions) describe(ctx context.Context, request *publish.Request, dir string) {
	request.Dir, request.ID, request.Message = dir, o.release, o.message
	beside := o.source
	if dir != o.source {
		beside = filepath.Dir(o.source)
		base := strings.TrimSuffix(filepath.Base(o.source), filepath.Ext(o.source))
		if request.ID == "" && site.ValidRelease(base) == nil {
			request.ID = base
		}
	}
	commit, subject := headCommit(ctx, beside)
	if commit == "" {
		commit = o.ciCommit() // a checkout that the build has left files in, or without .git
	}
	if request.ID == "" && o.ciCommit() != "" {
		request.ID = commit
	}
	request.Commit = commit
	if commit == "" && isCommit(o.release) {
		request.Commit = o.release // a checkout without .git, as a pipeline hands it on
	}
	if request.Message == "" {
		request.Message = subject
	}
}

// publishSteps are the names of a publication's steps in the progress.
var publishSteps = map[publish.Step]string{
	publish.StepScan:   "Scan",
	publish.StepUpload: "Upload",
	publish.StepVerify: "Verify",
	publish.StepSwap:   "Go live",
	publish.StepPrune:  "Retire",
}

// publishProgress shows a publisher's events.
func publishProgress(report *term.Progress) func(publish.Event) {
	var current publish.Step
	return func(e publish.Event) {
		if e.Step != current {
			current = e.Step
			report.Step(publishSteps[e.Step])
		}
		if e.Of == 0 {
			return
		}
		files, size := term.Count(e.Of, "file"), ""
		if e.OfBy > 0 {
			size = ", " + term.Size(e.OfBy)
		}
		if e.Files == e.Of {
			report.Result("%s%s", files, size)
			return
		}
		report.Detail("%s of %s%s", hosting.Number(e.Files), files, size)
	}
}

func printPublished(o *publishOptions, r publish.Result, info hosting.Info) error {
	o.gap()
	if len(r.LeftOut) > 0 {
		o.warn("left out, since they are never published: %s", some(r.LeftOut, 5))
	}
	for _, w := range r.Warnings {
		o.warn("%s", w)
	}
	files := term.Count(r.Files, "file")
	if parts := counted(r); len(parts) > 0 {
		files += o.OutStyle().Dim("  " + strings.Join(parts, ", "))
	}
	if r.Superseded {
		o.warn("release %s is stored, but a run that started later is live: %s", short(r.Release), short(info.Release))
		return o.fields([2]string{"Stored", o.id(r.Release)}, [2]string{"Files", files}, [2]string{"URL", info.URL})
	}
	return o.printMove(r, info.URL, info.Serving, [2]string{"Files", files})
}

// counted says how the files of a release came into the bucket.
func counted(r publish.Result) (parts []string) {
	if r.Uploaded > 0 {
		parts = append(parts, fmt.Sprintf("%s uploaded (%s)", hosting.Number(r.Uploaded), term.Size(r.BytesSent)))
	}
	if r.Copied > 0 {
		parts = append(parts, fmt.Sprintf("%s copied", hosting.Number(r.Copied)))
	}
	if r.Unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%s unchanged", hosting.Number(r.Unchanged)))
	}
	return parts
}

// some joins the first few items, and says how many more there are.
func some(items []string, most int) string {
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}
