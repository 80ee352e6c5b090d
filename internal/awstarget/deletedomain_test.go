package awstarget_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// UPSTREAM's defect 28, too: certificates go that were never made here. Here the records and the certificate go that the tool
// made, records before the distribution that they lead to, the certificate when ACM knows that it is gone; whatever else is
// in the zones and in ACM stays.
func TestDefect28_OnlyOwnCertificateAndRecords(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	exampleZone(b)
	b.account.AddRecord(b.zone("example.com"), "mail.example.com.", "A", "192.0.2.1")
	foreign := b.account.AddCertificate([]string{"shop.example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
	b.names(www)
	b.opts.DNS = b.account.Resolver()
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Fatal(err)
	}
	if n := len(b.account.Certificates()); n != 2 {
		t.Fatalf("%d certificates", n)
	}
	var order []string
	late := 2
	b.account.Do(func() {
		b.account.Fault = func(service, operation string) *double.Fault {
			switch operation {
			case "DeleteStack", "ChangeResourceRecordSets", "DeleteCertificate":
				order = append(order, operation)
			}
			if operation == "DeleteCertificate" && late > 0 {
				late--
				return &double.Fault{Code: "ResourceInUseException", Message: "Certificate is in use."}
			}
			return nil
		}
	})
	r := &recorder{}
	doomed, removed, err := b.remove(hosting.DeleteOptions{}, r)
	golden.Check(t, "delete-names.txt", b.deletedText(r, doomed, removed, err))
	if got := strings.Join(order, " "); got != "ChangeResourceRecordSets DeleteStack DeleteCertificate DeleteCertificate DeleteCertificate" {
		t.Errorf("order: %s", got)
	}
	for _, record := range b.account.Records() {
		if !strings.Contains(record, "mail.example.com") && !strings.Contains(record, " NS ") && !strings.Contains(record, " SOA ") {
			t.Errorf("record %s is left", record)
		}
	}
	if left := b.account.Certificates(); len(left) != 1 || left[foreign] == "" {
		t.Errorf("certificates %v, want %s", left, foreign)
	}
}

// A certificate that was there before stays, and so does a record that somebody else made; both are told of.
func TestDeleteLeavesWhatWasThereBefore(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.account.AddCertificate([]string{"example.com", "*.example.com"}, "ISSUED", "AMAZON_ISSUED", "RSA_2048", nil)
	b.names(www)
	b.opts.DNS = b.account.Resolver()
	if _, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{NoWait: true}, &recorder{}); err != nil {
		t.Fatal(err)
	}
	_, removed, err := b.remove(hosting.DeleteOptions{}, &recorder{})
	// What else was removed depends on how far the pipeline had got.
	golden.Check(t, "delete-names-of-others.txt", b.deletedText(&recorder{}, hosting.Doomed{}, hosting.Removed{Left: removed.Left}, err))
	if len(b.account.Certificates()) != 1 {
		t.Error("the certificate is gone")
	}
}

// A certificate has no region of its own but us-east-1: whoever deletes the site in a region where it is not does not touch that
// of the live site, nor what proves it.
func TestDeleteInAnotherRegion(t *testing.T) {
	b := newBed(t, false)
	connected(b)
	exampleZone(b)
	b.names(beta)
	b.opts.DNS = b.account.Resolver()
	b.account.Do(func() { b.account.Quick = true })
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Fatal(err)
	}
	records, made := b.account.Records(), b.account.Count("route53 ChangeResourceRecordSets")
	b.account.Do(func() {
		b.account.Fault = func(_, operation string) *double.Fault {
			if operation == "DescribeStacks" { // of another region
				return &double.Fault{Code: "ValidationError", Message: "Stack with id " + b.site.Name() + " does not exist"}
			}
			return nil
		}
	})
	for _, act := range []func() error{
		func() error { _, err := b.hosting().Doomed(t.Context(), hosting.DeleteOptions{}); return err },
		func() error {
			_, err := b.hosting().Delete(t.Context(), hosting.DeleteOptions{}, &recorder{})
			return err
		},
	} {
		if err := act(); fault.KindOf(err) != fault.NotDeployed || !strings.Contains(fault.HintOf(err), "--region") {
			t.Errorf("%v\n%s", err, fault.HintOf(err))
		}
	}
	if len(b.account.Certificates()) != 1 || b.account.Count("route53 ChangeResourceRecordSets") != made || !slices.Equal(b.account.Records(), records) {
		t.Errorf("certificates %v, records %v; want %v", b.account.Certificates(), b.account.Records(), records)
	}
}

// A deletion that was cut off when the stack was gone goes on with the certificate, also while ACM still takes the distribution
// for its user.
func TestDeleteGoesOnWithTheCertificate(t *testing.T) {
	b := newBed(t, false)
	connected(b)
	exampleZone(b)
	b.names(beta)
	b.opts.DNS = b.account.Resolver()
	b.account.Do(func() { b.account.Quick = true })
	if _, err := b.deploy(&recorder{}); err != nil {
		t.Fatal(err)
	}
	b.account.Do(func() {
		b.account.Fault = func(_, operation string) *double.Fault {
			if operation == "DeleteCertificate" {
				return &double.Fault{Status: 403, Code: "AccessDeniedException", Message: "not authorized to perform: acm:DeleteCertificate"}
			}
			return nil
		}
	})
	if _, _, err := b.remove(hosting.DeleteOptions{}, &recorder{}); err == nil || len(b.account.Certificates()) != 1 {
		t.Fatalf("%v, certificates %v", err, b.account.Certificates())
	}
	b.account.Do(func() { b.account.Fault, b.account.CA.Late = nil, 2 })
	if _, _, err := b.remove(hosting.DeleteOptions{}, &recorder{}); err != nil || len(b.account.Certificates()) != 0 {
		t.Errorf("%v, certificates %v", err, b.account.Certificates())
	}
}
