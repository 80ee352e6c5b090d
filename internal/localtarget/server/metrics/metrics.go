// Package metrics counts what a server answers, and shows it in Prometheus's text format. Counting takes no lock.
package metrics

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Registry holds the counts of all sites.
type Registry struct {
	mu    sync.Mutex
	sites map[string]*Site
}

// New returns an empty Registry.
func New() *Registry { return &Registry{sites: map[string]*Site{}} }

// Site returns the counts of a site. They go on when the site is deployed again.
func (r *Registry) Site(name string) *Site {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sites[name]
	if !ok {
		s = &Site{}
		r.sites[name] = s
	}
	return s
}

// Forget drops the counts of a site that is gone.
func (r *Registry) Forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sites, name)
}

// buckets are the upper bounds of the duration histogram.
var buckets = [...]time.Duration{time.Millisecond / 2, time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond, 10 * time.Second}

// results are the first words of the X-Cache header, and what they are called here.
var results = [...]struct{ word, label string }{
	{"", "none"}, {"Hit", "hit"}, {"RefreshHit", "refresh_hit"}, {"Miss", "miss"}, {"Error", "error"}, {"Redirect", "redirect"},
	{"FunctionGeneratedResponse", "function"}, {"LambdaGeneratedResponse", "function"}, {"FunctionExecutionError", "function_error"},
}

// Site counts one site's answers.
type Site struct {
	classes  [6]atomic.Int64
	results  [len(results)]atomic.Int64
	bytes    atomic.Int64
	duration [len(buckets) + 1]atomic.Int64
	nanos    atomic.Int64
}

// answer is what the server's http.ResponseWriter tells of an answer.
type answer interface {
	Status() int
	Written() int64
}

// Count returns a handler that counts what next answers.
func (s *Site) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		defer func() { s.add(w, time.Since(start)) }() // next may end by a panic, to cut the connection
		next.ServeHTTP(w, r)
	})
}

func (s *Site) add(w http.ResponseWriter, took time.Duration) {
	a, ok := w.(answer)
	if !ok {
		return
	}
	s.classes[min(max(a.Status()/100, 0), 5)].Add(1)
	s.bytes.Add(a.Written())
	s.nanos.Add(int64(took))
	i := 0
	for i < len(buckets) && took > buckets[i] {
		i++
	}
	s.duration[i].Add(1)
	word := ""
	if v := w.Header()["X-Cache"]; len(v) > 0 {
		word, _, _ = strings.Cut(v[0], " ")
	}
	for i := range results {
		if results[i].word == word {
			s.results[i].Add(1)
			return
		}
	}
	s.results[0].Add(1)
}
