package buildspec

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Defaults of a Build.
const (
	DefaultTimeout = 30 * time.Minute
	DefaultGrace   = 5 * time.Second
)

// minPrivate is how long a private value is that the log does not show.
const minPrivate = 6

// Build is one run of a build file. A Build is used once.
type Build struct {
	Spec *Spec
	// Source is the checked-out folder. Commands start in it and may change it, and cached paths are moved out of it at
	// the end: it is not the user's own working copy.
	Source string
	// Work is a scratch folder for this build; it is created, and may be deleted afterwards.
	Work string
	// Cache is a folder kept between builds of one site, best on Source's file system; "" means no cache. One build at a
	// time uses it.
	Cache string
	// CacheBytes bounds what is kept there: what was not used for the longest goes first. DefaultCacheBytes if it is 0.
	CacheBytes int64
	// Env are variables of this execution (CODEBUILD_*, or a value for one of the file's own). They win over the file's.
	Env map[string]string
	// Private are more of them, the caller's. They win over the file's, and values of six bytes or more are kept out of the
	// log: shorter ones, like true or 3000, stand in every log by chance.
	Private map[string]string
	// Lookup gives the value of a variable that the file takes from Parameter Store or Secrets Manager; reference is what
	// the file says there. May be nil. What it does not know is taken from CHT_BUILD_<name> in the process's environment.
	Lookup func(name, reference string) (string, bool)
	// Timeout ends the build; DefaultTimeout if it is 0.
	Timeout time.Duration
	// Grace is how long processes have between SIGTERM and SIGKILL; DefaultGrace if it is 0.
	Grace time.Duration
	// Log gets the output as it arrives. Run never writes to it after it has returned. May be nil.
	Log io.Writer
	// Now is the clock of the log and the report; time.Now if it is nil.
	Now func() time.Time
}

// Status is how a phase ended. The values are CodeBuild's.
type Status string

// The statuses of a phase. TimedOut and Stopped are of the phase in which the build was ended.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Stopped   Status = "STOPPED"
)

// UploadArtifacts is the phase that collects the artifacts, as CodeBuild calls it. The other phases of a Report have the
// names of the file in upper case: INSTALL, PRE_BUILD, BUILD, POST_BUILD.
const UploadArtifacts = "UPLOAD_ARTIFACTS"

// Phase is what became of one phase.
type Phase struct {
	Name      string
	Status    Status
	StartedAt time.Time
	Duration  time.Duration
	// Attempts is how often the phase ran; more than once with on-failure: RETRY.
	Attempts int
	// Error says why the phase failed.
	Error string
}

// Report is what a build did.
type Report struct {
	// Phases are those that ran, in order; a phase that was skipped or is not in the file is not there.
	Phases []Phase
	// ArtifactFiles and ArtifactBytes count what is in the artifacts folder.
	ArtifactFiles int
	ArtifactBytes int64
	// Exported are the variables that the file exports; those of parameters and secrets are left out.
	Exported map[string]string
}

// run is the state of a running build.
type run struct {
	*Build
	source  string
	log     *buildLog
	shell   *shell
	out     *outputPipe
	group   *processGroup
	report  Report
	failed  error // the first failure
	aborted bool  // no further phase runs
}

// Run runs the build and collects its artifacts into the artifacts folder, which it creates and which must not exist or
// be empty.
//
// The error is a fault.Failed if the build failed: a command, the artifacts, or the time limit. Artifacts are collected
// after a failed command too, as CodeBuild does (view-build-details-phases), so a caller publishes only if err is nil. If
// ctx ends the build, the error wraps the context's cause. It has a hint if more can be said than to read the log. When Run
// returns, none of the build's processes runs any more.
func (b *Build) Run(ctx context.Context, artifacts string) (Report, error) {
	r := &run{Build: b, log: newBuildLog(b.Log, b.now)}
	if err := r.check(); err != nil {
		return r.report, err
	}
	timeout := b.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	limit := &timeoutError{timeout}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, limit)
	defer cancel()
	started := b.now()
	if err := r.open(); err != nil {
		return r.report, err
	}
	defer r.close()

	err := r.steps(ctx, artifacts)
	r.close()
	cause := err
	switch {
	case errors.Is(err, limit):
		err = fault.New(fault.Failed, "buildTimeoutMinutes in the site's configuration raises the limit", "build: %w", err)
	case err != nil && ctx.Err() == nil:
		err = fault.New(fault.Failed, fault.HintOf(err), "build: %w", err)
	case err != nil:
		err = fmt.Errorf("build: %w", err)
	}
	took := round(b.now().Sub(started))
	if err != nil {
		r.log.line("build failed after %s: %v", took, cause)
	} else {
		r.log.line("build succeeded in %s", took)
	}
	if logErr := r.log.Err(); logErr != nil && err == nil {
		err = fmt.Errorf("write the build's log: %w", logErr)
	}
	return r.report, err
}

// timeoutError is the cause of a build that the time limit ended.
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("the time limit of %s is over", e.limit) }

func (b *Build) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

func (b *Build) grace() time.Duration {
	if b.Grace > 0 {
		return b.Grace
	}
	return DefaultGrace
}

// check refuses a build that can't end well, before it costs any time.
func (r *run) check() error {
	source, err := filepath.Abs(r.Source)
	if err == nil {
		source, err = filepath.EvalSymlinks(source)
	}
	if err != nil {
		return fmt.Errorf("build: find the source folder: %w", err)
	}
	r.source = source
	switch {
	case r.Spec.Artifacts != nil:
		return nil
	case r.Spec.upstream:
		return fault.New(fault.Failed, "run init, which converts it, and commit; or replace the \"aws s3 cp … --recursive\" commands by this section (with the folder that the build writes):\n\n"+artifactsExample,
			"%s copies the site into the bucket itself and names no artifacts: nothing would be published", r.Spec.File)
	}
	return fault.New(fault.Failed, "add the section (with the folder that the build writes):\n\n"+artifactsExample,
		"%s has no artifacts section: nothing would be published", r.Spec.File)
}

const artifactsExample = "artifacts:\n  base-directory: dist\n  files:\n    - '**/*'"

// open prepares everything that the commands need.
func (r *run) open() error {
	tmp, scripts := filepath.Join(r.Work, "tmp"), filepath.Join(r.Work, "shell")
	work, err := filepath.Abs(scripts)
	if err == nil {
		tmp, err = filepath.Abs(tmp)
	}
	for _, dir := range []string{tmp, work} {
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
	}
	if err != nil {
		return fmt.Errorf("build: prepare the work folder: %w", err)
	}
	secrets, missing := r.secrets()
	if len(missing) > 0 {
		m := missing[0]
		return fault.New(fault.Failed,
			fmt.Sprintf("set %s%s in the environment of `serve` (or of `deploy --no-serve`) to the value, write it into a file for deploy --env-file, or move the variable to env.variables", secretVariable, m.Name),
			"%s:%d: the variable %s comes from %s (%s), which is not available on this machine", r.Spec.File, m.Line, m.Name, m.store, m.Value)
	}
	for _, v := range r.Private {
		if len(v) >= minPrivate {
			r.log.mask(v)
		}
	}
	for _, v := range secrets {
		r.log.mask(v)
	}
	token := rand.Text()
	env := r.environment(r.source, tmp, token, secrets, r.now())
	if r.shell, err = newShell(r.Spec.Shell, work, r.source, env); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if r.group, err = newProcessGroup(r.shell.path, token); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if r.out, err = newOutputPipe(r.log); err != nil {
		return fmt.Errorf("build: open the output: %w", err)
	}
	r.shell.out, r.shell.group = r.out, r.group
	return nil
}

// close ends what is left of the build's processes and of its output. It may be called twice.
func (r *run) close() {
	if r.out == nil {
		return
	}
	r.group.end(r.grace())
	r.out.close()
	r.out = nil
	os.RemoveAll(r.shell.dir) // the variables are in there, secrets too
	r.log.flush()
}

// steps runs the phases, then collects the artifacts and saves the cache.
func (r *run) steps(ctx context.Context, artifacts string) error {
	for _, n := range r.Spec.Notices {
		r.log.line("note: %s", n)
	}
	cache := r.openCache(ctx)
	cache.restore()
	for i := range r.Spec.Phases {
		if r.aborted {
			r.log.line("phase %s is skipped", phaseName(r.Spec.Phases[i].Name))
			continue
		}
		if err := r.phase(ctx, &r.Spec.Phases[i]); err != nil {
			return err
		}
	}
	exported, err := r.exported(ctx)
	if err != nil {
		return errors.Join(r.failed, err)
	}
	r.report.Exported = exported
	vars, err := r.artifactVariables(ctx)
	if err != nil {
		return errors.Join(r.failed, err)
	}
	// From here on nothing may change the files any more.
	if r.group.end(r.grace()) {
		r.log.line("processes that the build left running were ended")
	}
	if err := r.upload(ctx, artifacts, vars); r.failed == nil {
		r.failed = err
	}
	if ctx.Err() == nil {
		cache.save(r.failed)
	}
	return r.failed
}

// exported reads the variables that the file exports (build-spec-ref, "env/exported-variables": no secrets).
func (r *run) exported(ctx context.Context) (map[string]string, error) {
	values, err := r.shell.values(ctx, r.Spec.Env.Exported)
	for _, list := range [][]Variable{r.Spec.Env.Parameters, r.Spec.Env.Secrets} {
		for _, v := range list {
			delete(values, v.Name)
		}
	}
	return values, err
}

func phaseName(name string) string { return strings.ToUpper(name) }
