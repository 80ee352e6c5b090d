package term

import (
	"fmt"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// Size formats a number of bytes: see hosting.Size.
func Size(bytes int64) string { return hosting.Size(bytes) }

// Elapsed formats a duration as one reads it: "0.2s", "42s", "1m 05s", "1h 02m".
func Elapsed(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 59500*time.Millisecond:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// Ago says how long before now a moment was, and gives the date of one that is more than a week away.
func Ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return ""
	case d < time.Minute && d > -time.Minute:
		return "just now"
	case d < 0 || d >= 7*24*time.Hour:
		return t.Local().Format("2006-01-02")
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	default:
		return Count(int(d/(24*time.Hour)), "day") + " ago"
	}
}

// Count returns the number with its noun: see hosting.Count.
func Count(n int, noun string) string { return hosting.Count(n, noun) }
