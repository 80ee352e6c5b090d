package site

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Limits of the configuration's numbers. A build on AWS may take 36 hours at most (CodeBuild quotas).
const (
	maxKeepReleases = 1000
	maxBuildMinutes = 36 * 60
	maxPollSeconds  = 24 * 60 * 60
)

type problem struct{ key, text, hint string }

// problems are what is wrong with the values. given tells whether a key was written down: a number that was written as 0
// is wrong, one that is absent has a default.
func (c Config) problems(given func(key string) bool) []problem {
	var found []problem
	add := func(key, hint, format string, args ...any) {
		found = append(found, problem{key, fmt.Sprintf("%q: ", key) + fmt.Sprintf(format, args...), hint})
	}
	found = append(found, c.sourceProblems()...)
	if c.Target != "" && c.Target != Local && c.Target != AWS {
		add("target", "", "expected %q or %q, found %q", Local, AWS, c.Target)
	}
	switch c.Routing {
	case "", RoutingSPA, RoutingStatic, RoutingCustom:
	default:
		add("routing", "", "expected %q, %q or %q, found %q", RoutingSPA, RoutingStatic, RoutingCustom, c.Routing)
	}
	found = append(found, c.domainProblems()...)
	if why, hint := c.pathsProblem(); why != "" {
		add("paths", hint, "%s", why)
	}
	found = append(found, c.behaviourProblems()...)
	number := func(key string, value, most int) {
		if value < 0 || value > most || value == 0 && given(key) {
			add(key, "", "expected a number from 1 to %d, found %d", most, value)
		}
	}
	number("keepReleases", c.KeepReleases, maxKeepReleases)
	number("buildTimeoutMinutes", c.BuildTimeoutMinutes, maxBuildMinutes)
	number("pollSeconds", c.PollSeconds, maxPollSeconds)
	return found
}

// sourceProblems checks that there is one source: a branch of a repository, or zip files in a bucket.
func (c Config) sourceProblems() []problem {
	const choose = `a site has one source: "repoUrl" and "branchName", or "s3bucket" and "s3path"; with "siteName" instead of "s3bucket", deploy makes the bucket`
	repo, s3 := c.RepoURL != "" || c.BranchName != "", c.S3Bucket != "" || c.S3Path != ""
	switch {
	case repo && c.SiteName != "":
		return []problem{{"siteName", "the site has both a repository and a name for zip files", choose}}
	case c.S3Bucket != "" && c.SiteName != "":
		return []problem{{"siteName", "the site has both a bucket and a name for one that deploy makes", choose}}
	case c.SiteName != "":
		return c.bucketProblems()
	case repo && s3:
		return []problem{{"s3bucket", "the site has both a repository and a bucket", choose}}
	case !repo && !s3:
		return []problem{{"", `the site has no source: neither "repoUrl" nor "s3bucket" is there`, choose}}
	case s3 && c.S3Bucket == "":
		return []problem{{"s3path", `"s3bucket" is missing`, choose}}
	case s3:
		return c.bucketProblems()
	case c.RepoURL == "":
		return []problem{{"branchName", `"repoUrl" is missing`, choose}}
	case c.BranchName == "":
		return []problem{{"repoUrl", `"branchName" is missing`, `add "branchName", for example "main"`}}
	}
	var found []problem
	if why, hint := repositoryProblem(c.RepoURL); why != "" {
		found = append(found, problem{"repoUrl", `"repoUrl": ` + why, hint})
	}
	if why := branchProblem(c.BranchName); why != "" {
		found = append(found, problem{"branchName", fmt.Sprintf(`"branchName": %q is not a branch name: %s`, c.BranchName, why), ""})
	}
	return found
}

// bucketName is the rule of general purpose buckets (S3 User Guide, "General purpose bucket naming rules").
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// maxSiteName is what CodePipeline keeps of a pipeline's name where it names the artifacts.
const maxSiteName = 20

var siteName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$`)

func (c Config) bucketProblems() []problem {
	var found []problem
	if c.SiteName != "" {
		if !siteName.MatchString(c.SiteName) {
			found = append(found, problem{"siteName", fmt.Sprintf(`"siteName": %q is not a name`, c.SiteName),
				fmt.Sprintf("write at most %d lower-case letters, digits and hyphens, beginning with a letter", maxSiteName)})
		}
	} else if _, err := netip.ParseAddr(c.S3Bucket); !bucketName.MatchString(c.S3Bucket) || strings.Contains(c.S3Bucket, "..") || err == nil {
		found = append(found, problem{"s3bucket", fmt.Sprintf(`"s3bucket": %q is not a bucket name`, c.S3Bucket),
			"a bucket name has 3 to 63 lower-case letters, digits, dots and hyphens; write it without s3://"})
	}
	if len(c.S3Path) > 1000 || strings.ContainsFunc(c.S3Path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		found = append(found, problem{"s3path", fmt.Sprintf(`"s3path": %q is not a key prefix`, c.S3Path), ""})
	}
	return found
}

// Limits of a pipeline's file path filters (CodePipeline User Guide, "Quotas in AWS CodePipeline").
const (
	MaxPaths    = 8
	maxPathSize = 255
)

// pathsProblem says what is wrong with the path filters; "" if nothing is. A comma would end a filter in the template's
// parameter, and braces make no sense without one.
func (c Config) pathsProblem() (why, hint string) {
	if len(c.Paths) > 0 && c.Zips() {
		return "a site that is fed by zip files has no paths to watch", `remove "paths"`
	}
	if len(c.Paths) > MaxPaths {
		return fmt.Sprintf("%d globs, and CodePipeline takes %d", len(c.Paths), MaxPaths), "join some of them, like packages/**"
	}
	for _, glob := range c.Paths {
		hint = "write a glob relative to the top of the repository, like apps/web/**"
		switch {
		case glob == "":
			return "a glob is empty", hint
		case len(glob) > maxPathSize:
			return fmt.Sprintf("%q is longer than %d characters", glob, maxPathSize), ""
		case strings.HasPrefix(glob, "/"), strings.HasPrefix(glob, "./"), strings.ContainsAny(glob, `\,{}!`),
			strings.ContainsFunc(glob, func(r rune) bool { return r < ' ' || r == 0x7f }), slices.Contains(strings.Split(glob, "/"), ".."):
			return fmt.Sprintf("%q is not a glob of the repository's files", glob), hint
		case strings.Count(glob, "[") != strings.Count(glob, "]"):
			return fmt.Sprintf("%q has a bracket that is not closed", glob), ""
		}
	}
	return "", ""
}

// zoneID is the id as people have it (Z…) or as Route 53's API returns it (/hostedzone/Z…).
var zoneID = regexp.MustCompile(`^(?:/hostedzone/)?Z[A-Z0-9]{1,31}$`)

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// branchProblem applies the rules of git check-ref-format to a branch name.
func branchProblem(name string) string {
	switch {
	case strings.HasPrefix(name, "refs/"):
		return `write it without "refs/heads/"`
	case strings.HasPrefix(name, "-"):
		return "it begins with a hyphen"
	case name == "HEAD" || name == "@":
		return "it is a name for the current commit"
	case strings.ContainsAny(name, " ~^:?*[\\\x7f") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "it has a character that git does not allow"
	case strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, "."):
		return "it has a sequence that git does not allow"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return fmt.Sprintf("git does not allow the part %q", part)
		}
	}
	return ""
}

// withDefaults fills what is absent and brings values into their canonical form. $schema stays as written.
func (c Config) withDefaults() Config {
	if c.Target == "" {
		c.Target = Local
	}
	if c.Routing == "" {
		c.Routing = defaultRouting(c.Framework)
	}
	if c.KeepReleases == 0 {
		c.KeepReleases = DefaultKeepReleases
	}
	if c.BuildTimeoutMinutes == 0 {
		c.BuildTimeoutMinutes = int(DefaultBuildTimeout / time.Minute)
	}
	if c.PollSeconds == 0 {
		c.PollSeconds = int(DefaultPoll / time.Second)
	}
	c.DomainName = strings.ToLower(c.DomainName)
	c.DomainNames = slices.Clone(c.DomainNames)
	for i, name := range c.DomainNames {
		c.DomainNames[i] = strings.ToLower(name)
	}
	c.HostedZoneID = strings.TrimPrefix(c.HostedZoneID, "/hostedzone/")
	c.S3Path = strings.Trim(c.S3Path, "/")
	return c
}

// defaultRouting is the routing of a configuration that names none, as upstream's do not: upstream's names of the
// frameworks that make single-page applications mean spa, everything else is served file by file.
func defaultRouting(framework string) Routing {
	switch framework {
	case "reactjs", "vuejs", "angularjs":
		return RoutingSPA
	}
	return RoutingStatic
}

var releaseID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// ValidRelease returns a fault.Usage unless id can name a release: 1 to 128 letters, digits, dots, hyphens and
// underscores, the first a letter or digit, the last not a dot (Windows drops it). So an id is one path element, needs no
// encoding in a URL, and never collides with the bucket's own folders, which begin with an underscore.
func ValidRelease(id string) error {
	if releaseID.MatchString(id) && !strings.HasSuffix(id, ".") {
		return nil
	}
	return fault.New(fault.Usage,
		"use 1 to 128 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
		"%q cannot be the id of a release", id)
}
