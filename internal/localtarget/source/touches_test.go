package source_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTouches(t *testing.T) {
	t.Parallel()
	repo := repository(t)
	write(t, filepath.Join(repo, "apps/web/a.txt"), "1")
	write(t, filepath.Join(repo, "apps/web/deep/er/b [x].txt"), "1")
	write(t, filepath.Join(repo, "package.json"), "1")
	first := commit(t, repo, "one")
	write(t, filepath.Join(repo, "apps/web/deep/er/b [x].txt"), "2")
	second := commit(t, repo, "one") // index.html stays
	git(t, repo, "rm", "-q", "package.json")
	git(t, repo, "commit", "-q", "-m", "three")
	third := git(t, repo, "rev-parse", "HEAD")
	m := mirror(t, repo)
	newest(t, m, true)
	tests := map[string]struct {
		from, to string
		globs    []string
		want     bool
	}{
		"below a folder":     {first, second, []string{"docs/**", "apps/web/**"}, true},
		"backwards":          {second, first, []string{"apps/web/**"}, true},
		"another folder":     {first, second, []string{"apps/api/**", "package.json"}, false},
		"a star, one level":  {first, second, []string{"apps/web/*"}, false},
		"two stars between":  {first, second, []string{"apps/**/*.txt"}, true},
		"a removed file":     {second, third, []string{"package.json"}, true},
		"a name in a folder": {second, third, []string{"apps/package.json"}, false},
		"the same commit":    {third, third, []string{"**"}, false},
		"across two commits": {first, third, []string{"package.json"}, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := m.Touches(t.Context(), tc.from, tc.to, tc.globs); err != nil || got != tc.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	if _, err := m.Touches(t.Context(), strings.Repeat("0", 39)+"1", third, []string{"**"}); err == nil {
		t.Error("a commit that is not there compares")
	}
}
