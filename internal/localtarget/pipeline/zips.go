package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/drop"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/unzip"
)

// zipRelease is the id of the release of a zip file: the same content has the same one, however often and under whatever name
// it is copied into the folder.
func zipRelease(digest string) string { return "zip-" + digest[:min(len(digest), 16)] }

// Uploads returns the folder for zip files of a site.
func Uploads(s state.Site) *drop.Folder { return &drop.Folder{Dir: s.Drop(), Ledger: s.DropLedger()} }

// Uploads returns the site's folder for zip files, the same one for everyone in this process.
func (s *Stages) Uploads() *drop.Folder {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploads == nil {
		s.uploads = Uploads(s.Site)
	}
	return s.uploads
}

// zipSource is the Source stage of a site that is fed by zip files. The revision is the digest of the zip file.
func (s *Stages) zipSource(ctx context.Context, j *Job) error {
	uploads := s.Uploads()
	if j.Execution.Revision == "" {
		j.Progress("looking for the newest zip file")
		u, ok, err := uploads.Newest(ctx)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Failed, "copy a .zip file into it: that releases it", "there is no zip file in %s", uploads.Dir)
		}
		j.Execution.Revision, j.Execution.Message = u.Digest, u.Name
		if err := uploads.Take(u); err != nil {
			return err
		}
	}
	name := j.Execution.Message
	about := ", SHA-256 " + j.Execution.Revision
	if j.Execution.Revision == drop.Unreadable {
		about = ""
	}
	fmt.Fprintf(j.Output, "Source: %s%s\n", name, about)
	j.Progress("unpacking %s", name)
	if err := os.MkdirAll(s.folder(j), 0o700); err != nil {
		return fmt.Errorf("create work folder: %w", err)
	}
	file := filepath.Join(s.folder(j), "upload.zip")
	err := uploads.Copy(ctx, name, j.Execution.Revision, file)
	if errors.Is(err, drop.ErrReplaced) {
		return Superseded{By: "another " + name + " took the place of this one while it waited"}
	}
	if err != nil {
		return err
	}
	defer os.Remove(file)
	if err := unzip.Extract(ctx, file, s.checkout(j), unzip.DefaultLimits); err != nil {
		// The copy is nothing that its reader knows of.
		hint := fault.HintOf(err)
		if errors.Is(err, unzip.ErrIncomplete) {
			hint = "make the zip again, and copy it into " + uploads.Dir + " as a whole"
		}
		return fault.New(fault.Failed, hint, "%s", strings.ReplaceAll(err.Error(), file, name))
	}
	return nil
}

// upload has a zip file released that was copied into the folder. It returns false as long as an execution has yet to find its
// own zip file: that may be this one.
func (r *Running) upload(u drop.Upload) bool {
	newest, ok, err := r.pipe.Records.Current()
	if err != nil {
		r.log.Error("executions cannot be read", "error", err)
		return false
	}
	if ok && newest.Status == hosting.InProgress {
		switch newest.Revision {
		case "":
			return false
		case u.Digest:
			return true
		}
	}
	if _, err := r.pipe.Records.Create(TriggerUpload, u.Digest, u.Name); err != nil {
		r.log.Error("a zip file cannot be released", "file", u.Name, "error", err)
		return false
	}
	return true
}

// watchUploads releases what is copied into the folder, and what was being released when the last server ended.
func (r *Running) watchUploads(ctx context.Context) {
	again := ""
	if newest, ok, err := r.pipe.Records.Current(); err == nil && ok && newest.Status == hosting.Stopped {
		again = newest.Revision
	}
	uploads := r.stages.Uploads()
	uploads.Passed = func(s drop.Stray) {
		r.log.Warn("it has the name of a zip file and is none: it is not released", "path", filepath.Join(uploads.Dir, s.Name), "is", s.Why)
	}
	uploads.Watch(ctx, again, r.upload)
}
