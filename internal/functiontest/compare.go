package functiontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// compare returns what of an outcome is not as expected, one line each.
func (e Expected) compare(o Outcome) []string {
	var diff []string
	add := func(format string, args ...any) { diff = append(diff, fmt.Sprintf(format, args...)) }
	fails := e.Error != nil || e.Status != 0
	switch {
	case fails && o.Failure == nil:
		add("want an error, got %s", o.Summary())
	case !fails && o.Failure != nil && (e.Request != nil || e.Response != nil):
		add("error: %v", o.Failure)
	case o.Failure != nil:
		if e.Error != nil && !strings.Contains(o.Failure.Error(), *e.Error) {
			add("error: want %q, got %q", *e.Error, o.Failure)
		}
		if e.Status != 0 && e.Status != o.Failure.Status {
			add("status: want %d, got %d", e.Status, o.Failure.Status)
		}
	default:
		diff = append(diff, e.compareOutput(o.Output())...)
	}
	if e.Logs != nil && !slices.Equal(*e.Logs, o.Logs()) {
		add("logs: want %q, got %q", *e.Logs, o.Logs())
	}
	if e.Reads != nil {
		keys := []string{}
		for _, r := range o.Reads() {
			keys = append(keys, r.Key)
		}
		if !slices.Equal(*e.Reads, keys) {
			add("reads: want %q, got %q", *e.Reads, keys)
		}
	}
	return diff
}

func (e Expected) compareOutput(output string) (diff []string) {
	got, _ := decode([]byte(output)).(map[string]any)
	for _, part := range []struct {
		name string
		want json.RawMessage
	}{{"request", e.Request}, {"response", e.Response}} {
		if part.want != nil {
			diff = append(diff, difference(part.name, decode(part.want), got[part.name])...)
		}
	}
	return diff
}

// decode is JSON with its numbers as they are written. It has been read before.
func decode(data []byte) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

// difference compares what is named in want, down to its leaves.
func difference(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			break
		}
		names := make([]string, 0, len(want))
		for name := range want {
			names = append(names, name)
		}
		sort.Strings(names)
		var diff []string
		for _, name := range names {
			diff = append(diff, difference(member(path, name), want[name], object[name])...)
		}
		return diff
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		var diff []string
		for i := range want {
			diff = append(diff, difference(path+"["+strconv.Itoa(i)+"]", want[i], list[i])...)
		}
		return diff
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", path, text(want), text(got))}
}

func member(path, name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) || name == "" {
		return path + "[" + strconv.Quote(name) + "]"
	}
	return path + "." + name
}

func text(v any) string {
	if v == nil {
		return "nothing"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}
