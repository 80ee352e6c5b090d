// Package docs holds the documents up to the repository: what they link to and name is there. That the commands and flags in
// them exist is for internal/cli to say.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// files returns the files below the repository whose names end in suffix, relative to it; test data, and what git does not have,
// is left out.
func files(t *testing.T, suffix string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || rel != "." && strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{"bin", "dist", "demo"}, rel)):
			return filepath.SkipDir
		case !e.IsDir() && strings.HasSuffix(name, suffix):
			found = append(found, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// slug is the anchor that GitHub gives a heading.
func slug(title string) string {
	return strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

func TestLinksResolve(t *testing.T) {
	for _, document := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, document), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			other := document
			if path != "" {
				other = filepath.ToSlash(filepath.Join(filepath.Dir(document), path))
			}
			if _, err := os.Stat(filepath.Join(root, other)); err != nil {
				t.Errorf("%s links to %s, which is not there", document, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, other), ""), -1) {
				anchors = append(anchors, slug(h[1]))
			}
			if !slices.Contains(anchors, anchor) {
				t.Errorf("%s links to %s; the headings there are %q", document, m[1], anchors)
			}
		}
	}
}

// Each page of docs is named in its table of contents, by which people find it.
func TestEveryPageIsListed(t *testing.T) {
	for folder, contents := range map[string]string{"docs": "docs/README.md", "docs/decisions": "docs/decisions/README.md"} {
		text := read(t, contents)
		for _, page := range files(t, ".md") {
			if filepath.ToSlash(filepath.Dir(page)) == folder && page != contents && !strings.Contains(text, "]("+filepath.Base(page)+")") {
				t.Errorf("%s does not list %s", contents, page)
			}
		}
	}
}

// ofAWS are names that look like tests' and are AWS's.
var ofAWS = []string{"TestFunction", "TestResult"}

// Paths of the repository, targets of the Makefile and tests that a document names are there.
func TestWhatIsNamedIsThere(t *testing.T) {
	path := regexp.MustCompile("`((?:\\.ci|bench|cmd|docs|e2e|examples|internal|schema|scripts|test)/[\\w./-]*)`")
	target := regexp.MustCompile("(?m)(?:`|^    )make ([a-z0-9-]+)")
	test := regexp.MustCompile(`\bTest[A-Z]\w*(?:/\w+)?`)
	makefile := read(t, "Makefile")
	var tests strings.Builder
	for _, name := range files(t, ".go") {
		tests.WriteString(read(t, name))
	}
	for _, document := range files(t, ".md") {
		text := read(t, document)
		for _, m := range path.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s names make %s, which the Makefile has not", document, m[1])
			}
		}
		for _, name := range test.FindAllString(text, -1) {
			if !slices.Contains(ofAWS, name) {
				checkTest(t, document, name, tests.String())
			}
		}
	}
}

// checkTest looks for a test, and for its case by name.
func checkTest(t *testing.T, document, name, tests string) {
	t.Helper()
	test, part, _ := strings.Cut(name, "/")
	if !strings.Contains(tests, "func "+test+"(") && !strings.Contains(tests, "func "+test+"_") {
		t.Errorf("%s names %s, which no test has", document, test)
	}
	if part != "" && !strings.Contains(tests, `"`+part+`"`) && !strings.Contains(strings.ToLower(tests), "func "+strings.ToLower(part)+"(") {
		t.Errorf("%s names %s, and no case is called %s", document, name, part)
	}
}
