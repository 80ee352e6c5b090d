package localtarget

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

const (
	// answerPatience is how long a release that is live may take to answer.
	answerPatience = 10 * time.Second
	answerRetry    = 50 * time.Millisecond
)

// awaitAnswer asks the site's URL until it answers. Which release it serves is not left to chance: the edge reads the
// key-value store for each request, and that names this release, or a later one.
func (h *Hosting) awaitAnswer(ctx context.Context, holder state.Holder, e hosting.Execution, report hosting.Reporter) error {
	target, listen := state.URL(h.site.Name(), holder.Listen), holder.Listen
	if holder.HTTPS != "" {
		target, listen = holder.SiteURL(h.site.Name(), ""), holder.HTTPS
	}
	report.Detail("asking %s", target)
	d, err := h.site.Load()
	if err != nil {
		return err
	}
	live, _, err := pipeline.Publisher(h.site, d, h.opts.Version).Pointer.Read(ctx)
	if err != nil {
		return err
	}
	if live.Release != e.Release && e.Status == hosting.Succeeded {
		report.Warn("release %s was replaced by %s meanwhile", e.Release, live.Release)
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	for {
		status, err := ask(ctx, target, listen)
		if err == nil && status < 500 {
			return nil
		}
		select {
		case <-time.After(answerRetry):
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("status %d", status)
			}
			return fault.New(fault.Other, "see what the function says in "+h.site.FunctionLog(), "release %s is live, but %s does not answer as it should: %w", live.Release, target, err)
		}
	}
}

// ask sends one request to a server by its address, whatever the name in the URL resolves to.
func ask(ctx context.Context, target, listen string) (status int, err error) {
	client := http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, listen)
			},
			// It is this machine's own server, found by its address; whom its certificate is from is the viewers' concern.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			Proxy:           func(*http.Request) (*url.URL, error) { return nil, nil },
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, err
}
