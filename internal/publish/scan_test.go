package publish_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// links makes symbolic links in dir: "a->b" points a at b.
func links(t *testing.T, dir string, links ...string) {
	t.Helper()
	for _, l := range links {
		name, target, _ := strings.Cut(l, "->")
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.FromSlash(target), name); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
}

// scanned publishes dir and returns the paths of the release.
func scanned(t *testing.T, dir string) (paths, leftOut []string, err error) {
	t.Helper()
	b := newBucket(t)
	res, err := b.Publish(t.Context(), publish.Request{Dir: dir, ID: "v1"})
	for _, key := range b.keys("v1/") {
		paths = append(paths, strings.TrimPrefix(key, "v1/"))
	}
	return paths, res.LeftOut, err
}

func TestScanTakes(t *testing.T) {
	tests := map[string]struct {
		files, links, want, leftOut []string
	}{
		"names of any kind": {
			files: []string{"index.html", "with space.html", "grüße/日本.html", "a+b&c%.txt", "[id].html", "-x", "_headers"},
			want:  []string{"-x", "[id].html", "_headers", "a+b&c%.txt", "grüße/日本.html", "index.html", "with space.html"},
		},
		"defect 17: dotfiles and the toolkit's folder": {
			files: []string{"index.html", ".env", ".github/x.yml", "sub/.htaccess", ".well-known/assetlinks.json", ".well-known/.secret",
				"cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-build.yml", "sub/cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json",
				"docs/cloudfront-hosting-toolkit/index.html"},
			want: []string{".well-known/assetlinks.json", "docs/cloudfront-hosting-toolkit/index.html", "index.html"},
			leftOut: []string{".env", ".github/", ".well-known/.secret", "cloudfront-hosting-toolkit/", "sub/.htaccess",
				"sub/cloudfront-hosting-toolkit/"},
		},
		"links inside the folder": {
			files: []string{"real/index.html", "real/a.txt"},
			links: []string{"index.html->real/index.html", "copy->real", "real/up.txt->../real/a.txt"},
			want:  []string{"copy/a.txt", "copy/index.html", "copy/up.txt", "index.html", "real/a.txt", "real/index.html", "real/up.txt"},
		},
		"links to what is left out": {
			files: []string{"index.html", ".git/config", "cloudfront-hosting-toolkit/x"},
			links: []string{"config.txt->.git/config", "git->.git", "tool->cloudfront-hosting-toolkit/x"},
			want:  []string{"index.html"}, leftOut: []string{".git/", "cloudfront-hosting-toolkit/", "config.txt", "git", "tool"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, tc.files...)
			links(t, dir, tc.links...)
			paths, leftOut, err := scanned(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "paths", tc.want, paths)
			equal(t, "left out", tc.leftOut, leftOut)
		})
	}
}

func TestScanRefuses(t *testing.T) {
	tests := map[string]struct {
		files, links []string
		says, hint   string
	}{
		"empty folder":           {nil, nil, "has no files", "run the build"},
		"only dotfiles":          {[]string{".env=x"}, nil, "has no files", ".env"},
		"no entry page":          {[]string{"about.html", "a/b/index.html"}, nil, "no index.html", "build writes to"},
		"entry page in dist":     {[]string{"package.json", "dist/index.html", "docs/index.html"}, nil, "no index.html", "dist"},
		"entry page of one case": {[]string{"Index.html"}, nil, "no index.html", "rename Index.html"},
		"link out, relative":     {[]string{"index.html"}, []string{"out->../"}, `"out"`, "remove"},
		"link out, absolute":     {[]string{"index.html"}, []string{"sub/passwd->/"}, `"sub/passwd"`, "remove"},
		"link to nothing":        {[]string{"index.html"}, []string{"gone->nowhere"}, `"gone"`, "remove"},
		"link to itself":         {[]string{"index.html"}, []string{"loop->loop"}, `"loop"`, "remove"},
		"link to a folder above": {[]string{"index.html", "a/b/c"}, []string{"a/b/up->../../a"}, `"a/b/up`, "remove"},
		"control character":      {[]string{"index.html", "a\nb.html"}, nil, `"a\nb.html"`, "rename"},
		"backslash":              {[]string{"index.html", `a\b.html`}, nil, `backslash`, "rename"},
		"invalid UTF-8":          {[]string{"index.html", "a\xffb.html"}, nil, `"a\xffb.html"`, "rename"},
		"path too long":          {[]string{"index.html", strings.Repeat("long-name/", 90) + "x"}, nil, "longer than", "rename"},
		"too deep":               {[]string{"index.html", strings.Repeat("d/", 130) + "x"}, nil, "folders deep", "rename"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" && (name == "invalid UTF-8" || name == "backslash" || name == "control character" || name == "path too long") {
				t.Skip("this system has no such names")
			}
			dir := folder(t, tc.files...)
			links(t, dir, tc.links...)
			_, _, err := scanned(t, dir)
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.HintOf(err), tc.hint) {
				t.Errorf("error %v with hint %q; want %q and %q", err, fault.HintOf(err), tc.says, tc.hint)
			}
		})
	}
}

func TestScanRefusesWhatIsNoFolder(t *testing.T) {
	dir := folder(t, "file=x")
	for _, d := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "none")} {
		if _, _, err := scanned(t, d); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), d) {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestScanFollowsALinkToTheFolderItself(t *testing.T) {
	dir := folder(t, "build-7/index.html=x")
	links(t, dir, "current->build-7")
	paths, _, err := scanned(t, filepath.Join(dir, "current"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "paths", []string{"index.html"}, paths)
}
