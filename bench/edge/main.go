// Command edge measures how fast the local edge answers, side by side with nginx, with nginx and njs doing the same rewrite, and
// with Caddy: the same files on loopback, wrk with one thread and 64 connections, short runs one after the other in each
// round, so that what else the machine does hits all of them. What counts are the ratios of one round; their median is told.
//
//	go run ./bench/edge -binary bin/cloudfront-hosting-toolkit
//
// It needs wrk, and nginx with its njs module (Debian: apt-get install wrk nginx libnginx-mod-http-js). Caddy is built from the
// Go module proxy unless -caddy names it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// caddyVersion is the one that is measured against.
const caddyVersion = "v2.10.2"

// figures are those of one run of wrk.
type figures struct {
	rate float64
	p99  time.Duration
}

func main() {
	binary := flag.String("binary", "bin/cloudfront-hosting-toolkit", "the tool")
	caddy := flag.String("caddy", "", "Caddy's program; built if it is not given")
	rounds := flag.Int("rounds", 7, "rounds of all servers, 0 for none")
	urls := flag.Int("urls", 100000, "distinct URLs that are asked for, 0 for none")
	length := flag.Duration("length", 3*time.Second, "of one run of wrk")
	idle := flag.Int("idle", 10000, "idle connections whose memory is measured, 0 for none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *caddy, *rounds, *idle, *urls, *length); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, caddy string, rounds, idle, urls int, length time.Duration) error {
	b, err := newBed()
	if err != nil {
		return err
	}
	defer b.close()
	if rounds > 0 {
		if err := b.open(ctx, binary, caddy); err != nil {
			return err
		}
		fmt.Println("| path | server | requests/s | ratio: edge to it | p99 | CPU ms per 1,000 requests |\n|---|---|---|---|---|---|")
		for _, path := range []string{"/", "/assets/app.js"} {
			if err := b.compare(ctx, path, rounds, length); err != nil {
				return err
			}
		}
	}
	if idle > 0 {
		if err := b.compareIdle(ctx, binary, idle); err != nil {
			return err
		}
	}
	if urls > 0 {
		return b.compareURLs(ctx, binary, urls)
	}
	return nil
}

// compare measures all servers in rounds, and prints the medians.
func (b *bed) compare(ctx context.Context, path string, rounds int, length time.Duration) error {
	got := map[string][]figures{}
	used := map[string][]float64{}
	for range rounds {
		for _, s := range b.servers {
			before := s.cpu()
			f, err := wrk(ctx, s.url+path, length)
			if err != nil {
				return fmt.Errorf("measure %s: %w", s.name, err)
			}
			got[s.name] = append(got[s.name], f)
			used[s.name] = append(used[s.name], float64((s.cpu()-before).Milliseconds())/(f.rate*length.Seconds())*1000)
		}
	}
	for _, s := range b.servers {
		var rates, ratios, tails []float64
		for i, f := range got[s.name] {
			rates = append(rates, f.rate)
			tails = append(tails, float64(f.p99))
			ratios = append(ratios, got["edge"][i].rate/f.rate)
		}
		fmt.Printf("| `%s` | %s | %.0f | %.2f | %.1f ms | %.1f |\n", path, s.name, median(rates), median(ratios),
			time.Duration(median(tails)).Seconds()*1000, median(used[s.name]))
	}
	return nil
}

func median(of []float64) float64 {
	of = slices.Clone(of)
	slices.Sort(of)
	return of[len(of)/2]
}

var (
	rateLine = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	tailLine = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s)`)
	badLine  = regexp.MustCompile(`Non-2xx.*|Socket errors.*`)
)

// wrk asks for one URL as often as it can.
func wrk(ctx context.Context, url string, length time.Duration) (figures, error) {
	out, err := exec.CommandContext(ctx, "wrk", "-t1", "-c64", "-d", strconv.Itoa(int(length.Seconds()))+"s", "--latency", url).Output()
	if err != nil {
		return figures{}, err
	}
	text := string(out)
	if bad := badLine.FindString(text); bad != "" {
		fmt.Fprintln(os.Stderr, url, strings.TrimSpace(bad))
	}
	rate, tail := rateLine.FindStringSubmatch(text), tailLine.FindStringSubmatch(text)
	if rate == nil || tail == nil {
		return figures{}, fmt.Errorf("%s: no figures in %q", url, text)
	}
	var f figures
	if f.rate, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return f, err
	}
	f.p99, err = time.ParseDuration(tail[1] + tail[2])
	return f, err
}
