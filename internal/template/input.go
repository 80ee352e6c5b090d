package template

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/routing"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// maxPipelineName is the length to which CodePipeline cuts a pipeline's name for the prefix of its artifacts.
const maxPipelineName = 20

// The bounds of BuildTimeoutMinutes, which are those of a CodeBuild project (CloudFormation Template Reference,
// "AWS::CodeBuild::Project").
const minBuildMinutes, maxBuildMinutes = 5, 480

// For returns what makes hosting.yaml the template of a site. The function is the site's own, or the toolkit's for the
// site's routing, with the redirects that follow from the site's names. A repository that is not at GitHub, GitLab or Bitbucket (a local one, for example) has no
// FullRepositoryId: that is enough for the local target, and not for a pipeline on AWS.
func For(s *site.Site) (Input, error) {
	code, err := s.Function()
	if err != nil {
		return Input{}, err
	}
	if code == "" {
		if code, err = routing.Code(s.Config.Routing); err != nil {
			return Input{}, err
		}
	}
	code = routing.WithRedirects(code, s.Names())
	params := Parameters{
		ParamSiteName:            s.Name(),
		ParamPipelineName:        pipelineName(s.Name()),
		ParamKeepReleases:        strconv.Itoa(s.Keep()),
		ParamBuildTimeoutMinutes: strconv.Itoa(buildMinutes(s.BuildTimeout())),
		ParamDomainNames:         domainNames(s),
		ParamRouting:             string(s.Config.Routing), // a loaded site always has one
	}
	spec, err := s.Buildspec()
	if err != nil {
		return Input{}, err
	}
	switch {
	case spec != nil && s.Config.Zips() && buildspec.IsPlain(spec):
		params[ParamBuildspecPath] = "" // a zip of built files has none, and needs none
	case spec != nil:
		params[ParamBuildspecPath] = path.Join(s.Subdir, site.Folder, site.BuildFile)
	case s.Subdir != "":
		params[ParamBuildspecPath], params[ParamSourceFolder] = "", s.Subdir
	default:
		params[ParamBuildspecPath] = ""
	}
	if s.Repository == "" {
		params[ParamSourceType] = "s3"
		params[ParamSourceBucketName] = s.Config.S3Bucket
		params[ParamSourcePrefix] = folderPrefix(s.Config.S3Path)
		return Input{FunctionCode: code, Behaviours: s.Config.Behaviours, Parameters: params}, nil
	}
	params[ParamSourceType] = "git"
	params[ParamBranchName] = s.Config.BranchName
	if len(s.Config.Paths) > 0 {
		params[ParamPathFilters] = strings.Join(s.Config.Paths, ",")
	}
	if provider, id, ok := hostedRepository(s.Repository); ok {
		params[ParamProviderType] = provider
		params[ParamFullRepositoryID] = id
	}
	return Input{FunctionCode: code, Behaviours: s.Config.Behaviours, Parameters: params}, nil
}

// domainNames are all names that the site answers to, those that are redirected included.
func domainNames(s *site.Site) string {
	var hosts []string
	for _, n := range s.Names() {
		hosts = append(hosts, n.Host)
	}
	return strings.Join(hosts, ",")
}

// pipelineName cuts a site's name to what CodePipeline keeps. The end stays, since it is a hash: no two sites share it.
func pipelineName(site string) string {
	if len(site) <= maxPipelineName {
		return site
	}
	const hash = 9 // with its hyphen
	end := site[len(site)-hash:]
	return strings.TrimRight(site[:maxPipelineName-hash], "-") + end
}

func buildMinutes(d time.Duration) int {
	minutes := int((d + time.Minute - 1) / time.Minute)
	return min(max(minutes, minBuildMinutes), maxBuildMinutes)
}

// folderPrefix is a path of the configuration as a prefix of keys: a folder, so that "a" does not also stand for "ab".
func folderPrefix(p string) string {
	if p = strings.Trim(p, "/"); p != "" {
		p += "/"
	}
	return p
}

// scp is the short form of an ssh address.
var scp = regexp.MustCompile(`^[\w.-]+@([\w.-]+):(.+)$`)

// hostedRepository returns the provider of a connection, and the repository's name there, with its upper and lower case.
func hostedRepository(repository string) (provider, id string, ok bool) {
	var host, where string
	if m := scp.FindStringSubmatch(repository); m != nil {
		host, where = m[1], m[2]
	} else if u, err := url.Parse(repository); err == nil {
		host, where = u.Hostname(), u.Path
	}
	provider = map[string]string{
		"github.com": "GitHub", "gitlab.com": "GitLab", "bitbucket.org": "Bitbucket",
	}[strings.TrimPrefix(strings.ToLower(host), "www.")]
	id = strings.TrimSuffix(strings.Trim(where, "/"), ".git")
	return provider, id, provider != "" && strings.Contains(id, "/")
}
