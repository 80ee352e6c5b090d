package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Check says whether a template can be served: it compiles, and so do its functions.
func Check(templateYAML []byte, parameters map[string]string) error {
	_, _, err := distribution(templateYAML, parameters, bucket{}, edge.Options{CacheBytes: -1})
	return err
}

// distribution makes the edge of a template. All of its origins but those that are HTTP servers are the one bucket. It
// returns the names that the distribution answers to, too.
func distribution(templateYAML []byte, parameters map[string]string, origin edge.Origin, opts edge.Options) (*edge.Edge, []string, error) {
	config, err := template.Compile(templateYAML, parameters)
	if err != nil {
		return nil, nil, err
	}
	opts.Config, opts.Origins = config, origins(config, origin)
	e, err := edge.New(opts)
	if err != nil {
		return nil, nil, err
	}
	return e, config.Aliases, nil
}

// origins gives the bucket to every origin that is not an HTTP server.
func origins(config edge.Config, bucket edge.Origin) map[string]edge.Origin {
	m := map[string]edge.Origin{}
	for _, id := range config.BucketOrigins() {
		m[id] = bucket
	}
	return m
}

// bucket is a site's bucket as the edge's origin.
type bucket struct{ store *disk.Store }

var _ edge.Origin = bucket{}

// Get implements edge.Origin.
func (b bucket) Get(_ context.Context, key string) (*edge.Object, error) {
	body, object, err := b.store.Open(key)
	if errors.Is(err, publish.ErrNotFound) {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return &edge.Object{Body: body, Size: object.Size, ContentType: object.ContentType, CacheControl: object.CacheControl,
		ETag: etag(object), Modified: object.Modified}, nil
}

// etag is a strong one: half of the digest tells two contents apart well enough.
func etag(o publish.Object) string {
	if len(o.SHA256) < 32 {
		return fmt.Sprintf(`"%x-%x"`, o.Size, o.Modified.UnixNano())
	}
	return `"` + o.SHA256[:32] + `"`
}

// openEdge makes the edge of the site as it is deployed.
func (t *tenant) openEdge(d *state.Deployed, templateYAML []byte) (*edge.Edge, []string, error) {
	kv, functions := disk.OpenKV(t.site.KV()), t.functions
	return distribution(templateYAML, d.Parameters, bucket{disk.OpenStore(t.site.Bucket())}, edge.Options{
		HTTPS:       t.httpsPort != 0,
		HTTPSPort:   t.httpsPort,
		KV:          func() (cfjs.KV, error) { return kv.View() },
		KVGlance:    kv.Glance,
		AccessLog:   t.access.With("site", d.Site),
		FunctionLog: func(e edge.FunctionEvent) { writeEvent(functions, e) },
		Cache:       t.cache,
	})
}

// lineBreaks keeps one event on one line each, whatever a viewer has put into its URI.
var lineBreaks = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// writeEvent writes the lines of one run of a function, each with the id of the request.
func writeEvent(log *logFile, e edge.FunctionEvent) {
	if log == nil {
		return
	}
	head := fmt.Sprintf("%s %s %s %s", e.Time.UTC().Format(time.RFC3339Nano), e.RequestID, e.Type, lineBreaks.Replace(e.URI))
	var b strings.Builder
	for _, line := range e.Logs {
		fmt.Fprintf(&b, "%s: %s\n", head, lineBreaks.Replace(line))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "%s: answered %d: %s\n", head, e.Status, lineBreaks.Replace(e.Err.Error()))
	}
	_, _ = log.Write([]byte(b.String())) // it never fails
}
