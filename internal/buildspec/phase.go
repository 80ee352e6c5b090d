package buildspec

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// phase runs one phase with its retries and decides what follows (build-spec-ref, "phases/*/on-failure";
// view-build-details-phases). Its error ends the build at once: the build was stopped, or can't go on.
func (r *run) phase(ctx context.Context, p *PhaseSpec) error {
	name := phaseName(p.Name)
	result := Phase{Name: name, Status: Succeeded, StartedAt: r.now()}
	r.log.line("entering phase %s", name)
	if p.Name == PhaseInstall {
		r.checkRuntimes(ctx, p.Runtimes)
	}
	err := r.attempts(ctx, p, &result)
	result.Duration = r.now().Sub(result.StartedAt)
	var stopped *stoppedError
	var failed *commandError
	switch {
	case errors.As(err, &stopped):
		result.Status = Stopped
		if limit := (*timeoutError)(nil); errors.As(err, &limit) {
			result.Status = TimedOut
		}
	case err != nil:
		result.Status = Failed
	}
	if err != nil {
		result.Error = err.Error()
		err = fmt.Errorf("phase %s: %w", name, err)
	}
	r.report.Phases = append(r.report.Phases, result)
	r.log.line("phase %s %s in %s", name, words[result.Status], round(result.Duration))
	if err == nil || !errors.As(err, &failed) {
		return err
	}
	if r.failed == nil {
		r.failed = err
	}
	r.shell.set("CODEBUILD_BUILD_SUCCEEDING", "0")
	switch {
	case p.OnFailure.Action == ActionContinue:
	case p.OnFailure.Action == ActionAbort || p.OnFailure.Action == ActionRetry:
		r.aborted = true
	default:
		// Only a failed build phase is followed by another one, post_build.
		r.aborted = p.Name != PhaseBuild
	}
	return nil
}

var words = map[Status]string{Succeeded: "succeeded", Failed: "failed", TimedOut: "timed out", Stopped: "was stopped"}

// attempts runs the phase until it succeeds or on-failure wants no further retry. Each retry starts with the variables and
// the working directory that the first attempt started with.
func (r *run) attempts(ctx context.Context, p *PhaseSpec, result *Phase) error {
	cwd, vars := r.shell.cwd, r.shell.vars
	for {
		result.Attempts++
		r.log.resetRecent()
		err := r.attempt(ctx, p)
		var failed *commandError
		if p.OnFailure.Action != ActionRetry || !errors.As(err, &failed) || result.Attempts > p.OnFailure.Retries {
			return err
		}
		if re := p.OnFailure.Match; !re.Match(r.log.recent()) && !re.MatchString(err.Error()) {
			r.log.line("no retry: nothing in the output matches %s", re)
			return err
		}
		r.log.line("%v: retry %d of %d", err, result.Attempts, p.OnFailure.Retries)
		r.shell.cwd, r.shell.vars = cwd, vars
	}
}

// attempt runs the commands of a phase until one fails, and then those of finally in any case; the phase succeeds if all
// of them do (build-spec-ref, "phases/*/finally").
func (r *run) attempt(ctx context.Context, p *PhaseSpec) error {
	err := r.commands(ctx, p.Commands)
	var failed *commandError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	if finallyErr := r.commands(ctx, p.Finally); finallyErr != nil && (err == nil || !errors.As(finallyErr, &failed)) {
		return finallyErr
	}
	return err
}

func (r *run) commands(ctx context.Context, list []Command) error {
	for _, c := range list {
		r.log.line("running command %s", strings.ReplaceAll(strings.TrimSpace(c.Text), "\n", "\n    "))
		if err := r.shell.run(ctx, c, r.grace()); err != nil {
			r.log.line("%v", err)
			return err
		}
	}
	return nil
}
