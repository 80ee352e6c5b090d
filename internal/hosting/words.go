package hosting

import (
	"fmt"
	"strconv"
)

// Size formats a number of bytes in decimal units: "0 B", "980 B", "1.2 MB", "34 GB".
func Size(bytes int64) string {
	if bytes < 1000 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value, unit := float64(bytes), 0
	for value >= 999.5 && unit < 5 {
		value, unit = value/1000, unit+1
	}
	prefix := " KMGTP"[unit : unit+1]
	if prefix == "K" {
		prefix = "k"
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %sB", value, prefix)
	}
	return fmt.Sprintf("%.0f %sB", value, prefix)
}

// Count returns the number with its noun, in the plural unless it is one: "1 file", "1,200 files".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Number(n) + " " + noun
}

// Number returns a number that is not negative as Count writes it: "1,200".
func Number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
