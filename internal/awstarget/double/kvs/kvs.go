// Package kvs is a double of CloudFront KeyValueStore's data plane, for tests. It answers over HTTP what the service would,
// and holds every request and every answer of its own against botocore's model of the service.
package kvs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// The limits of the service (CloudFront Developer Guide, "Quotas on key value stores").
const (
	maxKey     = 512
	maxValue   = 1 << 10
	maxUpdates = 50
	maxStore   = 5 << 20
	pageSize   = 50
)

// Server is the service, with any number of stores. The zero value is not usable: see New.
type Server struct {
	// Report is told of every request and every answer that breaks the model, and of requests that are not signed as
	// the service wants it. It is set before the first request.
	Report func(format string, args ...any)
	// Fault, if set, is asked ahead of each operation; an error shape's name ("InternalServerException") is the answer.
	Fault func(operation string) (shape string)
	// ContentVersions makes the ETag follow from the content alone, so that an update that changes nothing keeps it.
	ContentVersions bool
	// Lag is how many times a DescribeKeyValueStore shows the state before an update.
	Lag int

	model *model

	mu     sync.Mutex
	stores map[string]*store
}

type store struct {
	values  map[string]string
	created time.Time
	changed time.Time
	serial  int
	// stale is the ETag before the last update, shown for the next lag looks.
	stale string
	lag   int
}

// New returns a service without stores.
func New(report func(format string, args ...any)) *Server {
	return &Server{Report: report, model: loadModel(), stores: map[string]*store{}}
}

// AddStore makes an empty store.
func (s *Server) AddStore(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stores[arn] = &store{values: map[string]string{}, created: time.Now(), changed: time.Now()}
}

// RemoveStore removes a store.
func (s *Server) RemoveStore(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stores, arn)
}

// Set changes a key from outside.
func (s *Server) Set(arn, key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stores[arn]
	st.values[key] = value
	st.serial++
	st.changed = time.Now()
}

// Values returns a copy of what a store holds, and when it was made and last changed; nil if there is no such store.
func (s *Server) Values(arn string) (values map[string]string, created, changed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stores[arn]
	if st == nil {
		return nil, time.Time{}, time.Time{}
	}
	return maps.Clone(st.values), st.created, st.changed
}

// problem is an error of the service.
type problem struct{ shape, message string }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Report("kvs: read request: %v", err)
	}
	op, path := s.model.route(r)
	if op == nil {
		s.Report("kvs: no operation is %s %s", r.Method, r.URL)
		http.Error(w, "unknown operation", http.StatusNotFound)
		return
	}
	if err := signed(r); err != nil {
		s.Report("kvs: %s: %v", op.Name, err)
	}
	in, err := s.model.check(op.Input.Shape, message{path, r.URL.Query(), r.Header, body})
	if err != nil {
		s.Report("kvs: request of %s: %v", op.Name, err)
	}
	answer := httptest.NewRecorder()
	s.answer(answer, op, in)
	if err := s.model.checkResponse(op, answer.Code, answer.Header(), answer.Body.Bytes()); err != nil {
		s.Report("kvs: response of %s: %v", op.Name, err)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// signed checks that a request is signed for every region at once (CloudFront Developer Guide, "Work with key value
// data": SigV4A).
func signed(r *http.Request) error {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-ECDSA-P256-SHA256 Credential=") {
		return fmt.Errorf("authorization %.40q, want SigV4A", r.Header.Get("Authorization"))
	}
	if region := r.Header.Get("X-Amz-Region-Set"); region != "*" {
		return fmt.Errorf("region set %q, want *", region)
	}
	return nil
}

func (s *Server) answer(w *httptest.ResponseRecorder, op *operation, in map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	var p *problem
	var out map[string]any
	if s.Fault != nil {
		if name := s.Fault(op.Name); name != "" {
			p = &problem{name, "as the test wants it"}
		}
	}
	if p == nil {
		out, p = s.run(w, op.Name, in)
	}
	if p != nil {
		w.Header().Set("X-Amzn-Errortype", p.shape)
		w.WriteHeader(s.model.Shapes[p.shape].Error.HTTPStatusCode)
		out = map[string]any{"Message": p.message}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Server) run(w http.ResponseWriter, operation string, in map[string]any) (map[string]any, *problem) {
	arn, _ := in["KvsARN"].(string)
	st := s.stores[arn]
	if st == nil {
		return nil, &problem{"ResourceNotFoundException", "no such store: " + arn}
	}
	key, _ := in["Key"].(string)
	switch operation {
	case "DescribeKeyValueStore":
		etag := s.etag(st)
		if st.lag > 0 {
			st.lag--
			etag = st.stale
		}
		w.Header().Set("ETag", etag)
		return map[string]any{"KvsARN": arn, "ItemCount": len(st.values), "TotalSizeInBytes": st.size(), "Status": "READY",
			"Created": float64(st.created.UnixMilli()) / 1000, "LastModified": float64(st.changed.UnixMilli()) / 1000}, nil
	case "GetKey":
		value, ok := st.values[key]
		if !ok {
			return nil, &problem{"ResourceNotFoundException", "no such key: " + key}
		}
		return map[string]any{"Key": key, "Value": value, "ItemCount": len(st.values), "TotalSizeInBytes": st.size()}, nil
	case "ListKeys":
		return st.list(in), nil
	case "PutKey":
		value, _ := in["Value"].(string)
		return s.update(w, st, in, map[string]string{key: value}, nil)
	case "DeleteKey":
		return s.update(w, st, in, nil, []string{key})
	default:
		return s.update(w, st, in, pairs(in["Puts"]), slices.Collect(maps.Keys(pairs(in["Deletes"]))))
	}
}

// pairs reads a list of {Key, Value}.
func pairs(list any) map[string]string {
	found := map[string]string{}
	items, _ := list.([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		key, _ := fields["Key"].(string)
		found[key], _ = fields["Value"].(string)
	}
	return found
}

func (st *store) list(in map[string]any) map[string]any {
	most, token := pageSize, ""
	if n, ok := in["MaxResults"].(float64); ok {
		most = int(n)
	}
	token, _ = in["NextToken"].(string)
	items, out := []map[string]string{}, map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(st.values)) {
		if key <= token {
			continue
		}
		if len(items) == most {
			out["NextToken"] = items[most-1]["Key"]
			break
		}
		items = append(items, map[string]string{"Key": key, "Value": st.values[key]})
	}
	out["Items"] = items
	return out
}

// update changes keys together, or none.
func (s *Server) update(w http.ResponseWriter, st *store, in map[string]any, put map[string]string, remove []string) (map[string]any, *problem) {
	if match, _ := in["IfMatch"].(string); match != s.etag(st) {
		return nil, &problem{"ConflictException", "the store has changed"}
	}
	if n := len(put) + len(remove); n == 0 || n > maxUpdates {
		return nil, &problem{"ValidationException", fmt.Sprintf("%d keys in one update", n)}
	}
	next := &store{values: maps.Clone(st.values)}
	for key, value := range put {
		if len(key) > maxKey || len(value) > maxValue {
			return nil, &problem{"ValidationException", "key or value too long: " + key}
		}
		next.values[key] = value
	}
	for _, key := range remove {
		if _, ok := next.values[key]; !ok {
			return nil, &problem{"ResourceNotFoundException", "no such key: " + key}
		}
		delete(next.values, key)
	}
	if next.size() > maxStore {
		return nil, &problem{"ServiceQuotaExceededException", "the store is full"}
	}
	st.stale, st.lag = s.etag(st), s.Lag
	st.values = next.values
	st.serial++
	st.changed = time.Now()
	w.Header().Set("ETag", s.etag(st))
	return map[string]any{"ItemCount": len(st.values), "TotalSizeInBytes": st.size()}, nil
}

func (st *store) size() (n int) {
	for key, value := range st.values {
		n += len(key) + len(value)
	}
	return n
}

func (s *Server) etag(st *store) string {
	if !s.ContentVersions {
		return fmt.Sprintf("KV%08d", st.serial)
	}
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(st.values)) {
		fmt.Fprintf(&text, "%q=%q\n", key, st.values[key])
	}
	sum := sha256.Sum256(text.Bytes())
	return "KV" + hex.EncodeToString(sum[:8])
}
