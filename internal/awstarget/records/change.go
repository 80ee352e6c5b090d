package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Apply makes the missing records, and with overwrite those whose names are taken, in place of what stands there: in one step
// for each zone, so that a name is never without a record. It returns when every server of Route 53 answers with them. A
// Record without a Value cannot be made.
func (r *Records) Apply(ctx context.Context, p Plan, overwrite bool) error {
	b := batches{}
	for _, c := range p.Missing {
		for _, t := range c.types {
			b.add(c.Zone, types.ChangeActionUpsert, set(c.Record, t))
		}
	}
	if overwrite {
		for _, c := range p.Conflicts {
			for _, old := range c.sets {
				b.add(c.Zone, types.ChangeActionDelete, old)
			}
			missing, _ := compare(c.Record, nil)
			for _, t := range missing {
				b.add(c.Zone, types.ChangeActionUpsert, set(c.Record, t))
			}
		}
	}
	return r.send(ctx, b)
}

// set is a record as Route 53 has it.
func set(one Record, t types.RRType) types.ResourceRecordSet {
	s := types.ResourceRecordSet{Name: aws.String(one.Name), Type: t}
	if one.Type == Alias {
		// CloudFront has no health to evaluate (Amazon Route 53 API Reference, AliasTarget).
		s.AliasTarget = &types.AliasTarget{DNSName: aws.String(one.Value), HostedZoneId: aws.String(cloudFrontZone)}
		return s
	}
	s.TTL, s.ResourceRecords = aws.Int64(cnameTTL), []types.ResourceRecord{{Value: aws.String(one.Value)}}
	return s
}

// batches are the changes of each zone.
type batches map[zones.Zone][]types.Change

// add adds a change, once: Route 53 refuses a batch that has one twice.
func (b batches) add(z zones.Zone, action types.ChangeAction, s types.ResourceRecordSet) {
	if slices.ContainsFunc(b[z], func(c types.Change) bool {
		return c.Action == action && aws.ToString(c.ResourceRecordSet.Name) == aws.ToString(s.Name) && c.ResourceRecordSet.Type == s.Type &&
			aws.ToString(c.ResourceRecordSet.SetIdentifier) == aws.ToString(s.SetIdentifier)
	}) {
		return
	}
	b[z] = append(b[z], types.Change{Action: action, ResourceRecordSet: &s})
}

// send carries the changes out, zone by zone, and waits until they are everywhere.
func (r *Records) send(ctx context.Context, b batches) error {
	var ids []*string
	order := slices.SortedFunc(func(yield func(zones.Zone) bool) {
		for z := range b {
			if !yield(z) {
				return
			}
		}
	}, func(a, b zones.Zone) int { return cmp.Compare(a.ID, b.ID) })
	for _, z := range order {
		out, err := r.API.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: &z.ID,
			ChangeBatch:  &types.ChangeBatch{Comment: aws.String("cloudfront-hosting-toolkit"), Changes: b[z]},
		})
		if err != nil {
			return fmt.Errorf("change records of zone %s (%s): %w", z.Domain, z.ID, refused(err))
		}
		if out.ChangeInfo.Status != types.ChangeStatusInsync {
			ids = append(ids, out.ChangeInfo.Id)
		}
	}
	for _, id := range ids {
		if err := r.await(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// refused explains a batch that does not fit what the zone holds by now.
func refused(err error) error {
	var batch *types.InvalidChangeBatch
	if errors.As(err, &batch) {
		return fault.New(fault.Other, "somebody else may be changing the zone; run the same command again",
			"Route 53 refuses the change: %s", strings.Join(append(batch.Messages, aws.ToString(batch.Message)), " "))
	}
	return reason.Of(err)
}

// await returns when a change is on every server of Route 53, within a minute as a rule.
func (r *Records) await(ctx context.Context, id *string) error {
	for {
		out, err := r.API.GetChange(ctx, &route53.GetChangeInput{Id: aws.String(strings.TrimPrefix(aws.ToString(id), "/change/"))})
		if err != nil {
			return fmt.Errorf("follow change of records: %w", reason.Of(err))
		}
		if out.ChangeInfo.Status == types.ChangeStatusInsync {
			return nil
		}
		if err := pace.Wait(ctx, cmp.Or(r.Pace, DefaultPace)); err != nil {
			return fault.New(fault.Other, "Route 53 goes on by itself; run deploy again", "stopped waiting for the records: %w", err)
		}
	}
}

// Owned is a record that is there because of a site.
type Owned struct {
	Zone zones.Zone
	// Text is the record in words: "www.example.com A ALIAS d111111abcdef8.cloudfront.net".
	Text string

	set types.ResourceRecordSet
}

// Owned returns the records of the account's zones that are a site's: at the given names, the A and AAAA aliases that lead to
// the target (the distribution's own name), and of the CNAMEs those that are there as given. Records cannot be tagged; one
// that leads elsewhere, or that somebody wrote as a CNAME to the distribution, is not the tool's.
func (r *Records) Owned(ctx context.Context, names []string, target string, cnames []Record) ([]Owned, error) {
	var found []Owned
	look := func(name string, mine func(types.ResourceRecordSet) bool) error {
		zone, ok := r.ZoneOf(name)
		if !ok {
			return nil
		}
		sets, err := r.at(ctx, zone, name)
		for _, s := range sets {
			if mine(s) {
				found = append(found, Owned{Zone: zone, Text: name + " " + describe(s), set: s})
			}
		}
		return err
	}
	for _, name := range names {
		if err := look(name, func(s types.ResourceRecordSet) bool {
			return s.AliasTarget != nil && s.Type != types.RRTypeHttps && leads(s, target)
		}); err != nil {
			return nil, err
		}
	}
	for _, c := range cnames {
		if err := look(c.Name, func(s types.ResourceRecordSet) bool { return s.Type == types.RRTypeCname && leads(s, c.Value) }); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Delete removes records that Owned returned. One that was changed since makes the whole zone's removal fail, and nothing is lost.
func (r *Records) Delete(ctx context.Context, owned []Owned) error {
	b := batches{}
	for _, o := range owned {
		b.add(o.Zone, types.ChangeActionDelete, o.set)
	}
	return r.send(ctx, b)
}

// NameServers returns the servers that answer for a zone, without last dots. Public DNS has to name them for the domain, at its
// registrar or in the zone above: otherwise nobody sees the records.
func (r *Records) NameServers(ctx context.Context, zone zones.Zone) ([]string, error) {
	out, err := r.API.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &zone.ID})
	if err != nil {
		return nil, fmt.Errorf("look at zone %s (%s): %w", zone.Domain, zone.ID, reason.Of(err))
	}
	var servers []string
	if out.DelegationSet != nil {
		for _, s := range out.DelegationSet.NameServers {
			servers = append(servers, bare(s))
		}
	}
	return servers, nil
}
