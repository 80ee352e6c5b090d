package source_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A state folder that was copied while a fetch was at work may hold refs without the commits that they name. The next fetch
// mends that: what the user's repository has can be had again.
func TestFetchMendsAMirrorThatWasCopiedMeanwhile(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, dir, commit string){
		"the newest commit": func(t *testing.T, dir, commit string) {
			if err := os.Remove(filepath.Join(dir, "objects", commit[:2], commit[2:])); err != nil {
				t.Fatal(err)
			}
		},
		"all objects": func(t *testing.T, dir, _ string) {
			if err := os.RemoveAll(filepath.Join(dir, "objects")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "objects"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			repo := repository(t)
			m := mirror(t, repo)
			newest(t, m, true)
			second := commit(t, repo, "second")
			newest(t, m, true)
			damage(t, m.Dir, second)
			if c := newest(t, m, true); c.ID != second || c.Subject != "second" {
				t.Errorf("after the damage: %+v", c)
			}
			third := commit(t, repo, "third")
			if c := newest(t, m, true); c.ID != third {
				t.Errorf("after another commit: %+v", c)
			}
			if _, err := m.Checkout(t.Context(), third, filepath.Join(t.TempDir(), "out")); err != nil {
				t.Error(err)
			}
		})
	}
}
