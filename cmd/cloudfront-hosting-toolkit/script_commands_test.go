package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long get and retry wait for what they expect. It is reached by failing tests only.
const patience = 20 * time.Second

// client resolves *.localhost as browsers do (RFC 6761, section 6.3) and keeps no connection, so that a stopped server
// is noticed.
var client = &http.Client{
	Timeout: 5 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	},
}

// get requests a URL until its answer is as expected:
//
//	get [-now] URL STATUS [REGEXP]     -now: the first answer counts
//	! get URL                          nothing answers there
func get(ts *testscript.TestScript, neg bool, args []string) {
	now := len(args) > 0 && args[0] == "-now"
	if now {
		args = args[1:]
	}
	if neg {
		if response, err := client.Get(args[0]); err == nil {
			response.Body.Close()
			ts.Fatalf("%s answers: %s", args[0], response.Status)
		}
		return
	}
	if len(args) < 2 {
		ts.Fatalf("usage: get [-now] URL STATUS [REGEXP]")
	}
	until(ts, now, func() error { return answers(args[0], args[1], strings.Join(args[2:], " ")) })
}

func answers(url, status, pattern string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if strconv.Itoa(response.StatusCode) != status {
		return fmt.Errorf("%s: status %d, want %s; body:\n%s", url, response.StatusCode, status, body)
	}
	if pattern != "" && !regexp.MustCompile(pattern).Match(body) {
		return fmt.Errorf("%s: no match for %q in:\n%s", url, pattern, body)
	}
	return nil
}

// until tries until there is no error, or just once.
func until(ts *testscript.TestScript, once bool, try func() error) {
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if once || time.Now().After(deadline) {
			ts.Fatalf("%v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// retry runs a command until it succeeds and, if a pattern is given, its output matches:
//
//	retry [-stdout REGEXP] COMMAND [ARG]…
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: retry [-stdout REGEXP] COMMAND [ARG]...")
	}
	pattern := regexp.MustCompile("")
	if args[0] == "-stdout" {
		pattern, args = regexp.MustCompile(args[1]), args[2:]
	}
	until(ts, false, func() error {
		if err := ts.Exec(args[0], args[1:]...); err != nil {
			return fmt.Errorf("%s: %v", strings.Join(args, " "), err)
		}
		if !pattern.MatchString(ts.ReadFile("stdout")) {
			return fmt.Errorf("%s: no match for %q", strings.Join(args, " "), pattern)
		}
		return nil
	})
}

// fromJSON reads a JSON document, with dots between keys and indices, into variables, or compares its values:
//
//	json FILE VAR=PATH…       sets variables; FILE may be stdout
//	json FILE PATH==VALUE…    compares; a missing key has no value
//	! json FILE PATH…         the keys do not exist
func fromJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: json FILE VAR=PATH...")
	}
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber()
	var document any
	ts.Check(decoder.Decode(&document))
	if decoder.More() {
		ts.Fatalf("%s holds more than one document", args[0])
	}
	for _, arg := range args[1:] {
		if path, want, compare := strings.Cut(arg, "=="); compare {
			if got, found := lookUp(document, path); !found || got != want {
				ts.Fatalf("%s: %s is %q (there: %v), want %q", args[0], path, got, found, want)
			}
			continue
		}
		name, path, _ := strings.Cut(arg, "=")
		if path == "" {
			name, path = "", name
		}
		value, found := lookUp(document, path)
		if found == neg {
			ts.Fatalf("%s: %s is there: %v", args[0], path, found)
		}
		if name != "" {
			ts.Setenv(name, value)
		}
	}
}

// lookUp returns the text of a value in a document; of null it is "null", of a list its length.
func lookUp(document any, path string) (string, bool) {
	for key := range strings.SplitSeq(strings.Trim(path, "."), ".") {
		switch at := document.(type) {
		case map[string]any:
			value, found := at[key]
			if !found {
				return "", false
			}
			document = value
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				return "", false
			}
			document = at[i]
		default:
			return "", false
		}
	}
	switch value := document.(type) {
	case nil:
		return "null", true
	case []any:
		return strconv.Itoa(len(value)), true
	default:
		return fmt.Sprint(value), true
	}
}

// kill9 kills the server of the script's state folder, without any chance to clean up.
func kill9(ts *testscript.TestScript, neg bool, args []string) {
	var holder struct{ PID int }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(ts.Getenv("CHT_STATE_DIR"), "serve.json"))), &holder))
	process, err := os.FindProcess(holder.PID)
	ts.Check(err)
	ts.Check(process.Kill())
}

// port sets a variable to the port of the server of the script's state folder:
//
//	port VAR
func port(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port VAR")
	}
	var holder struct{ Listen string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(ts.Getenv("CHT_STATE_DIR"), "serve.json"))), &holder))
	_, number, err := net.SplitHostPort(holder.Listen)
	ts.Check(err)
	ts.Setenv(args[0], number)
}

// makeRepository makes a folder a git repository with everything in it committed:
//
//	mkrepo DIR
func makeRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mkrepo DIR")
	}
	dir := ts.MkAbs(args[0])
	for _, command := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-q", "-m", "A site"}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, command...)...))
	}
}

// makeZip packs what is in a folder:
//
//	mkzip FILE DIR
func makeZip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkzip FILE DIR")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	w := zip.NewWriter(file)
	ts.Check(w.AddFS(os.DirFS(ts.MkAbs(args[1]))))
	ts.Check(w.Close())
}

// exits runs a command that must end with the given exit code:
//
//	exits CODE COMMAND [ARG]…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG]...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s\n[stdout]\n%s[stderr]\n%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}
