// Command release-step is the toolkit's Linux program for the pipeline's release step on AWS, as released builds of the toolkit
// carry it: it publishes, and knows nothing else, which makes it a fifth of the whole toolkit. It takes the command line of
// the toolkit's own publish, so that the template does not care which of the two it runs.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/step"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// version is set by the linker.
var version = "dev"

const usage = `usage: publish DIR --target aws --release ID --yes`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		if hint := fault.HintOf(err); hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", hint)
		}
		os.Exit(1)
	}
}

// run publishes the folder that the command line names to what the environment names.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 1 && args[0] == "version" {
		_, err := fmt.Fprintln(out, "release-step", version)
		return err
	}
	if len(args) != 7 || args[0] != "publish" || args[2]+" "+args[3] != "--target aws" || args[4] != "--release" || args[6] != "--yes" {
		return fault.New(fault.Usage, usage, "%q is not what the release step does", strings.Join(args, " "))
	}
	target := step.FromEnvironment(version)
	if target == nil {
		return fault.New(fault.Usage, "it is run by the pipeline that deploy makes", "this is not a release step: the environment names no site")
	}
	dir, err := step.Folder(args[1], args[5])
	if err != nil {
		return err
	}
	request := publish.Request{Dir: dir, ID: step.ReleaseID(args[5]), StartedAt: time.Now()}
	if step.IsCommit(request.ID) {
		request.Commit = request.ID
	}
	p, err := target.Publisher(ctx)
	if err != nil {
		return err
	}
	p.Progress = tell(out)
	result, err := p.Publish(ctx, request)
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	word := "Live"
	if result.Superseded {
		word = "Stored, while a newer release is live"
	}
	fmt.Fprintf(out, "%s: %s  %d files: %d uploaded (%d bytes), %d copied, %d unchanged\n",
		word, result.Release, result.Files, result.Uploaded, result.BytesSent, result.Copied, result.Unchanged)
	return nil
}

// tell writes one line for each step of a publication.
func tell(out io.Writer) func(publish.Event) {
	var current publish.Step
	return func(e publish.Event) {
		if e.Step != current {
			current = e.Step
			fmt.Fprintf(out, "%s\n", current)
		}
	}
}
