package cli

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestJournalLog(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(newJournalLog(&b, slog.LevelInfo))
	log.Debug("detail")
	log.With("site", "hello").Info("a release is live", "commit", "two\nlines")
	log.Warn("odd")
	log.WithGroup("acme").Error("no certificate", "time", "noon")
	const want = `<6>msg="a release is live" site=hello commit="two\nlines"
<4>msg=odd
<3>msg="no certificate" acme.time=noon
`
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", &b, want)
	}
}
