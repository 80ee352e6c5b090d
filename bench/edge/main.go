// Command edge measures how fast the local edge answers, side by side with nginx, with nginx and njs doing the same rewrite, and
// with Caddy: the same files on loopback, wrk or h2load with one thread and 64 connections, short runs one after the other in each
// round, so that what else the machine does hits all of them. What counts are the ratios of one round; their median is told.
//
//	go run ./bench/edge -binary bin/cloudfront-hosting-toolkit
//
// It needs wrk or h2load, and nginx with its njs module (Debian: apt-get install wrk nghttp2-client nginx libnginx-mod-http-js). Caddy
// is built from the Go module proxy unless -caddy names it.
package main

import (
	"bufio"
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

// figures are those of one run of a client.
type figures struct {
	rate float64
	p99  time.Duration
}

// clients ask for one URL as often as they can.
var clients = map[string]func(ctx context.Context, url string, length time.Duration) (figures, error){"wrk": wrk, "h2load": h2load}

func main() {
	binary := flag.String("binary", "bin/cloudfront-hosting-toolkit", "the tool")
	caddy := flag.String("caddy", "", "Caddy's program; built if it is not given")
	rounds := flag.Int("rounds", 7, "rounds of all servers, 0 for none")
	urls := flag.Int("urls", 100000, "distinct URLs that are asked for, 0 for none")
	client := flag.String("client", "wrk", "wrk or h2load")
	length := flag.Duration("length", 3*time.Second, "of one run of the client")
	idle := flag.Int("idle", 10000, "idle connections whose memory is measured, 0 for none")
	flag.Parse()
	if clients[*client] == nil {
		fmt.Fprintf(os.Stderr, "error: there is no client %q: wrk or h2load\n", *client)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *caddy, *client, *rounds, *idle, *urls, *length); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, caddy, client string, rounds, idle, urls int, length time.Duration) error {
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
			if err := b.compare(ctx, client, path, rounds, length); err != nil {
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
func (b *bed) compare(ctx context.Context, client, path string, rounds int, length time.Duration) error {
	got := map[string][]figures{}
	used := map[string][]float64{}
	for range rounds {
		for _, s := range b.servers {
			before := s.cpu()
			f, err := clients[client](ctx, s.url+path, length)
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

// wrk tells a p99 in which the requests count that it would have made if an answer had not been late.
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

// h2load tells each answer's time; requests that it did not make do not count in its p99.
func h2load(ctx context.Context, url string, length time.Duration) (figures, error) {
	log, err := os.CreateTemp("", "h2load")
	if err != nil {
		return figures{}, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	out, err := exec.CommandContext(ctx, "h2load", "--h1", "-t1", "-c64", "-D", strconv.Itoa(int(length.Seconds())), "--log-file", log.Name(), url).CombinedOutput()
	if err != nil {
		return figures{}, fmt.Errorf("%w: %s", err, out)
	}
	var took []float64
	rows := bufio.NewScanner(log)
	for rows.Scan() {
		columns := strings.Split(rows.Text(), "\t")
		if len(columns) < 3 || columns[1] != "200" {
			return figures{}, fmt.Errorf("%s: %q", url, rows.Text())
		}
		us, err := strconv.ParseFloat(columns[2], 64)
		if err != nil {
			return figures{}, err
		}
		took = append(took, us)
	}
	if rows.Err() != nil || len(took) == 0 {
		return figures{}, fmt.Errorf("%s: no figures in %q: %w", url, out, rows.Err())
	}
	slices.Sort(took)
	return figures{float64(len(took)) / length.Seconds(), time.Duration(took[len(took)*99/100] * float64(time.Microsecond))}, nil
}
