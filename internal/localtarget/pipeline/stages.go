package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/drop"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Stages are the three stages of a site on this machine. The deployed configuration is read anew by each stage, so that
// a deployment counts for what has not begun yet.
type Stages struct {
	Site state.Site
	// Version is the tool's, for the manifests.
	Version string

	mu      sync.Mutex
	mirror  *source.Mirror
	uploads *drop.Folder
}

var _ Work = (*Stages)(nil)

// Mirror returns the site's repository. Everyone in this process gets the same one as long as the source is the same.
func (s *Stages) Mirror(d *state.Deployed) *source.Mirror {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mirror == nil || s.mirror.Address != d.Repository || s.mirror.Branch != d.Branch {
		s.mirror = &source.Mirror{Dir: s.Site.Source(), Address: d.Repository, Branch: d.Branch}
	}
	return s.mirror
}

// Clean removes what dead executions left in the work folder.
func (s *Stages) Clean() error { return removeAll(s.Site.Work()) }

func (s *Stages) folder(j *Job) string { return filepath.Join(s.Site.Work(), j.Execution.ID) }

func (s *Stages) checkout(j *Job) string { return filepath.Join(s.folder(j), "source") }

func (s *Stages) artifacts(j *Job) string { return filepath.Join(s.folder(j), "artifacts") }

// Finish implements Work.
func (s *Stages) Finish(j *Job) {
	if err := removeAll(s.folder(j)); err != nil && j.Output != nil {
		fmt.Fprintf(j.Output, "warning: the work folder stays until the next start: %v\n", err)
	}
}

// Source implements Work.
func (s *Stages) Source(ctx context.Context, j *Job) error {
	d, err := s.Site.Load()
	if err != nil {
		return err
	}
	if d.Config.Zips() {
		return s.zipSource(ctx, j)
	}
	m := s.Mirror(d)
	if j.Execution.Revision == "" {
		j.Progress("fetching branch %s", d.Branch)
		if err := m.Fetch(ctx); err != nil {
			return err
		}
		c, err := m.Newest(ctx)
		if err != nil {
			return err
		}
		j.Execution.Revision, j.Execution.Message = c.ID, c.Subject
		_ = os.Remove(s.Site.PassedOver()) // this is the newest commit, and it is run
	}
	fmt.Fprintf(j.Output, "Source: commit %s of branch %s: %s\n", j.Execution.Revision, d.Branch, j.Execution.Message)
	j.Progress("checking out %.12s %s", j.Execution.Revision, j.Execution.Message)
	if err := os.MkdirAll(s.folder(j), 0o700); err != nil {
		return fmt.Errorf("create work folder: %w", err)
	}
	notes, err := m.Checkout(ctx, j.Execution.Revision, s.checkout(j))
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintf(j.Output, "note: %s\n", note)
	}
	return nil
}

// Build implements Work.
func (s *Stages) Build(ctx context.Context, j *Job) error {
	d, err := s.Site.Load()
	if err != nil {
		return err
	}
	spec, from, err := s.buildspec(j, d)
	if err != nil {
		return err
	}
	var private map[string]string
	if d.EnvFile != "" {
		if private, err = buildspec.ReadEnvFile(d.EnvFile); err != nil {
			return err
		}
		fmt.Fprintf(j.Output, "Build: %d variables from %s\n", len(private), d.EnvFile)
	}
	j.Progress("building %.12s", j.Execution.Revision)
	build := buildspec.Build{
		Spec:    spec,
		Source:  from,
		Work:    filepath.Join(s.folder(j), "build"),
		Cache:   s.Site.Cache(),
		Env:     environment(j, d, s.number()),
		Private: private,
		Timeout: d.BuildTimeout(),
		Log:     j.Output,
	}
	report, err := build.Run(ctx, s.artifacts(j))
	if err != nil {
		// The stage says already that it is the build.
		return fault.New(fault.Failed, fault.HintOf(err), "%s", strings.TrimPrefix(err.Error(), "build: "))
	}
	j.Progress("built %s", hosting.Count(report.ArtifactFiles, "file"))
	return nil
}

// ownBuildFile is the build file of the commit that was checked out; it need not have one.
func (s *Stages) ownBuildFile(j *Job, d *state.Deployed) string {
	return filepath.Join(s.checkout(j), filepath.FromSlash(path.Join(d.Subdir, site.Folder, site.BuildFile)))
}

// buildspec returns the build file of the commit and the folder that its commands begin in. A commit without one is built
// with the copy that was deployed or, if there was none either, published as it is.
func (s *Stages) buildspec(j *Job, d *state.Deployed) (spec *buildspec.Spec, from string, err error) {
	name := path.Join(d.Subdir, site.Folder, site.BuildFile)
	data, err := os.ReadFile(s.ownBuildFile(j, d))
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = os.ReadFile(s.Site.Buildspec()); err == nil {
			note := "note: the commit has no %s; the copy from the last deploy is used. Commit the file, so that it has its history.\n"
			if d.Config.Zips() {
				note = "note: the zip has no %s; the copy from the last deploy is used\n"
			}
			fmt.Fprintf(j.Output, note, name)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		// Commands of a build file begin at the top of the repository, as in CodeBuild. Without one there are no commands,
		// and what is published is the project's folder.
		from = filepath.Join(s.checkout(j), filepath.FromSlash(d.Subdir))
		spec, err = buildspec.Parse("the toolkit's own buildspec", buildspec.Plain())
		return spec, from, err
	}
	if err != nil {
		return nil, "", fmt.Errorf("read build file: %w", err)
	}
	spec, err = buildspec.Parse(name, data)
	return spec, s.checkout(j), err
}

// environment is what CodeBuild tells a build of itself
// (https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html).
func environment(j *Job, d *state.Deployed, number int) map[string]string {
	id := d.Site + "-build:" + j.Execution.ID
	return map[string]string{
		"CODEBUILD_BUILD_ID":                id,
		"CODEBUILD_BUILD_ARN":               "arn:aws:codebuild:us-east-1:000000000000:build/" + id,
		"CODEBUILD_BUILD_NUMBER":            strconv.Itoa(number),
		"CODEBUILD_INITIATOR":               "codepipeline/" + d.Site,
		"CODEBUILD_SOURCE_VERSION":          j.Execution.Revision,
		"CODEBUILD_RESOLVED_SOURCE_VERSION": j.Execution.Revision,
		"CODEBUILD_START_TIME":              strconv.FormatInt(j.Execution.StartedAt.UnixMilli(), 10),
	}
}

// number counts the site's builds. Only one build of a site runs at a time.
func (s *Stages) number() int {
	file := filepath.Join(string(s.Site), "build-number")
	data, _ := os.ReadFile(file) // a counter that cannot be read begins anew
	n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	n++
	_ = os.WriteFile(file, []byte(strconv.Itoa(n)), 0o600)
	return n
}

// Release implements Work.
func (s *Stages) Release(ctx context.Context, j *Job) error {
	d, err := s.Site.Load()
	if err != nil {
		return err
	}
	p := Publisher(s.Site, d, s.Version)
	p.Progress = func(e publish.Event) { j.Progress("%s", describe(e)) }
	request := publish.Request{
		Dir:       s.artifacts(j),
		ID:        j.Execution.Revision,
		Commit:    j.Execution.Revision,
		Message:   j.Execution.Message,
		StartedAt: j.Execution.StartedAt,
	}
	if d.Config.Zips() {
		request.ID, request.Commit = zipRelease(j.Execution.Revision), ""
	}
	result, err := p.Publish(ctx, request)
	if err != nil {
		return err
	}
	j.Execution.Release = result.Release
	fmt.Fprintf(j.Output, "Release: %s: %s; %s uploaded (%s), %s copied, %s unchanged\n", result.Release, hosting.Count(result.Files, "file"),
		hosting.Number(result.Uploaded), hosting.Size(result.BytesSent), hosting.Number(result.Copied), hosting.Number(result.Unchanged))
	for _, name := range result.LeftOut {
		fmt.Fprintf(j.Output, "Release: left out: %s\n", name)
	}
	for _, text := range result.Warnings {
		fmt.Fprintf(j.Output, "Release: warning: %s\n", text)
	}
	for _, id := range result.Pruned {
		fmt.Fprintf(j.Output, "Release: removed the old release %s\n", id)
	}
	if result.Superseded {
		return Superseded{By: "release " + result.Release + " is stored, but a run that started later had already made another release live"}
	}
	return nil
}

// Publisher returns the publisher of a site on this machine.
func Publisher(s state.Site, d *state.Deployed, version string) *publish.Publisher {
	kv := disk.OpenKV(s.KV())
	return &publish.Publisher{
		Store:            disk.OpenStore(s.Bucket()),
		Pointer:          kv,
		Keep:             d.Keep(),
		Spared:           spared(kv),
		PageAliases:      d.Config.Routing == site.RoutingStatic,
		PropagationGrace: -1, // the edge reads the key-value store itself: nothing has to spread
		ToolVersion:      version,
	}
}

// describe says in words what a publication is at.
func describe(e publish.Event) string {
	switch e.Step {
	case publish.StepUpload:
		return fmt.Sprintf("uploading %s of %s, %s of %s", hosting.Number(e.Files), hosting.Count(e.Of, "file"), hosting.Size(e.Bytes), hosting.Size(e.OfBy))
	case publish.StepScan:
		return "reading files"
	case publish.StepVerify:
		return fmt.Sprintf("checking %s", hosting.Count(e.Of, "file"))
	case publish.StepSwap:
		return "going live"
	default:
		return "removing old releases"
	}
}

// removeAll is os.RemoveAll for folders of builds, which may have made some of their own folders read-only, as package
// managers do with their caches.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700) // what cannot be changed shows up below
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	return nil
}
