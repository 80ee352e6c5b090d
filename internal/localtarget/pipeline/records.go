package pipeline

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// The triggers of an execution.
const (
	TriggerDeploy = "deploy"
	TriggerPush   = "push"
	TriggerUpload = "upload"
)

// idTime is the part of an execution's id that is its time, so that ids sort by it.
const idTime = "20060102T150405.000"

var validID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{3}-[0-9a-f]{6}$`)

// Records are the executions of one site, one folder each: execution.json, build.log, and progress.txt while it runs.
// A new record that is InProgress and has no stage started is the request to run it: any process may write one, and the
// process that runs the pipeline takes it up.
type Records struct {
	// Dir is the folder of the executions. It must exist before Create.
	Dir string
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
}

func (r Records) now() time.Time {
	if r.Now != nil {
		return r.Now().UTC()
	}
	return time.Now().UTC()
}

func (r Records) folder(id string) string { return filepath.Join(r.Dir, id) }

func (r Records) file(id string) string { return filepath.Join(r.folder(id), "execution.json") }

// Log returns the file that holds the output of an execution.
func (r Records) Log(id string) string { return filepath.Join(r.folder(id), "build.log") }

// Create writes a new record: a request to run the pipeline for the newest commit or, if revision is not empty, for that
// one. It appears at once and whole. Its id is greater than all ids before.
func (r Records) Create(trigger, revision, message string) (hosting.Execution, error) {
	at := r.now().Truncate(time.Millisecond)
	ids, err := r.IDs()
	if err != nil {
		return hosting.Execution{}, err
	}
	if len(ids) > 0 {
		// The clock may have been set back, and two requests may fall into one millisecond.
		if last, err := time.Parse(idTime, ids[0][:len(idTime)]); err == nil && !at.After(last) {
			at = last.Add(time.Millisecond)
		}
	}
	var random [3]byte
	if _, err := rand.Read(random[:]); err != nil {
		return hosting.Execution{}, fmt.Errorf("create execution: %w", err)
	}
	e := hosting.Execution{
		ID:     at.Format(idTime) + "-" + hex.EncodeToString(random[:]),
		Status: hosting.InProgress, Revision: revision, Message: message, Trigger: trigger, StartedAt: at,
		Stages: []hosting.Stage{{Name: hosting.StageSource}, {Name: hosting.StageBuild}, {Name: hosting.StageRelease}},
	}
	data, err := marshal(e)
	if err != nil {
		return e, err
	}
	draft, err := os.MkdirTemp(r.Dir, ".new-")
	if err != nil {
		return e, fmt.Errorf("create execution: %w", err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(draft, "execution.json"), data, 0o600),
		os.WriteFile(filepath.Join(draft, "build.log"), nil, 0o600))
	if err == nil {
		err = os.Rename(draft, r.folder(e.ID))
	}
	if err != nil {
		_ = os.RemoveAll(draft)
		return e, fmt.Errorf("create execution: %w", err)
	}
	return e, nil
}

func marshal(e hosting.Execution) ([]byte, error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write execution %s: %w", e.ID, err)
	}
	return append(data, '\n'), nil
}

// Save replaces a record atomically. The record's folder must exist: a record that was deleted is not created anew.
func (r Records) Save(e hosting.Execution) error {
	data, err := marshal(e)
	if err != nil {
		return err
	}
	return state.WriteFile(r.file(e.ID), data)
}

// Load returns a record. A missing one is a fault.Usage, a damaged one an error that names the file.
func (r Records) Load(id string) (hosting.Execution, error) {
	if !validID.MatchString(id) {
		return hosting.Execution{}, missing(id)
	}
	data, err := os.ReadFile(r.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return hosting.Execution{}, missing(id)
	}
	if err != nil {
		return hosting.Execution{}, fmt.Errorf("read execution: %w", err)
	}
	var e hosting.Execution
	if err := json.Unmarshal(data, &e); err != nil {
		return e, fault.New(fault.Other, "run deploy for a new execution; what is live stays live", "read execution %s: %w", r.file(id), err)
	}
	if e.ID != id || len(e.Stages) != stageCount {
		return e, fault.New(fault.Other, "run deploy for a new execution; what is live stays live", "read execution %s: it is not the record of that execution", r.file(id))
	}
	return e, nil
}

func missing(id string) error {
	return fault.New(fault.Usage, "run status for the newest execution", "no execution %q", id)
}

// IDs returns the ids of all executions, the newest first. A folder that does not exist has none.
func (r Records) IDs() ([]string, error) {
	entries, err := os.ReadDir(r.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list executions: %w", err)
	}
	var ids []string
	for _, e := range slices.Backward(entries) {
		if validID.MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// Newest returns the newest record that can be read, and whether there is one.
func (r Records) Newest() (hosting.Execution, bool, error) {
	ids, err := r.IDs()
	if err != nil {
		return hosting.Execution{}, false, err
	}
	for _, id := range ids {
		if e, err := r.Load(id); err == nil {
			return e, true, nil
		}
	}
	return hosting.Execution{}, false, nil
}

// prune deletes all but the newest keep records. Those in busy stay.
func (r Records) prune(keep int, busy func(id string) bool) error {
	ids, err := r.IDs()
	if err != nil || len(ids) <= keep {
		return err
	}
	var errs []error
	for _, id := range ids[keep:] {
		if !busy(id) {
			errs = append(errs, os.RemoveAll(r.folder(id)))
		}
	}
	return errors.Join(errs...)
}

func (r Records) progressFile(id string) string { return filepath.Join(r.folder(id), "progress.txt") }

// SetProgress says in words what the running stage is at; "" for nothing. It is for people, and lost in a crash.
func (r Records) SetProgress(id, text string) {
	if text == "" {
		_ = os.Remove(r.progressFile(id))
		return
	}
	draft := r.progressFile(id) + ".new"
	if os.WriteFile(draft, []byte(text), 0o600) == nil {
		_ = os.Rename(draft, r.progressFile(id))
	}
}

// Progress returns what SetProgress said last, or "".
func (r Records) Progress(id string) string {
	data, _ := os.ReadFile(r.progressFile(id)) // there is none most of the time
	return strings.TrimSpace(string(data))
}
