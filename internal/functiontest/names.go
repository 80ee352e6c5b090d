package functiontest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// notRedirected says in one line which of a site's names are to be redirected and are not, because the function, which may
// be a person's own or the upstream toolkit's, does not do it; "" if nothing is missing. It calls the function for the start
// page under each such name. kv is nil before the first release.
func notRedirected(ctx context.Context, f Function, names []site.Name, kv cfjs.KV) (string, error) {
	if kv == nil {
		kv = Store{"path": "RELEASE"}
	}
	var missing []string
	for _, n := range names {
		if n.RedirectTo == "" {
			continue
		}
		event, err := URLEvent(http.MethodGet, "https://"+n.Host+"/", nil)
		if err != nil {
			return "", err
		}
		outcome, err := Run(ctx, f, event, kv, time.Time{})
		if err != nil {
			return "", err
		}
		if outcome.Failure != nil || !leadsTo(outcome.Result, n.RedirectTo) {
			missing = append(missing, n.Host+" to "+n.RedirectTo)
		}
	}
	if len(missing) == 0 {
		return "", nil
	}
	return fmt.Sprintf(`the function in %s does not redirect %s, so that both show the site: write "const REDIRECTS = {};" and what uses it into it as in docs/functions.md, `+
		`or let init --force write one that redirects (yours is kept beside it)`, f.Name, strings.Join(missing, ", ")), nil
}

// leadsTo reports whether a function answered with a redirect to a host.
func leadsTo(result *cfjs.Result, host string) bool {
	if result == nil || result.Response == nil || result.Response.StatusCode < 301 || result.Response.StatusCode > 308 {
		return false
	}
	location, err := url.Parse(result.Response.Headers["location"].Value)
	return err == nil && strings.EqualFold(location.Hostname(), host)
}

// HidesFiles says in one line that a function answers files with the start page, as the upstream toolkit's for Angular does:
// what a browser asks for as scripts and styles is HTML, and the page stays blank; "" if it does not. A function that fails is
// none of its business.
func HidesFiles(ctx context.Context, f Function) (string, error) {
	for _, file := range []string{"/main.js", "/styles.css"} {
		event, err := URLEvent(http.MethodGet, file, nil)
		if err != nil {
			return "", err
		}
		outcome, err := Run(ctx, f, event, Store{"path": "RELEASE"}, time.Time{})
		if err != nil {
			return "", err
		}
		if outcome.Failure != nil || outcome.Result.Request == nil || !strings.HasSuffix(outcome.Result.Request.URI, "/index.html") {
			return "", nil
		}
	}
	return fmt.Sprintf("the function in %s answers every file with index.html, scripts and styles too, so that pages stay blank; "+
		"init --force writes one that does not (yours is kept beside it)", f.Name), nil
}

// Advice is what a user should know of a function that is about to be deployed, one line each: see HidesFiles and
// notRedirected.
func Advice(ctx context.Context, f Function, names []site.Name, kv cfjs.KV) (lines []string) {
	if line, err := HidesFiles(ctx, f); err == nil && line != "" {
		lines = append(lines, line)
	}
	if line, err := notRedirected(ctx, f, names, kv); err == nil && line != "" {
		lines = append(lines, line)
	}
	return lines
}
