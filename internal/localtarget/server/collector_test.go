package server

import "testing"

func TestGrowthOfTheHeap(t *testing.T) {
	tests := map[string]struct {
		live uint64
		want int
	}{
		"nothing yet":              {0, 400},
		"a small site":             {20 << 20, 400},
		"where it begins":          {24 << 20, 400},
		"thousands of viewers":     {96 << 20, 100},
		"a full cache":             {300 << 20, 50},
		"more than is meant to be": {4 << 30, 50},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := growth(tc.live); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}
