package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Difference is one thing that two releases answer differently.
type Difference struct {
	// What is status, function, object, body, or "header " and its name.
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Comparison is what of an answer differs between two releases. Its JSON is the answer of `explain --diff --json`.
type Comparison struct {
	URL         string       `json:"url"`
	Method      string       `json:"method"`
	Before      string       `json:"before"`
	After       string       `json:"after"`
	Differences []Difference `json:"differences"`
}

// Compare returns what differs between the answers of two releases to the same query. The release's own name, which is in
// every key, is no difference, and neither is Last-Modified: it tells when the release was published, also of a file that is
// the same in both.
func Compare(before, after *Explanation) Comparison {
	c := Comparison{URL: before.URL, Method: before.Method, Before: before.Release, After: after.Release, Differences: []Difference{}}
	add := func(what, a, b string) {
		if a != b {
			c.Differences = append(c.Differences, Difference{what, a, b})
		}
	}
	add("status", strconv.Itoa(before.Status), strconv.Itoa(after.Status))
	add("function", before.outcome(), after.outcome())
	add("object", before.object(), after.object())
	names := []string{}
	for _, h := range slices.Concat(before.Headers, after.Headers) {
		if h.Name != "Last-Modified" && !slices.Contains(names, h.Name) {
			names = append(names, h.Name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		add("header "+name, before.header(name), after.header(name))
	}
	if before.Body.SHA256 != after.Body.SHA256 {
		add("body", before.Body.String(), after.Body.String())
	}
	return c
}

// String is the body's size and the beginning of its digest.
func (b Body) String() string { return fmt.Sprintf("%d bytes, SHA-256 %.12s", b.Bytes, b.SHA256) }

func (x *Explanation) header(name string) string {
	var values []string
	for _, h := range x.Headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return strings.Join(values, ", ")
}

// outcome is what the functions did, without the release.
func (x *Explanation) outcome() string {
	var all []string
	for _, f := range x.Functions {
		switch f.Outcome {
		case "error":
			all = append(all, f.Error)
		case "response":
			all = append(all, fmt.Sprintf("response %d", f.Status))
		default:
			all = append(all, "request for "+x.withoutRelease(f.To))
		}
	}
	return strings.Join(all, "; ")
}

// object is what was found where, without the release.
func (x *Explanation) object() string {
	var all []string
	for _, f := range x.Fetches {
		all = append(all, fmt.Sprintf("%s: %d", x.withoutRelease(f.Key), f.Status))
	}
	return strings.Join(all, "; ")
}

func (x *Explanation) withoutRelease(key string) string {
	for _, prefix := range []string{x.Release + "/", "/" + x.Release + "/"} {
		if rest, ok := strings.CutPrefix(key, prefix); ok && x.Release != "" {
			return "/" + rest
		}
	}
	return key
}
