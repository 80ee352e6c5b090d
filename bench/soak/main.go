// Soak serves a site for minutes while releases go live, builds run and viewers misbehave, and prints the server's memory
// over time. It fails if a viewer that behaves gets a wrong answer, if memory keeps growing, or if anything that the viewers were
// served with is still there once they have gone.
//
//	go run ./bench/soak -binary bin/cloudfront-hosting-toolkit -duration 10m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/cloudfront-hosting-toolkit", "the program under test")
	duration := flag.Duration("duration", 10*time.Minute, "how long")
	every := flag.Duration("every", 10*time.Second, "how often a line is printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *duration, *every); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, duration, every time.Duration) error {
	b, err := newBed(ctx, binary)
	if b != nil {
		defer b.close()
	}
	if err != nil {
		return err
	}
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	loaded, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var load sync.WaitGroup
	for _, work := range []func(context.Context){b.flip, b.build, b.behave, b.behave, b.wander, b.neverRead, b.slowHeader, b.hugeHeader, b.manyRanges, b.reset, b.idle} {
		load.Go(func() { work(loaded) })
	}
	samples := b.watch(loaded, every)
	load.Wait()
	return errors.Join(b.verdict(samples), b.settle(ctx, before))
}
