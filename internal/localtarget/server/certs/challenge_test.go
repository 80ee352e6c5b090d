package certs

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// patient is a writer of a server that many connections wait for until it is told that an answer takes long.
type patient struct {
	*httptest.ResponseRecorder
	told bool
}

// TakesLong is what front.Writer has.
func (p *patient) TakesLong() { p.told = true }

// A stranger can have the folder of certificates looked at. The others do not wait for the disk then.
func TestChallengesHoldUpNobody(t *testing.T) {
	t.Parallel()
	k, err := Open(Options{
		Dir: t.TempDir(), ACME: ACME{Directory: "https://127.0.0.1:1/dir"}, HTTPS: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
		Known: func(string) bool { return true }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	answers := k.Challenges(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]bool{"/": false, "/.well-known/security.txt": false, "/.well-known/acme-challenge/unknown": true} {
		w := &patient{ResponseRecorder: httptest.NewRecorder()}
		answers.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://shop.example.com"+path, nil))
		if w.Code != http.StatusTeapot {
			t.Errorf("%s: %d, want the site's answer", path, w.Code)
		}
		if w.told != want {
			t.Errorf("%s takes long: %t, want %t", path, w.told, want)
		}
	}
}
