package localtarget_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// zipped is a zip file of the given files.
func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipBed is a bed whose site is fed by zip files.
func zipBed(t *testing.T) *bed {
	b := newBed(t)
	b.write("cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json", `{"s3bucket":"my-bucket","s3path":"sites/a","routing":"static"}`)
	return b
}

// put copies a zip file into the drop folder.
func put(t *testing.T, folder, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// last follows the newest execution that is newer than the one given.
func (b *bed) last(after string) hosting.Execution {
	b.t.Helper()
	h := b.hosting("")
	var e hosting.Execution
	eventually(b.t, func() bool {
		var err error
		e, err = h.Execution(b.t.Context(), "")
		return err == nil && e.ID > after && e.Status.Done()
	})
	return e
}

// A site that is fed by zip files: it is deployed without any, and each one that is copied into its folder is released. The
// newest wins, the same one again is the same release again, and a bad one leaves the site as it is.
func TestZipFiles(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	d, r := b.mustDeploy(hosting.DeployOptions{})
	if d.Execution.ID != "" || d.Release != "" || d.Upload == "" || len(r.warns) > 0 || d.PushURL != "" {
		t.Fatalf("deployed without a zip file: %+v, %q", d, r.warns)
	}
	one := zipped(t, map[string]string{"index.html": "one", "downloads/site.zip": "the site's own"})
	put(t, d.Upload, "site.zip", one)
	first := b.last("")
	if first.Status != hosting.Succeeded || first.Trigger != "upload" || first.Message != "site.zip" || first.Release != "zip-"+first.Revision[:16] {
		t.Fatalf("execution %+v", first)
	}
	await(t, d.URL, "one")
	await(t, d.URL+"downloads/site.zip", "the site's own") // defect 19: the site's own zips are deleted
	if status, _ := get(t, d.URL+"drop/site.zip"); status == 200 {
		t.Error("the folder for zip files is served")
	}

	two := zipped(t, map[string]string{"my site/index.html": "two", "__MACOSX/my site/._index.html": "x"})
	put(t, d.Upload, "second.zip", two)
	second := b.last(first.ID)
	await(t, d.URL, "two")

	put(t, d.Upload, "bad.zip", zipped(t, map[string]string{"index.html": "three", "../out.html": "x"}))
	bad := b.last(second.ID)
	if s := bad.FailedStage(); bad.Status != hosting.Failed || s == nil || s.Error != `unpack bad.zip: entry "../out.html": its path has ".."` {
		t.Errorf("a bad zip file: %+v", bad)
	}
	await(t, d.URL, "two")
	var log bytes.Buffer
	if err := b.hosting("").Logs(t.Context(), bad.ID, false, &log); err != nil || !strings.Contains(log.String(), "../out.html") {
		t.Errorf("log %q, %v", &log, err)
	}

	p, err := b.hosting("").Publisher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if back, err := p.Rollback(t.Context(), ""); err != nil || back.Release != first.Release {
		t.Errorf("rollback: %+v, %v", back, err)
	}
	await(t, d.URL, "one")
	put(t, d.Upload, "again.zip", two)
	again := b.last(bad.ID)
	await(t, d.URL, "two")
	if again.Release != second.Release || again.Revision != second.Revision {
		t.Errorf("the same zip file is release %s, and was %s", again.Release, second.Release)
	}
	if releases, err := p.Releases(t.Context()); err != nil || len(releases) < 2 || releases[0].Message == "" {
		t.Errorf("releases %+v, %v", releases, err)
	}
	// Nothing that was put into the folder is ever removed from it.
	for _, name := range []string{"site.zip", "second.zip", "bad.zip", "again.zip"} {
		if _, err := os.Stat(filepath.Join(d.Upload, name)); err != nil {
			t.Error(err)
		}
	}
}

// deploy waits for the first zip file if it is asked to, and follows its release; the next one releases the newest again.
func TestDeployAwaitsAZipFile(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	r := &report{}
	folder := filepath.Join(b.state, "sites", b.site(), "drop")
	r.onStep = func(name string) {
		if name == "Upload" {
			go func() {
				_ = os.WriteFile(filepath.Join(folder, "site.zip"), zipped(t, map[string]string{"index.html": "one"}), 0o600)
			}()
		}
	}
	d, err := b.hosting("127.0.0.1:0").Deploy(t.Context(), hosting.DeployOptions{AwaitUpload: true}, r)
	if err != nil || d.Execution.Status != hosting.Succeeded || !r.warned(folder) || d.Release != d.Execution.Release {
		t.Fatalf("%+v, %v, %q", d, err, r.warns)
	}
	await(t, d.URL, "one")
	again, _ := b.mustDeploy(hosting.DeployOptions{})
	if again.Execution.Trigger != "deploy" || again.Release != d.Release || again.Execution.Revision != d.Execution.Revision {
		t.Errorf("deployed again: %+v", again.Execution)
	}

	// Whoever waits may give up; the site stays deployed.
	other := zipBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := &report{onStep: func(name string) {
		if name == "Upload" {
			cancel()
		}
	}}
	if _, err := other.hosting("127.0.0.1:0").Deploy(ctx, hosting.DeployOptions{AwaitUpload: true}, stop); !errors.Is(err, context.Canceled) || fault.HintOf(err) == "" {
		t.Errorf("cancelled: %v", err)
	}
}

// delete leaves zip files that somebody put into the folder, and a site that is deployed again finds them there.
func TestDeleteLeavesZipFiles(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	put(t, d.Upload, "site.zip", zipped(t, map[string]string{"index.html": "one"}))
	b.last("")
	removed, err := b.hosting("").Delete(t.Context(), hosting.DeleteOptions{}, &report{})
	if err != nil || !strings.Contains(strings.Join(removed.Left, "\n"), "the zip files that were put there to be released (1): "+filepath.Clean(d.Upload)) {
		t.Errorf("%+v, %v", removed, err)
	}
	entries, err := os.ReadDir(filepath.Dir(filepath.Clean(d.Upload)))
	if err != nil || len(entries) != 1 || entries[0].Name() != "drop" {
		t.Errorf("left %v, %v", entries, err)
	}
	if _, err := b.hosting("").Show(t.Context()); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("show: %v", err)
	}
	if again, _ := b.mustDeploy(hosting.DeployOptions{}); again.Execution.Message != "site.zip" {
		t.Errorf("deployed again: %+v", again.Execution)
	}
	if removed, err := b.hosting("").Delete(t.Context(), hosting.DeleteOptions{Uploads: true}, &report{}); err != nil || len(removed.Removed) != 2 {
		t.Errorf("with uploads: %+v, %v", removed, err)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Clean(d.Upload))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with uploads: %v", err)
	}
}

// What a deletion has left can be removed later, by who says so, and by nobody else.
func TestDeleteRemovesWhatADeletionHasLeft(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	d, _ := b.mustDeploy(hosting.DeployOptions{})
	put(t, d.Upload, "site.ZIP", nil) // none that counts, and somebody's file all the same
	keep, all := hosting.DeleteOptions{}, hosting.DeleteOptions{Uploads: true}
	h := b.hosting("")
	left := "the files that were put there to be released (1): " + filepath.Clean(d.Upload)
	if doomed, err := h.Doomed(t.Context(), keep); err != nil || strings.Join(doomed.Leaves, "\n") != left || len(doomed.Removes) > 0 {
		t.Errorf("Doomed = %+v, %v", doomed, err)
	}
	if removed, err := h.Delete(t.Context(), keep, &report{}); err != nil || !strings.Contains(strings.Join(removed.Left, "\n"), left) {
		t.Fatalf("%+v, %v", removed, err)
	}
	byName, err := localtarget.Find(b.state, d.Site, localtarget.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*localtarget.Hosting{h, byName} {
		_, doom := h.Doomed(t.Context(), keep)
		_, err := h.Delete(t.Context(), keep, &report{})
		for _, err := range []error{doom, err} {
			if fault.KindOf(err) != fault.NotDeployed || !strings.Contains(err.Error(), left) || !strings.Contains(fault.HintOf(err), "--uploads") {
				t.Errorf("without being asked to: %v (hint %q)", err, fault.HintOf(err))
			}
		}
		if doomed, err := h.Doomed(t.Context(), all); err != nil || strings.Join(doomed.Removes, "\n") != left {
			t.Errorf("Doomed = %+v, %v", doomed, err)
		}
	}
	if _, err := os.Stat(filepath.Join(d.Upload, "site.ZIP")); err != nil {
		t.Fatal(err)
	}
	if removed, err := byName.Delete(t.Context(), all, &report{}); err != nil || strings.Join(removed.Removed, "\n") != left {
		t.Errorf("%+v, %v", removed, err)
	}
	if _, err := h.Doomed(t.Context(), all); fault.KindOf(err) != fault.NotDeployed {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Clean(d.Upload))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// A deletion that was interrupted after the site was gone is finished by the next one.
func TestDeleteFinishesAnInterruptedOne(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	d, _ := b.mustDeploy(here)
	if err := os.Remove(state.Dir(b.state).Site(d.Site).File()); err != nil {
		t.Fatal(err)
	}
	h := b.hosting("")
	if doomed, err := h.Doomed(t.Context(), hosting.DeleteOptions{}); err != nil || len(doomed.Removes) != 1 || !strings.Contains(doomed.Removes[0], d.Location) {
		t.Errorf("Doomed = %+v, %v", doomed, err)
	}
	if _, err := h.Delete(t.Context(), hosting.DeleteOptions{}, &report{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.Location); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// What has the name of a zip file and is none is said, and is in nobody's way.
func TestDeployNamesWhatIsNoZipFile(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	d, _ := b.mustDeploy(here)
	if err := os.Mkdir(filepath.Join(d.Upload, "unpacked.zip"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, d.Upload, "site.zip", zipped(t, map[string]string{"index.html": "one"}))
	d, r := b.mustDeploy(here)
	if d.Execution.Status != hosting.Succeeded || !r.warned("unpacked.zip is not released: it is a folder") {
		t.Errorf("%+v, warnings %q", d.Execution, r.warns)
	}
}

// A zip with a build file is built; without a server the newest zip of the folder is released by deploy itself.
func TestAZipFileIsBuilt(t *testing.T) {
	t.Parallel()
	b := zipBed(t)
	d, _ := b.mustDeploy(here)
	if d.Execution.ID != "" {
		t.Fatalf("an execution without a zip file: %+v", d.Execution)
	}
	put(t, d.Upload, "source.zip", zipped(t, map[string]string{"project/" + buildFile: build("mkdir out && cp page out/index.html"), "project/page": "built"}))
	d, _ = b.mustDeploy(here)
	if d.Execution.Status != hosting.Succeeded || d.Release == "" {
		t.Fatalf("%+v", d.Execution)
	}
	page, err := os.ReadFile(filepath.Join(b.state, "sites", d.Site, "bucket", d.Release, "index.html"))
	if err != nil || string(page) != "built" {
		t.Errorf("released %q, %v", page, err)
	}
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass")
		}
	}
}
