package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/metrics"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// tenant is one site of the fleet: its edge and its pipeline. Its methods are called from one goroutine.
type tenant struct {
	site    state.Site
	version string
	// urls has the addresses that are listened on; httpsPort is 0 without https.
	urls      state.Holder
	httpsPort int
	log       *slog.Logger
	access    *slog.Logger
	count     *metrics.Site
	// cache is that of all sites.
	cache *edge.Cache

	edge      http.Handler // nil if the configuration has never been one that can be served
	aliases   []string
	functions *logFile
	running   *pipeline.Running
	seen      string
	// idle is what is deployed while its pipeline cannot run, with the reason; nil if it runs, or if there is none.
	idle *state.Deployed
	why  string
}

// handler answers the site's requests.
func (t *tenant) handler() http.Handler {
	if t.edge == nil {
		return http.HandlerFunc(damaged)
	}
	return t.edge
}

// refresh reads the deployed files if they have changed, and reports whether the edge is another one. Files that cannot
// be served leave everything as it is.
func (t *tenant) refresh(ctx context.Context) (changed bool) {
	now := look(t.site.File()) + look(t.site.Template())
	if now == t.seen {
		if t.idle != nil {
			t.begin(ctx, t.idle)
		}
		return false
	}
	first := t.seen == ""
	t.seen = now
	d, templateYAML, err := t.load()
	if err != nil {
		t.log.Error("the deployed configuration cannot be served; what was served before stays", "error", err)
		return first
	}
	if first {
		t.restore(ctx, d)
	}
	edge, aliases, err := t.openEdge(d, templateYAML)
	if err != nil {
		t.log.Error("the deployed template cannot be served; what was served before stays", "error", err)
		return first
	}
	t.edge, t.aliases = t.count.Count(edge), aliases
	t.log.Info("site is served", "url", t.urls.SiteURL(t.site.Name(), d.Config.DomainName), "deployed", d.DeployedAt.Format(time.RFC3339))
	t.begin(ctx, d)
	return true
}

// begin runs the pipeline of what is deployed. If it cannot run, that is said once, and the next glance tries again.
func (t *tenant) begin(ctx context.Context, d *state.Deployed) {
	err := t.work(ctx, d)
	switch {
	case err == nil && t.why != "":
		t.log.Info("the pipeline runs again")
		fallthrough
	case err == nil:
		t.idle, t.why = nil, ""
		return
	case err.Error() != t.why:
		t.log.Error("the pipeline cannot run; the site is served all the same", "error", err)
	}
	t.idle, t.why = d, err.Error()
}

func (t *tenant) load() (*state.Deployed, []byte, error) {
	d, err := t.site.Load()
	if err != nil {
		return nil, nil, err
	}
	templateYAML, err := os.ReadFile(t.site.Template())
	if err != nil {
		return nil, nil, err
	}
	if t.functions == nil {
		if t.functions, err = openLog(t.site.FunctionLog(), maxFunctionLog); err != nil {
			t.log.Warn("functions are not logged", "error", err)
		}
	}
	return d, templateYAML, nil
}

// work runs the pipeline of a site that has one.
func (t *tenant) work(ctx context.Context, d *state.Deployed) (err error) {
	if !d.Pipeline {
		return nil
	}
	if t.running == nil {
		if t.running, err = pipeline.Start(ctx, t.site, t.version, 100*time.Millisecond, t.log); err != nil {
			t.running = nil
			return err
		}
	}
	t.running.Watch(ctx, d)
	return nil
}

// look returns a text that differs when a file has been replaced.
func look(name string) string {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-;"
	}
	if err != nil {
		return err.Error() + ";"
	}
	return info.ModTime().Format(time.RFC3339Nano) + " " + strconv.FormatInt(info.Size(), 10) + ";"
}

// close stops the site's pipeline and waits for it. Requests that the edge still answers are not disturbed.
func (t *tenant) close() {
	if t.running != nil {
		t.running.Stop()
	}
	if t.functions != nil {
		t.functions.Close()
	}
}
