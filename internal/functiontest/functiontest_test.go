package functiontest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
)

// The vectors are one file for each documented rule of CloudFront Functions.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(txtar.Parse(data).Comment), "Source: CloudFront Developer Guide, ") {
			t.Errorf("%s does not name its source", file)
		}
		cases, err := functiontest.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(strings.Replace(c.Name, ".txtar", "", 1), func(t *testing.T) {
				diff, err := c.Check(t.Context(), functiontest.Function{}, functiontest.Store{"path": "r1"})
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range diff {
					t.Error(line)
				}
			})
		}
	}
}

func TestParseEventRefuses(t *testing.T) {
	tests := map[string]struct{ event, want string }{
		"not JSON":            {"{\n  x", "e.json: line 2, column"},
		"no request":          {`{"version":"1.0"}`, "has no request"},
		"version":             {`{"version":"2.0","request":{"uri":"/"}}`, `version "2.0"`},
		"uri":                 {`{"version":"1.0","request":{"uri":"x"}}`, "must begin with a slash"},
		"unknown member":      {`{"version":"1.0","request":{"uri":"/","path":"/"}}`, `unknown field "path"`},
		"wrong kind":          {`{"version":"1.0","request":{"uri":1}}`, "request.uri cannot be a JSON number"},
		"response, no status": {`{"version":"1.0","request":{"uri":"/"},"response":{}}`, "response.statusCode is missing"},
		"type":                {`{"version":"1.0","context":{"eventType":"viewer-response"},"request":{"uri":"/"}}`, "without one viewer-request"},
		"more":                {`{"version":"1.0","request":{"uri":"/"}} {}`, "more after"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := functiontest.ParseEvent("e.json", []byte(tc.event))
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage || fault.HintOf(err) == "" {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestParseEventResponseBody(t *testing.T) {
	for body, want := range map[string]cfjs.Body{`"hi"`: {Encoding: "text", Data: "hi"}, `{"encoding":"base64","data":"aGk="}`: {Encoding: "base64", Data: "aGk="}} {
		ev, err := functiontest.ParseEvent("e.json", []byte(`{"request":{"uri":"/","querystring":{"b":{"value":"2"},"a":{"value":"1","multiValue":[{"value":"1"},{"value":"3"}]}}},"response":{"statusCode":200,"body":`+body+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		if *ev.Response.Body != want || ev.Type != cfjs.ViewerResponse || *ev.Request.RawQuery != "a=1&a=3&b=2" {
			t.Errorf("event %+v, body %+v", ev, ev.Response.Body)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct{ file, content, want string }{
		"no cases":          {"x.md", "", "there are no cases"},
		"not JSON":          {"x.json", "{", "x.json: line 1"},
		"unknown member":    {"x.json", `{"url":"/","expect":{}}`, `unknown field "expect"`},
		"nothing expected":  {"x.json", `{"url":"/"}`, "does not say what is expected"},
		"no event":          {"x.json", `{"expected":{}}`, "neither an event nor a url"},
		"both":              {"x.json", `{"url":"/","event":{"request":{"uri":"/"}},"expected":{}}`, "either an event or a url"},
		"expected":          {"x.json", `{"url":"/","expected":{"uri":"/"}}`, `expected: line 1`},
		"unknown part":      {"x.txtar", "-- x.txt --\n", "x.txt: an archive has"},
		"part of a list":    {"x.json", `[{"url":"/","expected":{}}, {"url":"x","expected":{}}]`, "neither a URL nor a path"},
		"broken store":      {"x.txtar", "-- kvs.json --\n[]\n-- a.json --\n{}", "kvs.json"},
		"a number as value": {"x.json", `{"url":"/","kvs":{"path":1},"expected":{}}`, "cannot be a JSON number"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tc.file), []byte(tc.content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := functiontest.Load(dir)
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestURLEventRefuses(t *testing.T) {
	for _, url := range []string{"", "about", "https://", "/a b", "mailto:x"} {
		if _, err := functiontest.URLEvent("GET", url, nil); fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: error %v", url, err)
		}
	}
}
