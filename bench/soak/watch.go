package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is what the server says of itself at one moment.
type sample map[string]float64

const (
	resident = "process_resident_memory_bytes"
	heap     = "go_memstats_heap_alloc_bytes"
)

// read reads the server's metrics; those with labels are added up.
func (b *bed) read(ctx context.Context) (sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.holder.Metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	s := sample{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || name == "#" {
			continue
		}
		name, _, _ = strings.Cut(name, "{")
		if v, err := strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64); err == nil {
			s[name] += v
		}
	}
	return s, lines.Err()
}

// watch prints a line now and then until ctx ends.
func (b *bed) watch(ctx context.Context, every time.Duration) (samples []sample) {
	began := time.Now()
	fmt.Println("  time  resident     heap  goroutines  files  connections   disk   requests  flips  commits  misbehaved  resets")
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
		s, err := b.read(ctx)
		if err != nil {
			if ctx.Err() == nil {
				b.complain("read the metrics: %v", err)
			}
			return samples
		}
		samples = append(samples, s)
		fmt.Printf("%6s  %5.0f MB  %4.0f MB  %10.0f  %5.0f  %11.0f  %3.0f MB  %9d  %5d  %7d  %10d  %6d\n", time.Since(began).Round(time.Second),
			s[resident]/1e6, s[heap]/1e6, s["go_goroutines"], s["process_open_fds"], s["cht_connections"], b.disk(ctx),
			b.good.Load()+b.wandered.Load(), b.flips.Load(), b.builds.Load(), b.bad.Load(), b.resets.Load())
	}
}

// disk returns the size of the state folder in MB, as du has it: a file with several names counts once.
func (b *bed) disk(ctx context.Context) float64 {
	out, _ := exec.CommandContext(ctx, "du", "-sm", b.state).Output() // files come and go, which du minds
	size, _, _ := strings.Cut(string(out), "\t")
	n, _ := strconv.ParseFloat(size, 64) // 0 where there is no du
	return n
}

// verdict compares the last third of the time with the second: what grows for ever has grown by then.
func (b *bed) verdict(samples []sample) error {
	if text := b.wrong.Load(); text != nil {
		return errors.New(*text)
	}
	if len(samples) < 6 {
		return fmt.Errorf("%d samples are too few to tell anything", len(samples))
	}
	third := len(samples) / 3
	middle, last := samples[third:2*third], samples[2*third:]
	for _, name := range []string{resident, heap, "go_goroutines", "process_open_fds"} {
		before, after := median(middle, name), median(last, name)
		fmt.Printf("%-32s %12.0f in the second third, %12.0f in the last: %+.1f %%\n", name, before, after, 100*(after/before-1))
		if after > 1.25*before {
			return fmt.Errorf("%s grows", name)
		}
	}
	fmt.Printf("flat: %d good answers, none wrong\n", b.good.Load())
	return nil
}

func median(samples []sample, name string) float64 {
	var v []float64
	for _, s := range samples {
		v = append(v, s[name])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
