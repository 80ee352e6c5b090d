// Package scaffold writes what `init` leaves in a project: the configuration, the build file, the function, and one line in
// .gitignore. It knows which of them a person has edited, and keeps those.
package scaffold

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Choices are what has been detected, asked and given by flags.
type Choices struct {
	// Config is what was chosen. Keys that it leaves empty keep the value that the project's configuration has.
	Config site.Config
	// Clear are keys of the configuration that lose the value that they have: "domainName", "hostedZoneId" or "s3path".
	Clear []string
	// Build is how the project is built; the zero value publishes the project's files as they are.
	Build detect.Build
	// Template, if it is set, has the build file, the function or both in the place of those that follow from Build and from the
	// configuration's routing.
	Template *Template
	// Subdir is the project folder inside its repository, with slashes; empty for the repository's top.
	Subdir string
	// Reframed says that the project has another framework than it was configured for: the build file and the function are then
	// those of the new one. What a person has edited is kept beside them.
	Reframed bool
	// Force replaces files that a person has edited, and an invalid configuration. The old file is kept beside it.
	Force bool
}

// Status is what Write does, or did, to a file.
type Status string

// The statuses. A file is Kept if it differs from what would be written and a person has edited it. It is Converted if the
// upstream toolkit wrote it in a form that does nothing here: its meaning stays, and the old file is kept beside it.
const (
	Created   Status = "created"
	Changed   Status = "changed"
	Converted Status = "converted"
	Unchanged Status = "unchanged"
	Kept      Status = "kept"
)

// File is one file of a plan.
type File struct {
	// Path is relative to the project folder, with slashes.
	Path   string `json:"path"`
	Status Status `json:"status"`
	// Reason says why an existing file was kept, or replaced although a person has edited it; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Diff leads from the file that is there to the one that init writes, or would write if it were not kept; unified.
	Diff string `json:"diff,omitempty"`
	// Backup is where the old file is kept, relative to the project folder; empty if nothing of worth is replaced.
	Backup string `json:"backup,omitempty"`

	old, text []byte // old is nil if there is no file
}

// Text is what is in the file after Write.
func (f File) Text() []byte {
	if f.Status == Kept {
		return f.old
	}
	return f.text
}

// Plan is what Write will do. Making one changes nothing.
type Plan struct {
	// Dir is the project folder.
	Dir string
	// Config is the configuration that will be there.
	Config site.Config
	// Files are the configuration, the build file, the function and .gitignore, in this order.
	Files []File
}

// Prepare works out the files for the project in dir. A configuration that would be invalid, or one that is there and
// cannot be read (unless Force is given), is a fault.Usage.
func Prepare(dir string, c Choices) (*Plan, error) {
	p := &Plan{Dir: dir}
	for _, prepare := range []func(Choices) (File, error){p.config, p.build, p.function, p.gitignore} {
		f, err := prepare(c)
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, f)
	}
	return p, nil
}

// read opens a file of the plan as it is on disk.
func (p *Plan) read(path string) (File, error) {
	f := File{Path: path}
	old, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(path)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return f, fmt.Errorf("read %s: %w", path, err)
	}
	f.old = append([]byte{}, old...)
	return f, nil
}

// becomes sets what the file shall hold, its status and its diff.
func (f *File) becomes(text []byte) {
	f.text = text
	switch {
	case f.old == nil:
		f.Status = Created
	case bytes.Equal(unixLines(f.old), unixLines(text)):
		f.Status, f.text = Unchanged, f.old
	default:
		f.Status = Changed
		f.Diff = string(diff.Diff("a/"+f.Path, unixLines(f.old), "b/"+f.Path, unixLines(text)))
	}
}

// protect keeps a file that a person has edited, or lays it beside the new one where that has to take its place.
func (p *Plan) protect(f *File, c Choices) {
	if f.Status != Changed || unedited(f.old) {
		return
	}
	switch {
	case c.Force:
		f.Reason = "replaced by --force"
	case c.Reframed:
		f.Reason = "you had edited it, and the framework has changed: what you still need of yours is to be taken over by hand"
	default:
		f.Status = Kept
		f.Reason = "you have edited it; --force replaces it and keeps yours beside it"
		return
	}
	f.Backup = p.backup(f.Path)
}

// backup is a name beside path that is not taken.
func (p *Plan) backup(path string) string {
	name := path + ".bak"
	for i := 2; ; i++ {
		if _, err := os.Lstat(filepath.Join(p.Dir, filepath.FromSlash(name))); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s.bak%d", path, i)
	}
}

func (p *Plan) config(c Choices) (File, error) {
	f, err := p.read(path.Join(site.Folder, site.ConfigFile))
	if err != nil {
		return f, err
	}
	p.Config = c.Config
	if f.old != nil {
		existing, err := site.Parse(f.Path, f.old)
		switch {
		case err == nil:
			p.Config = merge(cleared(existing, c.Clear), c.Config)
			if p.Config.Equal(existing) {
				f.becomes(f.old) // the same values: the file's own formatting stays
				return f, nil
			}
		case c.Force:
			f.Backup, f.Reason = p.backup(f.Path), "replaced by --force: it was not valid"
		default:
			return f, fault.New(fault.Usage, cmp.Or(fault.HintOf(err), "mend it, or replace it with --force"), "%w", err)
		}
	}
	p.Config.Schema = cmp.Or(p.Config.Schema, site.SchemaURL)
	if err := p.Config.Validate(); err != nil {
		return f, err
	}
	f.becomes(p.Config.Marshal())
	return f, nil
}

func cleared(c site.Config, keys []string) site.Config {
	for _, key := range keys {
		switch key {
		case "domainName":
			c.DomainName, c.DomainNames, c.HostedZoneID = "", nil, ""
		case "hostedZoneId":
			c.HostedZoneID = ""
		case "s3path":
			c.S3Path = ""
		}
	}
	return c
}

// merge lays what was chosen over what is there. A site has one source: choosing one drops the other.
func merge(existing, chosen site.Config) site.Config {
	if chosen.Zips() {
		existing.RepoURL, existing.BranchName = "", ""
	}
	if chosen.SiteName != "" {
		existing.S3Bucket = ""
	}
	if chosen.S3Bucket != "" {
		existing.SiteName = ""
	}
	if chosen.RepoURL != "" {
		existing.S3Bucket, existing.S3Path, existing.SiteName = "", "", ""
	}
	paths := existing.Paths
	if chosen.Paths != nil {
		paths = chosen.Paths
	}
	if chosen.Zips() {
		paths = nil
	}
	domains := existing.DomainNames
	if chosen.DomainName != "" {
		domains = chosen.DomainNames // whoever names domains names them all
	}
	return site.Config{
		Schema:              cmp.Or(chosen.Schema, existing.Schema),
		Target:              cmp.Or(chosen.Target, existing.Target),
		RepoURL:             cmp.Or(chosen.RepoURL, existing.RepoURL),
		BranchName:          cmp.Or(chosen.BranchName, existing.BranchName),
		Paths:               paths,
		S3Bucket:            cmp.Or(chosen.S3Bucket, existing.S3Bucket),
		SiteName:            cmp.Or(chosen.SiteName, existing.SiteName),
		S3Path:              cmp.Or(chosen.S3Path, existing.S3Path),
		Framework:           cmp.Or(chosen.Framework, existing.Framework),
		Routing:             cmp.Or(chosen.Routing, existing.Routing),
		DomainName:          cmp.Or(chosen.DomainName, existing.DomainName),
		DomainNames:         domains,
		WWWPartner:          cmp.Or(chosen.WWWPartner, existing.WWWPartner),
		HostedZoneID:        cmp.Or(chosen.HostedZoneID, existing.HostedZoneID),
		KeepReleases:        cmp.Or(chosen.KeepReleases, existing.KeepReleases),
		BuildTimeoutMinutes: cmp.Or(chosen.BuildTimeoutMinutes, existing.BuildTimeoutMinutes),
		PollSeconds:         cmp.Or(chosen.PollSeconds, existing.PollSeconds),
	}
}

func (p *Plan) build(c Choices) (File, error) {
	f, err := p.read(path.Join(site.Folder, site.BuildFile))
	if err != nil {
		return f, err
	}
	var text []byte
	if c.Template != nil && c.Template.Build != nil {
		text = unsigned(c.Template.Build)
	} else if text, err = Buildspec(c.Build, c.Subdir); err != nil {
		return f, err
	}
	if buildspec.Upstream(f.old) && !c.Force && !c.Reframed && c.Template == nil {
		p.convert(&f)
		return f, nil
	}
	f.becomes(sign("#", text))
	p.protect(&f, c)
	return f, nil
}

// convert turns a build file of the upstream toolkit, which copies the site into a bucket, into one that names its artifacts.
func (p *Plan) convert(f *File) {
	text, changes, err := buildspec.Convert(f.old)
	if err != nil {
		f.Status, f.Reason = Kept, err.Error()+": --force replaces the file and keeps yours beside it"
		return
	}
	f.becomes(text)
	f.Status, f.Backup = Converted, p.backup(f.Path)
	f.Reason = "it was the upstream toolkit's: " + strings.Join(changes, "; ")
}

func (p *Plan) function(c Choices) (File, error) {
	f, err := p.read(path.Join(site.Folder, site.FunctionFile))
	if err != nil {
		return f, err
	}
	if c.Template != nil && c.Template.Function != nil {
		f.becomes(sign("//", unsigned(c.Template.Function)))
		p.protect(&f, c)
		return f, nil
	}
	wanted := cmp.Or(p.Config.Routing, site.RoutingStatic)
	if wanted == site.RoutingCustom {
		if f.old != nil {
			f.becomes(f.old)
			return f, nil
		}
		wanted = site.RoutingStatic // a working function to begin with
	}
	code, err := routing.Code(wanted)
	if err != nil {
		return f, err
	}
	f.becomes(sign("//", []byte(code)))
	p.protect(&f, c)
	if f.Status == Kept && bytes.Contains(f.old, []byte(upstreamKVS)) {
		f.Reason = "it is the upstream toolkit's, and works as it is; --force replaces it with this toolkit's and keeps yours beside it"
		theirs := functiontest.Function{Name: site.FunctionFile, Code: string(unixLines(f.old))}
		if line, err := functiontest.HidesFiles(context.Background(), theirs); err == nil && line != "" {
			f.Reason = "it is the upstream toolkit's, and kept; " + line
		}
	}
	return f, nil
}

// upstreamKVS is the placeholder for the key-value store in functions of the upstream toolkit.
const upstreamKVS = "__KVS_ID__"

// ignored is the line for .gitignore: logs that upstream, or a person, keeps in the toolkit's folder.
const ignored = site.Folder + "/*.log"

func (p *Plan) gitignore(Choices) (File, error) {
	f, err := p.read(".gitignore")
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(f.old)) {
		switch strings.TrimPrefix(strings.TrimSpace(line), "/") {
		case ignored, "*.log", "**/*.log":
			f.becomes(f.old)
			return f, nil
		}
	}
	text := append([]byte{}, f.old...)
	newline := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		newline = "\r\n"
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, newline...)
	}
	f.becomes(append(text, ignored+newline...))
	return f, nil
}

func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }
