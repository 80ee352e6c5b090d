package executions

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
)

// waits says what a build is doing while it has nothing to print (CodeBuild User Guide, "Build phase transitions").
var waits = map[string]string{
	"SUBMITTED":        "waiting for a machine",
	"QUEUED":           "waiting for a machine: the account's builds are in a queue",
	"PROVISIONING":     "a machine is starting",
	"DOWNLOAD_SOURCE":  "fetching the sources",
	"UPLOAD_ARTIFACTS": "storing what was built",
}

// output copies the log of one build, piece by piece.
type output struct {
	pipeline *Pipeline
	build    string
	// group and stream are where the log is; empty until CodeBuild has said so.
	group, stream string
	token         *string
	done          bool
}

// copy writes what has come since the last time, and returns what the build waits for, if anything. last says that the
// build has ended: what is there now is all there is.
func (o *output) copy(ctx context.Context, w io.Writer, last bool) (waiting string, err error) {
	if o.stream == "" || !last {
		b, err := o.look(ctx)
		if err != nil {
			return "", err
		}
		if b == nil {
			o.done = last
			return "", nil
		}
		waiting = waits[aws.ToString(b.CurrentPhase)]
		if b.Logs != nil {
			o.group, o.stream = aws.ToString(b.Logs.GroupName), aws.ToString(b.Logs.StreamName)
		}
	}
	if o.stream != "" && w != nil {
		if err := o.read(ctx, w); err != nil {
			return waiting, err
		}
	}
	o.done = last
	return waiting, nil
}

func (o *output) look(ctx context.Context) (*cbtypes.Build, error) {
	out, err := o.pipeline.Builds.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{o.build}})
	if err != nil {
		return nil, fmt.Errorf("look at build %s: %w", o.build, reason.Of(err))
	}
	if len(out.Builds) == 0 {
		return nil, nil
	}
	return &out.Builds[0], nil
}

// read copies the pages that are there. CloudWatch Logs has reached the end when a token comes back unchanged.
func (o *output) read(ctx context.Context, w io.Writer) error {
	for {
		out, err := o.pipeline.Output.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: &o.group, LogStreamName: &o.stream, StartFromHead: aws.Bool(true), NextToken: o.token,
		})
		if reason.Code(err) == "ResourceNotFoundException" {
			return nil // the stream is made with the first line, and goes with the log group
		}
		if err != nil {
			return fmt.Errorf("read log of build %s: %w", o.build, reason.Of(err))
		}
		for _, e := range out.Events {
			line := aws.ToString(e.Message)
			if !strings.HasSuffix(line, "\n") {
				line += "\n"
			}
			if _, err := io.WriteString(w, line); err != nil {
				return fmt.Errorf("write log: %w", err)
			}
		}
		end := aws.ToString(out.NextForwardToken) == aws.ToString(o.token)
		o.token = out.NextForwardToken
		if end {
			return nil
		}
	}
}

// Logs writes the output of an execution's builds, the newest execution's if id is empty. With follow it goes on until the
// execution is done.
func (p *Pipeline) Logs(ctx context.Context, id string, follow bool, w io.Writer) error {
	if follow {
		_, err := p.Follow(ctx, id, Watcher{Output: w})
		return err
	}
	_, actions, err := p.look(ctx, id)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if build := buildOf(a); build != "" {
			o := &output{pipeline: p, build: build}
			if _, err := o.copy(ctx, w, true); err != nil {
				return err
			}
		}
	}
	return nil
}
