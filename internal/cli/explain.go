package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/explain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// edged is a target that can say what the edge of the deployed site is made of: the compiled template, the live
// key-value store, and a reader of the bucket's objects.
type edged interface {
	// Edge returns fault.NotDeployed if nothing is deployed.
	Edge(ctx context.Context) (edge.Options, error)
}

// explainOptions are what explain depends on.
type explainOptions struct {
	*session
	url     string
	release string
	diff    []string
	method  string
	headers []string
}

func newExplainCmd(s *session) *cobra.Command {
	o := &explainOptions{session: s}
	var before string
	cmd := &cobra.Command{
		Use:   "explain URL [--release RELEASE] [--diff RELEASE RELEASE]",
		Short: "Say why a URL answers as it does",
		Long: `Says what happens to a request for a URL, or a path, of the deployed site: the cache
behaviour that it matches, what the function makes of it and reads from the key-value
store, the object that is looked up, the status, and whom each header is from.
It goes through the code that serves the site on the local target, with an empty cache.
On AWS that is given the deployed template, the live key-value store and the hosting
bucket, which are only read. The beginning of a release's id is enough.`,
		Example: "  " + name + " explain /about\n" +
			"  " + name + " explain https://www.example.com/app.js -H 'Accept-Encoding: gzip'\n" +
			"  " + name + " explain / --diff 4f2c9e1 b51d3a8",
		Args:              arguments(1, 2, "a URL or a path"),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(args, before, cmd.Flags().Changed("diff")); err != nil {
				return err
			}
			return runExplain(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.release, "release", "", "explain this `release` instead of the live one")
	cmd.Flags().StringVar(&before, "diff", "", "show what of the answer differs between two `releases`")
	cmd.Flags().StringVarP(&o.method, "method", "X", http.MethodGet, "the request's `method`")
	cmd.Flags().StringArrayVarP(&o.headers, "header", "H", nil, "a `header` of the request, as 'Name: value'; may be repeated")
	return cmd
}

// parse tells the URL from the second release of --diff: a URL has a slash, and the name of a release has none.
func (o *explainOptions) parse(args []string, before string, diff bool) error {
	const hint = "usage: " + name + " explain URL --diff RELEASE RELEASE"
	var releases []string
	for _, arg := range args {
		if o.url == "" && strings.Contains(arg, "/") {
			o.url = arg
			continue
		}
		releases = append(releases, arg)
	}
	switch {
	case o.url == "" && !diff:
		return usage("give a URL of the site, or a path such as /about", "%q is neither a URL nor a path", args[0])
	case o.url == "":
		return usage(hint, "explain needs a URL or a path")
	case !diff && len(releases) > 0:
		return usage(hint, "explain takes one URL, got %q as well", releases[0])
	case diff && len(releases) != 1:
		return usage(hint, "--diff takes two releases")
	case diff && o.release != "":
		return usage("give either --release or --diff", "--diff names its releases itself")
	case diff:
		o.diff = []string{before, releases[0]}
	}
	return nil
}

func runExplain(ctx context.Context, o *explainOptions) error {
	header, err := o.header()
	if err != nil {
		return err
	}
	t, _, err := o.hosting()
	if err != nil {
		return err
	}
	source, ok := t.(edged)
	if !ok {
		return fault.New(fault.Usage, "run it in the project's folder", "there is nothing to explain in a release step")
	}
	opts, err := source.Edge(ctx)
	if err != nil {
		return err
	}
	ask := func(given string) (*explain.Explanation, error) {
		release, err := namedRelease(ctx, t, given)
		if err != nil {
			return nil, err
		}
		return explain.Explain(ctx, opts, explain.Query{URL: o.url, Method: o.method, Header: header, Release: release})
	}
	if o.diff != nil {
		return o.compare(ask)
	}
	x, err := ask(o.release)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(x)
	}
	return o.show(x)
}

func (o *explainOptions) header() (http.Header, error) {
	header := http.Header{}
	for _, line := range o.headers {
		field, value, ok := strings.Cut(line, ":")
		if field = strings.TrimSpace(field); !ok || field == "" {
			return nil, usage("write it as -H 'Name: value'", "%q is not a header", line)
		}
		header.Add(field, strings.TrimSpace(value))
	}
	return header, nil
}

func (o *explainOptions) compare(ask func(string) (*explain.Explanation, error)) error {
	before, err := ask(o.diff[0])
	if err != nil {
		return err
	}
	after, err := ask(o.diff[1])
	if err != nil {
		return err
	}
	c := explain.Compare(before, after)
	if o.json {
		return o.printJSON(c)
	}
	if len(c.Differences) == 0 {
		_, err := fmt.Fprintf(o.Out, "%s answers the same in %s and %s.\n", c.URL, c.Before, c.After)
		return err
	}
	table := &term.Table{Columns: []term.Column{{Title: c.URL}, {Title: c.Before, Elastic: true}, {Title: c.After, Elastic: true}}}
	dash := o.OutStyle().Dash()
	for _, d := range c.Differences {
		table.Row(d.What, cmp.Or(d.Before, dash), cmp.Or(d.After, dash))
	}
	return o.table(table)
}

// show writes an explanation for people.
func (o *explainOptions) show(x *explain.Explanation) error {
	style := o.OutStyle()
	release := x.Release
	switch {
	case release == "":
		release = style.Dim("none yet")
	case !x.Live:
		release += style.Dim("  not live")
	}
	fields := [][2]string{
		{"Request", style.Bold(x.Method + " " + x.URL)},
		{"Release", release},
		{"Behaviour", fmt.Sprintf("%s%s", x.Behavior.PathPattern, style.Dim(fmt.Sprintf("  %d of %d", x.Behavior.Number, x.Behavior.Of)))},
		{"", behaviorWords(x.Behavior)},
	}
	for _, f := range x.Functions {
		fields = append(fields, functionFields(f, style)...)
	}
	for _, f := range x.Fetches {
		fields = append(fields, fetchFields(f, style)...)
	}
	answer := fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status))
	if x.Status >= 400 {
		answer = style.Red(answer)
	} else {
		answer = style.Green(answer)
	}
	fields = append(fields, [2]string{"Answer", answer + ", " + term.Size(x.Body.Bytes) + style.Dim("  "+x.Cache+" from cloudfront")})
	if err := o.fields(fields...); err != nil {
		return err
	}
	fmt.Fprintln(o.Out)
	table := &term.Table{Columns: []term.Column{{Title: "Header"}, {Title: "Value", Elastic: true}, {Title: "From"}}}
	for _, h := range x.Headers {
		table.Row(h.Name, h.Value, style.Dim(sourceOf(h)))
	}
	for _, h := range x.Dropped {
		table.Row(style.Dim(h.Name), style.Dash(), style.Dim(h.From))
	}
	if err := o.table(table); err != nil {
		return err
	}
	for _, note := range x.Notes {
		fmt.Fprintf(o.Err, "%s %s\n", o.ErrStyle().Cyan("note:"), note)
	}
	return nil
}

// sourceOf is whom a header is from, in the few words that a column has; JSON has more.
func sourceOf(h explain.Header) string {
	switch h.Source {
	case "origin":
		return "origin"
	case "behaviour":
		if strings.HasSuffix(h.From, "compression") || strings.Contains(h.From, "compression,") {
			return "compression"
		}
		return "behaviour"
	case "policy":
		return "response headers policy"
	case "function":
		return "function"
	}
	return "CloudFront"
}

func behaviorWords(b explain.Behavior) string {
	words := []string{"origin " + b.Origin, "cache policy " + b.CachePolicy}
	if b.OriginRequestPolicy != "" {
		words = append(words, "origin request policy "+b.OriginRequestPolicy)
	}
	if b.ResponseHeadersPolicy != "" {
		words = append(words, "response headers policy "+b.ResponseHeadersPolicy)
	}
	if b.Compress {
		words = append(words, "compression")
	}
	return strings.Join(words, ", ")
}

// functionFields tells what a function did.
func functionFields(f explain.Function, style term.Style) [][2]string {
	var outcome string
	switch f.Outcome {
	case "error":
		outcome = style.Red(f.Error)
	case "response":
		outcome = "answered " + strconv.Itoa(f.Status) + " itself"
		if f.Event == "viewer-response" {
			outcome = "changed nothing"
			if len(f.Changed) > 0 {
				outcome = "changed " + strings.Join(f.Changed, ", ")
			}
		}
	default:
		outcome = f.From + " " + style.Arrow() + " " + f.To
		if len(f.Changed) > 1 || len(f.Changed) == 1 && f.Changed[0] != "uri" {
			outcome += style.Dim("  changed " + strings.Join(f.Changed, ", "))
		}
	}
	fields := [][2]string{
		{"Function", f.Name + style.Dim("  "+f.Event+", "+strconv.Itoa(f.Utilization)+" % of its time")},
		{"", outcome},
	}
	for _, r := range f.Reads {
		value := "there is no such key"
		if r.Found {
			value = strconv.Quote(r.Value)
		}
		fields = append(fields, [2]string{"", "read " + r.Key + ": " + value})
	}
	for _, line := range f.Logs {
		fields = append(fields, [2]string{"", style.Dim("log: ") + line})
	}
	return fields
}

// fetchFields tells of an object that was looked up.
func fetchFields(f explain.Fetch, style term.Style) [][2]string {
	title := "Object"
	if f.ErrorPageFor != 0 {
		title = fmt.Sprintf("Page for %d", f.ErrorPageFor)
	}
	fields := [][2]string{{title, fmt.Sprintf("%s%s", f.Key, style.Dim(fmt.Sprintf("  in %s: %d", f.Origin, f.Status)))}}
	kept := "not kept"
	if f.TTL > 0 {
		kept = "kept for " + (time.Duration(f.TTL) * time.Second).String()
		if f.TTL%86400 == 0 {
			kept = fmt.Sprintf("kept for %s", term.Count(int(f.TTL/86400), "day"))
		}
	}
	fields = append(fields, [2]string{"", kept + style.Dim(" ("+f.Why+")")})
	if f.Range != "" {
		fields = append(fields, [2]string{"", "the origin is asked for a part, " + f.Range})
	}
	if f.CacheKey != "" {
		fields = append(fields, [2]string{"", "in the cache key beside the path: " + strconv.Quote(f.CacheKey)})
	}
	return fields
}
