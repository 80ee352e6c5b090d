package fault

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the word that was most likely meant by one that is not among words, for a hint: the one with the smallest
// edit distance, ignoring case, hyphens and underscores, if that is at most a third of the shorter one (or 2); else one
// that the word begins, or that begins the word, if they share four letters. Otherwise it returns "".
func Nearest(word string, words []string) string {
	const longest = 64 // no name is longer, and the distance costs the product of the lengths
	if len(word) > longest {
		return ""
	}
	best, nearest := longest, ""
	for _, w := range words {
		distance := levenshtein.Distance(plain(word), plain(w), nil)
		if distance < best && distance <= max(2, min(len(word), len(w))/3) && distance < len(w) {
			best, nearest = distance, w
		}
	}
	for _, w := range words {
		shared := min(len(word), len(w))
		if nearest == "" && shared >= 4 && strings.EqualFold(word[:shared], w[:shared]) {
			nearest = w
		}
	}
	return nearest
}

func plain(word string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word))
}
