package server

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What viewers send gets into the log; each record is one line that any reader of JSON understands, with the values that
// slog.JSONHandler writes.
func TestAccessLogIsThatOfSlog(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 11, 12, 345678901, time.FixedZone("", 3600))
	tests := map[string]struct {
		fixed, attrs []slog.Attr
	}{
		"plain":        {[]slog.Attr{slog.String("site", "shop")}, []slog.Attr{slog.String("uri", "/a?b=c&d"), slog.Int("status", 200), slog.Duration("duration", 1234)}},
		"quotes":       {nil, []slog.Attr{slog.String("user_agent", `a "b" \c`)}},
		"line breaks":  {nil, []slog.Attr{slog.String("referer", "a\nb\r\x00\x7f")}},
		"not UTF-8":    {nil, []slog.Attr{slog.String("uri", "/\xff\xfe<é\u2028>")}},
		"other values": {[]slog.Attr{slog.String("site", "shop")}, []slog.Attr{slog.Any("list", []int{1, 2}), slog.Bool("b", true)}},
		"other fixed":  {[]slog.Attr{slog.Bool("b", true)}, []slog.Attr{slog.String("uri", "/")}},
		"group":        {nil, []slog.Attr{slog.Group("g", slog.Int("a", 1))}},
		"none":         {nil, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var ours, theirs bytes.Buffer
			for h, out := range map[slog.Handler]*bytes.Buffer{newAccessHandler(&ours): &ours, slog.NewJSONHandler(&theirs, nil): &theirs} {
				r := slog.NewRecord(at, slog.LevelInfo, "request", 0)
				r.AddAttrs(tc.attrs...)
				if err := h.WithAttrs(tc.fixed).Handle(context.Background(), r); err != nil {
					t.Errorf("write to %v: %v", out, err)
				}
			}
			var got, want map[string]any
			if err := json.Unmarshal(ours.Bytes(), &got); err != nil || strings.Count(ours.String(), "\n") != 1 {
				t.Fatalf("%q: %v", ours.String(), err)
			}
			if err := json.Unmarshal(theirs.Bytes(), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}
