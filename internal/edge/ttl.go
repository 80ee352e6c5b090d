package edge

import (
	"strconv"
	"strings"
	"time"
)

// directives are those of a Cache-Control header that decide how long the edge keeps an answer.
type directives struct {
	// age is s-maxage, else max-age; -1 if neither is there.
	age time.Duration
	// revalidate is no-cache, no-store or private; noStore is the last two.
	revalidate, noStore bool
	// staleWhileRevalidate and staleIfError extend an answer's life past its expiry.
	staleWhileRevalidate time.Duration
	staleIfError         time.Duration
	hasStaleIfError      bool
	// neverStale is must-revalidate, proxy-revalidate or no-cache, or an s-maxage without stale-if-error.
	neverStale bool
}

const hundredYears = 100 * 365 * 24 * time.Hour

func parseCacheControl(value string) directives {
	d := directives{age: -1}
	shared := false
	for part := range strings.SplitSeq(value, ",") {
		name, arg, _ := strings.Cut(strings.TrimSpace(part), "=")
		seconds, ok := parseSeconds(arg)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "s-maxage":
			if ok {
				d.age, shared = seconds, true
			}
		case "max-age":
			if ok && !shared {
				d.age = seconds
			}
		case "no-cache":
			d.revalidate, d.neverStale = true, true
		case "must-revalidate", "proxy-revalidate":
			d.neverStale = true
		case "no-store", "private":
			d.revalidate, d.noStore = true, true
		case "stale-while-revalidate":
			d.staleWhileRevalidate = seconds
		case "stale-if-error":
			d.staleIfError, d.hasStaleIfError = seconds, ok
		}
	}
	d.neverStale = d.neverStale || shared && !d.hasStaleIfError
	return d
}

func parseSeconds(s string) (time.Duration, bool) {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(min(n, int64(hundredYears/time.Second))) * time.Second, true
}

// ttl returns how long an answer stays fresh in the cache: the table of the Developer Guide, "Manage how long content
// stays in the cache" (Expiration), with the minimum, default and maximum TTL of the cache policy.
func (d directives) ttl(p *CachePolicy) time.Duration {
	switch {
	case d.revalidate:
		return p.MinTTL
	case d.age >= 0:
		return max(p.MinTTL, min(d.age, p.MaxTTL))
	default:
		return max(p.MinTTL, p.DefaultTTL)
	}
}
