package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// errorPageKey is the page of the distribution's custom error response. CloudFront fetches it by its own path, without
// the viewer-request function, so it cannot lie in a release's folder (CloudFront Developer Guide, "Generate custom error
// responses").
const errorPageKey = "_errors/404.html"

// builtinErrorPage is for releases without a page of their own: without one, viewers would get the bucket's XML.
const builtinErrorPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Page not found</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { min-height: 90vh; display: grid; place-content: center; text-align: center; }
</style>
</head>
<body>
<h1>Page not found</h1>
<p>There is nothing at this address. <a href="/">Go to the start page</a></p>
</body>
</html>
`

// errorPage brings the error page in line with whatever release is live: its 404.html (or 404/index.html), or else the
// built-in page. It looks again after writing, so of several runs at once the last writer leaves the right page. The
// manifest that is known, most likely that of the live release, is not read again.
func (p *Publisher) errorPage(ctx context.Context, known Manifest) error {
	for attempt := range maxSwaps {
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		live, _, err := p.Pointer.Read(ctx)
		if err != nil {
			return fmt.Errorf("read the pointer: %w", err)
		}
		m := known
		if m.Release != live.Release {
			m, err = p.Manifest(ctx, live.Release)
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
			return nil // a release of another run, which sees to its own page
		}
		if err != nil {
			return err
		}
		written, err := p.putErrorPage(ctx, m)
		if err != nil {
			return fmt.Errorf("store %s: %w", errorPageKey, err)
		}
		if !written {
			return nil
		}
		after, _, err := p.Pointer.Read(ctx)
		if err != nil {
			return fmt.Errorf("read the pointer: %w", err)
		}
		if after.Release == live.Release {
			return nil
		}
	}
	return fmt.Errorf("the pointer was moved by others %d times in a row", maxSwaps)
}

// putErrorPage stores the page of a release, and reports whether there was anything to change.
func (p *Publisher) putErrorPage(ctx context.Context, m Manifest) (bool, error) {
	meta := Meta{ContentType: contentTypes["html"], CacheControl: cacheErrorPage}
	builtin := bytesBlob([]byte(builtinErrorPage))
	source, digest := "", builtin.SHA256
	for _, name := range []string{"404.html", "404/index.html"} {
		if i := slices.IndexFunc(m.Files, func(f File) bool { return f.Path == name }); i >= 0 {
			source, digest = m.Release+"/"+name, m.Files[i].SHA256
			break
		}
	}
	body, o, err := p.Store.Get(ctx, errorPageKey)
	if err == nil {
		_ = body.Close()
		if o.SHA256 == digest && o.CacheControl == meta.CacheControl && o.ContentType == meta.ContentType {
			return false, nil
		}
	} else if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if source == "" {
		return true, p.Store.Put(ctx, errorPageKey, builtin, meta)
	}
	return true, p.Store.Copy(ctx, source, errorPageKey, digest, meta)
}
