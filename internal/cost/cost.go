// Package cost estimates what a month of a site's hosting on AWS costs, from stated assumptions and from dated prices
// (prices.json). It is an estimate: taxes, discounts, traffic from expensive parts of the world and everything else that the
// account runs are not in it. Sums are exact (rational numbers) and rounded once, for print.
package cost

import (
	"math/big"
	"slices"
	"strings"
)

// Usage is what a month is assumed to bring.
type Usage struct {
	// Requests of viewers, each of which runs the function and reads the key-value store once.
	Requests int64
	// GB sent to viewers, in units of 10^9 bytes.
	GB *big.Rat
	// Builds are executions of the pipeline, each of BuildMinutes in the Build stage and ReleaseSeconds in the Release stage.
	Builds, BuildMinutes, ReleaseSeconds int64
	// Files are what a release writes to the bucket.
	Files int64
	// StoredGB are what releases and artifacts take.
	StoredGB *big.Rat
	// MissPercent is the share of requests that CloudFront has to ask the bucket for.
	MissPercent int64
	// LogMB is what one execution logs.
	LogMB int64
}

// Default is the usage that is assumed unless something else is said: a site of a small company, with two commits a day.
func Default() Usage {
	return Usage{
		Requests: 1_000_000, GB: big.NewRat(50, 1), Builds: 60, BuildMinutes: 3, ReleaseSeconds: 20,
		Files: 200, StoredGB: big.NewRat(1, 1), MissPercent: 10, LogMB: 1,
	}
}

// Hosting is what of a site's hosting matters for its cost.
type Hosting struct {
	// Region is where the bucket and the pipeline are; empty for the region of the prices.
	Region string
	// Zone is true if a hosted zone of the account has the site's records.
	Zone bool
	// ReleaseOnEC2 is true where the release step does not run on Lambda compute.
	ReleaseOnEC2 bool
	// NoPipeline is true for a site that is only published to.
	NoPipeline bool
}

// Line is one item of an estimate. Amounts are decimal text in dollars.
type Line struct {
	Service  string `json:"service"`
	What     string `json:"what"`
	Quantity string `json:"quantity"`
	// Free is how much of the quantity the always-free tier covers, if nothing else in the account uses it.
	Free string `json:"free,omitempty"`
	// List is what the whole quantity costs, Cost what is left after the always-free tier.
	List string `json:"list"`
	Cost string `json:"cost"`
	// Confirmed is false if the price could not be read on AWS's own page.
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`
}

// Estimate is what a month costs.
type Estimate struct {
	// Assumptions are the usage in words.
	Assumptions []string `json:"assumptions"`
	Lines       []Line   `json:"lines"`
	// Total is what is left after the always-free tiers, List without them.
	Total string `json:"total"`
	List  string `json:"list"`
	// PricesOf is the date of the prices. Region is where the hosting is, and PricesRegion whose prices were taken where the
	// region's own are not known.
	PricesOf     string `json:"pricesOf"`
	Region       string `json:"region"`
	PricesRegion string `json:"pricesRegion"`
	Currency     string `json:"currency"`
	// Sources are the pages of the prices.
	Sources []string `json:"sources"`
	// NotCounted says what is left out.
	NotCounted []string `json:"notCounted"`
	// Nothing says what is used and costs nothing.
	Nothing string `json:"nothing"`
}

// For estimates a month.
func For(h Hosting, u Usage) Estimate {
	l := prices()
	e := Estimate{Assumptions: u.words(h), PricesOf: l.Date, Region: l.Region, PricesRegion: l.Region, Currency: l.Currency, NotCounted: []string{"taxes"}, Nothing: l.Nothing}
	if h.Region != "" {
		e.Region = h.Region
	}
	quantities := u.quantities(h)
	total, listed := new(big.Rat), new(big.Rat)
	for _, p := range l.Prices {
		n := quantities[p.ID]
		if n == nil || n.Sign() == 0 {
			continue
		}
		free := least(number(p.Free), n)
		each := p.in(h.Region)
		all := new(big.Rat).Mul(n, each)
		left := new(big.Rat).Mul(new(big.Rat).Sub(n, free), each)
		total.Add(total, left)
		listed.Add(listed, all)
		line := Line{Service: p.Service, What: p.What, Quantity: plain(n), List: dollars(all), Cost: dollars(left), Confirmed: p.Confirmed, Source: p.Source}
		if free.Sign() > 0 {
			line.Free = plain(free)
		}
		e.Lines = append(e.Lines, line)
		if !slices.Contains(e.Sources, p.Source) {
			e.Sources = append(e.Sources, p.Source)
		}
		if p.NewAccount != "" {
			e.NotCounted = append(e.NotCounted, p.Service+": "+p.NewAccount)
		}
	}
	if u.GB.Cmp(big.NewRat(firstTier, 1)) > 0 {
		e.NotCounted = append(e.NotCounted, "CloudFront: transfer beyond 10 TB costs less a GB than is counted here")
	}
	e.Total, e.List = dollars(total), dollars(listed)
	return e
}

// quantities are how much of each price's unit is used, by the price's id.
func (u Usage) quantities(h Hosting) map[string]*big.Rat {
	whole := func(n int64) *big.Rat { return big.NewRat(n, 1) }
	q := map[string]*big.Rat{
		"requests": whole(u.Requests), "transfer": u.GB, "invocations": whole(u.Requests), "kvsReads": whole(u.Requests),
		"storage": u.StoredGB, "reads": big.NewRat(u.Requests*u.MissPercent, 100),
		// Each file, the manifest, the mark of an upload under way, and some listings.
		"writes":   whole(u.Builds * (u.Files + releaseWrites)),
		"kvsCalls": whole(u.Builds * releaseCalls),
	}
	if h.Zone {
		q["zones"] = whole(1)
	}
	if h.NoPipeline {
		return q
	}
	releaseMinutes := roundUp(u.ReleaseSeconds, 60)
	q["actions"] = whole(u.Builds * (1 + u.BuildMinutes + releaseMinutes)) // Source takes less than a minute
	q["builds"] = whole(u.Builds * u.BuildMinutes)
	q["releases"] = whole(u.Builds * u.ReleaseSeconds)
	q["logs"] = big.NewRat(u.Builds*u.LogMB, 1000)
	if h.ReleaseOnEC2 {
		q["builds"] = whole(u.Builds * (u.BuildMinutes + releaseMinutes))
		delete(q, "releases")
	}
	return q
}

// firstTier is up to how many GB the price of the transfer holds.
const firstTier = 10_000

// releaseWrites are a release's requests to the bucket beside its files, releaseCalls those to the key-value store's API: the
// pointer is read before and after the swap, and before old releases are removed.
const releaseWrites, releaseCalls = 10, 20

func roundUp(n, to int64) int64 { return (n + to - 1) / to }

func least(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// dollars writes an amount with two decimals, rounded to the nearest cent; what is less than half a cent, and not nothing, is
// "<0.01".
func dollars(amount *big.Rat) string {
	text := amount.FloatString(2)
	if text == "0.00" && amount.Sign() > 0 {
		return "<0.01"
	}
	return text
}

// plain writes a quantity with commas, and with as many decimals as it needs, three at most.
func plain(n *big.Rat) string {
	whole, rest, _ := strings.Cut(n.FloatString(3), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest = strings.TrimRight(rest, "0"); rest != "" {
		return whole + "." + rest
	}
	return whole
}
