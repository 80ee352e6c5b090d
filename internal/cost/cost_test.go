package cost_test

import (
	"math/big"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cost"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// The expected amounts are worked out by hand, from the prices of prices.json.
func TestFor(t *testing.T) {
	traffic := func(text string) cost.Usage {
		u, err := cost.ParseTraffic(text, cost.Default())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	tests := map[string]struct {
		hosting     cost.Hosting
		usage       cost.Usage
		total, list string
		// lines are quantity, free part, list price and cost, by the line's words.
		lines map[string][4]string
	}{
		"the default": {
			usage: cost.Default(),
			// 0.023 storage + 0.063 writes + 0.04 reads + 0.40 actions + 0.40 builds + 0.036 release steps
			// + 1.20 requests to the store = 2.162
			total: "2.16",
			// and 1.00 requests + 4.25 transfer + 0.10 invocations + 0.03 reads of the store + 0.20 + 0.50 + 0.03 logs = 8.272
			list: "8.27",
			lines: map[string][4]string{
				"requests (HTTPS)":            {"1,000,000", "1,000,000", "1.00", "0.00"},
				"GB to viewers":               {"50", "50", "4.25", "0.00"},
				"function invocations":        {"1,000,000", "1,000,000", "0.10", "0.00"},
				"key-value store reads":       {"1,000,000", "1,000,000", "0.03", "0.00"},
				"requests to the store's API": {"1,200", "", "1.20", "1.20"},
				"GB stored":                   {"1", "", "0.02", "0.02"},
				"writes (PUT, COPY, LIST)":    {"12,600", "", "0.06", "0.06"},
				"reads by CloudFront":         {"100,000", "", "0.04", "0.04"},
				"minutes of actions":          {"300", "100", "0.60", "0.40"},
				"minutes on general1.small":   {"180", "100", "0.90", "0.40"},
				"seconds on lambda.2GB":       {"1,200", "", "0.04", "0.04"},
				"GB of build logs":            {"0.06", "0.06", "0.03", "0.00"},
			},
		},
		"much traffic, a zone, an expensive region, release steps on EC2": {
			hosting: cost.Hosting{Region: "sa-east-1", Zone: true, ReleaseOnEC2: true},
			usage:   traffic("100M/5TB"),
			// 90 + 340 + 9.80 + 2.94 + 0.0405 + 0.063 + 4 + 0.40 + 0.70 + 0.50 + 1.20 = 449.6435
			total: "449.64",
			// 100 + 425 + 10 + 3 + 0.0405 + 0.063 + 4 + 0.60 + 1.20 + 0.03 + 0.50 + 1.20 = 545.6335
			list: "545.63",
			lines: map[string][4]string{
				"requests (HTTPS)":            {"100,000,000", "10,000,000", "100.00", "90.00"},
				"GB to viewers":               {"5,000", "1,000", "425.00", "340.00"},
				"function invocations":        {"100,000,000", "2,000,000", "10.00", "9.80"},
				"key-value store reads":       {"100,000,000", "2,000,000", "3.00", "2.94"},
				"requests to the store's API": {"1,200", "", "1.20", "1.20"},
				"GB stored":                   {"1", "", "0.04", "0.04"},
				"writes (PUT, COPY, LIST)":    {"12,600", "", "0.06", "0.06"},
				"reads by CloudFront":         {"10,000,000", "", "4.00", "4.00"},
				"minutes of actions":          {"300", "100", "0.60", "0.40"},
				"minutes on general1.small":   {"240", "100", "1.20", "0.70"},
				"GB of build logs":            {"0.06", "0.06", "0.03", "0.00"},
				"hosted zones":                {"1", "", "0.50", "0.50"},
			},
		},
		"published to only, exactly the free traffic": {
			hosting: cost.Hosting{NoPipeline: true},
			usage:   traffic("10M/1TB"),
			// 8M × 0.0000001 + 8M × 0.00000003 + 0.023 + 0.063 + 0.40 + 1.20 = 2.726
			total: "2.73",
			// 10 + 85 + 1 + 0.30 + 0.023 + 0.063 + 0.40 + 1.20 = 97.986
			list: "97.99",
			lines: map[string][4]string{
				"requests (HTTPS)":            {"10,000,000", "10,000,000", "10.00", "0.00"},
				"GB to viewers":               {"1,000", "1,000", "85.00", "0.00"},
				"function invocations":        {"10,000,000", "2,000,000", "1.00", "0.80"},
				"key-value store reads":       {"10,000,000", "2,000,000", "0.30", "0.24"},
				"requests to the store's API": {"1,200", "", "1.20", "1.20"},
				"GB stored":                   {"1", "", "0.02", "0.02"},
				"writes (PUT, COPY, LIST)":    {"12,600", "", "0.06", "0.06"},
				"reads by CloudFront":         {"1,000,000", "", "0.40", "0.40"},
			},
		},
		"no visitors": {
			hosting: cost.Hosting{NoPipeline: true},
			usage:   cost.Usage{GB: new(big.Rat), StoredGB: big.NewRat(1, 10)},
			total:   "<0.01", list: "<0.01", // 0.0023
			lines: map[string][4]string{"GB stored": {"0.1", "", "<0.01", "<0.01"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			e := cost.For(tc.hosting, tc.usage)
			if e.Total != tc.total || e.List != tc.list {
				t.Errorf("total %s, without free tiers %s; want %s, %s", e.Total, e.List, tc.total, tc.list)
			}
			if len(e.Lines) != len(tc.lines) {
				t.Errorf("%d lines, want %d", len(e.Lines), len(tc.lines))
			}
			for _, l := range e.Lines {
				if got := [4]string{l.Quantity, l.Free, l.List, l.Cost}; got != tc.lines[l.What] {
					t.Errorf("%s: %q, want %q", l.What, got, tc.lines[l.What])
				}
				if l.Source == "" {
					t.Errorf("%s has no source", l.What)
				}
			}
			if e.PricesOf == "" || len(e.Sources) == 0 || len(e.Assumptions) == 0 || e.Currency != "USD" {
				t.Errorf("what is it made of? %+v", e)
			}
		})
	}
}

func TestParseTraffic(t *testing.T) {
	tests := map[string]struct {
		text     string
		requests int64
		gb       string
	}{
		"both":          {"1M/50GB", 1_000_000, "50"},
		"small letters": {"250k/500mb", 250_000, "1/2"},
		"fractions":     {"1.5M/0.25TB", 1_500_000, "250"},
		"plain number":  {"12000/7GB", 12_000, "7"},
		"requests only": {"3G", 3_000_000_000, "50"},
		"transfer only": {"/2TB", 1_000_000, "2000"},
		"nothing":       {"0/0GB", 0, "0"},
		"spaces":        {" 2 M / 10 GB ", 2_000_000, "10"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			u, err := cost.ParseTraffic(tc.text, cost.Default())
			if err != nil || u.Requests != tc.requests || u.GB.RatString() != tc.gb {
				t.Errorf("got %d, %s, %v", u.Requests, u.GB.RatString(), err)
			}
		})
	}
	for _, text := range []string{"", "/", "1M/", "many", "1M/50", "1M/50XB", "-1M", "1.0000001M", "1e9", "1/2/3GB", "9999999999G", "0.5/1GB", "1..2M", "/99999999999999TB"} {
		t.Run("refused: "+text, func(t *testing.T) {
			if u, err := cost.ParseTraffic(text, cost.Default()); fault.KindOf(err) != fault.Usage || fault.HintOf(err) == "" {
				t.Errorf("got %+v, %v", u, err)
			}
		})
	}
}
