package server_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// TestMain lets the test binary stand in for the server that a service manager starts. The tests themselves find a git that
// knows nothing of the user's settings.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_AS_SERVER"); dir != "" {
		serve(dir)
		return
	}
	for k, v := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	// The tests wait for servers most of the time. What -parallel says counts more.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// serve is the server, with the sockets that were handed down.
func serve(dir string) {
	if os.Remove(filepath.Join(dir, "refuse")) == nil {
		os.Exit(1) // a program that does not start
	}
	sockets, err := server.InheritSockets()
	if err == nil {
		err = server.Run(context.Background(), server.Options{StateDir: dir, Sockets: sockets, Version: "test",
			Limits: server.Limits{DrainTimeout: time.Minute}, // a busy machine takes its time to read a download
			Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)), Ready: func(state.Holder) { fmt.Println("ready") }})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
