package buildspec

import "strings"

// nearest returns the name that a mistyped word most likely means, or "".
func nearest(word string, names []string) string {
	best, at := "", 1+max(1, len(word)/3)
	plain := strings.NewReplacer("-", "", "_", "", " ", "")
	for _, name := range names {
		d := distance(strings.ToLower(word), name)
		if plain.Replace(strings.ToLower(word)) == plain.Replace(name) {
			d = 0
		}
		if d < at {
			best, at = name, d
		}
	}
	return best
}

// distance is the edit distance of two words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
