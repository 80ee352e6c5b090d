// Package records keeps a site's DNS records in the hosted zones of an account's Route 53: it works out which are there, which
// are missing, which have to be made elsewhere, and which stand in the way. It never overwrites or removes what it was not
// told to: a record that says something else is a Conflict.
package records

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// cloudFrontZone is the zone of every distribution's name, which an alias record has to give (Amazon Route 53 API Reference,
// AliasTarget).
const cloudFrontZone = "Z2FDTNDATAQYW2"

// DefaultPace is the time between two looks at a change that Route 53 is spreading.
const DefaultPace = 3 * time.Second

// cnameTTL is in seconds. The records of a validation never change.
const cnameTTL = 300

// Type is the kind of a record. Alias is Route 53's own: an A and an AAAA record that follow another name, at the apex of a
// domain, too.
type Type string

// The types.
const (
	CNAME Type = "CNAME"
	Alias Type = "ALIAS"
)

// Record is a record that a site wants. Names have no last dot.
type Record struct {
	Name  string
	Type  Type
	Value string
}

// Records are the records of an account, in the zones that were read before.
type Records struct {
	API *route53.Client
	// Zones are the account's public zones: zones.List.
	Zones []zones.Zone
	// Zone is the id of the zone that the user chose for the names in it; empty for the best one.
	Zone string
	// Pace is the time between two looks; DefaultPace if it is 0.
	Pace time.Duration
}

// Open returns the records of an account in the given zones.
func Open(cfg aws.Config, all []zones.Zone, chosen string) *Records {
	return &Records{API: route53.NewFromConfig(cfg), Zones: all, Zone: chosen}
}

// ZoneOf returns the zone in which a name has its records: the chosen one if the name is in it, else the one with the longest
// domain. The second result is false if no zone of the account holds the name.
func (r *Records) ZoneOf(name string) (zones.Zone, bool) {
	var best zones.Zone
	for _, z := range r.Zones {
		if !within(name, z.Domain) {
			continue
		}
		if z.ID == r.Zone {
			return z, true
		}
		if len(z.Domain) > len(best.Domain) {
			best = z
		}
	}
	return best, best.ID != ""
}

func within(name, domain string) bool {
	name, domain = strings.ToLower(name), strings.ToLower(domain)
	return domain != "" && (name == domain || strings.HasSuffix(name, "."+domain))
}

// Check refuses a chosen zone that the account does not have, or that holds none of the names.
func (r *Records) Check(names []string) error {
	if r.Zone == "" {
		return nil
	}
	i := slices.IndexFunc(r.Zones, func(z zones.Zone) bool { return z.ID == r.Zone })
	if i < 0 {
		return fault.New(fault.Usage, r.choices(), "hostedZoneId %s is not a public zone of this account", r.Zone)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return within(name, r.Zones[i].Domain) }) {
		return fault.New(fault.Usage, r.choices(), "hostedZoneId %s is the zone of %s, and %s is not in it", r.Zone, r.Zones[i].Domain, strings.Join(names, ", "))
	}
	return nil
}

func (r *Records) choices() string {
	var list []string
	for _, z := range r.Zones {
		list = append(list, z.ID+" ("+z.Domain+")")
	}
	if len(list) == 0 {
		return "remove hostedZoneId: the account has no public zone, and deploy tells which records to make elsewhere"
	}
	return "remove hostedZoneId, and the zone is found; the account has " + strings.Join(list, ", ")
}

// Plan is what has to be done for the wanted records.
type Plan struct {
	// Missing are to be made in zones of the account; Apply does it.
	Missing []Change
	// Conflicts are names that have other records. Apply makes way for the wanted ones only where it is told to.
	Conflicts []Conflict
	// Elsewhere are in no zone of the account: somebody else has to make them.
	Elsewhere []Record
	// Present are there already.
	Present []Record
}

// Change makes one record.
type Change struct {
	Record Record
	Zone   zones.Zone
	// types are those of Route 53 that are missing of it.
	types []types.RRType
}

// Conflict is a wanted record at whose name something else stands.
type Conflict struct {
	Record Record
	Zone   zones.Zone
	// Found is what stands there, in words: "A 192.0.2.1".
	Found []string

	sets []types.ResourceRecordSet
}

// String is one line with both values.
func (c Conflict) String() string {
	value := c.Record.Value
	if value == "" {
		value = "the site's distribution"
	}
	return fmt.Sprintf("%s in zone %s (%s) has %s; the site needs %s %s", c.Record.Name, c.Zone.Domain, c.Zone.ID, strings.Join(c.Found, " and "), c.Record.Type, value)
}

// Plan looks at what the wanted names have. A Record without a Value is one whose value is not known yet: whatever stands at
// its name conflicts.
func (r *Records) Plan(ctx context.Context, wanted []Record) (Plan, error) {
	var p Plan
	for _, w := range wanted {
		zone, ok := r.ZoneOf(w.Name)
		if !ok {
			p.Elsewhere = append(p.Elsewhere, w)
			continue
		}
		sets, err := r.at(ctx, zone, w.Name)
		if err != nil {
			return p, err
		}
		missing, other := compare(w, sets)
		switch {
		case len(other) > 0:
			c := Conflict{Record: w, Zone: zone, sets: other}
			for _, set := range other {
				c.Found = append(c.Found, describe(set))
			}
			p.Conflicts = append(p.Conflicts, c)
		case len(missing) > 0:
			p.Missing = append(p.Missing, Change{w, zone, missing})
		default:
			p.Present = append(p.Present, w)
		}
	}
	return p, nil
}

// at returns the records of a name that say where it is: browsers ask for HTTPS beside A and AAAA, and follow what they are
// told there (RFC 9460). Others, like MX and TXT, are none of the tool's business; nor is SVCB, which no browser asks for.
func (r *Records) at(ctx context.Context, zone zones.Zone, name string) ([]types.ResourceRecordSet, error) {
	var found []types.ResourceRecordSet
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&route53.ListResourceRecordSetsInput{HostedZoneId: &zone.ID, StartRecordName: &name}); ; {
		page, err := r.API.ListResourceRecordSets(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read records of zone %s (%s): %w", zone.Domain, zone.ID, reason.Of(err))
		}
		for _, set := range page.ResourceRecordSets {
			if bare(aws.ToString(set.Name)) != bare(name) {
				return found, nil // they are sorted by name
			}
			switch set.Type {
			case types.RRTypeA, types.RRTypeAaaa, types.RRTypeCname, types.RRTypeHttps:
				found = append(found, set)
			}
		}
		if !page.IsTruncated {
			return found, nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = page.NextRecordName, page.NextRecordType, page.NextRecordIdentifier
	}
}

// bare is a name as people write it: no last dot, and the characters that Route 53 answers with as octal escapes.
func bare(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, ".")), `\052`, "*")
}

// compare returns which of the types that a wanted record needs are missing, and which sets say something else.
func compare(w Record, sets []types.ResourceRecordSet) (missing []types.RRType, other []types.ResourceRecordSet) {
	need := []types.RRType{types.RRTypeCname}
	if w.Type == Alias {
		need = []types.RRType{types.RRTypeA, types.RRTypeAaaa}
	}
	for _, set := range sets {
		switch {
		case !leads(set, w.Value):
			other = append(other, set)
		case set.Type == types.RRTypeCname:
			need = nil // it stands for every type
		default:
			need = slices.DeleteFunc(need, func(t types.RRType) bool { return t == set.Type })
		}
	}
	return need, other
}

// leads reports whether a set sends every viewer to a name.
func leads(set types.ResourceRecordSet, target string) bool {
	if target == "" || set.SetIdentifier != nil {
		return false
	}
	if set.AliasTarget != nil {
		return bare(aws.ToString(set.AliasTarget.DNSName)) == bare(target)
	}
	if set.Type == types.RRTypeHttps {
		return !slices.ContainsFunc(set.ResourceRecords, func(v types.ResourceRecord) bool { return !follows(aws.ToString(v.Value), target) })
	}
	return set.Type == types.RRTypeCname && len(set.ResourceRecords) == 1 && bare(aws.ToString(set.ResourceRecords[0].Value)) == bare(target)
}

// follows reports whether the value of an HTTPS record, "PRIORITY TARGET PARAMETERS…", leaves viewers with a name: as its alias,
// or with parameters for the name's own addresses. Those with addresses or keys of their own are of another server.
func follows(value, target string) bool {
	fields := strings.Fields(value)
	if len(fields) < 2 || fields[1] != "." && bare(fields[1]) != bare(target) {
		return false
	}
	return !slices.ContainsFunc(fields[2:], func(p string) bool {
		key, _, _ := strings.Cut(p, "=")
		return key != "alpn"
	})
}

// describe is a set in words.
func describe(set types.ResourceRecordSet) string {
	text := string(set.Type)
	if set.AliasTarget != nil {
		text += " ALIAS " + bare(aws.ToString(set.AliasTarget.DNSName))
	} else {
		var values []string
		for _, v := range set.ResourceRecords {
			values = append(values, bare(aws.ToString(v.Value)))
		}
		text += " " + strings.Join(values, ", ")
	}
	if set.SetIdentifier != nil {
		text += " (routing policy " + aws.ToString(set.SetIdentifier) + ")"
	}
	return text
}

// Table is what a person enters at another DNS provider: name, type and value, one record a line. An alias is the provider's
// own, or a CNAME where the name is not the domain itself.
func Table(list []Record) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tVALUE")
	for _, one := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.Name, one.Type, one.Value)
	}
	_ = w.Flush() // into memory
	return b.String()
}
