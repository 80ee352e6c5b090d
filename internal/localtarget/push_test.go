//go:build unix

package localtarget_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// Whoever has the rights to write there deploys by a push to the site's bare repository, which is a path to git.
func TestPushOverAPath(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	clone := filepath.Join(t.TempDir(), "clone")
	b.git("clone", "-q", b.repo, clone)
	commitIn(t, clone, "pushed over a path")
	if out, err := exec.Command("git", "-C", clone, "push", "-q", d.PushURL, "HEAD:main").CombinedOutput(); err != nil {
		t.Fatalf("git push: %v\n%s", err, out)
	}
	await(t, d.URL, "pushed over a path")
}

func commitIn(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "-C", dir, "commit", "-q", "-a", "-m", text).CombinedOutput(); err != nil {
		t.Fatalf("git commit: %v\n%s", err, out)
	}
}

// The same over ssh, with a key that may do nothing else.
func TestPushOverSSH(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	ssh := startSSH(t)
	clone := filepath.Join(t.TempDir(), "clone")
	b.git("clone", "-q", b.repo, clone)
	for _, text := range []string{"pushed over ssh", "pushed again"} {
		commitIn(t, clone, text)
		cmd := exec.Command("git", "-C", clone, "push", "-q", ssh.url(d.PushURL), "HEAD:main")
		cmd.Env = append(os.Environ(), "GIT_SSH_COMMAND="+ssh.command)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git push: %v\n%s", err, out)
		}
		await(t, d.URL, text)
	}
	user, _, _ := strings.Cut(ssh.login, ":")
	words := append(strings.Fields(ssh.command)[1:], user, "echo $((40+2))")
	if out, err := exec.Command("ssh", words...).CombinedOutput(); err == nil || strings.Contains(string(out), "42") {
		t.Errorf("the key opens a shell: %s", out)
	}
}

// sshServer is an ssh server on this machine that lets its own user in, to git.
type sshServer struct {
	login string
	// command is the ssh command that gets in.
	command string
}

func (s sshServer) url(path string) string { return "ssh://" + s.login + path }

// startSSH starts an ssh server. Where there is none, the test is skipped, but not in CI.
func startSSH(t *testing.T) sshServer {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"sshd", "ssh", "ssh-keygen", "git-shell"} {
		programs[name] = need.Program(t, name, "apt-get install openssh-server git")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		_ = os.MkdirAll("/run/sshd", 0o755) // sshd shuts itself in there, if it can
	}
	dir := t.TempDir()
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command(programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "user.pub"))
	if err != nil {
		t.Fatal(err)
	}
	// As docs/self-hosting.md has it.
	authorized := fmt.Sprintf(`restrict,command="%s -c \"$SSH_ORIGINAL_COMMAND\"" %s`, programs["git-shell"], public)
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(authorized), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	settings := fmt.Sprintf("ListenAddress %s\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n", address, dir, dir)
	if err := os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sshd := exec.Command(programs["sshd"], "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	sshd.Stderr = log
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sshd.Process.Kill()
		_ = sshd.Wait()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("sshd:\n%s", said)
		}
	})
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := net.Dial("tcp", address.String())
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("sshd does not answer:", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return sshServer{login: fmt.Sprintf("%s@127.0.0.1:%d", me.Username, address.Port),
		command: fmt.Sprintf("ssh -F none -i %s/user -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -p %d", dir, address.Port)}
}
