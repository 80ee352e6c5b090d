package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

func TestResolve(t *testing.T) {
	home := t.TempDir()
	tests := map[string]struct {
		flag, env, xdg string
		want           string
	}{
		"flag":              {filepath.Join(home, "a"), "/b", "/c", filepath.Join(home, "a")},
		"own variable":      {"", filepath.Join(home, "b"), "/c", filepath.Join(home, "b")},
		"XDG":               {"", "", filepath.Join(home, "c"), filepath.Join(home, "c", "cloudfront-hosting-toolkit")},
		"default":           {"", "", "", filepath.Join(home, ".local", "state", "cloudfront-hosting-toolkit")},
		"relative XDG path": {"", "", "c", filepath.Join(home, ".local", "state", "cloudfront-hosting-toolkit")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if os.PathSeparator == '\\' && strings.Contains(tc.want, ".local") {
				t.Skip("Windows has another folder")
			}
			t.Setenv("HOME", home)
			t.Setenv(state.EnvDir, tc.env)
			t.Setenv("XDG_STATE_HOME", tc.xdg)
			if got, err := state.Resolve(tc.flag); err != nil || got != tc.want {
				t.Errorf("Resolve = %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestLockIsHeldByOne(t *testing.T) {
	dir := state.Dir(filepath.Join(t.TempDir(), "state"))
	if _, running, err := dir.Holder(); running || err != nil {
		t.Fatalf("before anything: running %v, %v", running, err)
	}
	if err := dir.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := dir.Lock(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.SaveHolder(state.Holder{PID: 7, Command: "serve", URL: "http://x/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Lock(t.Context(), 30*time.Millisecond); !errors.Is(err, state.ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	if h, running, err := dir.Holder(); !running || err != nil || h.PID != 7 || !h.Serves() {
		t.Errorf("holder = %+v, running %v, %v", h, running, err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	// serve.json stays, and says nothing of whether a process runs.
	if h, running, err := dir.Holder(); running || err != nil || h.PID != 7 {
		t.Errorf("after unlock: %+v, running %v, %v", h, running, err)
	}
	if err := os.WriteFile(dir.HolderFile(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, running, err := dir.Holder(); running || err != nil || h != (state.Holder{}) {
		t.Errorf("with a damaged serve.json: %+v, running %v, %v", h, running, err)
	}
}

func TestSite(t *testing.T) {
	dir := state.Dir(t.TempDir())
	s := dir.Site("site-1")
	if _, err := s.Load(); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("Load of nothing = %v, want a fault.NotDeployed", err)
	}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(&state.Deployed{Site: "site-1", Branch: "main", Pipeline: true}); err != nil {
		t.Fatal(err)
	}
	d, err := s.Load()
	if err != nil || d.Branch != "main" || d.Keep() != 10 || d.BuildTimeout() != 30*time.Minute || d.Poll() != 15*time.Second {
		t.Errorf("Load = %+v, %v", d, err)
	}
	if names, err := dir.Names(); err != nil || len(names) != 1 || names[0] != "site-1" {
		t.Errorf("Names = %v, %v", names, err)
	}
	for name, text := range map[string]string{"cut off": `{"site":`, "of another site": `{"site":"x"}`} {
		if err := os.WriteFile(s.File(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Load()
		if err == nil || !strings.Contains(err.Error(), "site.json") || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, want an error that names the file, with a hint", name, err)
		}
	}
}

// A site that cannot be looked at is not gone: what is served of it stays.
func TestNamesOfSitesThatCannotBeRead(t *testing.T) {
	dir := state.Dir(t.TempDir())
	for _, name := range []string{"loop", "empty"} {
		if err := os.MkdirAll(string(dir.Site(name)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir.Sites(), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("site.json", dir.Site("loop").File()); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if names, err := dir.Names(); err != nil || len(names) != 1 || names[0] != "loop" {
		t.Errorf("Names = %v, %v; want the one that has something", names, err)
	}
}

func TestDiscardRemovesReadOnlyFoldersToo(t *testing.T) {
	dir := state.Dir(t.TempDir())
	s := dir.Site("site-1")
	cache := filepath.Join(s.Cache(), "mod")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, "x"), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cache, 0o555); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := dir.Discard(s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(string(s)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the site's folder is still there: %v", err)
	}
	if _, err := os.Stat(dir.Trash()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the trash is still there: %v", err)
	}
}

func TestHolderNamesEveryAddress(t *testing.T) {
	tests := map[string]struct {
		holder          state.Holder
		addresses, urls string
	}{
		"one":            {state.Holder{Listen: "127.0.0.1:8080", URL: "http://127.0.0.1:8080/"}, "127.0.0.1:8080", "http://127.0.0.1:8080/"},
		"both":           {state.Holder{Listen: "127.0.0.1:8080", Listen6: "[::1]:8080", URL: "http://127.0.0.1:8080/"}, "127.0.0.1:8080 [::1]:8080", "http://127.0.0.1:8080/ http://[::1]:8080/"},
		"the usual port": {state.Holder{Listen: "127.0.0.1:80", Listen6: "[::1]:80", URL: "http://127.0.0.1/"}, "127.0.0.1:80 [::1]:80", "http://127.0.0.1/ http://[::1]/"},
		"https": {state.Holder{Listen: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", Listen6: "[::1]:8080", HTTPS6: "[::1]:8443", URL: "https://127.0.0.1:8443/"},
			"127.0.0.1:8080 127.0.0.1:8443 [::1]:8080 [::1]:8443", "https://127.0.0.1:8443/ https://[::1]:8443/"},
		"https on one": {state.Holder{Listen: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", Listen6: "[::1]:8080", URL: "https://127.0.0.1:8443/"},
			"127.0.0.1:8080 127.0.0.1:8443 [::1]:8080", "https://127.0.0.1:8443/"},
		"none": {state.Holder{}, "", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if addresses, urls := strings.Join(tc.holder.Addresses(), " "), strings.Join(tc.holder.URLs(), " "); addresses != tc.addresses || urls != tc.urls {
				t.Errorf("%q, %q; want %q, %q", addresses, urls, tc.addresses, tc.urls)
			}
		})
	}
}
