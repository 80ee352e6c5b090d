package server

import (
	"context"
	"fmt"
	"strconv"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/handover"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
)

// successor starts the process that is to take this one's place; nil if it does not start, and this one goes on.
func (s *server) successor(ctx context.Context) *handover.Successor {
	s.opts.Log.Info("a new process is to take over")
	next, err := handover.Begin(ctx, s.sockets)
	if err != nil {
		s.opts.Log.Error("no other process takes over; this one goes on", "error", err)
		s.holder.Refusals, s.holder.Refusal = s.holder.Refusals+1, err.Error()
		if err := s.dir.SaveHolder(s.holder); err != nil {
			s.opts.Log.Error("who asked is not told", "error", err)
		}
		return nil
	}
	return next
}

// handOver gives the state folder to the successor, waits until that answers, and finishes what has been begun here. Requests
// are answered all the while, by this process, by both, and by the other.
func (s *server) handOver(ctx context.Context, next *handover.Successor) error {
	defer next.Close()
	defer next.EndWith(ctx)()
	if s.metrics != nil {
		_ = s.metrics.Close() // its address is the successor's now
	}
	s.fleet.close()
	s.front.EndQUIC()
	if err := s.lock.Unlock(); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	err := next.Await(context.Background()) // it ends by itself
	if err == nil {
		s.opts.Log.Info("the new process answers; this one ends", "process", next.PID)
		systemd.Notify("MAINPID=" + strconv.Itoa(next.PID))
		next.Told()
	}
	s.drain()
	return err
}
