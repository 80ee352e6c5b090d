// Command publish measures how fast a release gets to S3, beside three other ways to send the same files to the same server
// on this machine. It prints a table in Markdown; run.sh says what it needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	server string
	work   string
	binary string
	only   string
	runs   int
	small  int
	big    int
	as     string
}

func main() {
	log.SetFlags(0)
	var s settings
	flag.StringVar(&s.server, "server", "versitygw", "the versitygw `program`")
	flag.StringVar(&s.binary, "binary", "", "the toolkit's `program`; without it, its publisher is run from here")
	flag.StringVar(&s.work, "work", "", "`folder` for files and buckets; one that is removed afterwards if it is empty")
	flag.StringVar(&s.only, "only", "", "measure only the `tools` with these names, separated by commas")
	flag.IntVar(&s.runs, "runs", 3, "how often everything is measured; the best counts")
	flag.IntVar(&s.small, "small", 5000, "`number` of small files")
	flag.IntVar(&s.big, "big", 50, "`number` of big files")
	flag.StringVar(&s.as, "as", "", "be one of the measured `tools`; for the program itself")
	flag.Parse()
	var err error
	if s.as != "" {
		err = beTool(context.Background(), s.as, flag.Args())
	} else {
		err = measure(context.Background(), s)
	}
	if err != nil {
		log.Fatal("publish: ", err)
	}
}

// sample is one measured run.
type sample struct {
	took time.Duration
	// memory is the most that the process had resident, in bytes.
	memory int64
	// cpu is the processor time of the process: it depends less than took on what else the machine does.
	cpu time.Duration
	// sent is what went to the server, headers included, where that was measured.
	sent int64
}

func measure(ctx context.Context, s settings) error {
	if s.work == "" {
		dir, err := os.MkdirTemp("", "bench-publish-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.work = dir
	}
	trees, err := plant(s.work, s.small, s.big)
	if err != nil {
		return err
	}
	b := &bench{settings: s, trees: trees, results: map[string]map[string][]sample{}}
	for run := range s.runs {
		for _, tool := range tools() {
			if s.only != "" && !slices.Contains(strings.Split(s.only, ","), tool.name) {
				continue
			}
			log.Printf("run %d of %d: %s", run+1, s.runs, tool.name)
			if err := b.run(ctx, tool); err != nil {
				return fmt.Errorf("%s: %w", tool.name, err)
			}
		}
	}
	b.print()
	return nil
}

// bench is a series of measurements.
type bench struct {
	settings
	trees   trees
	results map[string]map[string][]sample
}

// run measures one tool once, in all scenarios: each on a server of its own, so that no scenario pays for another.
func (b *bench) run(ctx context.Context, t tool) error {
	err := b.fresh(func(s *server) error {
		if err := b.one(ctx, t, s, small, b.trees.small, "r1", false); err != nil {
			return err
		}
		if err := b.one(ctx, t, s, again, b.trees.small, "r1", false); err != nil {
			return err
		}
		return b.one(ctx, t, s, changed, b.trees.changed, "r2", true)
	})
	if err != nil {
		return err
	}
	return b.fresh(func(s *server) error { return b.one(ctx, t, s, big, b.trees.big, "r1", false) })
}

func (b *bench) fresh(f func(*server) error) error {
	s, err := startServer(b.server, filepath.Join(b.work, "buckets"))
	if err != nil {
		return err
	}
	defer s.stop()
	return f(s)
}

// one measures one scenario; counted also counts what is sent, which costs time.
func (b *bench) one(ctx context.Context, t tool, s *server, scenario, dir, release string, counted bool) error {
	endpoint := s.endpoint
	var sent func() int64
	if counted {
		var err error
		if endpoint, sent, err = s.count(); err != nil {
			return err
		}
	}
	got, err := t.run(ctx, job{dir: dir, release: release, endpoint: endpoint, pointer: s.pointer, binary: b.binary})
	if err != nil {
		return fmt.Errorf("%s: %w", scenario, err)
	}
	if counted {
		got.sent = sent()
	}
	if b.results[t.name] == nil {
		b.results[t.name] = map[string][]sample{}
	}
	b.results[t.name][scenario] = append(b.results[t.name][scenario], got)
	return nil
}

// The scenarios.
const (
	small   = "small"
	again   = "again"
	changed = "changed"
	big     = "big"
)

// best is the fastest sample, which other programs have disturbed least, with the most memory and the least processor time
// of all.
func best(samples []sample) sample {
	b := slices.MinFunc(samples, func(a, b sample) int { return int(a.took - b.took) })
	for _, s := range samples {
		b.memory, b.cpu = max(b.memory, s.memory), min(b.cpu, s.cpu)
	}
	return b
}

func (b *bench) print() {
	fmt.Printf("| | %d files of 2 to 20 KB | processor time for it | again, nothing changed | new release, 1 %% changed | sent for it | %d files of 5 MB | memory, at most |\n", b.small, b.big)
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, t := range tools() {
		r := b.results[t.name]
		if r == nil {
			continue
		}
		first, second, third, large := best(r[small]), best(r[again]), best(r[changed]), best(r[big])
		memory := max(first.memory, second.memory, third.memory, large.memory)
		fmt.Printf("| %s | %.0f files/s (%.2f s) | %.2f s | %.2f s | %.2f s | %.1f %% | %.0f MB/s (%.2f s) | %d MB |\n", t.title,
			float64(b.small)/first.took.Seconds(), first.took.Seconds(), first.cpu.Seconds(), second.took.Seconds(), third.took.Seconds(),
			100*float64(third.sent)/float64(b.trees.smallBytes), float64(b.trees.bigBytes)/1e6/large.took.Seconds(), large.took.Seconds(), memory>>20)
	}
}
