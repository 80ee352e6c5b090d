package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// functionOptions are what function test depends on.
type functionOptions struct {
	*session
	code, event, url string
	method           string
	headers          []string
	kvs              string
	now              string
	runtime          string
}

func newFunctionCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "function",
		Short: "Test the site's CloudFront Function",
		Long:  "Runs the project's CloudFront Function on this machine, as AWS would.",
		Example: "  " + name + " function test --url /about\n" +
			"  " + name + " function test tests/function",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFunctionTestCmd(s))
	return cmd
}

func newFunctionTestCmd(s *session) *cobra.Command {
	o := &functionOptions{session: s}
	cmd := &cobra.Command{
		Use:   "test [CASES]",
		Short: "Run the function once, or on files of cases",
		Long: `Runs the project's CloudFront Function, or that of the site's routing, as AWS would: on an
event, on a URL, or on cases with what is expected of each (a file or a folder). Without
--kvs the function reads the deployed site's key-value store, or, before there is one,
{"path":"RELEASE"}.

A single run shows what the function did, and is done even if the function fails, as with
AWS's TestFunction. Cases fail if one is not as expected.`,
		Example: "  " + name + " function test --url /about\n" +
			"  " + name + " function test --event event.json --kvs kvs.json --json\n" +
			"  " + name + " function test tests/function",
		Args: arguments(0, 1, "a file or a folder with cases"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return runCases(cmd.Context(), o, args[0])
			}
			return runFunction(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.code, "code", "", "run the code of this `file`")
	flags.StringVar(&o.event, "event", "", "`file` with an event, in AWS's JSON")
	flags.StringVar(&o.url, "url", "", "make the event of a viewer who asks for this `URL` or path")
	flags.StringVarP(&o.method, "method", "X", "", "the `method` of --url")
	flags.StringArrayVarP(&o.headers, "header", "H", nil, "a `header` of --url, as 'Name: value'; may be repeated")
	flags.StringVar(&o.kvs, "kvs", "", "`file` with the key-value store: a flat JSON object")
	flags.StringVar(&o.now, "now", "", "let the function's clock stand at this `epoch`, in seconds")
	flags.StringVar(&o.runtime, "runtime", "", "run as `cloudfront-js-2.0` or cloudfront-js-1.0")
	return cmd
}

func runFunction(ctx context.Context, o *functionOptions) error {
	now, err := o.clock()
	if err != nil {
		return err
	}
	event, err := o.theEvent()
	if err != nil {
		return err
	}
	function, err := o.function()
	if err != nil {
		return err
	}
	kv, err := o.store(ctx)
	if err != nil {
		return err
	}
	outcome, err := functiontest.Run(ctx, function, event, kv, now)
	if err != nil {
		return err
	}
	for _, w := range outcome.Warnings {
		o.warn("%s", w)
	}
	if o.json {
		return o.printJSON(outcome.Answer())
	}
	return o.show(event, outcome)
}

// show writes an outcome for people, what was returned last, as JSON.
func (o *functionOptions) show(event *cfjs.Event, outcome functiontest.Outcome) error {
	style := o.OutStyle()
	summary := outcome.Summary()
	switch {
	case outcome.Failure != nil:
		summary = style.Red(summary)
	case outcome.Result.Request != nil:
		summary = event.Request.URI + " " + style.Arrow() + " " + style.Bold(outcome.Result.Request.URI)
	}
	fields := [][2]string{{"Result", summary}}
	title := "Read"
	for _, r := range outcome.Reads() {
		value := style.Yellow("there is no such key")
		if r.OK {
			value = strconv.Quote(r.Value)
		}
		fields = append(fields, [2]string{title, r.Key + ": " + value})
		title = ""
	}
	title = "Log"
	for _, line := range outcome.Logs() {
		fields = append(fields, [2]string{title, strings.ReplaceAll(line, "\n", `\n`)})
		title = ""
	}
	fields = append(fields, [2]string{"Utilization", strconv.Itoa(outcome.Utilization()) + " %"})
	if err := o.fields(fields...); err != nil {
		return err
	}
	output := outcome.Output()
	if output == "" {
		return nil
	}
	var document any
	if err := json.Unmarshal([]byte(output), &document); err != nil {
		return fmt.Errorf("read what the function returned: %w", err)
	}
	fmt.Fprintln(o.Out)
	return o.printJSON(document)
}

// casesView is the JSON of cases.
type casesView struct {
	Passed int        `json:"passed"`
	Failed int        `json:"failed"`
	Cases  []caseView `json:"cases"`
}

// caseView is the JSON of one case.
type caseView struct {
	Name   string   `json:"name"`
	Passed bool     `json:"passed"`
	Diff   []string `json:"diff"`
}

func runCases(ctx context.Context, o *functionOptions, path string) error {
	if o.event != "" || o.url != "" {
		return usage("leave out --event and --url", "cases have their own events")
	}
	cases, err := functiontest.Load(path)
	if err != nil {
		return err
	}
	function, err := o.function()
	if err != nil {
		return err
	}
	kv, err := o.store(ctx)
	if err != nil {
		return err
	}
	now, err := o.clock()
	if err != nil {
		return err
	}
	views := make([]caseView, 0, len(cases))
	failed := 0
	for _, c := range cases {
		if c.Now.IsZero() {
			c.Now = now
		}
		diff, err := c.Check(ctx, function, kv)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if len(diff) > 0 {
			failed++
		}
		views = append(views, caseView{c.Name, len(diff) == 0, append([]string{}, diff...)})
	}
	if err := o.showCases(views, failed); err != nil {
		return err
	}
	if failed > 0 {
		return reported{fault.New(fault.Other, "", "%d of %d cases failed", failed, len(cases))}
	}
	return nil
}

func (o *functionOptions) showCases(views []caseView, failed int) error {
	if o.json {
		return o.printJSON(casesView{len(views) - failed, failed, views})
	}
	style := o.OutStyle()
	var b strings.Builder
	for _, v := range views {
		mark := style.Tick()
		if !v.Passed {
			mark = style.Cross()
		}
		fmt.Fprintf(&b, "%s %s\n", mark, v.Name)
		for _, line := range v.Diff {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	fmt.Fprintf(&b, "\n%d passed, %d failed\n", len(views)-failed, failed)
	if _, err := o.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// function is the code of --code, or else the project's own, or that of its routing.
func (o *functionOptions) function() (functiontest.Function, error) {
	f := functiontest.Function{Name: filepath.Base(o.code), Runtime: o.runtime}
	if o.code != "" {
		data, err := os.ReadFile(o.code)
		if err != nil {
			return f, fault.New(fault.Usage, "", "read the function: %w", err)
		}
		f.Code = string(data)
		return f, nil
	}
	project, err := site.Load(o.dir)
	if err != nil {
		return f, fmt.Errorf("find the project's function, or give --code: %w", err)
	}
	input, err := template.For(project)
	if err != nil {
		return f, err
	}
	f.Name, f.Code = string(project.Config.Routing)+".js", input.FunctionCode
	if own, err := project.Function(); err == nil && own != "" {
		f.Name = site.FunctionFile
	}
	return f, nil
}

// theEvent is that of --event, or a viewer's who asks for --url.
func (o *functionOptions) theEvent() (*cfjs.Event, error) {
	if o.event == "" {
		url := o.url
		if url == "" {
			url = "/"
		}
		header := http.Header{}
		for _, line := range o.headers {
			field, value, ok := strings.Cut(line, ":")
			if field = strings.TrimSpace(field); !ok || field == "" {
				return nil, usage("write it as -H 'Name: value'", "%q is not a header", line)
			}
			header.Add(field, strings.TrimSpace(value))
		}
		return functiontest.URLEvent(o.method, url, header)
	}
	if o.url != "" || o.method != "" || o.headers != nil {
		return nil, usage("give either --event or --url", "--event holds the whole request")
	}
	data, err := os.ReadFile(o.event)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "read the event: %w", err)
	}
	return functiontest.ParseEvent(o.event, data)
}

// store is that of --kvs, or else the deployed site's, or else one with a release of the name RELEASE.
func (o *functionOptions) store(ctx context.Context) (cfjs.KV, error) {
	if o.kvs != "" {
		data, err := os.ReadFile(o.kvs)
		if err != nil {
			return nil, fault.New(fault.Usage, "", "read the key-value store: %w", err)
		}
		return functiontest.ParseStore(o.kvs, data)
	}
	if t, _, err := o.hosting(); err == nil {
		if source, ok := t.(edged); ok {
			opts, err := source.Edge(ctx)
			if err == nil {
				o.debug("the key-value store is the deployed site's")
				return opts.KV()
			}
			if fault.KindOf(err) != fault.NotDeployed {
				o.warn("the deployed site's key-value store cannot be read, {\"path\":\"RELEASE\"} takes its place; --kvs gives one: %v", err)
				return functiontest.Store{"path": "RELEASE"}, nil
			}
		}
	}
	o.debug(`the key-value store is {"path":"RELEASE"}: nothing is deployed, and there is no --kvs`)
	return functiontest.Store{"path": "RELEASE"}, nil
}

// clock is the time of --now, or zero.
func (o *functionOptions) clock() (time.Time, error) {
	if o.now == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseFloat(o.now, 64)
	if err != nil {
		return time.Time{}, usage("give seconds since the beginning of 1970, such as 1767225600", "--now: %w", errors.Unwrap(err))
	}
	return functiontest.Epoch(seconds), nil
}
