package disk

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// Whatever somebody writes into kv.json, reading it ends with values or with an error that says where; what was read is read the
// same again once it is written anew.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "{}", `{"path":"r1"}`, `{"path":"r1","previous":"r0","startedAt":"1","swappedAt":"2026-11-23T10:00:00Z"}`,
		`{"path":1}`, `{"a":"b"`, "[]", "null", `{"a":"b"}x`, "{\"a\":\n\"\xff\"}", `{"a":"b","a":"c"}`, `{"path":"\ud800"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, live, err := parse("kv.json", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "kv.json:") || values != nil {
				t.Fatalf("%d values and the error %q", len(values), err)
			}
			return
		}
		again, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		same, sameLive, err := parse("kv.json", again)
		if err != nil || !maps.Equal(values, same) || live.Release != sameLive.Release || live.Previous != sameLive.Previous ||
			!live.SwappedAt.Equal(sameLive.SwappedAt) {
			t.Fatalf("%q is read as %v %+v, and written anew as %v %+v (%v)", data, values, live, same, sameLive, err)
		}
	})
}
