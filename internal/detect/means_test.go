package detect

import "testing"

func TestMeans(t *testing.T) {
	tests := map[string]struct {
		name, found string
		want        bool
	}{
		"the same":                  {"astro", "astro", true},
		"another":                   {"astro", "vite", false},
		"upstream's, one of ours":   {"angularjs", "angular", true},
		"upstream's, several":       {"reactjs", "vite", true},
		"upstream's, another":       {"vuejs", "nextjs", false},
		"a template":                {"mine", "vite", false},
		"without a build, with one": {Basic, "vite", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Means(tc.name, tc.found); got != tc.want {
				t.Errorf("Means(%q, %q) = %v", tc.name, tc.found, got)
			}
		})
	}
}
