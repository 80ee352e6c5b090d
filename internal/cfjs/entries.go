package cfjs

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/grafana/sobek"
)

// entries is the headers, querystring or cookies object of an event. Entries become JavaScript objects when they are read.
type entries struct {
	e    *engine
	from map[string]Value
	// touched are the entries that were read, written or deleted, in that order.
	touched []touched
	// dirty is true when an entry was assigned or deleted; one that was only read may still have been changed inside.
	dirty bool
	// used and all note what was read; nil for a response.
	used *[]string
	all  *bool
}

// touched is one entry; its value is nil when it is not (or no longer) there.
type touched struct {
	name     string
	value    sobek.Value
	assigned bool
}

var _ sobek.DynamicObject = (*entries)(nil)

func (e *engine) newEntries(from map[string]Value, used *[]string, all *bool) (*entries, *sobek.Object) {
	n := &entries{e: e, from: from, used: used, all: all}
	return n, e.vm.NewDynamicObject(n)
}

func (n *entries) find(name string) *touched {
	for i := range n.touched {
		if n.touched[i].name == name {
			return &n.touched[i]
		}
	}
	return nil
}

func (n *entries) note(name string) {
	if n.used != nil && !*n.all && !slices.Contains(*n.used, name) {
		*n.used = append(*n.used, name)
	}
}

// Get returns an entry, or nil.
func (n *entries) Get(name string) sobek.Value {
	if t := n.find(name); t != nil {
		return t.value
	}
	n.note(name)
	v, ok := n.from[name]
	if !ok {
		return nil
	}
	t := touched{name: name, value: n.e.newEntry(v)}
	n.touched = append(n.touched, t)
	return t.value
}

// Set assigns an entry.
func (n *entries) Set(name string, v sobek.Value) bool {
	n.dirty = true
	if t := n.find(name); t != nil {
		t.value, t.assigned = v, true
		return true
	}
	if len(n.touched) >= maxElements {
		n.e.exceed()
	}
	n.touched = append(n.touched, touched{name, v, true})
	return true
}

// Has reports whether there is such an entry.
func (n *entries) Has(name string) bool {
	if t := n.find(name); t != nil {
		return t.value != nil
	}
	n.note(name)
	_, ok := n.from[name]
	return ok
}

// Delete removes an entry.
func (n *entries) Delete(name string) bool {
	if t := n.find(name); t != nil {
		n.dirty = n.dirty || t.value != nil
		t.value, t.assigned = nil, true
		return true
	}
	n.note(name)
	if _, ok := n.from[name]; ok {
		n.dirty = true
		n.touched = append(n.touched, touched{name, nil, true})
	}
	return true
}

// Keys lists the entries: those of the event by name, then the new ones as they were added.
func (n *entries) Keys() []string {
	if n.all != nil {
		*n.all, *n.used = true, nil
	}
	keys := make([]string, 0, len(n.from)+len(n.touched))
	for name := range n.from {
		if t := n.find(name); t == nil || t.value != nil {
			keys = append(keys, name)
		}
	}
	sort.Strings(keys)
	for _, t := range n.touched {
		if _, had := n.from[t.name]; !had && t.value != nil {
			keys = append(keys, t.name)
		}
	}
	return keys
}

// newEntry is an entry as functions see it: multiValue only when the entry occurs more than once, attributes only for the
// cookies of a response.
func (e *engine) newEntry(v Value) sobek.Value {
	o := e.vm.NewObject()
	_ = o.Set("value", e.text(v.Value))
	if v.Attributes != "" {
		_ = o.Set("attributes", e.text(v.Attributes))
	}
	if len(v.Multi) > 0 {
		items := make([]any, len(v.Multi))
		for i, m := range v.Multi {
			item := e.vm.NewObject()
			_ = item.Set("value", e.text(m.Value))
			if m.Attributes != "" {
				_ = item.Set("attributes", e.text(m.Attributes))
			}
			items[i] = item
		}
		_ = o.Set("multiValue", e.vm.NewArray(items...))
	}
	return o
}

// equal reports whether two entries are the same.
func (v Value) equal(w Value) bool {
	return v.Value == w.Value && v.Attributes == w.Attributes && slices.Equal(v.Multi, w.Multi)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func utf8Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
