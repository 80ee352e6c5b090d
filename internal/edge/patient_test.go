package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// patientRecorder counts how often it was told that an answer takes long.
type patientRecorder struct {
	*httptest.ResponseRecorder
	told int
}

// TakesLong implements patient.
func (p *patientRecorder) TakesLong() { p.told++ }

// A look at the key-value store's file takes long: a disk may be slow, and a store have megabytes. What is known from memory does not.
func TestStoreHoldsUpNobody(t *testing.T) {
	w := &patientRecorder{ResponseRecorder: httptest.NewRecorder()}
	var known cfjs.KV
	asked := 0
	te := newTestEdge(t, func(*cfjs.Event, cfjs.KV) (*cfjs.Result, error) {
		return &cfjs.Result{Response: &cfjs.Response{StatusCode: http.StatusNoContent}}, nil
	}, func(o *Options) {
		view := o.KV
		o.KV = func() (cfjs.KV, error) {
			if asked++; w.told == 0 {
				t.Error("the store is read by who has not left")
			}
			return view()
		}
		o.KVGlance = func() cfjs.KV { return known }
		o.Config.Behaviors[1].ViewerRequest = nil
	})
	te.origin.put("page.html", "content", "text/html", assetControl)
	get := func() {
		r := httptest.NewRequest(http.MethodGet, "/page.html", nil)
		r.RequestURI = "/page.html"
		te.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
	}
	get()
	known, _ = te.kv.view()
	w = &patientRecorder{ResponseRecorder: httptest.NewRecorder()}
	get()
	if asked != 1 || w.told != 0 {
		t.Errorf("the store was read %d times, and an answer from memory took long %d times", asked, w.told)
	}
}
