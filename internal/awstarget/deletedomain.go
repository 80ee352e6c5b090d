package awstarget

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

const (
	// releasePace is the time between two tries to delete a certificate, and releasePatience how long ACM may take to learn
	// that the distribution is gone.
	releasePace     = 10 * time.Second
	releasePatience = 10 * time.Minute
)

// ownDomain is what the tool made for the site's domain: certificates, which it tagged, and records, which lead to the site's
// distribution or prove such a certificate.
type ownDomain struct {
	d            *deletion
	certificates []certificate.Certificate
	records      []records.Owned
	api          *records.Records
	// left are the certificates and records that stay, and why, in words.
	left []string
}

func (o *ownDomain) empty() bool { return len(o.certificates) == 0 && len(o.records) == 0 }

// find looks for the certificates and records. A site that never had a domain needs no permission for that.
func (o *ownDomain) find(ctx context.Context, d *deletion) error {
	o.d = d
	names, used := o.names(), d.state.Parameters[template.ParamCertificateArn]
	owned, err := o.d.Certificates().Owned(ctx)
	if err != nil {
		if len(names) == 0 && used == "" && reason.Code(err) == "AccessDeniedException" {
			return nil
		}
		return err
	}
	for _, one := range owned {
		if user := o.usedElsewhere(one); user != "" {
			o.left = append(o.left, fmt.Sprintf("the certificate %s, which %s uses", one.ARN, user))
			continue
		}
		o.certificates = append(o.certificates, one)
	}
	if used != "" && !slices.ContainsFunc(owned, func(c certificate.Certificate) bool { return c.ARN == used }) {
		o.left = append(o.left, "the certificate "+used+", which the tool did not make")
	}
	return o.findRecords(ctx, names)
}

// names are the site's domain names, as they are deployed and as the project has them.
func (o *ownDomain) names() (names []string) {
	for _, name := range append(strings.Split(o.d.state.Parameters[template.ParamDomainNames], ","), hosted.Hosts(o.d.Project.Names())...) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// usedElsewhere is what uses a certificate beside the site's distribution; "" if nothing does.
func (o *ownDomain) usedElsewhere(one certificate.Certificate) string {
	own := o.d.state.Outputs[template.OutputDistributionID]
	for _, arn := range one.InUseBy {
		// Without a stack the distribution is gone, and ACM has not learned of it yet.
		if o.d.state.ID != "" && !strings.HasSuffix(arn, ":distribution/"+own) {
			return arn
		}
	}
	return ""
}

// findRecords looks for the aliases of the names and for the proofs of the certificates.
func (o *ownDomain) findRecords(ctx context.Context, names []string) error {
	var proofs []records.Record
	for _, one := range o.certificates {
		exclusive, err := o.d.Certificates().Exclusive(ctx, one, o.d.Control())
		if err != nil {
			return err
		}
		for _, v := range exclusive {
			proofs = append(proofs, records.Record{Name: v.Name, Type: records.CNAME, Value: v.Value})
		}
	}
	if len(names) == 0 && len(proofs) == 0 {
		return nil
	}
	var err error
	if o.api, err = o.d.Routes(ctx); err != nil {
		return err
	}
	target := o.d.state.Outputs[template.OutputDistributionDomainName]
	if target == "" {
		names = nil
	}
	if o.records, err = o.api.Owned(ctx, names, target, proofs); err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(o.records, func(r records.Owned) bool { return strings.HasPrefix(r.Text, name+" ") }) {
			o.left = append(o.left, "the DNS record of "+name+", if there is one: the tool did not make it; remove it, since it leads nowhere now")
		}
	}
	return nil
}

// words are the certificates and records in words.
func (o *ownDomain) words() (list []string) {
	for _, r := range o.records {
		list = append(list, "record "+r.Text)
	}
	for _, one := range o.certificates {
		list = append(list, "certificate for "+strings.Join(one.Names, ", ")+": "+one.ARN)
	}
	return list
}

// removeRecords removes the records, before what they lead to.
func (o *ownDomain) removeRecords(ctx context.Context) error {
	if len(o.records) == 0 {
		return nil
	}
	o.d.report.Step("Records")
	if err := o.api.Delete(ctx, o.records); err != nil {
		return o.d.cutOff(ctx, err)
	}
	for _, r := range o.records {
		o.d.done.Removed = append(o.d.done.Removed, "record "+r.Text)
	}
	return nil
}

// removeCertificates removes the certificates. ACM learns some minutes late that the distribution is gone.
func (o *ownDomain) removeCertificates(ctx context.Context) error {
	for _, one := range o.certificates {
		o.d.report.Step("Certificate")
		if err := o.removeCertificate(ctx, one); err != nil {
			return o.d.cutOff(ctx, err)
		}
		o.d.done.Removed = append(o.d.done.Removed, "certificate for "+strings.Join(one.Names, ", ")+": "+one.ARN)
	}
	return nil
}

func (o *ownDomain) removeCertificate(ctx context.Context, one certificate.Certificate) error {
	wait := o.d.Hosting.Opts.Pace
	if wait == 0 {
		wait = releasePace
	}
	for begun := time.Now(); ; {
		err := o.d.Certificates().Delete(ctx, one.ARN)
		if !errors.Is(err, certificate.ErrInUse) || time.Since(begun) > releasePatience {
			return err
		}
		o.d.report.Detail("waiting until ACM knows that the distribution is gone, %s so far; it takes some minutes", time.Since(begun).Round(time.Second))
		if err := pace.Wait(ctx, wait); err != nil {
			return err
		}
	}
}
