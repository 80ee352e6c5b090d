package double

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// startBuild runs a build by itself, outside of a pipeline: without sources and artifacts, with the buildspec that the request
// has.
func (a *Account) startBuild(req *wire.Request) (map[string]any, *Fault) {
	name := req.Text("projectName")
	var of *stack
	for _, s := range a.stacks {
		if r := s.resources["BuildProject"]; r != nil && (r.physical == name || r.properties["Name"] == name) {
			of = s
		}
	}
	if of == nil {
		return nil, refuse("ResourceNotFoundException", "Project cannot be found: %s", name)
	}
	if req.Text("sourceTypeOverride") != "NO_SOURCE" || req.Text("buildspecOverride") == "" {
		return nil, refuse("InvalidInputException", "the double runs builds without sources only, with a buildspec of their own")
	}
	b := &build{id: fmt.Sprintf("%s:%s", name, a.id()), project: name, phase: "QUEUED", status: "IN_PROGRESS", started: a.tick()}
	b.log = &logStream{group: of.name + "-BuildLogs", name: strings.ReplaceAll(b.id, ":", "/")}
	a.builds[b.id] = b
	source := filepath.Join(a.scratch, "build-"+strings.ReplaceAll(b.id, ":", "-"))
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		err := os.MkdirAll(source, 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(source, "empty"), nil, 0o644)
		}
		if err == nil {
			// As the release stage's: without artifacts.
			err = a.runSpec(a.t.Context(), b, "Release", req.Text("buildspecOverride"), source, source+"-out", nil)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		b.phase, b.status = "COMPLETED", "SUCCEEDED"
		if err != nil {
			b.status = "FAILED"
			fmt.Fprintln(b.log, err)
		}
	}()
	return map[string]any{"build": b.describe()}, nil
}

// describe is what CodeBuild tells of a build.
func (b *build) describe() map[string]any {
	return map[string]any{
		"id": b.id, "projectName": b.project, "currentPhase": b.phase, "buildStatus": b.status, "startTime": b.started,
		"buildComplete": b.status != "IN_PROGRESS",
		"logs":          map[string]any{"groupName": b.log.group, "streamName": b.log.name},
	}
}
