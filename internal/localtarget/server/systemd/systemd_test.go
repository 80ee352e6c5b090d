//go:build unix

package systemd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// TestMain lets the test binary stand in for a service that says what it was handed down.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_SERVICE") == "" {
		os.Exit(m.Run())
	}
	s, err := Inherit()
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for name, l := range map[string]net.Listener{"http": s.HTTP, "https": s.HTTPS} {
		if l != nil {
			fmt.Println(name, l.Addr())
		}
	}
	if s.QUIC != nil {
		fmt.Println("quic", s.QUIC.LocalAddr())
	}
	again, err := Inherit()
	fmt.Println("any", s.Any(), "again", again.Any(), err, "environment", os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_PID"))
	Notify("READY=1", "STATUS=Serving")
}

func TestInherit(t *testing.T) {
	tcp := func() (*os.File, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		return f, l.Addr().String()
	}
	one, http := tcp()
	two, https := tcp()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	udp, err := packets.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	tests := map[string]struct {
		files []*os.File
		pid   string
		want  []string
	}{
		"all":             {[]*os.File{one, udp, two}, "$$", []string{"http " + http, "https " + https, "quic " + packets.LocalAddr().String(), "any true"}},
		"http alone":      {[]*os.File{one}, "$$", []string{"http " + http, "any true"}},
		"too many":        {[]*os.File{one, two, two, udp, udp}, "$$", []string{"http " + http, "https " + https, "quic ", "any true"}},
		"another process": {[]*os.File{one}, "1", []string{"any false"}},
		"no sockets":      {nil, "$$", []string{"any false"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			script := fmt.Sprintf(`LISTEN_PID=%s LISTEN_FDS=%d exec "$0"`, tc.pid, len(tc.files))
			cmd := exec.Command("/bin/sh", "-c", script, os.Args[0])
			cmd.Env = append(os.Environ(), "TEST_AS_SERVICE=1", "NOTIFY_SOCKET="+notify.LocalAddr().String())
			cmd.ExtraFiles = tc.files
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range append(tc.want, "again false <nil>", "environment \n") {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			p := make([]byte, 100)
			if n, err := notify.Read(p); err != nil || string(p[:n]) != "READY=1\nSTATUS=Serving" {
				t.Errorf("the service manager was told %q, %v", p[:n], err)
			}
		})
	}
}

func TestUnits(t *testing.T) {
	tests := map[string]Unit{
		"server": {Executable: "/usr/local/bin/cloudfront-hosting-toolkit", StateDir: "/var/lib/hosting/.local/state/cloudfront-hosting-toolkit",
			User: "hosting", Home: "/var/lib/hosting", Arguments: []string{"--https", "--metrics=127.0.0.1:9180"}, HTTP: ":80", HTTPS: ":443", QUIC: ":443", StopSeconds: 40},
		"person": {Executable: "/home/ann/my tools/cht", StateDir: `/srv/50% "state"`, User: "ann", Home: "/home/ann", HTTP: "127.0.0.1:8080", StopSeconds: 40},
	}
	for name, unit := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := unit.Files()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, f := range files {
				golden.Check(t, name+filepath.Ext(f.Name), f.Text)
				// The program does not exist here, which is the one thing that the check below would mind.
				text := strings.ReplaceAll(f.Text, words([]string{unit.Executable}, escapeWord)+" ", "/bin/true ")
				if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			verify(t, dir, files)
		})
	}
	for name, unit := range map[string]Unit{"a line in a name": {Executable: "/x\nUser=root", StateDir: "/s", User: "u", Home: "/h"}, "no user": {Executable: "/x", StateDir: "/s", Home: "/h"}} {
		if _, err := unit.Files(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// verify lets systemd read the units, where it is there.
func verify(t *testing.T, dir string, files []File) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("SKIPPED: systemd does not read the units, because systemd-analyze is not here")
		return
	}
	args := []string{"verify", "--man=no"}
	for _, f := range files {
		args = append(args, filepath.Join(dir, f.Name))
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
