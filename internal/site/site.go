// Package site is what the user configured: the three files of the toolkit's folder, loaded strictly, with defaults,
// and the names that follow from them.
package site

import (
	"bytes"
	"time"
)

// Folder is the toolkit's folder in a project; ConfigFile, BuildFile and FunctionFile are the files in it.
// The names are those of the upstream toolkit.
const (
	Folder       = "cloudfront-hosting-toolkit"
	ConfigFile   = "cloudfront-hosting-toolkit-config.json"
	BuildFile    = "cloudfront-hosting-toolkit-build.yml"
	FunctionFile = "cloudfront-hosting-toolkit-cff.js"
)

// Target is where a site is hosted.
type Target string

// The targets.
const (
	Local Target = "local"
	AWS   Target = "aws"
)

// Routing is how a request path finds its file.
type Routing string

// The routings. RoutingCustom means that the function file is the user's own.
const (
	RoutingSPA    Routing = "spa"
	RoutingStatic Routing = "static"
	RoutingCustom Routing = "custom"
)

// Config is the configuration file as it is written. Upstream's keys keep their names.
type Config struct {
	Schema     string `json:"$schema,omitempty"`
	Target     Target `json:"target,omitempty"`
	RepoURL    string `json:"repoUrl,omitempty"`
	BranchName string `json:"branchName,omitempty"`
	// Paths are globs of files in the repository, relative to its top, with slashes: a commit that changes none of them is
	// not deployed by itself. Without any, every commit is.
	Paths    []string `json:"paths,omitempty"`
	S3Bucket string   `json:"s3bucket,omitempty"`
	// SiteName is the name of a site whose zip files go into a bucket that deploy makes; it takes the place of S3Bucket.
	SiteName  string  `json:"siteName,omitempty"`
	S3Path    string  `json:"s3path,omitempty"`
	Framework string  `json:"framework,omitempty"`
	Routing   Routing `json:"routing,omitempty"`
	// DomainName is the name that the site is known by, DomainNames are further ones that serve it too.
	DomainName  string   `json:"domainName,omitempty"`
	DomainNames []string `json:"domainNames,omitempty"`
	// WWWPartner is what happens with the www partner of each name, see Names.
	WWWPartner   Partner `json:"wwwPartner,omitempty"`
	HostedZoneID string  `json:"hostedZoneId,omitempty"`
	// Behaviours are the user's own cache behaviours, before the site's own one.
	Behaviours []Behaviour `json:"behaviours,omitempty"`
	// KeepReleases is how many releases retention keeps; DefaultKeepReleases if it is 0.
	KeepReleases int `json:"keepReleases,omitempty"`
	// BuildTimeoutMinutes ends a build that runs longer; DefaultBuildTimeout if it is 0.
	BuildTimeoutMinutes int `json:"buildTimeoutMinutes,omitempty"`
	// PollSeconds is how often a remote repository is asked for news; DefaultPoll if it is 0. Local target only.
	PollSeconds int `json:"pollSeconds,omitempty"`
}

// Zips reports whether the site is fed by zip files instead of a repository.
func (c Config) Zips() bool { return c.S3Bucket != "" || c.SiteName != "" }

// Equal reports whether two configurations have the same values.
func (c Config) Equal(other Config) bool { return bytes.Equal(c.Marshal(), other.Marshal()) }

// Defaults of the configuration.
const (
	DefaultKeepReleases = 10
	DefaultBuildTimeout = 30 * time.Minute
	DefaultPoll         = 15 * time.Second
)

// SchemaURL is where the JSON schema of the configuration is published; init writes it into $schema, and editors complete
// and check the file with it.
const SchemaURL = "https://raw.githubusercontent.com/cloudfront-hosting-toolkit/toolkit/main/schema/cloudfront-hosting-toolkit-config.schema.json"
