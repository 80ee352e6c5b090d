package awstarget_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// makeProofs lets a person make the records that the last deployment has asked for.
func makeProofs(b *bed) {
	for _, name := range []string{"beta.example.com", "www.example.com", "example.com"} {
		record, value := double.Validation(name)
		atAnotherProvider(b, record, value)
	}
}

// makeWay lets a person make the record that is being waited for.
func makeWay(b *bed, detail string) {
	if strings.HasPrefix(detail, "waiting until https://beta") {
		atAnotherProvider(b, "beta.example.com", b.distribution())
	}
}

func fails(reason string) func(*bed) {
	return func(b *bed) { exampleZone(b); b.account.Do(func() { b.account.CA.Failure = reason }) }
}

var stories = map[string]story{
	"a zone of the account": {acts: []act{{names: www, arrange: exampleZone}}, after: func(b *bed) {
		b.serves("https://www.example.com/", "<title>version one</title>")
		b.redirects("https://example.com/a?b=1", "//www.example.com/a?b=1")
	}},
	"deployed twice": {acts: []act{{names: www, arrange: exampleZone}, {names: www}}},
	"issued after the first release": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.CA.Slow, b.account.CA.Hides = 60, 2 })
	}}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"dns elsewhere and resumed": {acts: []act{
		{names: beta, cut: "waiting for ACM"},
		{names: beta, arrange: makeProofs, told: makeWay},
	}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		b.counts("acm RequestCertificate", 1)
	}},
	"dns elsewhere and not waited for": {acts: []act{{names: www, noWait: true}}},
	"dns elsewhere leads past the site": {acts: []act{{names: beta, cut: "not CloudFront", arrange: func(b *bed) {
		makeProofs(b)
		atAnotherProvider(b, "beta.example.com", "192.0.2.9")
	}}}},
	"several names over two zones": {acts: []act{{
		names: `"domainName": "www.example.com", "domainNames": ["app.example.org"]`,
		arrange: func(b *bed) {
			b.account.AddZone("unrelated.net", false)
			b.account.AddZone("example.com", true) // a private one is no help
			exampleZone(b)
			b.account.AddZone("org", false)
			b.account.AddZone("example.org", false)
		},
	}}, after: func(b *bed) {
		b.serves("https://app.example.org/", "<title>version one</title>")
		b.redirects("https://example.com/", "//www.example.com/")
	}},
	"chosen zone": {acts: []act{{names: beta, arrange: func(b *bed) {
		id := b.account.AddZone("example.com", false)
		b.account.AddZone("beta.example.com", false)
		b.account.Do(func() { b.account.DNS.Undelegated["beta.example.com"] = true })
		b.names(beta + `, "hostedZoneId": "` + id + `"`)
	}}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"chosen zone of somebody else": {acts: []act{{names: beta + `, "hostedZoneId": "Z0000000000ELSE"`, arrange: exampleZone}}},
	"chosen zone of another domain": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.names(beta + `, "hostedZoneId": "` + b.account.AddZone("example.org", false) + `"`)
	}}}},
	"records that lead elsewhere unattended": {acts: []act{{names: www, arrange: conflicts, opts: func(o *awstarget.Options) { o.Unattended = true }}}, after: nothingMade},
	"records that lead elsewhere without a terminal": {acts: []act{{
		names: www, arrange: conflicts, refuse: fault.New(fault.Usage, "give --yes to say yes", "the input is not a terminal"),
	}}, after: nothingMade},
	"records that lead elsewhere and stay": {acts: []act{{names: www, arrange: conflicts}}, after: nothingMade},
	"records that lead elsewhere and are replaced": {acts: []act{{names: www, arrange: conflicts, yes: true}}, after: func(b *bed) {
		b.serves("https://www.example.com/", "<title>version one</title>")
		b.redirects("https://example.com/", "//www.example.com/")
	}},
	"record made meanwhile": {acts: []act{{names: beta, arrange: exampleZone, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "the toolkit's Linux program") {
			b.account.AddRecord(b.zone("example.com"), "beta.example.com", "A", "192.0.2.1")
		}
	}}}, after: func(b *bed) { b.holds("beta.example.com A 192.0.2.1") }},
	"record led past the site later": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.ReplaceRecord("beta.example.com", "A", "192.0.2.1")
	}, opts: func(o *awstarget.Options) { o.Patience = time.Millisecond }}}, after: func(b *bed) { b.holds("beta.example.com A 192.0.2.1") }},
	"refused by a CAA record and mended": {acts: []act{
		{names: beta, arrange: fails("CAA_ERROR")},
		{names: beta, arrange: func(b *bed) { b.account.Do(func() { b.account.CA.Failure = "" }) }},
	}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		if n := len(b.account.Certificates()); n != 1 {
			b.t.Errorf("%d certificates are left", n)
		}
	}},
	"failed while it is waited for": {acts: []act{{names: beta, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "waiting for ACM") {
			b.account.Do(func() { b.account.CA.Failure = "ADDITIONAL_VERIFICATION_REQUIRED" })
		}
	}}}, after: func(b *bed) { b.serves("https://"+b.distribution()+"/", "<title>version one</title>") }},
	"timed out": {acts: []act{{names: beta, told: func(b *bed, detail string) {
		if strings.HasPrefix(detail, "waiting for ACM") {
			b.account.Do(func() { b.account.CA.TimesOut = true })
		}
	}}, {names: beta, cut: "waiting for ACM", arrange: func(b *bed) { b.account.Do(func() { b.account.CA.TimesOut = false }) }}}},
	"certificate of the account": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddCertificate([]string{"unrelated.net"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "IMPORTED", "EC_secp384r1", nil)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "PRIVATE", "RSA_2048", nil)
		b.account.AddCertificate([]string{"example.com", "*.example.com"}, "ISSUED", "AMAZON_ISSUED", "EC_prime256v1", nil)
	}}}, after: func(b *bed) {
		b.counts("acm RequestCertificate", 0)
		b.serves("https://beta.example.com/", "<title>version one</title>")
	}},
	"certificate that ACM cannot renew": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.Do(func() { b.account.CA.Renewal = "PENDING_VALIDATION" })
	}}}},
	"certificate that has expired": {acts: []act{{names: beta, arrange: exampleZone}, {names: beta, arrange: func(b *bed) {
		b.account.SetCertificates("EXPIRED")
	}}}, after: func(b *bed) {
		b.counts("acm RequestCertificate", 2)
		if all := b.account.Certificates(); len(all) != 1 || !slices.Contains(slices.Collect(maps.Values(all)), "ISSUED") {
			b.t.Errorf("certificates: %v", all)
		}
	}},
	"imported certificate": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddCertificate([]string{"beta.example.com"}, "ISSUED", "IMPORTED", "RSA_4096", nil)
	}}}, after: func(b *bed) { b.counts("acm RequestCertificate", 0) }},
	"other names later": {acts: []act{{names: www, arrange: exampleZone}, {names: beta}}, after: func(b *bed) {
		b.serves("https://beta.example.com/", "<title>version one</title>")
		record, value := double.Validation("beta.example.com")
		b.holds("beta.example.com A ALIAS "+b.distribution(), "beta.example.com AAAA ALIAS "+b.distribution(),
			strings.TrimSuffix(record, ".")+" CNAME "+strings.TrimSuffix(value, "."))
	}},
	"further name that waits": {acts: []act{{names: beta, arrange: exampleZone}, {
		names: `"domainName": "app.example.org", "domainNames": ["beta.example.com"]`, noWait: true,
	}}, after: func(b *bed) { b.serves("https://beta.example.com/", "<title>version one</title>") }},
	"no names any more": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.AddRecord(b.zone("example.com"), "example.com", "MX", "10 mail.example.net")
	}}, {names: ""}}, after: func(b *bed) { b.holds("example.com MX 10 mail.example.net") }},
	"name of another distribution": {acts: []act{{names: beta, arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.TakenAliases["beta.example.com"] = true })
	}}, {names: beta, arrange: func(b *bed) { b.account.Do(func() { clear(b.account.TakenAliases) }) }}}},
	"zone that public DNS does not know": {acts: []act{{names: beta, cut: "waiting for ACM", arrange: func(b *bed) {
		exampleZone(b)
		b.account.Do(func() { b.account.DNS.Undelegated["example.com"] = true })
	}}}},
	"zones may not be read": {acts: []act{{names: beta, noWait: true, arrange: func(b *bed) {
		b.account.Do(func() {
			b.account.Fault = func(service, operation string) *double.Fault {
				if operation == "ListHostedZones" {
					return &double.Fault{Status: 403, Code: "AccessDenied", Message: "User: arn:aws:iam::123456789012:user/dana is not authorized to perform: route53:ListHostedZones"}
				}
				return nil
			}
		})
	}}}},
	"more names than ACM allows": {acts: []act{{names: `"domainName": "a.example.com", "domainNames": ["b.example.com", "c.example.com", "d.example.com", "e.example.com",
		"f.example.com", "g.example.com", "h.example.com", "i.example.com", "j.example.com", "k.example.com"]`}}},
}

func conflicts(b *bed) {
	id := b.account.AddZone("example.com", false)
	b.account.AddRecord(id, "www.example.com", "CNAME", "old.example.net.")
	b.account.AddRecord(id, "example.com", "A", "192.0.2.1")
	b.account.AddRecord(id, "example.com", "MX", "10 mail.example.net")
}

func nothingMade(b *bed) {
	b.counts("acm RequestCertificate", 0)
	b.counts("cloudformation CreateChangeSet", 0)
	b.counts("route53 ChangeResourceRecordSets", 0)
}
