// Command spine measures the main job on one machine: how long a commit takes to be live, how long a rollback takes, and
// whether the site ever answers with anything but one whole release, under load, through flips, and through kill -9.
//
// It drives the real binary in a folder of its own, prints one Markdown table, and exits with 1 if an answer was wrong.
//
//	go run ./bench/spine -binary bin/cloudfront-hosting-toolkit
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// row is one line of the table. Wrong is how many answers were not as they must be.
type row struct {
	what, figure, aim string
	wrong             int
}

// scenario measures one thing.
type scenario struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

var scenarios = []scenario{
	{"start", measureStart},
	{"commit", measureCommit},
	{"rollback", measureRollback},
	{"flips", measureFlips},
	{"kill-serve", measureKillServe},
	{"kill-publish", measureKillPublish},
}

func main() {
	var opts options
	flag.StringVar(&opts.binary, "binary", "bin/cloudfront-hosting-toolkit", "the tool")
	flag.StringVar(&opts.only, "only", "", "comma-separated scenarios: start, commit, rollback, flips, kill-serve, kill-publish")
	flag.IntVar(&opts.rounds, "rounds", 10, "repetitions of what is timed")
	flag.IntVar(&opts.flips, "flips", 200, "flips under load")
	flag.IntVar(&opts.kills, "kills", 100, "kills of each process")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	wrong, err := measure(ctx, opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	if wrong > 0 {
		fmt.Fprintf(os.Stderr, "error: %d answers were wrong\n", wrong)
		os.Exit(1)
	}
}

// measure runs the chosen scenarios, each in a fresh folder, and prints the table as it goes.
func measure(ctx context.Context, opts options) (wrong int, err error) {
	fmt.Println("| what | measured | aim | wrong answers |\n|---|---|---|---|")
	for _, s := range scenarios {
		if opts.only != "" && !strings.Contains(","+opts.only+",", ","+s.name+",") {
			continue
		}
		rows, err := runScenario(ctx, s, opts)
		if err != nil {
			return wrong, fmt.Errorf("%s: %w", s.name, err)
		}
		for _, r := range rows {
			fmt.Printf("| %s | %s | %s | %d |\n", r.what, r.figure, r.aim, r.wrong)
			wrong += r.wrong
		}
	}
	return wrong, nil
}

func runScenario(ctx context.Context, s scenario, opts options) ([]row, error) {
	b, err := newBench(opts)
	if err != nil {
		return nil, err
	}
	defer b.close()
	return s.run(ctx, b)
}
