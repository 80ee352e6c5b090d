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
	resident    = "process_resident_memory_bytes"
	heap        = "go_memstats_heap_alloc_bytes"
	goroutines  = "go_goroutines"
	files       = "process_open_fds"
	connections = "cht_connections"
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
			s[resident]/1e6, s[heap]/1e6, s[goroutines], s[files], s[connections], b.disk(ctx),
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
	for _, name := range []string{resident, heap, files} {
		before, after := median(middle, name), median(last, name)
		fmt.Printf("%-32s %12.0f in the second third, %12.0f in the last: %+.1f %%\n", name, before, after, 100*(after/before-1))
		if after > 1.25*before {
			return fmt.Errorf("%s grows", name)
		}
	}
	fmt.Printf("flat: %d good answers, none wrong\n", b.good.Load())
	return nil
}

const (
	// settled is how long the server may take to get rid of what has been served; a viewer that has stopped reading is given up
	// after its limit.
	settled = 2 * time.Minute
	// spare is how much more there may be than before the first viewer: releases and builds have come meanwhile, and metrics are
	// read over a connection.
	spare = 10
)

// settle waits until the server, whose viewers have gone, has as few goroutines, files and connections as before they came. While they
// are there, goroutines are no measure: there is one for each request that is being worked on, so they follow the load.
func (b *bed) settle(ctx context.Context, before sample) error {
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now, err := b.read(ctx)
		if err != nil {
			return fmt.Errorf("read the metrics after the load: %w", err)
		}
		left := ""
		for _, name := range []string{goroutines, files, connections} {
			if now[name] > before[name]+spare {
				left += fmt.Sprintf(" %s %.0f (%.0f before)", name, now[name], before[name])
			}
		}
		if left == "" {
			fmt.Printf("%s after the viewers: %.0f goroutines, %.0f files, %.0f connections; before them %.0f, %.0f, %.0f\n",
				time.Since(began).Round(time.Second), now[goroutines], now[files], now[connections], before[goroutines], before[files], before[connections])
			return nil
		}
		if time.Since(began) > settled {
			return fmt.Errorf("the viewers have gone, and there are still%s", left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func median(samples []sample, name string) float64 {
	var v []float64
	for _, s := range samples {
		v = append(v, s[name])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
