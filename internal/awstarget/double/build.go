package double

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
)

// build is a CodeBuild build and its log.
type build struct {
	id, project, phase, status string
	started                    time.Time
	log                        *logStream
	stop                       context.CancelFunc
}

// logStream is a stream of CloudWatch Logs.
type logStream struct {
	mu    sync.Mutex
	text  bytes.Buffer
	group string
	name  string
}

func (l *logStream) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logStream) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	complete := strings.LastIndexByte(text, '\n') + 1
	return strings.SplitAfter(text[:complete], "\n")
}

// project are the properties of the CodeBuild project of a stage.
func (p *pipeline) project(stage string) map[string]any {
	return p.stack.resources[stage+"Project"].properties
}

// runBuild runs the buildspec that the project has: text of the template, or a file of the sources.
func (a *Account) runBuild(ctx context.Context, p *pipeline, act *action, stage, source, artifacts string, env map[string]string) error {
	a.mu.Lock()
	if why := a.FailBuild; why != "" {
		if a.FailOnce {
			a.FailBuild = ""
		}
		a.mu.Unlock()
		return fmt.Errorf("Error calling startBuild: %s (Service: AWSCodeBuild; Status Code: 400; Error Code: AccountLimitExceededException)", why) //nolint:staticcheck // CodePipeline's words
	}
	project := p.project(stage)
	text := project["Source"].(map[string]any)["BuildSpec"].(string)
	b := &build{id: fmt.Sprintf("%s:%s", project["Name"], a.id()), project: project["Name"].(string), phase: "QUEUED", status: "IN_PROGRESS", started: a.tick()}
	b.log = &logStream{group: p.stack.name + "-" + stage + "Logs", name: strings.ReplaceAll(b.id, ":", "/")}
	ctx, b.stop = context.WithCancel(ctx)
	defer b.stop()
	a.builds[b.id] = b
	act.build = b.id
	a.mu.Unlock()
	err := a.runSpec(ctx, b, stage, text, source, artifacts, env)
	a.mu.Lock()
	defer a.mu.Unlock()
	b.phase, b.status = "COMPLETED", "SUCCEEDED"
	if err != nil {
		b.status = "FAILED"
		fmt.Fprintln(b.log, err)
		return fmt.Errorf("Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: %w", err) //nolint:staticcheck // CodePipeline's words
	}
	return nil
}

func (a *Account) runSpec(ctx context.Context, b *build, stage, text, source, artifacts string, env map[string]string) error {
	file := "buildspec.yml"
	if !strings.Contains(text, "\n") {
		data, err := os.ReadFile(filepath.Join(source, text))
		if err != nil {
			return fmt.Errorf("YAML_FILE_ERROR: stat %s: no such file or directory", text)
		}
		file, text = text, string(data)
	}
	work := artifacts + "-work"
	tmp := filepath.Join(work, "machine")
	if err := errors.Join(os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	if stage == "Release" {
		// Each build has a machine of its own on AWS, and so a /tmp of its own.
		text = strings.ReplaceAll(text, "/tmp/", tmp+"/")
	}
	spec, err := buildspec.Parse(file, []byte(text))
	if err != nil {
		return err
	}
	if spec.Artifacts == nil && stage == "Release" {
		spec.Artifacts = &buildspec.Artifacts{Files: []buildspec.Pattern{{Glob: "**/*"}}} // CodeBuild does without
	}
	a.Do(func() { b.phase = "BUILD" })
	run := &buildspec.Build{Spec: spec, Source: source, Work: work, Env: env, Timeout: 2 * time.Minute, Log: b.log}
	_, err = run.Run(ctx, artifacts)
	return err
}

// releaseEnvironment is the environment of the release project: what the template says, the action's variables, and the
// credentials of its role.
func (a *Account) releaseEnvironment(p *pipeline, e *execution) map[string]string {
	env := a.Environment()
	env["PATH"] = a.programs() + string(os.PathListSeparator) + os.Getenv("PATH")
	env["CHT_DOUBLE_AWS"] = "1"
	a.mu.Lock()
	defer a.mu.Unlock()
	variables := p.project("Release")["Environment"].(map[string]any)["EnvironmentVariables"].([]any)
	for _, v := range variables {
		v := v.(map[string]any)
		env[v["Name"].(string)] = v["Value"].(string)
	}
	var given []struct{ Name, Value string }
	text := p.stageAction("Release")["Configuration"].(map[string]any)["EnvironmentVariables"].(string)
	text = e.variables(text)
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		a.t.Errorf("variables of the release action: %v", err)
	}
	for _, v := range given {
		env[v.Name] = v.Value
	}
	return env
}

// programs is a folder with the one program that the release step needs beside the shell's own: aws. It is this test's own
// program, which has to call IsProgram first.
func (a *Account) programs() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fakePrograms != "" {
		return a.fakePrograms
	}
	self, err := os.Executable()
	dir := filepath.Join(a.scratch, "bin")
	script := "#!/bin/sh\nexec '" + self + "' \"$@\"\n"
	if err := errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o755)); err != nil {
		a.t.Errorf("make the program aws: %v", err)
	}
	a.fakePrograms = dir
	return dir
}

// IsProgram runs the program aws, as the release step calls it, if that is what this process was started for: TestMain
// calls it first.
func IsProgram() bool {
	if os.Getenv("CHT_DOUBLE_AWS") == "" {
		return false
	}
	if err := awsProgram(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// awsProgram is "aws s3 cp --only-show-errors s3://BUCKET/KEY FILE".
func awsProgram(args []string) error {
	if len(args) != 5 || args[0] != "s3" || args[1] != "cp" || args[2] != "--only-show-errors" {
		return fmt.Errorf("aws: %q is not what the double can do", args)
	}
	req, err := http.NewRequest(http.MethodGet, os.Getenv("AWS_ENDPOINT_URL")+"/"+strings.TrimPrefix(args[3], "s3://"), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/"+Region+"/s3/aws4_request")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("fatal error: %s", res.Status)
	}
	f, err := os.Create(args[4])
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

func (a *Account) codeBuild(name string, req *wire.Request) (map[string]any, *Fault) {
	switch name {
	case "StartBuild":
		return a.startBuild(req)
	case "StopBuild":
		return a.stopBuild(req)
	}
	list, missing := []any{}, []any{}
	for _, id := range req.Input["ids"].([]any) {
		b := a.builds[id.(string)]
		if b == nil {
			missing = append(missing, id)
			continue
		}
		list = append(list, b.describe())
	}
	out := map[string]any{"builds": list}
	if len(missing) > 0 {
		out["buildsNotFound"] = missing
	}
	return out, nil
}

// logPage is how many events a page has: few, so that paging is tried.
const logPage = 7

func (a *Account) logs(req *wire.Request) (map[string]any, *Fault) {
	for _, b := range a.builds {
		if b.log.group != req.Text("logGroupName") || b.log.name != req.Text("logStreamName") {
			continue
		}
		lines, start := b.log.lines(), 0
		if token := req.Text("nextToken"); token != "" {
			_, _ = fmt.Sscanf(token, "f/%d", &start)
		}
		events := []any{}
		end := start
		for ; end < len(lines) && end < start+logPage && lines[end] != ""; end++ {
			events = append(events, map[string]any{"timestamp": b.started.UnixMilli(), "ingestionTime": b.started.UnixMilli(), "message": lines[end]})
		}
		return map[string]any{"events": events, "nextForwardToken": fmt.Sprintf("f/%d", end), "nextBackwardToken": "b/0"}, nil
	}
	return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
}
