package server

import (
	"context"
	"errors"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/handover"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// reloadPatience is how long Reload waits: a new process waits for builds of the old one to end. It is less than what systemd
// gives a reload, 90 seconds.
const reloadPatience = handoverPatience + 20*time.Second

// Reload asks the server of the state folder to let a new process of its program, as that lies on the disk now, take its place, and
// returns when the new one answers; pid is that process. Where the new one does not start, the old one goes on, and the error
// says why. The old one may finish what it has begun after Reload has returned.
func Reload(ctx context.Context, stateDir string) (pid int, err error) {
	dir := state.Dir(stateDir)
	old, running, err := dir.Holder()
	if err != nil {
		return 0, err
	}
	if !running {
		return 0, fault.New(fault.Other, "start one with serve", "reload the server of %s: none runs", dir)
	}
	if !old.Serves() {
		return 0, inUse(dir)
	}
	if err := handover.Ask(old.PID); err != nil {
		hint := "do it as the user that runs the server"
		if errors.Is(err, errors.ErrUnsupported) {
			hint = "stop it with serve --stop, and start it again"
		}
		return 0, fault.New(fault.Other, hint, "reload the server, process %d: %w", old.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, fault.New(fault.Other, "the server's log says more", "reload the server: no process has taken the place of process %d: %w", old.PID, ctx.Err())
		case <-tick.C:
		}
		now, running, err := dir.Holder()
		switch {
		case err != nil:
			return 0, err
		case now.PID == old.PID && now.Refusals > old.Refusals:
			return 0, fault.New(fault.Other, "the server's log has what the new process said", "reload the server: process %d goes on: %s", old.PID, now.Refusal)
		case running && now.PID != old.PID && now.Serves():
			return now.PID, nil
		}
	}
}
