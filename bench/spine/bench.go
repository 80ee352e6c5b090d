package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type options struct {
	binary               string
	only                 string
	rounds, flips, kills int
}

// bench is a project, a state folder and, when it was started, a server.
type bench struct {
	options
	root, project, state string
	url                  string
	serve                *exec.Cmd
	client               *http.Client
}

// files is how many files the site of most scenarios has.
const files = 100

func newBench(opts options) (*bench, error) {
	binary, err := filepath.Abs(opts.binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("find the tool: %w (make build)", err)
	}
	opts.binary = binary
	root, err := os.MkdirTemp("", "spine-*")
	if err != nil {
		return nil, err
	}
	b := &bench{
		options: opts, root: root,
		project: filepath.Join(root, "site"), state: filepath.Join(root, "state"),
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		},
	}
	return b, os.MkdirAll(b.project, 0o755)
}

func (b *bench) close() {
	b.killServe()
	os.RemoveAll(b.root)
}

// command runs a program in the project's folder with nothing of the caller's configuration.
func (b *bench) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.project
	cmd.Env = append(os.Environ(),
		"HOME="+b.root, "CHT_STATE_DIR="+b.state, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com",
		"GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com")
	return cmd
}

func (b *bench) exec(ctx context.Context, name string, args ...string) (string, error) {
	cmd := b.command(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

func (b *bench) tool(ctx context.Context, args ...string) (string, error) {
	return b.exec(ctx, b.binary, args...)
}

// toolJSON runs the tool with --json and decodes its answer.
func (b *bench) toolJSON(ctx context.Context, into any, args ...string) error {
	out, err := b.tool(ctx, append([]string{"--json", "--yes"}, args...)...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), into)
}

// writeSite writes a site whose every file bears the mark.
func writeSite(dir, mark string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	body := []byte("<!doctype html><title>" + mark + "</title>\n" + strings.Repeat("<p>"+mark+"</p>\n", 500))
	for i := range files {
		name := fmt.Sprintf("page-%03d.html", i)
		if i == 0 {
			name = "index.html"
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// commit makes every file bear the mark, and commits.
func (b *bench) commit(ctx context.Context, mark string) error {
	if err := writeSite(b.project, mark); err != nil {
		return err
	}
	if _, err := b.exec(ctx, "git", "add", "--all"); err != nil {
		return err
	}
	_, err := b.exec(ctx, "git", "commit", "--quiet", "--message", mark)
	return err
}

// deployed makes the project, starts a server and takes the site through its first release.
func (b *bench) deployed(ctx context.Context, mark string) error {
	if _, err := b.exec(ctx, "git", "init", "--quiet", "--initial-branch", "main"); err != nil {
		return err
	}
	if err := writeSite(b.project, mark); err != nil {
		return err
	}
	if _, err := b.tool(ctx, "init", "--yes"); err != nil {
		return err
	}
	if err := b.commit(ctx, mark); err != nil {
		return err
	}
	if err := b.startServe(ctx); err != nil {
		return err
	}
	if _, err := b.tool(ctx, "deploy", "--yes"); err != nil {
		return err
	}
	var show struct{ URL string }
	if err := b.toolJSON(ctx, &show, "show"); err != nil {
		return err
	}
	b.url = show.URL
	return b.awaitMark(ctx, mark)
}

// startServe starts the server; it may be called again after killServe.
func (b *bench) startServe(ctx context.Context) error {
	listen := "127.0.0.1:0"
	if b.url != "" {
		_, port := hostPort(b.url)
		listen = "127.0.0.1:" + port
	}
	b.serve = b.command(context.WithoutCancel(ctx), b.binary, "serve", "--listen", listen)
	log, err := os.OpenFile(filepath.Join(b.root, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	b.serve.Stdout, b.serve.Stderr = log, log
	if err := b.serve.Start(); err != nil {
		return err
	}
	if b.url == "" {
		return b.await(ctx, func() bool {
			_, err := os.Stat(filepath.Join(b.state, "serve.json"))
			return err == nil
		})
	}
	return b.await(ctx, func() bool { _, _, err := b.get("/"); return err == nil })
}

// killServe kills the server, and what it started, without a warning.
func (b *bench) killServe() {
	if b.serve == nil || b.serve.Process == nil {
		return
	}
	_ = b.serve.Process.Kill()
	_ = b.serve.Wait()
	b.serve = nil
}

// get reads a path of the site, through the loopback address whatever the site's name resolves to.
func (b *bench) get(path string) (status int, body string, err error) {
	host, port := hostPort(b.url)
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// markOf returns the mark that a body bears, or an error if it bears more than one or is cut short.
func markOf(body string) (string, error) {
	_, rest, ok := strings.Cut(body, "<title>")
	mark, rest, ok2 := strings.Cut(rest, "</title>\n")
	if !ok || !ok2 {
		return "", fmt.Errorf("no page: %.80q", body)
	}
	if rest != strings.Repeat("<p>"+mark+"</p>\n", 500) {
		return "", errors.New("a body that is not of one release")
	}
	return mark, nil
}

// whole reads every file of the site, one after the other, and returns the mark that the last one bears. The marks say which
// releases there can be, in the order in which they go live: a flip may come between two files, and never back.
func (b *bench) whole(marks ...string) (string, error) {
	live := 0
	for i := range files {
		path := fmt.Sprintf("/page-%03d.html", i)
		if i == 0 {
			path = "/"
		}
		status, body, err := b.get(path)
		if err != nil {
			return "", err
		}
		if status != http.StatusOK {
			return "", fmt.Errorf("%s: status %d", path, status)
		}
		mark, err := markOf(body)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		at := slices.Index(marks[live:], mark)
		if at < 0 {
			return "", fmt.Errorf("%s is of %s, want one of %s", path, mark, marks[live:])
		}
		live += at
	}
	return marks[live], nil
}

// awaitMark waits until the entry page bears the mark.
func (b *bench) awaitMark(ctx context.Context, mark string) error {
	err := b.await(ctx, func() bool {
		_, body, err := b.get("/")
		return err == nil && strings.Contains(body, "<title>"+mark+"</title>")
	})
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(b.root, "serve.log"))
		return fmt.Errorf("wait for %s: %w\n%s", mark, err, log[max(0, len(log)-2000):])
	}
	return nil
}

// await asks every 2 ms, for half a minute at most.
func (b *bench) await(ctx context.Context, done func() bool) error {
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("nothing happened for 30 s")
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// spread prints the least, middle and greatest of some durations.
func spread(d []time.Duration) string {
	slices.Sort(d)
	ms := func(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d.Microseconds())/1000) }
	if d[len(d)-1] < 100*time.Millisecond {
		ms = func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
	}
	return fmt.Sprintf("%s ms (%s to %s, n=%d)", ms(d[len(d)/2]), ms(d[0]), ms(d[len(d)-1]), len(d))
}

// hostPort splits the site's URL.
func hostPort(url string) (host, port string) {
	rest := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	i := strings.LastIndexByte(rest, ':')
	return rest[:i], rest[i+1:]
}
