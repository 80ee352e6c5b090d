package domain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/certificate"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/records"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

const (
	// releasePace is the time between two tries to delete a certificate, and releasePatience how long ACM may take to learn
	// that the distribution is gone.
	releasePace     = 10 * time.Second
	releasePatience = 10 * time.Minute
)

// Made is what the tool made for the site's domain: certificates, which it tagged, and records, which lead to the site's
// distribution or prove such a certificate.
type Made struct {
	h            *hosted.Hosting
	state        stack.State
	certificates []certificate.Certificate
	records      []records.Owned
	api          *records.Records
	// Left are the certificates and records that stay, and why, in words.
	Left []string
}

// Empty reports whether there is nothing to remove.
func (m *Made) Empty() bool { return len(m.certificates) == 0 && len(m.records) == 0 }

// Find looks for the certificates and records of a site, whose stack may be gone. A site that never had a domain needs no
// permission for that.
func Find(ctx context.Context, h *hosted.Hosting, state stack.State) (Made, error) {
	m := Made{h: h, state: state}
	err := m.find(ctx)
	return m, err
}

func (m *Made) find(ctx context.Context) error {
	names, used := m.names(), m.state.Parameters[template.ParamCertificateArn]
	owned, err := m.h.Certificates().Owned(ctx)
	if err != nil {
		if len(names) == 0 && used == "" && reason.Code(err) == "AccessDeniedException" {
			return nil
		}
		return err
	}
	for _, one := range owned {
		user, err := m.usedElsewhere(ctx, one)
		if err != nil {
			return err
		}
		if user != "" {
			m.Left = append(m.Left, fmt.Sprintf("the certificate %s, which %s uses", one.ARN, user))
			continue
		}
		m.certificates = append(m.certificates, one)
	}
	if used != "" && !slices.ContainsFunc(owned, func(c certificate.Certificate) bool { return c.ARN == used }) {
		m.Left = append(m.Left, "the certificate "+used+", which the tool did not make")
	}
	return m.findRecords(ctx, names)
}

// names are the site's domain names, as they are deployed and as the project has them.
func (m *Made) names() (names []string) {
	for _, name := range append(strings.Split(m.state.Parameters[template.ParamDomainNames], ","), hosted.Hosts(m.h.Project.Names())...) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// usedElsewhere is what uses a certificate beside the site's distribution; "" if nothing does. Without a stack it may be a
// distribution that is gone, of which ACM has not learned yet, or that of a site of the same name in another region.
func (m *Made) usedElsewhere(ctx context.Context, one certificate.Certificate) (string, error) {
	for _, arn := range one.InUseBy {
		_, id, ok := strings.Cut(arn, ":distribution/")
		if ok && m.state.ID != "" && id == m.state.Outputs[template.OutputDistributionID] {
			continue
		}
		if ok && m.state.ID == "" {
			gone, err := m.h.DistributionIsGone(ctx, id)
			if err != nil {
				return "", err
			}
			if gone {
				continue
			}
		}
		return arn, nil
	}
	return "", nil
}

// findRecords looks for the aliases of the names and for the proofs of the certificates.
func (m *Made) findRecords(ctx context.Context, names []string) error {
	var proofs []records.Record
	for _, one := range m.certificates {
		exclusive, err := m.h.Certificates().Exclusive(ctx, one, m.h.Control())
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
	if m.api, err = m.h.Routes(ctx); err != nil {
		return err
	}
	target := m.state.Outputs[template.OutputDistributionDomainName]
	if target == "" {
		names = nil
	}
	if m.records, err = m.api.Owned(ctx, names, target, proofs); err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(m.records, func(r records.Owned) bool { return strings.HasPrefix(r.Text, name+" ") }) {
			m.Left = append(m.Left, "the DNS record of "+name+", if there is one: the tool did not make it; remove it, since it leads nowhere now")
		}
	}
	return nil
}

// Words are the certificates and records in words.
func (m *Made) Words() (list []string) {
	for _, r := range m.records {
		list = append(list, "record "+r.Text)
	}
	for _, one := range m.certificates {
		list = append(list, "certificate for "+strings.Join(one.Names, ", ")+": "+one.ARN)
	}
	return list
}

// RemoveRecords removes the records, before what they lead to, and returns them in words.
func (m *Made) RemoveRecords(ctx context.Context, report hosting.Reporter) (removed []string, err error) {
	if len(m.records) == 0 {
		return nil, nil
	}
	report.Step("Records")
	if err := m.api.Delete(ctx, m.records); err != nil {
		return nil, err
	}
	for _, r := range m.records {
		removed = append(removed, "record "+r.Text)
	}
	return removed, nil
}

// RemoveCertificates removes the certificates, and returns those in words that are gone, also with an error. ACM learns some
// minutes late that the distribution is gone.
func (m *Made) RemoveCertificates(ctx context.Context, report hosting.Reporter) (removed []string, err error) {
	for _, one := range m.certificates {
		report.Step("Certificate")
		if err := m.removeCertificate(ctx, one, report); err != nil {
			return removed, err
		}
		removed = append(removed, "certificate for "+strings.Join(one.Names, ", ")+": "+one.ARN)
	}
	return removed, nil
}

func (m *Made) removeCertificate(ctx context.Context, one certificate.Certificate, report hosting.Reporter) error {
	for begun := time.Now(); ; {
		err := m.h.Certificates().Delete(ctx, one.ARN)
		if !errors.Is(err, certificate.ErrInUse) || time.Since(begun) > releasePatience {
			return err
		}
		report.Detail("waiting until ACM knows that the distribution is gone, %s so far; it takes some minutes", time.Since(begun).Round(time.Second))
		if err := m.h.Pause(ctx, releasePace); err != nil {
			return err
		}
	}
}
