package cli

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func TestServeLog(t *testing.T) {
	tests := map[string]struct {
		terminal, verbose bool
		want              string
	}{
		"for people": {terminal: true, want: `^\d\d:\d\d:\d\d  a release is live  site=hello  release=4f2c9e1ab3c4  why="a \\"b\\""
\d\d:\d\d:\d\d  odd
$`},
		"for people, verbose": {terminal: true, verbose: true, want: `detail`},
		"for programs":        {want: `^time=\S+ level=INFO msg="a release is live" site=hello release=` + commitA},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			streams, _, _, errs := term.Test()
			streams.ErrTerminal = tc.terminal
			log := newServeLog(&session{Streams: streams, verbose: tc.verbose})
			log.With("site", "hello").Info("a release is live", slog.String("release", commitA), slog.String("why", `a "b"`))
			log.Debug("detail")
			log.Warn("odd")
			if !regexp.MustCompile(tc.want).MatchString(errs.String()) {
				t.Errorf("got:\n%s", errs)
			}
			if strings.Contains(errs.String(), "detail") != tc.verbose {
				t.Errorf("verbose %v:\n%s", tc.verbose, errs)
			}
		})
	}
}
