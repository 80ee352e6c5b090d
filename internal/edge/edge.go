package edge

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// DefaultCacheBytes is the size of the memory cache if Options.CacheBytes is 0.
const DefaultCacheBytes = 256 << 20

// Options are what an edge is made of.
type Options struct {
	// Config is the distribution.
	Config Config
	// Origins are the origins by the id that the behaviours name.
	Origins map[string]Origin
	// KV returns a view of the key-value store as it is at the moment of the call. It is called once for each request,
	// before anything else is read: an object that was cached before the store's Meta().Updated changed is checked
	// with its origin before it is served again. Nil, or an error, stands for an empty store.
	KV func() (cfjs.KV, error)
	// KVGlance, if it is set, returns what KV would if that takes a few microseconds at most, and else nil: the caller that many
	// connections wait for is told then, before KV is asked.
	KVGlance func() cfjs.KV
	// AccessLog gets one record for each request; nil for none.
	AccessLog *slog.Logger
	// FunctionLog is told of each run of a function that logged something or failed; nil for none. It is called by
	// many goroutines at once.
	FunctionLog func(FunctionEvent)
	// CacheBytes bounds the memory cache: DefaultCacheBytes if it is 0, no cache if it is negative. What functions made of
	// requests takes a sixteenth of it more at most, and no more than 4 MB, for each function.
	CacheBytes int64
	// Cache is used in place of a memory cache of the edge's own, and CacheBytes is not; it may be nil.
	Cache *Cache
	// FunctionTimeout is the time limit of one run of a function; the function runtime's own default if it is 0.
	FunctionTimeout time.Duration
	// MeasureFunctions has the share of its time that a function took measured so that a busy machine does not change it, for those
	// who ask for one request and not for those who serve many.
	MeasureFunctions bool
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
	// HTTPS says that viewers can reach this edge over TLS. Only then the viewer protocol policy is enforced: on a
	// machine without certificates, redirect-to-https would lead nowhere.
	HTTPS bool
	// HTTPSPort is where redirect-to-https leads, if that is not 443.
	HTTPSPort int
}

// Edge answers requests as the distribution would. It is an http.Handler, safe for concurrent use.
type Edge struct {
	config      Config
	behaviors   []*behavior
	sources     map[string]*source
	errorPages  map[int]ErrorPage
	kv          func() (cfjs.KV, error)
	kvGlance    func() cfjs.KV
	accessLog   *slog.Logger
	functionLog func(FunctionEvent)
	now         func() time.Time
	https       bool
	// httpsPort is ":port", or empty for 443.
	httpsPort string
	via       []string

	// id is no other edge's of this process.
	id    uint64
	cache *cache
	// maxHeld is the largest object that is held in memory; larger ones are streamed.
	maxHeld int64
	flights singleflight.Group
	// loads bounds the bytes that are being read from origins into memory, squeezes the compressions at work.
	loads    *semaphore.Weighted
	squeezes *semaphore.Weighted
	// socketIdle is how long a WebSocket may be silent.
	socketIdle time.Duration
}

// edges counts the edges of this process.
var edges atomic.Uint64

// New returns the edge of a distribution. It fails if a behaviour names an unknown origin, if the last behaviour is not
// the default one, or if a function does not compile (a fault.Usage that names the line).
func New(opts Options) (*Edge, error) {
	return newEdge(opts, func(f *Function) (viewerFunction, error) {
		return compileFunction(f, opts)
	})
}

func newEdge(opts Options, compile func(*Function) (viewerFunction, error)) (*Edge, error) {
	size := opts.CacheBytes
	if size == 0 {
		size = DefaultCacheBytes
	}
	shared := opts.Cache
	if shared == nil {
		shared = NewCache(size)
	}
	size = shared.cache.limit
	e := &Edge{
		id:          edges.Add(1),
		config:      opts.Config,
		errorPages:  make(map[int]ErrorPage),
		kv:          opts.KV,
		kvGlance:    opts.KVGlance,
		accessLog:   opts.AccessLog,
		functionLog: opts.FunctionLog,
		now:         opts.Now,
		https:       opts.HTTPS,
		via:         []string{"1.1 " + cmp.Or(opts.Config.DomainName, "edge") + " (" + serverName + ")"},
		cache:       shared.cache,
		maxHeld:     largestHeld(size),
		loads:       semaphore.NewWeighted(max(size, maxHeld)),
		squeezes:    semaphore.NewWeighted(compressors),
		socketIdle:  socketIdle,
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.kv == nil {
		e.kv = func() (cfjs.KV, error) { return emptyKV{}, nil }
	}
	if opts.HTTPSPort != 0 && opts.HTTPSPort != 443 {
		e.httpsPort = ":" + strconv.Itoa(opts.HTTPSPort)
	}
	for _, p := range opts.Config.ErrorPages {
		e.errorPages[p.Status] = p
	}
	var err error
	if e.sources, err = newSources(opts); err != nil {
		return nil, err
	}
	if err := e.addBehaviors(compile, size); err != nil {
		return nil, err
	}
	return e, nil
}

// addBehaviors makes the behaviours of the configuration. A function that several of them have is compiled once, and they share
// the results that are kept of it, in memory bounded by size.
func (e *Edge) addBehaviors(compile func(*Function) (viewerFunction, error), size int64) error {
	n := len(e.config.Behaviors)
	if n == 0 {
		return fmt.Errorf("configure edge: distribution %s has no behaviour", e.config.ID)
	}
	if last := e.config.Behaviors[n-1].PathPattern; last != "" && last != "*" {
		return fmt.Errorf("configure edge: the last behaviour has the path pattern %q, it must be the default one", last)
	}
	compiled, memos := make(map[*Function]viewerFunction), make(map[*Function]*memo)
	for i := range e.config.Behaviors {
		b, err := newBehavior(i, &e.config, e.sources, func(f *Function) (viewerFunction, error) {
			if f == nil || compiled[f] != nil {
				return compiled[f], nil
			}
			var err error
			compiled[f], err = compile(f)
			return compiled[f], err
		})
		if err != nil {
			return err
		}
		if f := b.ViewerRequest; f != nil {
			if memos[f] == nil {
				memos[f] = newMemo(size)
			}
			b.memo = memos[f]
		}
		b.edge, b.policy.own = e.id, ownFields(e.via)
		e.behaviors = append(e.behaviors, b)
	}
	return nil
}

// ownFields are the headers that the edge adds to each answer.
func ownFields(via []string) []field {
	return []field{{"Server", []string{serverName}, FromEdge}, {"Via", via, FromEdge}, {"X-Amz-Cf-Pop", []string{popName}, FromEdge}}
}

// largestHeld returns what an entry may take of a cache of so many bytes. It is no more than the largest object that is
// compressed, and, without a cache, just that.
func largestHeld(cache int64) int64 {
	if cache < 0 {
		return maxHeld
	}
	return min(maxHeld, cache/share-2*overhead)
}

// behavior is a cache behaviour made ready to serve.
type behavior struct {
	*Behavior
	edge    uint64
	index   int
	pattern string
	// source is the origin, or the primary one of the group.
	source     *source
	group      *OriginGroup
	onRequest  viewerFunction
	onResponse viewerFunction
	// memo is of onRequest.
	memo     *memo
	allow    []string
	policy   headerPolicy
	gzip, br bool
}

func newBehavior(i int, config *Config, sources map[string]*source, compile func(*Function) (viewerFunction, error)) (*behavior, error) {
	c := &config.Behaviors[i]
	name := cmp.Or(c.PathPattern, "default")
	b := &behavior{
		Behavior: c,
		index:    i,
		pattern:  normalizePattern(c.PathPattern),
		source:   sources[c.OriginID],
		allow:    []string{joinList(allowedMethods(c.AllowedMethods))},
		policy:   newHeaderPolicy(c.ResponseHeadersPolicy),
		gzip:     c.Compress && c.CachePolicy.AcceptGzip,
		br:       c.Compress && c.CachePolicy.AcceptBrotli,
	}
	for g, group := range config.OriginGroups {
		if group.ID == c.OriginID {
			b.group, b.source = &config.OriginGroups[g], sources[group.Members[0]]
		}
	}
	if b.source == nil || b.group != nil && sources[b.group.Members[1]] == nil {
		return nil, fmt.Errorf("configure edge: behaviour %s names the origin %q, which does not exist", name, c.OriginID)
	}
	var err error
	if b.onRequest, err = compile(c.ViewerRequest); err != nil {
		return nil, fmt.Errorf("configure edge: viewer request of behaviour %s: %w", name, err)
	}
	if b.onResponse, err = compile(c.ViewerResponse); err != nil {
		return nil, fmt.Errorf("configure edge: viewer response of behaviour %s: %w", name, err)
	}
	return b, nil
}

func allowedMethods(configured []string) []string {
	if len(configured) == 0 {
		return []string{"GET", "HEAD"}
	}
	return configured
}
