package step

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// ReleaseID is the id under which to publish: the one that the pipeline gives, and for a zip file one that is valid whatever
// S3 calls the version.
func ReleaseID(given string) string {
	if site.IsZipRelease(given) {
		return site.ZipRelease(given)
	}
	return given
}

// Folder is the folder to publish of what the build stage hands on. "Compress" on macOS and on Windows packs a folder, and
// CodeBuild unpacks it as one: if it is the only thing that a zip file held, and index.html is directly in it, it is the site.
// So it is with zip files on the local target, too.
func Folder(dir, release string) (string, error) {
	if !site.IsZipRelease(release) {
		return dir, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read what was built: %w", err)
	}
	only := ""
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == "__MACOSX" || strings.HasPrefix(name, ".") || name == site.Folder:
			// never published
		case only != "" || !e.IsDir():
			return dir, nil
		default:
			only = filepath.Join(dir, name)
		}
	}
	if info, err := os.Lstat(filepath.Join(only, "index.html")); only == "" || err != nil || !info.Mode().IsRegular() {
		return dir, nil
	}
	return only, nil
}
