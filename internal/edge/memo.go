package edge

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// Bounds of a memo.
const (
	// memoShare is the part of the cache, one in so many, that a memo may take beside it; maxMemo is the most that it takes.
	memoShare = 16
	maxMemo   = 4 << 20
	// maxRemembered is the largest input with its result that is remembered.
	maxRemembered = 4 << 10
	// maxShapes is how many sets of inputs one function may look at. One that looks up names that it computes would have any
	// number of them.
	maxShapes = 8
)

// memo remembers what a viewer-request function made of its inputs, so that it runs once for each input that it looks at.
//
// A result is used again only if the run told that it depends on nothing but what it read (cfjs.Result.Pure): for a
// request that agrees in every part of the event that the run looked at, and as long as every key that it read has the same
// value in the request's own view of the key-value store. So no result outlives a change of the store that it depends on.
type memo struct {
	mu     sync.RWMutex
	shapes []*shape
	// Results are found in young, and in old, from where they are moved to young. When young has its half of the bytes it
	// becomes old, and what was not used since is gone.
	young, old map[string]*remembered
	size, half int64
}

// shape is what the runs of a function look at: the parts of the event that make the key.
type shape struct {
	signature string
	used      cfjs.Used
	// canonical are the names of the headers as requests have them, "" for one that no request has under that name.
	canonical []string
}

// remembered is the result of one run. Of a request it has the changed parts only.
type remembered struct {
	result cfjs.Result
	cost   int64
}

// newMemo returns the memo of a function, nil for an edge without a cache.
func newMemo(cacheBytes int64) *memo {
	if cacheBytes <= 0 {
		return nil
	}
	return &memo{young: map[string]*remembered{}, half: min(cacheBytes/memoShare, maxMemo) / 2}
}

// get returns the result for a request, nil if there is none.
func (m *memo) get(r *request) *cfjs.Result {
	if m == nil {
		return nil
	}
	var space [512]byte
	m.mu.RLock()
	shapes := m.shapes // it only ever grows
	m.mu.RUnlock()
	for i, s := range shapes {
		key := s.key(append(space[:0], byte(i)), r)
		m.mu.RLock()
		found, aged := m.young[string(key)], false
		if found == nil {
			found = m.old[string(key)]
			aged = found != nil
		}
		m.mu.RUnlock()
		if found == nil || !found.fits(r) || !holds(found.result.Reads, r.kv) {
			continue
		}
		if aged {
			m.put(string(key), found)
		}
		return &found.result
	}
	return nil
}

// fits reports whether the length of the URL with the viewer's query string is no matter: it is an input that no run tells of.
func (f *remembered) fits(r *request) bool {
	res := &f.result
	return !res.Changed.URI || res.Changed.Querystring || len(res.Request.URI)+1+len(r.query) < maxURL
}

// holds reports whether every key has the value that was read.
func holds(reads []cfjs.Read, kv cfjs.KV) bool {
	for i := range reads {
		if value, ok := kv.Get(reads[i].Key); ok != reads[i].OK || value != reads[i].Value {
			return false
		}
	}
	return true
}

// add remembers the result of a run for r, if it can be used again.
func (m *memo) add(r *request, res *cfjs.Result) {
	if m == nil || !res.Pure {
		return
	}
	used := res.Used
	if res.Changed.Querystring && !res.Changed.URI {
		used.URI = true // its length counts, as in fits
	}
	i, s := m.shapeOf(&used)
	if s == nil {
		return
	}
	kept := &remembered{result: *res}
	key := string(s.key([]byte{byte(i)}, r))
	size := len(key) + len(res.Logs)*16
	for _, line := range res.Logs {
		size += len(line)
	}
	for _, read := range res.Reads {
		size += len(read.Key) + len(read.Value)
	}
	if q := res.Request; q != nil {
		req := cfjs.Request{}
		if res.Changed.URI {
			req.URI = q.URI
		}
		if res.Changed.Querystring {
			req.Querystring = q.Querystring
		}
		if res.Changed.Headers {
			req.Headers = q.Headers
		}
		if res.Changed.Cookies {
			req.Cookies = q.Cookies
		}
		kept.result.Request = &req
		size += len(req.URI) + sizeOf(req.Querystring) + sizeOf(req.Headers) + sizeOf(req.Cookies)
	}
	if a := res.Response; a != nil {
		size += sizeOf(a.Headers) + sizeOf(a.Cookies)
		if a.Body != nil {
			size += len(a.Body.Data)
		}
	}
	if size > maxRemembered {
		return
	}
	kept.cost = int64(size) + rememberedOverhead
	m.put(key, kept)
}

// rememberedOverhead is what a result costs beside its texts.
const rememberedOverhead = 512

func sizeOf(values map[string]cfjs.Value) (n int) {
	for name, v := range values {
		n += 128 + len(name) + len(v.Value)
		for _, m := range v.Multi {
			n += 32 + len(m.Value)
		}
	}
	return n
}

func (m *memo) put(key string, found *remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.young[key]; old != nil {
		m.size -= old.cost
	}
	m.young[key] = found
	m.size += found.cost
	if m.size > m.half {
		m.old, m.young, m.size = m.young, map[string]*remembered{}, 0
	}
}

// shapeOf returns the shape of what a run looked at and its place, nil if there are too many of them.
func (m *memo) shapeOf(used *cfjs.Used) (int, *shape) {
	u := *used
	u.Headers, u.Querystring, u.Cookies = sorted(u.Headers), sorted(u.Querystring), sorted(u.Cookies)
	signature := fmt.Sprintf("%t %t %t %t %t %t %t %q %q %q", u.Method, u.URI, u.RawQuery, u.ViewerIP, u.AllHeaders, u.AllQuerystring,
		u.AllCookies, u.Headers, u.Querystring, u.Cookies)
	if len(signature) > maxRemembered {
		return 0, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range m.shapes {
		if s.signature == signature {
			return i, s
		}
	}
	if len(m.shapes) == maxShapes {
		return 0, nil
	}
	s := &shape{signature: signature, used: u}
	for _, name := range u.Headers {
		canonical := http.CanonicalHeaderKey(name)
		if lowerName(canonical) != name || canonical == "Cookie" || hopByHop[canonical] {
			canonical = "" // events have no header of that name
		}
		s.canonical = append(s.canonical, canonical)
	}
	m.shapes = append(m.shapes, s)
	return len(m.shapes) - 1, s
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

// key appends what of r the shape looks at. Every part has its length before it, so no two inputs have one key. A part may
// be more than was looked at, as the whole query string is for all of its parameters: that costs a run, never an answer.
func (s *shape) key(b []byte, r *request) []byte {
	u := &s.used
	if u.Method {
		b = appendPart(b, r.method)
	}
	if u.URI {
		b = appendPart(b, r.uri)
	}
	if u.RawQuery || u.AllQuerystring {
		b = appendFlag(b, r.hasQuery)
		b = appendPart(b, r.query)
	}
	if u.ViewerIP {
		b = appendPart(b, r.ip)
	}
	for _, name := range s.canonical {
		switch name {
		case "":
		case "Host":
			b = appendPart(b, r.host)
		default:
			b = appendParts(b, r.header[name])
		}
	}
	if u.AllHeaders {
		b = appendHeaders(b, r)
	}
	if len(u.Querystring) > 0 {
		b = appendEntries(b, u.Querystring, parseQuery(r.query))
	}
	if u.AllCookies {
		b = appendParts(b, r.header["Cookie"])
	} else if len(u.Cookies) > 0 {
		b = appendEntries(b, u.Cookies, parseCookies(r.header["Cookie"]))
	}
	return b
}

func appendPart(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendParts(b []byte, values []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	for _, v := range values {
		b = appendPart(b, v)
	}
	return b
}

// appendEntries appends the entries with the given names.
func appendEntries(b []byte, names []string, entries map[string]cfjs.Value) []byte {
	for _, name := range names {
		v, ok := entries[name]
		if b = appendFlag(b, ok); ok {
			b = appendParts(b, valuesOf(v))
		}
	}
	return b
}

// appendHeaders appends all headers that events have.
func appendHeaders(b []byte, r *request) []byte {
	names := make([]string, 0, len(r.header))
	for name, values := range r.header {
		if name != "Cookie" && !hopByHop[name] && len(values) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	b = appendPart(b, r.host)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendPart(b, name)
		b = appendParts(b, r.header[name])
	}
	return b
}

// overlay returns the request of a remembered result for r, whole: the changed parts are the result's, the others r's own.
func overlay(own cfjs.Request, res *cfjs.Result) *cfjs.Request {
	if res.Changed.URI {
		own.URI = res.Request.URI
	}
	if res.Changed.Querystring {
		own.Querystring = res.Request.Querystring
	}
	if res.Changed.Headers {
		own.Headers = res.Request.Headers
	}
	if res.Changed.Cookies {
		own.Cookies = res.Request.Cookies
	}
	return &own
}
