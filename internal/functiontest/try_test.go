package functiontest_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
)

func TestTry(t *testing.T) {
	live := functiontest.Store{"path": "r1"}
	const reads = "import cf from 'cloudfront';\nasync function handler(event) {\n  event.request.uri = '/' + await cf.kvs().get('%s') + '/index.html';\n  return event.request;\n}\n"
	tests := map[string]struct {
		code string
		kv   cfjs.KV
		want string
	}{
		"works":                           {strings.Replace(reads, "%s", "path", 1), live, ""},
		"throws":                          {"function handler(event) { throw new Error('oops'); }", live, "oops"},
		"throws before the first release": {"function handler(event) { throw new Error('oops'); }", nil, ""},
		"reads a key that is not there":   {strings.Replace(reads, "%s", "flags", 1), live, "KeyNotFound"},
		"sets a header that it must not":  {"function handler(event) { event.request.headers['x-cache'] = { value: 'a' }; return event.request; }", live, "x-cache"},
		"never ends":                      {"function handler(event) { for (;;) {} }", live, "time"},
		"does not compile":                {"function handler(event) { return event. }", nil, "f.js:1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := functiontest.Try(t.Context(), functiontest.Function{Name: "f.js", Code: tc.code}, tc.kv)
			if tc.want == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.KindOf(err) != fault.Usage {
				t.Errorf("error %v (kind %v), want a fault.Usage with %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}
