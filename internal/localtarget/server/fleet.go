package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/metrics"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/watch"
)

// glance is how often the state folder is looked at even if the file system reports nothing.
const glance = time.Second

// fleet is all sites of a state folder. It is the http.Handler that gives each request to the site that it is for.
type fleet struct {
	dir     state.Dir
	version string
	log     *slog.Logger
	access  *slog.Logger
	metrics *metrics.Registry
	cache   *edge.Cache
	routes  atomic.Pointer[routes]
	// trouble is why the state folder cannot be read; nil if it can.
	trouble atomic.Pointer[error]

	// What follows is set before the first scan. urls has the addresses that are listened on, httpsPort is 0 without https,
	// and domains is told of all names that are served; it may be nil.
	urls      state.Holder
	httpsPort int
	domains   func([]string)

	// What follows is used by scan and close only, which never run at the same time.
	sites   map[string]*tenant
	closing sync.WaitGroup
	ctx     context.Context // ends when the fleet closes
	end     context.CancelFunc
}

func newFleet(dir state.Dir, version string, cacheBytes int64, log *slog.Logger, access *logFile) *fleet {
	f := &fleet{dir: dir, version: version, log: log, access: slog.New(newAccessHandler(access)), metrics: metrics.New(),
		cache: edge.NewCache(cacheBytes), sites: map[string]*tenant{}}
	f.ctx, f.end = context.WithCancel(context.Background())
	f.routes.Store(&routes{})
	return f
}

// ServeHTTP implements http.Handler. It is quick, as a front.Front has it: what takes long in it is the edges' to tell.
func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.routes.Load().handler(r.Host).ServeHTTP(w, r)
}

// known reports whether a site answers to a name over https.
func (f *fleet) known(name string) bool {
	if name == "localhost" {
		return true // the index of all sites
	}
	_, ok := f.routes.Load().hosts[name]
	return ok
}

// count returns how many sites are served.
func (f *fleet) count() int { return len(f.routes.Load().names) }

// health returns what keeps the server from doing its work.
func (f *fleet) health() error {
	if f.ctx.Err() != nil {
		return errors.New("stopping")
	}
	if err := f.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// watch follows the state folder until ctx ends or someone asks the server to stop.
func (f *fleet) watch(ctx context.Context) {
	changes := watch.New(f.concerns)
	defer changes.Close()
	glances := time.NewTicker(glance)
	defer glances.Stop()
	for {
		f.subscribe(changes)
		f.scan()
		if f.stopRequested() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-glances.C:
		case <-changes.C:
		}
	}
}

// concerns leaves out the many files that change while sites are served and built.
func (f *fleet) concerns(name string) bool {
	switch filepath.Base(name) {
	case filepath.Base(state.Site("").File()), filepath.Base(state.Site("").Template()), filepath.Base(f.dir.RunFile()):
		return true
	}
	return name == f.dir.Sites() || filepath.Dir(name) == f.dir.Sites()
}

// subscribe asks for the events of the folders that exist.
func (f *fleet) subscribe(w *watch.Watcher) {
	dirs := []string{string(f.dir), f.dir.Sites()}
	if found, err := filepath.Glob(filepath.Join(escapeGlob(f.dir.Sites()), "*")); err == nil {
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		w.Add(dir) // one that is gone, or beyond the system's limit, is looked at by glancing
	}
}

var globMeta = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)

func escapeGlob(path string) string { return globMeta.Replace(path) }

// scan takes up new and changed sites, and closes those that are gone.
func (f *fleet) scan() {
	names, err := f.dir.Names()
	if err != nil {
		if before := f.trouble.Swap(&err); before == nil || (*before).Error() != err.Error() {
			f.log.Error("the state folder cannot be read", "error", err)
		}
		return
	}
	if f.trouble.Swap(nil) != nil {
		f.log.Info("the state folder can be read again")
	}
	changed := false
	for name, t := range f.sites {
		if !slices.Contains(names, name) {
			changed = true
			delete(f.sites, name)
			f.metrics.Forget(name)
			f.log.Info("site is gone", "site", name)
			f.closing.Go(t.close)
		}
	}
	for _, name := range names {
		t, ok := f.sites[name]
		if !ok {
			t = &tenant{site: f.dir.Site(name), version: f.version, urls: f.urls, httpsPort: f.httpsPort, log: f.log.With("site", name), access: f.access, count: f.metrics.Site(name),
				cache: f.cache}
			f.sites[name] = t
		}
		if t.refresh(f.ctx) {
			changed = true
		}
	}
	if changed {
		f.route()
	}
}

// route builds the routes of the sites as they are now.
func (f *fleet) route() {
	next := &routes{hosts: map[string]http.Handler{}}
	for name := range f.sites {
		next.names = append(next.names, name)
	}
	slices.Sort(next.names)
	for _, name := range next.names {
		t := f.sites[name]
		next.hosts[name+".localhost"] = t.handler()
		if len(f.sites) == 1 {
			next.only = t.handler()
		}
	}
	for _, name := range next.names {
		for _, alias := range f.sites[name].aliases {
			alias = strings.ToLower(alias)
			if _, taken := next.hosts[alias]; taken {
				f.log.Warn("two sites want one domain name; the first has it", "domain", alias, "site", name)
				continue
			}
			next.hosts[alias] = f.sites[name].handler()
		}
	}
	f.routes.Store(next)
	if f.domains != nil {
		f.domains(slices.Collect(maps.Keys(next.hosts)))
	}
}

// stopRequested reports whether someone has asked this process to stop. The removal of the whole state folder is such a
// request too.
func (f *fleet) stopRequested() bool {
	_, err := os.Stat(f.dir.RunFile())
	return errors.Is(err, fs.ErrNotExist)
}

// close stops all pipelines and waits for them. The sites are answered for all the same.
func (f *fleet) close() {
	if f.ctx.Err() != nil {
		return
	}
	f.end()
	for _, t := range f.sites {
		f.closing.Go(t.close)
	}
	f.closing.Wait()
}
