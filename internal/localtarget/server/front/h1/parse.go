package h1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// class says what a byte may be a part of.
var class = func() (c [256]uint8) {
	for b := 0x21; b < 0x7f; b++ {
		c[b] |= inTarget | inValue
	}
	for b := 0x80; b < 0x100; b++ {
		c[b] |= inValue
	}
	c[' '] |= inValue
	c['\t'] |= inValue
	for b := '0'; b <= '9'; b++ {
		c[b] |= inName | inHost
	}
	for b := 'a'; b <= 'z'; b++ {
		c[b] |= inName | inHost
		c[b-'a'+'A'] |= inName | inHost
	}
	for _, b := range "!#$%&'*+-.^_`|~" {
		c[b] |= inName
	}
	for _, b := range "-._:[]" {
		c[b] |= inHost
	}
	for b := range c {
		if c[b]&inHost != 0 && b != ':' && b != '[' && b != ']' {
			c[b] |= inPath
		}
	}
	c['/'] |= inPath
	c['~'] |= inPath
	for _, b := range `"<>\^{|}` + "`#" {
		c[b] &^= inTarget
	}
	return c
}()

const (
	inTarget = 1 << iota
	inValue
	inName
	inHost
	// inPath are those that a path has as they are, encoded or not.
	inPath
)

func all(b []byte, of uint8) bool {
	for _, c := range b {
		if class[c]&of == 0 {
			return false
		}
	}
	return true
}

// head is a request's header that has been understood.
type head struct {
	method, target, host string
	url                  *url.URL
	header               http.Header
}

// verdict is what the bytes that have come are.
type verdict int

const (
	simple verdict = iota
	incomplete
	other
)

var (
	methodGet  = []byte("GET ")
	methodHead = []byte("HEAD ")
	endOfHead  = []byte("\r\n\r\n")
	protocol   = []byte(" HTTP/1.1\r\n")
)

// parse reads the request's header that data begins with, of size bytes. Its verdict is simple only for a GET or HEAD request
// that can be read in just one way, without a body, and with nothing in it that concerns the connection: whatever a proxy
// in front of this server could read in another way, and all that is wrong, is for others to judge.
func parse(data []byte) (h head, size int, v verdict) {
	switch {
	case bytes.HasPrefix(data, methodGet):
		h.method = http.MethodGet
	case bytes.HasPrefix(data, methodHead):
		h.method = http.MethodHead
	case len(data) < len(methodHead) && (bytes.HasPrefix(methodGet, data) || bytes.HasPrefix(methodHead, data)):
		return h, 0, incomplete
	default:
		return h, 0, other
	}
	end := bytes.Index(data, endOfHead)
	if end < 0 {
		if bareLineEnd(data) {
			return h, 0, other // no empty line that ends with CRLF may ever come
		}
		return h, 0, incomplete
	}
	size = end + len(endOfHead)
	// One text that all parts are parts of.
	text := string(data[:end+2])
	line := bytes.IndexByte(data, '\n') + 1
	target := len(h.method) + 1
	if line-len(protocol) <= target || !bytes.HasSuffix(data[:line], protocol) {
		return h, 0, other
	}
	if h.target = text[target : line-len(protocol)]; !all(data[target:line-len(protocol)], inTarget) || h.target[0] != '/' {
		return h, 0, other
	}
	if h.url = parseTarget(data[target:line-len(protocol)], h.target); h.url == nil || !h.parseFields(data[:end+2], text, line) {
		return h, 0, other
	}
	return h, size, simple
}

// bareLineEnd reports whether a line ends with LF alone.
func bareLineEnd(data []byte) bool {
	return bytes.Count(data, []byte{'\n'}) != bytes.Count(data, []byte("\r\n"))
}

// parseTarget returns what net/http makes of a request's target, nil if it would refuse it.
func parseTarget(target []byte, text string) *url.URL {
	path := target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		path = target[:i]
	}
	if all(path, inPath) {
		u := &url.URL{}
		var query bool
		u.Path, u.RawQuery, query = strings.Cut(text, "?")
		u.ForceQuery = query && u.RawQuery == ""
		return u
	}
	u, err := url.ParseRequestURI(text)
	if err != nil {
		return nil
	}
	return u
}

// parseFields reads the lines from at on, each of which ends with CRLF.
func (h *head) parseFields(data []byte, text string, at int) bool {
	lines := bytes.Count(data[at:], []byte{'\n'})
	h.header = make(http.Header, lines)
	values := make([]string, lines)
	for at < len(data) {
		end := bytes.IndexByte(data[at:], '\n') + at
		colon := bytes.IndexByte(data[at:end], ':') + at
		if end-1 < at || data[end-1] != '\r' || colon <= at || !all(data[at:colon], inName) {
			return false
		}
		first, last := colon+1, end-1
		for first < last && (data[first] == ' ' || data[first] == '\t') {
			first++
		}
		for first < last && (data[last-1] == ' ' || data[last-1] == '\t') {
			last--
		}
		if !all(data[first:last], inValue) {
			return false
		}
		name, known := names[string(data[at:colon])]
		if !known {
			name = textproto.CanonicalMIMEHeaderKey(text[at:colon])
		}
		value := text[first:last]
		if concerns[name] {
			if name != "Connection" || !strings.EqualFold(value, "keep-alive") {
				return false
			}
		}
		at = end + 1
		if name == "Host" {
			if h.host != "" || value == "" || !all(data[first:last], inHost) {
				return false
			}
			h.host = value
			continue
		}
		if before, again := h.header[name]; again {
			h.header[name] = append(before, value)
			continue
		}
		values[0] = value
		h.header[name], values = values[:1:1], values[1:]
	}
	if p := h.header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && h.header["Cache-Control"] == nil {
		h.header["Cache-Control"] = []string{"no-cache"} // as net/http does
	}
	return h.host != ""
}

// concerns are the headers that tell of the connection, or of a body.
var concerns = map[string]bool{"Connection": true, "Content-Length": true, "Expect": true, "Http2-Settings": true, "Keep-Alive": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true}

// names are the names that most requests have, as they are sent and in their canonical form.
var names = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Cookie", "Dnt", "Host",
		"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Pragma",
		"Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Upgrade-Insecure-Requests", "User-Agent",
		"X-Forwarded-For", "X-Requested-With",
	} {
		m[name] = name
		m[strings.ToLower(name)] = name
	}
	return m
}()
