package pipeline_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func zipFile(t *testing.T, page string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("index.html")
	if err == nil {
		_, err = f.Write([]byte(page))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An execution releases the very file that it was begun for: one that was replaced meanwhile is superseded by its successor, one
// that is gone fails, and the stage of a deployment without any says what to do.
func TestSourceOfZipFiles(t *testing.T) {
	t.Parallel()
	dir := state.Site(filepath.Join(t.TempDir(), "hello-12345678"))
	d := &state.Deployed{Site: dir.Name(), Pipeline: true, Config: site.Config{SiteName: dir.Name()}}
	if err := errors.Join(dir.Create(), os.Mkdir(dir.Drop(), 0o700), dir.Save(d)); err != nil {
		t.Fatal(err)
	}
	stages := &pipeline.Stages{Site: dir}
	serial := 0
	run := func(revision, name string) (*pipeline.Job, error) {
		serial++
		j := &pipeline.Job{Execution: hosting.Execution{ID: strings.Repeat("x", serial), Revision: revision, Message: name}, Output: &bytes.Buffer{}, Progress: func(string, ...any) {}}
		return j, stages.Source(t.Context(), j)
	}
	if _, err := run("", ""); fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "there is no zip file in "+dir.Drop()) {
		t.Errorf("without any: %v", err)
	}
	file := filepath.Join(dir.Drop(), "site.zip")
	if err := os.WriteFile(file, zipFile(t, "one"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := run("", "")
	if err != nil || first.Execution.Message != "site.zip" || len(first.Execution.Revision) != 64 {
		t.Fatalf("%+v, %v", first.Execution, err)
	}
	if _, err := run(first.Execution.Revision, "site.zip"); err != nil {
		t.Errorf("the same file again: %v", err)
	}
	if err := os.WriteFile(file, zipFile(t, "two"), 0o600); err != nil {
		t.Fatal(err)
	}
	var superseded pipeline.Superseded
	if _, err := run(first.Execution.Revision, "site.zip"); !errors.As(err, &superseded) {
		t.Errorf("replaced: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := run(first.Execution.Revision, "site.zip"); fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "removed before") {
		t.Errorf("removed: %v", err)
	}
}
