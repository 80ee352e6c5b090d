package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// Template is a framework of the user's own: a folder with a build file, a function, or both, under the names that they have
// in a project. So a project's toolkit folder, copied, is a template; a configuration in it is not read.
type Template struct {
	Name string
	// Build and Function are the files' texts; nil for one that the template leaves to detection.
	Build    []byte
	Function []byte
}

var templateName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`)

// Templates names the templates in a folder, in order. A folder that does not exist has none.
func Templates(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	var names []string
	for _, e := range entries {
		if templateName.MatchString(e.Name()) && (exists(dir, e.Name(), site.BuildFile) || exists(dir, e.Name(), site.FunctionFile)) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func exists(elements ...string) bool {
	info, err := os.Stat(filepath.Join(elements...))
	return err == nil && info.Mode().IsRegular()
}

// LoadTemplate reads a template; nil if the folder has none of that name. One that cannot work is a fault.Usage: a build file
// that is no buildspec or names no artifacts, or a function that does not compile. A build file in upstream's form is
// converted.
func LoadTemplate(dir, name string) (*Template, error) {
	if dir == "" || !templateName.MatchString(name) {
		return nil, nil
	}
	t := &Template{Name: name}
	var err error
	if t.Build, err = templateFile(filepath.Join(dir, name, site.BuildFile)); err != nil {
		return nil, err
	}
	if t.Function, err = templateFile(filepath.Join(dir, name, site.FunctionFile)); err != nil {
		return nil, err
	}
	if t.Build == nil && t.Function == nil {
		return nil, nil
	}
	return t, t.check(dir)
}

func templateFile(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return unixLines(append([]byte{}, text...)), nil
}

// check holds the template against what would become of it in a project.
func (t *Template) check(dir string) error {
	if t.Build != nil {
		file := filepath.Join(dir, t.Name, site.BuildFile)
		if buildspec.Upstream(t.Build) {
			text, _, err := buildspec.Convert(t.Build)
			if err != nil {
				return fmt.Errorf("template %s: %w", t.Name, err)
			}
			t.Build = text
		}
		spec, err := buildspec.Parse(file, t.Build)
		if err != nil {
			return err
		}
		if spec.Artifacts == nil {
			return fault.New(fault.Usage, "say in an artifacts section which folder becomes the release", "%s: there is no artifacts section", file)
		}
	}
	if t.Function != nil {
		if _, err := cfjs.Compile(filepath.Join(dir, t.Name, site.FunctionFile), string(t.Function), cfjs.Options{}); err != nil {
			return err
		}
	}
	return nil
}
