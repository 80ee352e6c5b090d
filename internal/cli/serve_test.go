//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// The units call serve as it was called for them; the sockets are the units' own business.
func TestServeUnits(t *testing.T) {
	tests := map[string]struct {
		args    []string
		want    []string
		without []string
	}{
		"https": {
			args: []string{"--https", "--metrics", "127.0.0.1:9180", "--stall-timeout", "1m"},
			want: []string{"ListenStream=80\n", "ListenStream=443\n", "ListenDatagram=443\n", " serve --https --metrics=127.0.0.1:9180 --stall-timeout=1m0s\n"},
		},
		"plain http": {
			want:    []string{"ListenStream=80\n", " serve\n"},
			without: []string{"443", "Datagram"},
		},
		"addresses of one's own": {
			args:    []string{"--listen", "127.0.0.1:8000", "--listen-https", ":8443", "--http3=false"},
			want:    []string{"ListenStream=127.0.0.1:8000\n", "ListenStream=8443\n", " serve --https --http3=false\n"},
			without: []string{"Datagram", "--listen"},
		},
		"another authority": {
			args: []string{"--https", "--acme-ca", "https://ca.internal/dir", "--acme-root", "ca.pem"},
			want: []string{" --acme-ca=https://ca.internal/dir --acme-root=" + workingDir(t) + string(filepath.Separator) + "ca.pem\n"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			streams, _, out, errs := term.Test()
			args := append([]string{"--state-dir", state, "serve", "--systemd"}, tc.args...)
			if code := Run(t.Context(), args, streams); code != exitDone {
				t.Fatalf("exit %d: %s", code, errs)
			}
			for _, want := range append(tc.want, "--state-dir "+state+" serve") {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			for _, other := range tc.without {
				if strings.Contains(out.String(), other) {
					t.Errorf("%q is in\n%s", other, out)
				}
			}
		})
	}
	t.Run("written", func(t *testing.T) {
		dir := t.TempDir()
		streams, _, out, errs := term.Test()
		if code := Run(t.Context(), []string{"--state-dir", dir, "serve", "--systemd=" + dir}, streams); code != exitDone {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, suffix := range []string{".socket", ".service"} {
			name := filepath.Join(dir, "cloudfront-hosting-toolkit"+suffix)
			if _, err := os.Stat(name); err != nil || !strings.Contains(out.String(), name) {
				t.Errorf("%s: %v; told %q", name, err, out)
			}
		}
	})
	t.Run("unknown user", func(t *testing.T) {
		streams, _, _, errs := term.Test()
		if code := Run(t.Context(), []string{"serve", "--systemd", "--user", "nobody-has-this-name"}, streams); code != exitUsage || !strings.Contains(errs.String(), "useradd") {
			t.Errorf("exit %d: %s", code, errs)
		}
	})
}

func workingDir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
