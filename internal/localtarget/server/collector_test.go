package server

import "testing"

func TestGrowthOfTheHeap(t *testing.T) {
	tests := map[string]struct {
		live uint64
		want int
	}{
		"nothing yet":              {0, 400},
		"a small site":             {10 << 20, 400},
		"where it begins":          {16 << 20, 400},
		"thousands of viewers":     {64 << 20, 100},
		"a full cache":             {300 << 20, 25},
		"more than is meant to be": {4 << 30, 25},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := growth(tc.live); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}

func TestQuiet(t *testing.T) {
	var q quiet
	allocated := uint64(0)
	for round := range 3 {
		allocated += 100 << 20
		for glance := range 3 * quietGlances {
			if got, want := q.since(allocated), glance == quietGlances; got != want {
				t.Fatalf("round %d, glance %d: %t", round, glance, got)
			}
			allocated += quietBytes / 2
		}
	}
}
