package site

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// maxFile is the largest of the three files that is read. It guards against a mistaken path, not against a long buildspec.
const maxFile = 1 << 20

// Site is a project folder with its configuration, ready to use.
type Site struct {
	// Dir is the absolute path of the project folder: the one that holds the toolkit's folder.
	Dir string
	// Config has the defaults applied and its values in their canonical form.
	Config Config
	// Repository is what git fetches: a URL, or the absolute path of the top level of a repository on this machine.
	// It is empty for a site that is fed by zip files.
	Repository string
	// Subdir is the project folder inside its repository, with slashes; empty if the project is the whole repository.
	Subdir string
}

// Load reads the configuration of the project in dir. Everything that is wrong with it is reported, each with its line,
// as a fault.Usage; a project without a configuration is one too, with the hint to run init. The repository itself is
// not asked for anything: a site whose repository has gone can still be shown, rolled back and deleted.
func Load(dir string) (*Site, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find project folder %s: %w", dir, err)
	}
	file := filepath.Join(dir, Folder, ConfigFile)
	data, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notConfigured(dir, abs)
	}
	if err != nil {
		return nil, err
	}
	config, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	return New(abs, config), nil
}

// New is the site of a configuration that has been validated, in the project folder dir (an absolute path).
func New(dir string, config Config) *Site {
	s := &Site{Dir: dir, Config: config.withDefaults()}
	if config.RepoURL != "" {
		s.Repository, s.Subdir = locate(dir, config.RepoURL)
	}
	return s
}

// notConfigured is the error for a folder without a configuration. A parent folder that has one is named: people run the
// tool from a subfolder.
func notConfigured(dir, abs string) error {
	for parent := filepath.Dir(abs); ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(filepath.Join(parent, Folder, ConfigFile)); err == nil {
			return fault.New(fault.Usage, "the project is in "+parent+": run the command there, or give --dir "+shellWord(parent),
				"%s has no %s/%s", dir, Folder, ConfigFile)
		}
		if parent == filepath.Dir(parent) {
			break
		}
	}
	return fault.New(fault.Usage, "run: cloudfront-hosting-toolkit init", "%s has no %s/%s", dir, Folder, ConfigFile)
}

// shellWord is a path as a shell takes it for one word.
func shellWord(path string) string {
	if !strings.ContainsAny(path, " \t'\"$&|;<>()*?[]#~`!") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// BuildFile is the absolute path of the buildspec, which need not exist.
func (s *Site) BuildFile() string { return filepath.Join(s.Dir, Folder, BuildFile) }

// FunctionFile is the absolute path of the function's code, which need not exist.
func (s *Site) FunctionFile() string { return filepath.Join(s.Dir, Folder, FunctionFile) }

// ConfigFile is the absolute path of the configuration.
func (s *Site) ConfigFile() string { return filepath.Join(s.Dir, Folder, ConfigFile) }

// Local reports whether the site's repository is a path on this machine.
func (s *Site) Local() bool { return filepath.IsAbs(s.Repository) }

// InRepository reports whether the project lies in the repository that is deployed, so that a commit in it is there at once. A clone
// has to push.
func (s *Site) InRepository() bool { return s.Local() && below(s.Repository, realPath(s.Dir)) }

// Keep is how many releases retention keeps.
func (s *Site) Keep() int {
	if s.Config.KeepReleases == 0 {
		return DefaultKeepReleases
	}
	return s.Config.KeepReleases
}

// BuildTimeout is how long a build may take.
func (s *Site) BuildTimeout() time.Duration {
	if s.Config.BuildTimeoutMinutes == 0 {
		return DefaultBuildTimeout
	}
	return time.Duration(s.Config.BuildTimeoutMinutes) * time.Minute
}

// Poll is how often a remote repository is asked for news.
func (s *Site) Poll() time.Duration {
	if s.Config.PollSeconds == 0 {
		return DefaultPoll
	}
	return time.Duration(s.Config.PollSeconds) * time.Second
}

// Function returns the code of the project's function file. Without the file it returns "": the toolkit's own function
// for the configured routing is meant; with routing "custom" the file's absence is an error. A byte order mark, which some
// editors write and no template holds, is not part of the code.
func (s *Site) Function() (string, error) {
	data, err := readFile(s.FunctionFile())
	if errors.Is(err, fs.ErrNotExist) {
		if s.Config.Routing == RoutingCustom {
			return "", fault.New(fault.Usage,
				`write the function there, or set "routing" to "spa" or "static" to use the toolkit's own`,
				"routing is %q, and %s/%s does not exist", RoutingCustom, Folder, FunctionFile)
		}
		return "", nil
	}
	return strings.TrimPrefix(string(data), "\ufeff"), err
}

// Buildspec returns the text of the project's build file, or nil if it has none.
func (s *Site) Buildspec() ([]byte, error) {
	data, err := readFile(s.BuildFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// readFile reads a file of the toolkit's folder. What a person can mend (a folder in its place, a file far too large) is
// a fault.Usage; fs.ErrNotExist stays recognisable.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Usage, "put a file in its place, or remove it", "%s is not a file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fault.New(fault.Usage, "is this the right file?", "%s is larger than %d KiB", path, maxFile>>10)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}
