package pipeline

import (
	"log/slog"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
)

// A commit is noticed before the request that came first: the request goes first all the same, and it may be about the commit.
func TestARequestThatNobodyHasSeenYetGoesBeforeAPush(t *testing.T) {
	t.Parallel()
	records := Records{Dir: t.TempDir()}
	r := &runner{Pipeline: New(records, nil, slog.New(slog.DiscardHandler)), known: map[string]bool{}}
	request, err := records.Create(TriggerDeploy, "", "")
	if err != nil {
		t.Fatal(err)
	}
	r.pending = &source.Commit{ID: "newest"}
	r.considerPush(t.Context())
	if j := r.schedule.slots[stageSource].waiting; j == nil || j.Execution.ID != request.ID || r.pending == nil {
		t.Errorf("%+v waits for its source, and the commit is %+v", j, r.pending)
	}
	if ids, err := records.IDs(); err != nil || len(ids) != 1 {
		t.Errorf("executions %v, %v", ids, err)
	}
}
