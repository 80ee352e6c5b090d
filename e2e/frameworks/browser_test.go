//go:build e2e

package frameworks

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// browse opens pages in Chromium, and wants text on each and no error on the console.
func (r *run) browse() {
	program := ""
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv("CI") == "true" {
			r.Fatal("no Chromium: set CHROMIUM")
		}
		r.Log("no Chromium: pages are not opened in a browser")
		return
	}
	pages := []string{"/"}
	if r.routing == "spa" && !r.strict {
		pages = append(pages, "/some/deep/link")
	}
	pages = append(pages, r.open...)
	for _, page := range pages {
		text, errors, err := open(program, r.TempDir(), strings.TrimSuffix(r.url, "/")+page)
		if err != nil {
			r.Errorf("%s: %v", page, err)
		}
		if len(strings.Fields(text)) == 0 {
			r.Errorf("%s shows no text", page)
		}
		for _, e := range errors {
			r.Errorf("%s: console: %s", page, e)
		}
	}
}

// open shows a URL in a browser of its own and returns the page's text once it is loaded and has been quiet for a while, with the
// errors on the console. The browser is spoken to over a pipe (Chrome DevTools Protocol).
func open(program, profile, url string) (text string, errors []string, err error) {
	commands, toBrowser, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer toBrowser.Close()
	fromBrowser, answers, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer fromBrowser.Close()
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--disable-dev-shm-usage", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	commands.Close()
	answers.Close()
	d := &devtools{to: toBrowser, messages: make(chan message, 1000)}
	go d.read(fromBrowser)
	return d.visit(url)
}

// message is an answer or an event.
type message struct {
	ID        int
	SessionID string `json:"sessionId"`
	Method    string
	Params    json.RawMessage
	Result    json.RawMessage
	Error     *struct{ Message string }
}

type devtools struct {
	to       io.Writer
	messages chan message
	id       int
	session  string
	errors   []string
}

func (d *devtools) read(from io.Reader) {
	defer close(d.messages)
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) == nil {
			d.messages <- m
		}
	}
}

// call sends a command and returns its result; events that come in between are noted.
func (d *devtools) call(method string, params map[string]any, result any) error {
	d.id++
	text, err := json.Marshal(map[string]any{"id": d.id, "method": method, "params": params, "sessionId": d.session})
	if d.session == "" {
		text, err = json.Marshal(map[string]any{"id": d.id, "method": method, "params": params})
	}
	if err != nil {
		return err
	}
	if _, err := d.to.Write(append(text, 0)); err != nil {
		return err
	}
	for deadline := time.After(60 * time.Second); ; {
		select {
		case m, ok := <-d.messages:
			switch {
			case !ok:
				return fmt.Errorf("%s: the browser has ended", method)
			case m.ID != d.id:
				d.note(m)
			case m.Error != nil:
				return fmt.Errorf("%s: %s", method, m.Error.Message)
			case result == nil:
				return nil
			default:
				return json.Unmarshal(m.Result, result)
			}
		case <-deadline:
			return fmt.Errorf("%s: no answer", method)
		}
	}
}

// note keeps what is an error on the console.
func (d *devtools) note(m message) {
	switch m.Method {
	case "Runtime.exceptionThrown":
		d.errors = append(d.errors, string(m.Params))
	case "Runtime.consoleAPICalled":
		var p struct{ Type string }
		if json.Unmarshal(m.Params, &p) == nil && (p.Type == "error" || p.Type == "assert") {
			d.errors = append(d.errors, string(m.Params))
		}
	case "Log.entryAdded":
		var p struct{ Entry struct{ Level string } }
		if json.Unmarshal(m.Params, &p) == nil && p.Entry.Level == "error" {
			d.errors = append(d.errors, string(m.Params))
		}
	}
}

func (d *devtools) visit(url string) (text string, errors []string, err error) {
	var target struct{ TargetID string }
	var session struct{ SessionID string }
	if err := d.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return "", nil, err
	}
	if err := d.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session); err != nil {
		return "", nil, err
	}
	d.session = session.SessionID
	for _, domain := range []string{"Runtime.enable", "Log.enable", "Page.enable"} {
		if err := d.call(domain, nil, nil); err != nil {
			return "", nil, err
		}
	}
	if err := d.call("Page.navigate", map[string]any{"url": url}, nil); err != nil {
		return "", nil, err
	}
	// Until there is text, and then for a second in which scripts may still fail.
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var seen struct{ Result struct{ Value string } }
		expression := `document.readyState === "complete" ? document.body.innerText : ""`
		if err := d.call("Runtime.evaluate", map[string]any{"expression": expression}, &seen); err != nil {
			return "", d.errors, err
		}
		if text != "" && text == seen.Result.Value {
			break
		}
		text = seen.Result.Value
		time.Sleep(time.Second)
	}
	return text, d.errors, nil
}
