// Command conformance runs a public test suite for HTTP caches, http-cache-tests (https://cache-tests.fyi), against the
// edge with a custom origin, and compares what fails with what is known and explained in explained.json.
//
//	conformance SUITE [TEST-ID]
//
// SUITE is the folder of the npm package, with node-fetch beside it; scripts/conformance.sh gets both. With a test's id, it
// shows the requests of that one. It fails if a test fails that is not explained, or if one passes that is.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

//go:embed explained.json
var explainedJSON []byte

// list prints the suite's tests.
//
//go:embed list.mjs
var list []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: conformance SUITE [TEST-ID]")
		os.Exit(2)
	}
	id := ""
	if len(os.Args) > 2 {
		id = os.Args[2]
	}
	if err := run(ctx, os.Args[1], id); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, suite, id string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return err
	}
	origin := node(ctx, suite, []string{"server/server.mjs"}, "protocol=http", "port="+strconv.Itoa(port), "pidfile="+os.DevNull)
	if err := origin.Start(); err != nil {
		return fmt.Errorf("start the suite's server: %w", err)
	}
	defer func() { cancel(); _ = origin.Wait() }()
	if err := answers(ctx, port); err != nil {
		return err
	}
	base, err := serve(port)
	if err != nil {
		return err
	}
	cli := node(ctx, suite, []string{"--no-warnings", "cli.mjs"}, "base="+base, "id="+id)
	cli.Env = append(cli.Env, "npm_package_config_id=") // where npm would have put the default
	if id != "" {
		cli.Stdout, cli.Stderr = os.Stdout, os.Stderr
		return cli.Run()
	}
	var stderr bytes.Buffer
	cli.Stderr = &stderr
	out, err := cli.Output()
	if err != nil {
		return fmt.Errorf("run the suite: %w\n%s", err, stderr.Bytes())
	}
	var results map[string]json.RawMessage
	if err := json.Unmarshal(out, &results); err != nil {
		return fmt.Errorf("read the suite's results: %w", err)
	}
	tests, err := listTests(ctx, suite)
	if err != nil {
		return err
	}
	return report(tests, results)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// node runs a script of the suite; its settings are npm's variables.
func node(ctx context.Context, suite string, args []string, settings ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir, cmd.Env = suite, os.Environ()
	for _, s := range settings {
		cmd.Env = append(cmd.Env, "npm_config_"+s)
	}
	return cmd
}

func answers(ctx context.Context, port int) error {
	for range 100 {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", "localhost:"+strconv.Itoa(port))
		if err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the suite's server does not answer")
}

// uncachedErrors sets the error caching minimum TTL to 0 for the errors that CloudFront keeps, as the suite's origin says how long; a
// distribution that sets nothing keeps them for ten seconds.
var uncachedErrors = func() (pages []edge.ErrorPage) {
	for _, status := range []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		pages = append(pages, edge.ErrorPage{Status: status})
	}
	return pages
}()

// serve starts an edge before the suite's server. Its policies cache what the origin says, and forward everything.
func serve(port int) (base string, err error) {
	all := edge.KeyPart{Behavior: "all"}
	none := edge.KeyPart{Behavior: "none"}
	e, err := edge.New(edge.Options{Config: edge.Config{
		ID: "CONFORMANCE", DomainName: "localhost", ErrorPages: uncachedErrors,
		CustomOrigins: []edge.CustomOrigin{{ID: "suite", DomainName: "localhost", ProtocolPolicy: "http-only", HTTPPort: port}},
		Behaviors: []edge.Behavior{{
			OriginID: "suite", AllowedMethods: []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
			ViewerProtocolPolicy: "allow-all",
			CachePolicy:          edge.CachePolicy{Name: "as-the-origin-says", MaxTTL: 365 * 24 * time.Hour, Headers: none, Cookies: none, QueryStrings: all},
			OriginRequestPolicy:  &edge.OriginRequestPolicy{Name: "everything", Headers: edge.KeyPart{Behavior: "allViewer"}, Cookies: all, QueryStrings: all},
		}},
	}})
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

// test is one of the suite's.
type test struct {
	ID, Name, Suite string
	// Kind is required, optimal, or check: a question without a right answer.
	Kind      string
	DependsOn []string
}

func listTests(ctx context.Context, suite string) ([]test, error) {
	script := filepath.Join(suite, "list.mjs")
	if err := os.WriteFile(script, list, 0o644); err != nil {
		return nil, err
	}
	out, err := node(ctx, suite, []string{"--no-warnings", "list.mjs"}).Output()
	if err != nil {
		return nil, fmt.Errorf("list the suite's tests: %w", err)
	}
	var tests []test
	return tests, json.Unmarshal(out, &tests)
}

// kind counts the tests of one kind.
type kind struct{ passed, all int }

func report(tests []test, results map[string]json.RawMessage) error {
	var explained map[string]string
	if err := json.Unmarshal(explainedJSON, &explained); err != nil {
		return fmt.Errorf("explained.json: %w", err)
	}
	counts := map[string]*kind{"required": {}, "optimal": {}, "check": {}}
	var unexplained, stale []string
	for _, t := range tests {
		raw, ran := results[t.ID]
		if !ran {
			continue
		}
		k := counts[t.Kind]
		k.all++
		passed := string(raw) == "true"
		reason, known := explained[t.ID]
		switch {
		case passed:
			k.passed++
			if known {
				stale = append(stale, t.ID)
			}
		case t.Kind == "check": // a question: either answer is right
		case known:
			fmt.Printf("%-9s %-45s %s\n", t.Kind, t.ID, reason)
		default:
			unexplained = append(unexplained, fmt.Sprintf("%-9s %-45s %s: %s", t.Kind, t.ID, t.Name, message(raw)))
		}
	}
	fmt.Println()
	for _, name := range []string{"required", "optimal", "check"} {
		k := counts[name]
		fmt.Printf("%-9s %d of %d\n", name, k.passed, k.all)
	}
	slices.SortFunc(unexplained, cmp.Compare[string])
	for _, line := range unexplained {
		fmt.Printf("NOT EXPLAINED  %s\n", line)
	}
	for _, id := range stale {
		fmt.Printf("PASSES NOW, AND IS EXPLAINED  %s\n", id)
	}
	if len(unexplained)+len(stale) > 0 {
		return fmt.Errorf("%d failures are not explained, %d explanations are out of date", len(unexplained), len(stale))
	}
	return nil
}

// message is the suite's word on a failure.
func message(raw json.RawMessage) string {
	var parts []string
	if err := json.Unmarshal(raw, &parts); err != nil || len(parts) < 2 {
		return string(raw)
	}
	return fmt.Sprintf("%s: %.120s", parts[0], parts[1])
}
