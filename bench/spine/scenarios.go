package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// measureStart times two commands that do next to nothing, whole process.
func measureStart(ctx context.Context, b *bench) ([]row, error) {
	if _, err := b.exec(ctx, "git", "init", "--quiet", "--initial-branch", "main"); err != nil {
		return nil, err
	}
	if err := writeSite(b.project, "start"); err != nil {
		return nil, err
	}
	if _, err := b.tool(ctx, "init", "--yes"); err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []struct{ name, aim string }{{"version", "under 20 ms"}, {"synth", "under 50 ms"}} {
		var times []time.Duration
		for range b.rounds * 3 {
			start := time.Now()
			if _, err := b.tool(ctx, c.name); err != nil {
				return nil, err
			}
			times = append(times, time.Since(start))
		}
		rows = append(rows, row{what: "`" + c.name + "`, whole process", figure: spread(times), aim: c.aim})
	}
	return rows, nil
}

// measureCommit times from the return of `git commit` to the first answer of the new release.
func measureCommit(ctx context.Context, b *bench) ([]row, error) {
	if err := b.deployed(ctx, "first"); err != nil {
		return nil, err
	}
	var times []time.Duration
	for i := range b.rounds {
		mark := fmt.Sprintf("commit-%d", i)
		if err := b.commit(ctx, mark); err != nil {
			return nil, err
		}
		start := time.Now()
		if err := b.awaitMark(ctx, mark); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	return []row{{what: fmt.Sprintf("commit → new release answers, %d files", files), figure: spread(times), aim: "under 1,500 ms"}}, nil
}

// releases publishes n more releases from folders, and returns their ids by mark.
func (b *bench) publishMarks(ctx context.Context, marks ...string) (map[string]string, error) {
	ids := map[string]string{}
	for _, mark := range marks {
		dir := filepath.Join(b.root, mark)
		if err := writeSite(dir, mark); err != nil {
			return nil, err
		}
		var result struct{ Release string }
		if err := b.toolJSON(ctx, &result, "publish", dir, "--release", mark); err != nil {
			return nil, err
		}
		ids[mark] = result.Release
	}
	return ids, nil
}

// measureRollback times the whole command, and counts the answers of the wrong release that follow its return.
func measureRollback(ctx context.Context, b *bench) ([]row, error) {
	if err := b.deployed(ctx, "first"); err != nil {
		return nil, err
	}
	if _, err := b.publishMarks(ctx, "old", "new"); err != nil {
		return nil, err
	}
	var times []time.Duration
	var wrong int
	want := "old"
	for range b.rounds {
		start := time.Now()
		if _, err := b.tool(ctx, "rollback"); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
		for range 100 {
			_, body, err := b.get("/")
			if err != nil {
				return nil, err
			}
			if mark, err := markOf(body); err != nil || mark != want {
				wrong++
			}
		}
		if want == "old" {
			want = "new"
		} else {
			want = "old"
		}
	}
	return []row{{what: "`rollback`, from its start to its return; every answer after that is checked", figure: spread(times), aim: "under 100 ms", wrong: wrong}}, nil
}

// flips counts the flips that were begun and that have returned. The release after n flips is n%2.
type flips struct{ begun, returned atomic.Int64 }

// check asks until ctx ends. An answer may be of any release from the last one whose flip had returned when the request
// was sent to the last one whose flip had begun when the answer was read.
func (f *flips) check(ctx context.Context, b *bench, asked, wrong *atomic.Int64) {
	for ctx.Err() == nil {
		from := f.returned.Load()
		status, body, err := b.get("/")
		to := f.begun.Load()
		asked.Add(1)
		mark, markErr := "", error(nil)
		if err == nil {
			mark, markErr = markOf(body)
		}
		ok := err == nil && markErr == nil && status == 200
		if ok && from == to {
			ok = mark == fmt.Sprintf("flip-%d", from%2)
		}
		if !ok {
			wrong.Add(1)
		}
	}
}

var wrkBad = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)`)
var wrkRate = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)

// measureFlips flips between two releases while wrk and checking clients load the server.
func measureFlips(ctx context.Context, b *bench) ([]row, error) {
	if err := b.deployed(ctx, "first"); err != nil {
		return nil, err
	}
	ids, err := b.publishMarks(ctx, "flip-1", "flip-0")
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, fmt.Errorf("find wrk: %w (apt install wrk)", err)
	}
	wrkCtx, stopWrk := context.WithCancel(ctx)
	defer stopWrk()
	_, port := hostPort(b.url)
	wrk := b.command(wrkCtx, "wrk", "-t1", "-c64", "-d300s", "http://127.0.0.1:"+port+"/")
	wrk.Cancel = func() error { return wrk.Process.Signal(os.Interrupt) }
	var report bytes.Buffer
	wrk.Stdout = &report
	if err := wrk.Start(); err != nil {
		return nil, err
	}

	var f flips
	var asked, wrong atomic.Int64
	checkCtx, stopCheck := context.WithCancel(ctx)
	defer stopCheck()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { f.check(checkCtx, b, &asked, &wrong) })
	}
	var times []time.Duration
	for i := 1; i <= b.flips; i++ {
		f.begun.Store(int64(i))
		start := time.Now()
		if _, err := b.tool(ctx, "rollback", ids[fmt.Sprintf("flip-%d", i%2)]); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
		f.returned.Store(int64(i))
		time.Sleep(20 * time.Millisecond) // so that answers between flips are checked too
	}
	stopCheck()
	wg.Wait()
	stopWrk()
	_ = wrk.Wait() // wrk prints its report when it is interrupted
	bad, rate := 0, "?"
	if m := wrkBad.FindStringSubmatch(report.String()); m != nil {
		if bad, err = strconv.Atoi(m[1]); err != nil {
			bad = 1
		}
	}
	if m := wrkRate.FindStringSubmatch(report.String()); m != nil {
		rate = m[1]
	}
	return []row{
		{what: fmt.Sprintf("%d flips under wrk -t1 -c64 (%s requests/s): answers that were not 200", b.flips, rate), figure: spread(times) + " a flip", aim: "0 wrong", wrong: bad},
		{what: "the same: mixed bodies, and answers of the old release after a flip has returned", figure: fmt.Sprintf("%d answers checked", asked.Load()), aim: "0 wrong", wrong: int(wrong.Load())},
	}, nil
}

// measureKillServe kills the server at random moments of a pipeline run, and starts it again.
func measureKillServe(ctx context.Context, b *bench) ([]row, error) {
	if err := b.deployed(ctx, "first"); err != nil {
		return nil, err
	}
	var wrong int
	var times []time.Duration
	live := "first"
	for i := range b.kills {
		mark := fmt.Sprintf("serve-%d", i)
		if err := b.commit(ctx, mark); err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(rand.Int64N(int64(700 * time.Millisecond))))
		b.killServe()
		start := time.Now()
		if err := b.startServe(ctx); err != nil {
			return nil, err
		}
		if _, err := b.whole(live, mark); err != nil {
			fmt.Fprintln(os.Stderr, "after a kill of serve:", err)
			wrong++
		}
		if err := b.awaitMark(ctx, mark); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
		if _, err := b.whole(mark); err != nil {
			fmt.Fprintln(os.Stderr, "after the next run:", err)
			wrong++
		}
		live = mark
	}
	return []row{{what: fmt.Sprintf("%d × `kill -9` of `serve` while a commit is on its way: restart → that commit is live; all %d files read after the restart and again when it is live", b.kills, files), figure: spread(times), aim: "0 wrong", wrong: wrong}}, nil
}

// measureKillPublish kills publish at random moments, reads the site, and publishes the same folder again.
func measureKillPublish(ctx context.Context, b *bench) ([]row, error) {
	if err := b.deployed(ctx, "first"); err != nil {
		return nil, err
	}
	var wrong, cut int
	live := "first"
	for i := range b.kills {
		mark := fmt.Sprintf("publish-%d", i)
		dir := filepath.Join(b.root, "built")
		if err := writeSite(dir, mark); err != nil {
			return nil, err
		}
		cmd := b.command(ctx, b.binary, "publish", dir, "--release", mark)
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		time.AfterFunc(time.Duration(rand.Int64N(int64(400*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			cut++
		}
		if _, err := b.whole(live, mark); err != nil {
			fmt.Fprintln(os.Stderr, "after a kill of publish:", err)
			wrong++
		}
		if _, err := b.tool(ctx, "publish", dir, "--release", mark); err != nil {
			return nil, err
		}
		if _, err := b.whole(mark); err != nil {
			fmt.Fprintln(os.Stderr, "after publishing again:", err)
			wrong++
		}
		live = mark
	}
	return []row{{what: fmt.Sprintf("%d × `kill -9` of `publish` (%d cut off before the end): the site read whole, and published again", b.kills, cut), figure: "all completed", aim: "0 wrong", wrong: wrong}}, nil
}
