package cfjs

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/sobek"
)

// What others allocate is not a function's: one that runs for a while next to a process that takes memory and lets it go gets
// its result, every time. With one that allocates without end beside it, too.
func TestMemoryIsCountedForEachInvocation(t *testing.T) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer func() { close(stop); wg.Wait() }()
	wg.Go(func() {
		var kept [][]byte
		for {
			select {
			case <-stop:
				return
			default:
			}
			if kept = append(kept, make([]byte, 16<<20)); len(kept) == 12 {
				kept = nil
			}
			runtime.Gosched()
		}
	})
	greedy := compile(t, "function handler(event) { const a = []; for (;;) { a.push('x'.repeat(1e5) + a.length); } }", Options{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var fail *Error
			if _, err := greedy.Run(t.Context(), event("/"), mapKV{}); t.Context().Err() == nil && (!errors.As(err, &fail) || !strings.Contains(fail.Message, "limit")) {
				t.Errorf("the function that allocates without end: %v", err)
			}
		}
	})
	busy := compile(t, "function handler(event) { let n = 0; for (let i = 0; i < 100000; i++) { n = (n + i * 3) % 1000; } return event.request; }",
		Options{Timeout: time.Minute})
	for i := range 8 {
		if _, err := busy.Run(t.Context(), event("/"), mapKV{}); err != nil {
			t.Fatalf("invocation %d: %v", i+1, err)
		}
	}
}

// An invocation that makes the heap grow and holds it is stopped for its memory, before its time is up.
func TestMemoryLimit(t *testing.T) {
	for name, body := range map[string]string{
		"strings": "const a = []; for (;;) { a.push('x'.repeat(1e6) + a.length); }",
		"string":  "let s = 'x'; for (;;) { s += s; }",
		"closure": "const a = []; const f = () => { for (;;) { a.push('x'.repeat(1e6) + a.length); } }; f();",
		"global":  "globalThis.a = []; for (;;) { globalThis.a.push('x'.repeat(1e6) + globalThis.a.length); }",
		"promise": "return (async () => { const a = []; await 1; for (;;) { a.push('x'.repeat(1e6) + a.length); } })();",
	} {
		t.Run(name, func(t *testing.T) {
			fail := failed(t, "function handler(event) { "+body+" }", Options{Timeout: time.Minute})
			if fail.Message != errMemory.Error() || fail.Utilization != 100 {
				t.Errorf("%d: %s", fail.Utilization, fail.Message)
			}
		})
	}
}

// sizeOf sees what a script keeps, and hardly anything of what it lets go.
func TestSizeOf(t *testing.T) {
	tests := map[string]struct {
		code        string
		least, most int
	}{
		"nothing": {"", -1 << 10, 4 << 10}, "a string": {"globalThis.s = 'x'.repeat(1e6) + 'y'", 1e6, 2.1e6},
		"garbage":           {"for (let i = 0; i < 100; i++) { 'x'.repeat(1e5) + i }", 0, 3e5},
		"objects":           {"globalThis.a = []; for (let i = 0; i < 1e4; i++) { a.push({x: i}) }", 1e6, 16e6},
		"bytes":             {"globalThis.b = new Uint8Array(1e6)", 1e6, 1.1e6},
		"a cycle":           {"globalThis.a = {}; a.a = a", 0, 8 << 10},
		"a map of closures": {"globalThis.f = {}; for (let i = 0; i < 10; i++) { const s = 'x'.repeat(1e5) + i; f[i] = () => s }", 1e6, 1.2e6},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			vm := sobek.New()
			if _, err := vm.RunString("Object.assign; 'x'.repeat; Uint8Array; [].push"); err != nil {
				t.Fatal(err)
			}
			before := sizeOf(vm, 1<<30)
			if _, err := vm.RunString(tc.code); err != nil {
				t.Fatal(err)
			}
			if got := sizeOf(vm, 1<<30) - before; got < tc.least || got > tc.most {
				t.Errorf("%d bytes, want %d to %d", got, tc.least, tc.most)
			}
		})
	}
}
