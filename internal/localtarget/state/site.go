package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Site is the folder of one site.
type Site string

// Name returns the site's name.
func (s Site) Name() string { return filepath.Base(string(s)) }

// File returns the file of the deployed configuration. A site exists if it does.
func (s Site) File() string { return filepath.Join(string(s), "site.json") }

// Template returns the file of the deployed template.
func (s Site) Template() string { return filepath.Join(string(s), "template.yaml") }

// Buildspec returns the copy of the build file that the project had when it was deployed.
func (s Site) Buildspec() string { return filepath.Join(string(s), "build.yml") }

// KV returns the file of the key-value store.
func (s Site) KV() string { return filepath.Join(string(s), "kv.json") }

// Bucket returns the folder of the hosting bucket.
func (s Site) Bucket() string { return filepath.Join(string(s), "bucket") }

// Source returns the bare repository that the site is deployed from; pushing to it deploys.
func (s Site) Source() string { return filepath.Join(string(s), "source.git") }

// SourceError returns the file that says why the repository cannot be reached; it exists as long as that is so.
func (s Site) SourceError() string { return filepath.Join(string(s), "source-error.txt") }

// PassedOver returns the file that names the newest commit if no execution was started for it, because it changes nothing
// within the site's paths: its id, a space, and its subject.
func (s Site) PassedOver() string { return filepath.Join(string(s), "passed-over.txt") }

// Drop returns the folder that zip files are copied into, of a site that is fed by them.
func (s Site) Drop() string { return filepath.Join(string(s), "drop") }

// DropLedger returns the file that remembers which of them were released.
func (s Site) DropLedger() string { return filepath.Join(string(s), "drop.json") }

// Executions returns the folder with the executions of the pipeline.
func (s Site) Executions() string { return filepath.Join(string(s), "executions") }

// Cache returns the folder of the cache that builds share.
func (s Site) Cache() string { return filepath.Join(string(s), "cache") }

// Work returns the folder for the work of running executions; it holds nothing that outlives them.
func (s Site) Work() string { return filepath.Join(string(s), "work") }

// FunctionLog returns the file with the output of the site's functions.
func (s Site) FunctionLog() string { return filepath.Join(string(s), "function.log") }

// Deployed is the deployed configuration of a site, as it is in site.json.
type Deployed struct {
	Site string `json:"site"`
	// Project is the absolute path of the project folder that the site was deployed from.
	Project string `json:"project"`
	// Repository is a URL or an absolute path; it may hold credentials and is never printed as it is.
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	// Subdir is the project folder inside the repository, with slashes; "" for its top.
	Subdir string      `json:"subdir,omitempty"`
	Config site.Config `json:"config"`
	// Parameters are the values of the template's parameters.
	Parameters map[string]string `json:"parameters"`
	// EnvFile is the absolute path of the file with variables for builds; empty if there is none. Values are never kept.
	EnvFile string `json:"envFile,omitempty"`
	// Pipeline is true once `deploy` has run: the branch is watched. A site that was only ever published to has none.
	Pipeline    bool      `json:"pipeline"`
	DeployedAt  time.Time `json:"deployedAt"`
	ToolVersion string    `json:"toolVersion,omitempty"`
}

// Keep returns how many releases retention keeps.
func (d *Deployed) Keep() int {
	if d.Config.KeepReleases > 0 {
		return d.Config.KeepReleases
	}
	return site.DefaultKeepReleases
}

// BuildTimeout returns the time limit of a build.
func (d *Deployed) BuildTimeout() time.Duration {
	if d.Config.BuildTimeoutMinutes > 0 {
		return time.Duration(d.Config.BuildTimeoutMinutes) * time.Minute
	}
	return site.DefaultBuildTimeout
}

// Poll returns how often a remote repository is asked for news.
func (d *Deployed) Poll() time.Duration {
	if d.Config.PollSeconds > 0 {
		return time.Duration(d.Config.PollSeconds) * time.Second
	}
	return site.DefaultPoll
}

// Load returns the deployed configuration; the error is a fault.NotDeployed if there is none.
func (s Site) Load() (*Deployed, error) {
	data, err := os.ReadFile(s.File())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotDeployed, "run deploy", "site %s is not deployed", s.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("read deployed configuration: %w", err)
	}
	var d Deployed
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.New(fault.Other, "run deploy, which writes it anew; releases are kept", "read deployed configuration %s: %w", s.File(), err)
	}
	if d.Site != s.Name() {
		return nil, fault.New(fault.Other, "run deploy, which writes it anew; releases are kept", "read deployed configuration %s: it names site %q", s.File(), d.Site)
	}
	return &d, nil
}

// Save replaces the deployed configuration. The site's folder must exist.
func (s Site) Save(d *Deployed) error {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write deployed configuration: %w", err)
	}
	return WriteFile(s.File(), append(data, '\n'))
}

// Create makes the site's folders that must exist before anything is written.
func (s Site) Create() error {
	for _, dir := range []string{string(s), s.Executions(), s.Bucket()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create site folder: %w", err)
		}
	}
	return nil
}
