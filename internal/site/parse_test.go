package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

func TestParse(t *testing.T) {
	git := site.Config{RepoURL: "https://github.com/O/R.git", BranchName: "main"}
	with := func(change func(*site.Config)) site.Config { c := git; change(&c); return c }
	const source = `"repoUrl": "https://github.com/O/R.git", "branchName": "main"`
	tests := map[string]struct {
		text string
		want site.Config
	}{
		"upstream's git configuration": {
			"{\n    \"repoUrl\": \"https://github.com/O/R.git\",\n    \"branchName\": \"main\",\n    \"framework\": \"reactjs\"\n}",
			with(func(c *site.Config) { c.Framework = "reactjs" })},
		"upstream's user template": {`{` + source + `, "framework": "my own-Thing"}`, with(func(c *site.Config) { c.Framework = "my own-Thing" })},
		"upstream's domain": {`{` + source + `, "domainName": "www.example.com", "hostedZoneId": "Z0123456789ABC"}`,
			with(func(c *site.Config) { c.DomainName, c.HostedZoneID = "www.example.com", "Z0123456789ABC" })},
		"upstream's zip configuration": {`{"s3bucket": "my-bucket", "s3path": "sites/a"}`, site.Config{S3Bucket: "my-bucket", S3Path: "sites/a"}},
		"zone as the API returns it": {`{` + source + `, "domainName": "a.b", "hostedZoneId": "/hostedzone/Z1"}`,
			with(func(c *site.Config) { c.DomainName, c.HostedZoneID = "a.b", "/hostedzone/Z1" })},
		"a bucket to be made": {`{"siteName": "hello-3f9a2c71", "s3path": "in"}`, site.Config{SiteName: "hello-3f9a2c71", S3Path: "in"}},
		"a bucket's root":     {`{"s3bucket": "my-bucket"}`, site.Config{S3Bucket: "my-bucket"}},
		"paths": {`{` + source + `, "paths": ["apps/web/**", "packages/[a-c]*/**", "package.json"]}`,
			with(func(c *site.Config) { c.Paths = []string{"apps/web/**", "packages/[a-c]*/**", "package.json"} })},
		"byte order mark":   {"\ufeff{" + source + "}", git},
		"empty strings":     {`{` + source + `, "domainName": "", "framework": ""}`, git},
		"the folder itself": {`{"repoUrl": ".", "branchName": "feature/a"}`, site.Config{RepoURL: ".", BranchName: "feature/a"}},
		"every key of the tool": {`{"$schema": "x", "target": "aws", ` + source + `, "routing": "custom", "keepReleases": 3, "buildTimeoutMinutes": 5, "pollSeconds": 1}`, with(func(c *site.Config) {
			c.Schema, c.Target, c.Routing = "x", site.AWS, site.RoutingCustom
			c.KeepReleases, c.BuildTimeoutMinutes, c.PollSeconds = 3, 5, 1
		})},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := site.Parse("c.json", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			again, err := site.Parse("c.json", got.Marshal())
			if err != nil || !again.Equal(got) {
				t.Errorf("marshalled and parsed again: %+v, %v", again, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const source = `"repoUrl": "https://github.com/O/R", "branchName": "main"`
	tests := map[string]struct{ text, want, hint string }{
		"empty":                {"  \n", "c.json:1:1: the file is empty", "init"},
		"not JSON":             {"{\n  repoUrl: 1}", "c.json:2:3: invalid JSON: invalid character 'r'", ""},
		"a comment":            {"{\n  // the source\n}", "c.json:2:3: invalid JSON", "no comments"},
		"single quotes":        {"{\n  'a': 1}", "c.json:2:3: invalid JSON", "double quotes"},
		"trailing comma":       {"{\"target\": \"aws\",\n}", "c.json:2:1: invalid JSON", "remove the comma"},
		"missing comma":        {"{\"target\": \"aws\"\n \"repoUrl\": \"\"}", "c.json:2:2: invalid JSON", "comma missing"},
		"cut off":              {"{\n\"target\": ", "c.json:2:11: invalid JSON: unexpected end", ""},
		"trailing data":        {"{" + source + "}\n{}", "c.json:2:1: invalid JSON: invalid character '{' after top-level value", ""},
		"an array":             {" [1]", "c.json:1:2: expected an object {…}, found an array", ""},
		"a number":             {"-12.5e3", "c.json:1:1: expected an object {…}, found the number -12.5e3", ""},
		"UTF-16":               {"\xff\xfe{\x00}\x00", "c.json:1:1: the file is UTF-16", "UTF-8"},
		"Latin-1":              {"{\"framework\": \"caf\xe9\"}", "c.json:1:19: the text is not valid UTF-8", "UTF-8"},
		"far too large":        {strings.Repeat(" ", 1<<20+1), "larger than 1024 KiB", ""},
		"unknown, near":        {"{" + source + ",\n  \"domain\": \"a.b\"}", `c.json:2:3: unknown key "domain", did you mean "domainName"?`, ""},
		"unknown, misspelt":    {"{" + source + ",\n  \"domainNmae\": \"a.b\"}", `c.json:2:3: unknown key "domainNmae", did you mean "domainName"?`, ""},
		"unknown, other case":  {"{" + source + ",\n  \"REPOURL\": \"a.b\"}", `c.json:2:3: unknown key "REPOURL", did you mean "repoUrl"?`, ""},
		"unknown, far":         {"{" + source + ",\n  \"colour\": \"red\"}", `c.json:2:3: unknown key "colour", the keys are $schema, target`, ""},
		"twice":                {"{" + source + ",\n \"branchName\": \"x\"}", `c.json:2:2: key "branchName" is given twice`, ""},
		"string wanted":        {"{" + source + ",\n \"target\": 7}", `c.json:2:12: "target": expected a string, found the number 7`, ""},
		"string, null":         {"{" + source + ",\n \"target\": null}", `c.json:2:12: "target": expected a string, found null`, ""},
		"string, object":       {"{" + source + ",\n \"target\": {\"a\": [1]}}", `c.json:2:12: "target": expected a string, found an object`, ""},
		"number wanted":        {"{" + source + ",\n \"keepReleases\": \"7\"}", `c.json:2:18: "keepReleases": expected a whole number, found a string`, ""},
		"whole number":         {"{" + source + ",\n \"keepReleases\": 1.5}", `c.json:2:18: "keepReleases": expected a whole number, found the number 1.5`, ""},
		"boolean":              {"{" + source + ",\n \"keepReleases\": true}", `expected a whole number, found a boolean`, ""},
		"zero":                 {"{" + source + ",\n \"keepReleases\": 0}", `c.json:2:18: "keepReleases": expected a number from 1 to 1000, found 0`, ""},
		"too many":             {"{" + source + ",\n \"keepReleases\": 1001}", `from 1 to 1000, found 1001`, ""},
		"negative":             {"{" + source + ",\n \"pollSeconds\": -1}", `from 1 to 86400, found -1`, ""},
		"build time":           {"{" + source + ",\n \"buildTimeoutMinutes\": 9999}", `from 1 to 2160, found 9999`, ""},
		"target":               {"{" + source + ",\n \"target\": \"cloud\"}", `c.json:2:12: "target": expected "local" or "aws", found "cloud"`, ""},
		"routing":              {"{" + source + ",\n \"routing\": \"SPA\"}", `expected "spa", "static" or "custom", found "SPA"`, ""},
		"column in characters": {"{\"framework\": \"é€\", \"x\": 1}", `c.json:1:21: unknown key "x"`, ""},
		"column after a BOM":   {"\ufeff{\"x\": 1}", `c.json:1:3: unknown key "x"`, ""},

		"no source":            {"{\"target\": \"aws\"}", `c.json:1:1: the site has no source`, "one source"},
		"two sources":          {"{" + source + ",\n \"s3bucket\": \"abc\"}", `c.json:2:14: the site has both`, "one source"},
		"no branch":            {"{\"repoUrl\": \".\"}", `c.json:1:13: "branchName" is missing`, "main"},
		"no repository":        {"{\"branchName\": \"main\"}", `c.json:1:16: "repoUrl" is missing`, ""},
		"no bucket":            {"{\"s3path\": \"a\"}", `c.json:1:12: "s3bucket" is missing`, ""},
		"bucket and name":      {"{\"s3bucket\": \"abc\", \"siteName\": \"abc\"}", `c.json:1:33: the site has both a bucket and a name`, "one source"},
		"repository and name":  {"{" + source + ", \"siteName\": \"abc\"}", `the site has both a repository and a name`, "one source"},
		"a name too long":      {"{\"siteName\": \"a23456789-123456789-1\"}", `is not a name`, "at most 20"},
		"bucket as URL":        {"{\"s3bucket\": \"s3://a\"}", `"s3://a" is not a bucket name`, "without s3://"},
		"bucket as address":    {"{\"s3bucket\": \"10.0.0.1\"}", `is not a bucket name`, ""},
		"prefix with newline":  {"{\"s3bucket\": \"abc\", \"s3path\": \"a\\nb\"}", `is not a key prefix`, ""},
		"branch as ref":        {"{\"repoUrl\": \".\", \"branchName\": \"refs/heads/main\"}", `without "refs/heads/"`, ""},
		"branch, option":       {"{\"repoUrl\": \".\", \"branchName\": \"-x\"}", `begins with a hyphen`, ""},
		"branch, space":        {"{\"repoUrl\": \".\", \"branchName\": \"a b\"}", `a character that git does not allow`, ""},
		"branch, dots":         {"{\"repoUrl\": \".\", \"branchName\": \"a..b\"}", `a sequence that git does not allow`, ""},
		"branch, lock":         {"{\"repoUrl\": \".\", \"branchName\": \"a/b.lock\"}", `the part "b.lock"`, ""},
		"branch, HEAD":         {"{\"repoUrl\": \".\", \"branchName\": \"HEAD\"}", `a name for the current commit`, ""},
		"repository, option":   {"{\"repoUrl\": \"--upload-pack=x\", \"branchName\": \"m\"}", `does not begin with a hyphen`, ""},
		"repository, helper":   {"{\"repoUrl\": \"ext::sh -c x/y\", \"branchName\": \"m\"}", `remote helpers`, ""},
		"repository, scheme":   {"{\"repoUrl\": \"s3://bucket/x\", \"branchName\": \"m\"}", `git cannot fetch over s3`, ""},
		"repository, no path":  {"{\"repoUrl\": \"https://github.com/\", \"branchName\": \"m\"}", `no host or no path`, ""},
		"repository, secret":   {"{\"repoUrl\": \"https://a:b@h/r\", \"branchName\": \"m\"}", `holds a password or token`, "credential helper"},
		"repository, token":    {"{\"repoUrl\": \"https://ghp_abc@github.com/o/r\", \"branchName\": \"m\"}", `holds a password or token`, ""},
		"repository, file URL": {"{\"repoUrl\": \"file://srv/r\", \"branchName\": \"m\"}", `three slashes`, ""},

		"domain as URL":      {"{" + source + ",\n \"domainName\": \"https://a.b\"}", `c.json:2:16: "domainName": "https://a.b" is not a domain name: it is a URL`, "bare name"},
		"domain, wildcard":   {"{" + source + ",\n \"domainName\": \"*.a.b\"}", `wildcards`, ""},
		"domain, one label":  {"{" + source + ",\n \"domainName\": \"intranet\"}", `has no dot`, ""},
		"domain, dot":        {"{" + source + ",\n \"domainName\": \"a.b.\"}", `ends with a dot`, ""},
		"domain, address":    {"{" + source + ",\n \"domainName\": \"1.2.3.4\"}", `is an address`, ""},
		"domain, underscore": {"{" + source + ",\n \"domainName\": \"a_b.c\"}", `"a_b" is not a label`, ""},
		"domain, unicode":    {"{" + source + ",\n \"domainName\": \"münchen.de\"}", `this one as xn--mnchen-3ya.de`, ""},
		"domain, no such":    {"{" + source + ",\n \"domainName\": \"\u2028.de\"}", `in their xn-- form, and this one has none`, ""},
		"domain, long label": {"{" + source + ",\n \"domainName\": \"" + strings.Repeat("a", 64) + ".de\"}", `is not a label`, ""},
		"domain, long":       {"{" + source + ",\n \"domainName\": \"" + strings.Repeat("a.", 130) + "de\"}", `longer than 253`, ""},
		"zone":               {"{" + source + ",\n \"domainName\": \"a.b\", \"hostedZoneId\": \"a.b\"}", `"hostedZoneId": expected the id of a hosted zone`, "list-hosted-zones"},
		"zone alone":         {"{" + source + ",\n \"hostedZoneId\": \"Z1\"}", `a hosted zone needs a "domainName"`, ""},

		"domains alone":     {"{" + source + ",\n \"domainNames\": [\"a.b\"]}", `c.json:2:17: "domainNames": further names need a "domainName"`, "known by"},
		"domains, text":     {"{" + source + ",\n \"domainName\": \"a.b\", \"domainNames\": \"c.d\"}", `"domainNames": expected a list of strings`, ""},
		"domains, empty":    {"{" + source + ",\n \"domainName\": \"a.b\", \"domainNames\": [\"\"]}", `"domainNames": "" is not a domain name: it is empty`, "bare name"},
		"domains, wildcard": {"{" + source + ",\n \"domainName\": \"a.b\", \"domainNames\": [\"*.a.b\"]}", `"*.a.b" is not a domain name: wildcards`, "each name"},
		"domains, twice":    {"{" + source + ",\n \"domainName\": \"a.b\", \"domainNames\": [\"A.b\"]}", `"domainNames": "a.b" is given twice`, "remove"},
		"domains, too many": {manyDomains(51), `"domainNames": 102 names with their www partners, and a CloudFront distribution takes 100`, "wwwPartner"},
		"domains, too long": {longDomains(20), `"domainNames": 4968 characters with their www partners, and CloudFormation takes 4096`, "second site"},
		"partner":           {"{" + source + ",\n \"wwwPartner\": \"yes\"}", `"wwwPartner": expected "redirect" or "none", found "yes"`, ""},

		"paths, text":     {"{" + source + ",\n \"paths\": \"a/**\"}", `c.json:2:11: "paths": expected a list of strings, found a string`, ""},
		"paths, numbers":  {"{" + source + ",\n \"paths\": [1]}", `c.json:2:11: "paths": expected a list of strings`, ""},
		"paths, empty":    {"{" + source + ",\n \"paths\": [\"a\", \"\"]}", `c.json:2:11: "paths": a glob is empty`, "apps/web/**"},
		"paths, absolute": {"{" + source + ",\n \"paths\": [\"/a/**\"]}", `"/a/**" is not a glob of the repository's files`, "relative"},
		"paths, outside":  {"{" + source + ",\n \"paths\": [\"a/../../b\"]}", `is not a glob`, ""},
		"paths, comma":    {"{" + source + ",\n \"paths\": [\"{a,b}/**\"]}", `is not a glob`, ""},
		"paths, bracket":  {"{" + source + ",\n \"paths\": [\"a[b\"]}", `a bracket that is not closed`, ""},
		"paths, long":     {"{" + source + ",\n \"paths\": [\"" + strings.Repeat("a", 256) + "\"]}", `is longer than 255`, ""},
		"paths, too many": {"{" + source + ",\n \"paths\": [" + strings.Repeat(`"a", `, 8) + "\"b\"]}", `9 globs, and CodePipeline takes 8`, "join"},
		"paths of a zip":  {"{\"s3bucket\": \"abc\", \"paths\": [\"a/**\"]}", `fed by zip files`, ""},

		"two at once": {"{" + source + ",\n \"target\": \"x\",\n \"routing\": \"y\"}", "c.json:2:12: \"target\": expected \"local\" or \"aws\", found \"x\"\nc.json:3:13: \"routing\"", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := site.Parse("c.json", []byte(tc.text))
			if err == nil {
				t.Fatal("no error")
			}
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("kind of %v is not Usage", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error:\n%v\nwant:\n%s", err, tc.want)
			}
			if !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("hint %q lacks %q", fault.HintOf(err), tc.hint)
			}
		})
	}
}

func TestRepositoriesThatAreAccepted(t *testing.T) {
	for _, url := range []string{
		"https://github.com/O/R.git", "git@github.com:O/R.git", "ssh://git@h:2222/a b", "git://h/r", "file:///srv/r.git",
		"https://alice@bitbucket.org/alice/site.git", "host:r", "/srv/my repositories/r", ".", "..", "../site", `C:\work\site`, "[::1]:r",
	} {
		c := site.Config{RepoURL: url, BranchName: "main"}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestValidateWithoutAFile(t *testing.T) {
	err := site.Config{RepoURL: ".", BranchName: "main", Target: "x"}.Validate()
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), `"target": expected "local" or "aws"`) {
		t.Errorf("got %v", err)
	}
}

func TestMarshal(t *testing.T) {
	got := string(site.Config{Target: site.Local, RepoURL: "https://h/r?a=1&b=2", BranchName: "main", Routing: site.RoutingSPA}.Marshal())
	want := "{\n  \"target\": \"local\",\n  \"repoUrl\": \"https://h/r?a=1&b=2\",\n  \"branchName\": \"main\",\n  \"routing\": \"spa\"\n}\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"repoUrl": ".", "branchName": "main"}`))
	f.Add([]byte("\ufeff{\"a\": [1, {\"b\": null}], \"a\": -0.5e9}"))
	f.Add([]byte("{}x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := site.Parse("c.json", data)
		if err != nil {
			return
		}
		if again, err := site.Parse("c.json", c.Marshal()); err != nil || !again.Equal(c) {
			t.Errorf("%q: parsed again: %+v, %v, want %+v", data, again, err, c)
		}
	})
}

// project makes a folder with the given files, relative to it, and returns its path.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
