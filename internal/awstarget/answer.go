package awstarget

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

const (
	// answerPace is the time between two questions to the site or to CloudFront.
	answerPace = 3 * time.Second
	// spreadPatience is how long CloudFront may take to spread a new distribution.
	spreadPatience = 30 * time.Minute
	// answerPatience is how long the site may take to answer with the new release after that: the key-value store spreads
	// within seconds, and the name of a new distribution through DNS within a minute or two.
	answerPatience = 5 * time.Minute
	// entryPage is what is asked for.
	entryPage = "index.html"
	maxPage   = 16 << 20
)

// awaitAnswer waits until the distribution is spread and the site's URL answers with the release. It tells the release by
// the entry page, whose digest stands in the release's manifest.
func (d *deployment) awaitAnswer(ctx context.Context, e hosting.Execution) error {
	p := d.PublisherOf(d.state)
	live, _, err := p.Pointer.Read(ctx)
	if err != nil {
		return err
	}
	if e.Release != "" && live.Release != e.Release {
		d.report.Warn("release %s was replaced by %s meanwhile", e.Release, live.Release)
	}
	if err := d.AwaitSpread(ctx); err != nil {
		return err
	}
	manifest, err := p.Manifest(ctx, live.Release)
	if err != nil {
		return err
	}
	want := ""
	for _, f := range manifest.Files {
		if f.Path == entryPage {
			want = f.SHA256
		}
	}
	url := hosted.OwnURL(d.state) // the site's own names may not lead here yet
	d.report.Detail("waiting until %s answers with release %.12s", url, live.Release)
	return d.ask(ctx, url, live.Release, want)
}

// AwaitSpread implements domain.Deployment. It waits until CloudFront has spread the distribution: EXPRESS stacks do not.
func (d *deployment) AwaitSpread(ctx context.Context) error {
	id := d.state.Outputs[template.OutputDistributionID]
	api := d.Distributions()
	begun := time.Now()
	for {
		out, err := api.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
		if err != nil {
			return fmt.Errorf("look at distribution %s: %w", id, reason.Of(err))
		}
		if aws.ToString(out.Distribution.Status) == "Deployed" {
			return nil
		}
		took := time.Since(begun)
		if took > spreadPatience {
			d.report.Warn("CloudFront is still spreading distribution %s after %s", id, took.Round(time.Minute))
			return nil
		}
		d.report.Detail("CloudFront is spreading the distribution to its edge locations, %s so far; it takes a few minutes", took.Round(time.Second))
		if err := d.Pause(ctx, answerPace); err != nil {
			return err
		}
	}
}

// ask asks the URL until it answers with the wanted page. A site that answers with another page, and no error, is only
// warned about: its function may send the root somewhere else.
func (d *deployment) ask(ctx context.Context, url, release, want string) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	client := d.Opts.HTTP
	if client == nil {
		client = &http.Client{Timeout: 20 * time.Second}
	}
	var why error
	for settled := 0; ; {
		digest, err := fetch(ctx, client, url)
		switch {
		case err == nil && (digest == want || want == ""):
			return nil
		case err == nil:
			why = errors.New("it answers with another page")
			if settled++; settled >= 20 {
				d.report.Warn("release %s is live, and %s answers, but not with the release's %s: if your function sends / elsewhere, all is well", release, url, entryPage)
				return nil
			}
		case ctx.Err() == nil:
			why, settled = err, 0
		}
		if d.Pause(ctx, answerPace) != nil {
			break
		}
	}
	if why == nil {
		why = context.Cause(ctx)
	}
	return fault.New(fault.Other, "ask it again in a minute; explain "+url+" tells how the request is answered",
		"release %s is live, but %s does not answer as it should: %w", release, url, why)
}

// fetch returns the digest of what the URL answers with.
func fetch(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("ask the site: %w", err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("status %d", res.StatusCode)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(res.Body, maxPage)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
