package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// Only where somebody attends a deployment does it wait without end for what somebody else has to do.
func TestWaitLimit(t *testing.T) {
	tests := map[string]struct {
		terminal, yes bool
		flag          time.Duration
		want          time.Duration
	}{
		"at a terminal":                  {terminal: true},
		"with --yes at a terminal":       {terminal: true, yes: true, want: 30 * time.Minute},
		"without a terminal":             {want: 30 * time.Minute},
		"with --yes without a terminal":  {yes: true, want: 30 * time.Minute},
		"as the flag says at a terminal": {terminal: true, flag: 5 * time.Minute, want: 5 * time.Minute},
		"as the flag says with --yes":    {terminal: true, yes: true, flag: 72 * time.Hour, want: 72 * time.Hour},
		"as the flag says without one":   {flag: time.Second, want: time.Second},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			streams, _, _, _ := term.Test()
			streams.InTerminal, streams.Yes = tc.terminal, tc.yes
			s := &session{Streams: streams}
			s.aws.waitLimit = tc.flag
			if got := s.waitLimit(); got != tc.want {
				t.Errorf("it waits for %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWaitTimeoutThatIsNone(t *testing.T) {
	got := deployed(hosting.Succeeded).run(t, 0, "", "deploy", "--wait-timeout", "-5m")
	if got.code != 2 || !strings.Contains(got.err, "--wait-timeout -5m0s is no time to wait") || !strings.Contains(got.err, "such as 5m or 72h") {
		t.Errorf("%+v", got)
	}
}
