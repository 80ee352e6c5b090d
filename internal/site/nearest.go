package site

import "strings"

// Nearest returns the word that was most likely meant by one that is not among words: the one with the smallest edit
// distance, ignoring case, if that is at most a third of its length (and at least 2); else one that the word begins, or that
// begins the word, if they share four letters. Otherwise it returns "".
func Nearest(word string, words []string) string {
	best, nearest := 1<<30, ""
	for _, w := range words {
		distance := editDistance(strings.ToLower(word), strings.ToLower(w))
		if distance < best && distance <= max(2, len(w)/3) && distance < len(w) {
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

// editDistance is the Levenshtein distance with transpositions of neighbours counted once.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
