package cli

import (
	"context"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// shortLength is how much of a commit id is shown on a terminal.
const shortLength = 12

// short shortens an id that begins with a whole commit id (SHA-1 or SHA-256); "-2" and the like, which tell apart the
// releases of one commit, stay. Other ids are returned as they are.
func short(id string) string {
	commit, rest := id, ""
	if i := strings.IndexByte(id, '-'); i >= 0 {
		commit, rest = id[:i], id[i:]
	}
	if len(commit) != 40 && len(commit) != 64 || strings.Trim(commit, "0123456789abcdef") != "" {
		return id
	}
	return commit[:shortLength] + rest
}

// id is how an id is shown on standard output: short for people, whole for programs.
func (s *session) id(id string) string {
	if s.OutTerminal {
		return short(id)
	}
	return id
}

// namedRelease is findRelease among the site's releases. They are not asked for when the id is a whole commit id or empty.
// Where they cannot be listed, the user has to mean the id itself.
func namedRelease(ctx context.Context, t target, given string) (string, error) {
	if given == "" || short(given) != given {
		return given, nil
	}
	p, err := t.Publisher(ctx)
	if err != nil {
		return given, nil
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		return given, nil
	}
	return findRelease(releases, given)
}

// findRelease returns the id of the release that the user means: the id itself, its short form, or the beginning of just
// one. What means none is returned as it is, for the publisher to refuse.
func findRelease(releases []publish.Release, given string) (string, error) {
	var starts []string
	for _, r := range releases {
		if r.ID == given {
			return given, nil
		}
	}
	for _, r := range releases {
		if short(r.ID) == given {
			return r.ID, nil
		}
		if strings.HasPrefix(r.ID, given) {
			starts = append(starts, r.ID)
		}
	}
	switch {
	case len(starts) == 1:
		return starts[0], nil
	case len(starts) > 1:
		return "", usage("give more of the id", "%q is the beginning of %d releases: %s", given, len(starts), strings.Join(starts, ", "))
	}
	return given, nil
}
