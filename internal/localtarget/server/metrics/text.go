package metrics

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	rt "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sample is one value that is read when it is asked for.
type Sample struct {
	// Name is the metric's; one that ends in _total only ever grows. Help says what it is.
	Name, Help string
	// Labels are pairs of names and values.
	Labels []string
	Value  float64
}

// text writes the exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/).
type text struct {
	bytes.Buffer
	last string
}

func (t *text) head(name, kind, help string) {
	if t.last != name {
		fmt.Fprintf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		t.last = name
	}
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func (t *text) value(name string, v float64, labels ...string) {
	t.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		t.WriteByte(separator)
		fmt.Fprintf(t, `%s="%s"`, labels[i], escapeLabel.Replace(labels[i+1]))
	}
	if len(labels) > 1 {
		t.WriteByte('}')
	}
	t.WriteByte(' ')
	t.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	t.WriteByte('\n')
}

func (t *text) sample(s Sample) {
	kind := "gauge"
	if strings.HasSuffix(s.Name, "_total") {
		kind = "counter"
	}
	t.head(s.Name, kind, s.Help)
	t.value(s.Name, s.Value, s.Labels...)
}

// Handler answers /metrics with all counts and with what more returns, and /healthz with 200, or with 503 and the error of
// health.
func (r *Registry) Handler(health func() error, more func() []Sample) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		t := &text{}
		r.write(t)
		for _, s := range append(more(), process()...) {
			t.sample(s)
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(t.Bytes()) // the reader is gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := health(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

func (r *Registry) write(t *text) {
	r.mu.Lock()
	sites := maps.Clone(r.sites)
	r.mu.Unlock()
	names := slices.Sorted(maps.Keys(sites))
	const requests, cached, size, took = "cht_responses_total", "cht_cache_results_total", "cht_response_bytes_total", "cht_response_duration_seconds"
	for _, n := range names {
		t.head(requests, "counter", "Responses by the class of their status.")
		for class := range sites[n].classes {
			if v := sites[n].classes[class].Load(); v > 0 {
				t.value(requests, float64(v), "site", n, "code", strconv.Itoa(class)+"xx")
			}
		}
	}
	for _, n := range names {
		t.head(cached, "counter", "Responses by what the cache had, as in the header X-Cache.")
		for i, count := range sites[n].byLabel() {
			t.value(cached, float64(count), "site", n, "result", i)
		}
	}
	for _, n := range names {
		t.head(size, "counter", "Bytes of response bodies.")
		t.value(size, float64(sites[n].bytes.Load()), "site", n)
	}
	for _, n := range names {
		t.head(took, "histogram", "Time from a request to the end of its response.")
		var sum int64
		for i := range sites[n].duration {
			bound := "+Inf"
			if i < len(buckets) {
				bound = strconv.FormatFloat(buckets[i].Seconds(), 'g', -1, 64)
			}
			sum += sites[n].duration[i].Load()
			t.value(took+"_bucket", float64(sum), "site", n, "le", bound)
		}
		t.value(took+"_sum", float64(sites[n].nanos.Load())/float64(time.Second), "site", n)
		t.value(took+"_count", float64(sum), "site", n)
	}
}

// byLabel returns the counts of results that there were, in the order of their labels.
func (s *Site) byLabel() func(yield func(string, int64) bool) {
	counts := map[string]int64{}
	for i := range results {
		if v := s.results[i].Load(); v > 0 {
			counts[results[i].label] += v
		}
	}
	return func(yield func(string, int64) bool) {
		for _, label := range slices.Sorted(maps.Keys(counts)) {
			if !yield(label, counts[label]) {
				return
			}
		}
	}
}

// process returns what the operating system and the runtime tell of this process. Names are those of Prometheus's own
// client libraries.
func process() []Sample {
	read := []rt.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	rt.Read(read)
	list := []Sample{
		{Name: "go_goroutines", Help: "Goroutines that exist.", Value: float64(runtime.NumGoroutine())},
		{Name: "go_memstats_heap_alloc_bytes", Help: "Bytes of objects in the heap.", Value: float64(read[0].Value.Uint64())},
		{Name: "go_memstats_sys_bytes", Help: "Bytes that the runtime has from the system.", Value: float64(read[1].Value.Uint64())},
		{Name: "go_gc_cycles_total", Help: "Garbage collections.", Value: float64(read[2].Value.Uint64())},
	}
	// Linux only; elsewhere the file does not exist.
	if data, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := strings.Fields(string(data)); len(f) > 1 {
			if pages, err := strconv.ParseFloat(f[1], 64); err == nil {
				list = append(list, Sample{Name: "process_resident_memory_bytes", Help: "Resident memory.", Value: pages * float64(os.Getpagesize())})
			}
		}
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		list = append(list, Sample{Name: "process_open_fds", Help: "Open file descriptors.", Value: float64(len(fds))})
	}
	return list
}
