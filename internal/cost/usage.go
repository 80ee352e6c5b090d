package cost

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// ParseTraffic reads REQUESTS/TRANSFER, such as "1M/50GB", into a usage: requests with k, M or G (thousand, million,
// billion), the transfer with MB, GB or TB. Either side may be left out and then stays as it is. The error is a fault.Usage.
func ParseTraffic(text string, u Usage) (Usage, error) {
	requests, transfer, both := strings.Cut(strings.TrimSpace(text), "/")
	wrong := func(part, want string) error {
		return fault.New(fault.Usage, "for example --traffic 1M/50GB: a million requests and 50 GB in a month", "--traffic %q: %q is not %s", text, part, want)
	}
	if requests != "" {
		n, ok := scaled(requests, map[string]int64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9})
		if !ok || !n.IsInt() || n.Num().BitLen() > 50 {
			return u, wrong(requests, "a number of requests")
		}
		u.Requests = n.Num().Int64()
	}
	if transfer != "" {
		mb, ok := scaled(transfer, map[string]int64{"mb": 1, "gb": 1e3, "tb": 1e6})
		if !ok || mb.Num().BitLen() > 50 {
			return u, wrong(transfer, "an amount of data")
		}
		u.GB = mb.Quo(mb, big.NewRat(1000, 1))
	}
	if requests == "" && transfer == "" || both && transfer == "" {
		return u, wrong(text, "REQUESTS/TRANSFER")
	}
	return u, nil
}

// scaled reads a decimal number with one of the units.
func scaled(text string, units map[string]int64) (*big.Rat, bool) {
	text = strings.TrimSpace(strings.ToLower(text))
	end := len(strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz "))
	digits, unit := text[:end], strings.TrimSpace(text[end:])
	factor, known := units[unit]
	if !known || digits == "" || len(digits) > 20 || strings.Trim(digits, "0123456789.") != "" {
		return nil, false
	}
	n, ok := new(big.Rat).SetString(digits)
	if !ok {
		return nil, false
	}
	return n.Mul(n, big.NewRat(factor, 1)), true
}

// words are the assumptions.
func (u Usage) words(h Hosting) []string {
	w := []string{
		fmt.Sprintf("%s requests, %s GB to viewers in North America and Europe", count(u.Requests), plain(u.GB)),
		fmt.Sprintf("%d%% of the requests ask the bucket", u.MissPercent),
		fmt.Sprintf("%s releases of %s files, %s GB stored", count(u.Builds), count(u.Files), plain(u.StoredGB)),
	}
	if !h.NoPipeline {
		w = append(w, fmt.Sprintf("builds of %d minutes, release steps of %d seconds", u.BuildMinutes, u.ReleaseSeconds))
	}
	return w
}

func count(n int64) string { return plain(big.NewRat(n, 1)) }
