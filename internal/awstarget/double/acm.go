package double

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// CA is how AWS Certificate Manager behaves. A certificate is issued when the double's DNS shows the CNAME of each of its names.
// Its fields are changed with Do.
type CA struct {
	// Failure makes the next look at a pending certificate find it FAILED, for this reason.
	Failure string
	// TimesOut makes the next look at a pending certificate find that its 72 hours are over.
	TimesOut bool
	// Slow is how many more looks a certificate takes after all of its records are seen.
	Slow int
	// Hides is how many looks at a new certificate do not find it.
	Hides int

	// Renewal, if set, is how the renewal of every issued certificate goes.
	Renewal string
	// Late is how many looks at a certificate show a distribution that is gone as its user.
	Late int

	certificates []*certificate
	tokens       map[string]string
}

// certificate is a certificate in us-east-1.
type certificate struct {
	arn, status, failure, kind, key string
	names                           []string
	tags                            map[string]string
	looks, seen                     int
	created                         time.Time
	proven                          map[string]bool
}

// AddCertificate puts a certificate into the account and returns its ARN. Kind is AMAZON_ISSUED, IMPORTED or PRIVATE, key is
// RSA_2048 or another of ACM's.
func (a *Account) AddCertificate(names []string, status, kind, key string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.newCertificate(names)
	c.status, c.kind, c.key, c.tags = status, kind, key, tags
	return c.arn
}

// Certificates returns the ARNs of the account's certificates with their status.
func (a *Account) Certificates() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]string{}
	for _, c := range a.CA.certificates {
		all[c.arn] = c.status
	}
	return all
}

// SetCertificates gives every certificate this status.
func (a *Account) SetCertificates(status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.CA.certificates {
		c.status = status
	}
}

func (a *Account) newCertificate(names []string) *certificate {
	c := &certificate{
		arn: "arn:aws:acm:us-east-1:" + AccountID + ":certificate/" + a.id(), status: "PENDING_VALIDATION", kind: "AMAZON_ISSUED",
		key: "RSA_2048", names: names, tags: map[string]string{}, created: a.tick(), proven: map[string]bool{},
	}
	a.CA.certificates = append(a.CA.certificates, c)
	return c
}

// Validation is the CNAME that proves a name: the same for every certificate of the account, and for a name's wildcard.
func Validation(name string) (record, value string) {
	name = strings.TrimPrefix(name, "*.")
	return "_" + hash(AccountID + name)[:32] + "." + name + ".", "_" + hash("value" + name)[:32] + ".acm-validations.aws."
}

func (a *Account) acm(name string, req *wire.Request) (map[string]any, *Fault) {
	switch name {
	case "RequestCertificate":
		return a.requestCertificate(req)
	case "ListCertificates":
		return a.listCertificates(req)
	}
	arn := req.Text("CertificateArn")
	i := slices.IndexFunc(a.CA.certificates, func(c *certificate) bool { return c.arn == arn })
	if i < 0 {
		return nil, &Fault{http.StatusBadRequest, "ResourceNotFoundException", "Could not find certificate " + arn}
	}
	c := a.CA.certificates[i]
	switch name {
	case "DescribeCertificate":
		if c.looks++; c.kind == "AMAZON_ISSUED" && c.looks <= a.CA.Hides {
			return nil, &Fault{http.StatusBadRequest, "ResourceNotFoundException", "Could not find certificate " + arn}
		}
		a.proceed(c)
		return map[string]any{"Certificate": a.detail(c)}, nil
	case "ListTagsForCertificate":
		tags := []any{}
		for _, k := range slices.Sorted(maps.Keys(c.tags)) {
			tags = append(tags, map[string]any{"Key": k, "Value": c.tags[k]})
		}
		if len(tags) == 0 {
			return map[string]any{}, nil
		}
		return map[string]any{"Tags": tags}, nil
	}
	if users := a.usersOf(c); len(users) > 0 {
		return nil, refuse("ResourceInUseException", "Certificate %s is in use.", arn)
	}
	a.CA.certificates = slices.Delete(a.CA.certificates, i, i+1)
	return nil, nil
}

func (a *Account) requestCertificate(req *wire.Request) (map[string]any, *Fault) {
	names := []string{req.Text("DomainName")}
	more, _ := req.Input["SubjectAlternativeNames"].([]any)
	for _, n := range more {
		if name := n.(string); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 10 { // the quota of a new account
		return nil, refuse("LimitExceededException", "The maximum number of domain names in a certificate is 10.")
	}
	// What a token was answered with stays so, even when that certificate is gone: the least convenient reading of the reference.
	token := req.Text("IdempotencyToken")
	if arn := a.CA.tokens[token]; arn != "" {
		return map[string]any{"CertificateArn": arn}, nil
	}
	c := a.newCertificate(names)
	c.tags = texts(req.Input["Tags"], "Key", "Value")
	a.CA.tokens[token] = c.arn
	return map[string]any{"CertificateArn": c.arn}, nil
}

// lastDay is when every certificate ends.
var lastDay = time.Date(2099, 1, 2, 23, 59, 59, 0, time.UTC)

// certificatePage is how many certificates a page has: few, so that paging is tried.
const certificatePage = 2

func (a *Account) listCertificates(req *wire.Request) (map[string]any, *Fault) {
	includes, _ := req.Input["Includes"].(map[string]any)
	keys, _ := includes["keyTypes"].([]any)
	if keys == nil {
		keys = []any{"RSA_1024", "RSA_2048"}
	}
	statuses, _ := req.Input["CertificateStatuses"].([]any)
	var fit []any
	for _, c := range a.CA.certificates {
		if slices.Contains(keys, any(c.key)) && (len(statuses) == 0 || slices.Contains(statuses, any(c.status))) {
			fit = append(fit, map[string]any{
				"CertificateArn": c.arn, "DomainName": c.names[0], "SubjectAlternativeNameSummaries": list(c.names),
				"HasAdditionalSubjectAlternativeNames": false, "Status": c.status, "Type": c.kind, "KeyAlgorithm": c.key,
				"CreatedAt": c.created, "NotAfter": lastDay,
			})
		}
	}
	start := 0
	if token := req.Text("NextToken"); token != "" {
		_, _ = fmt.Sscan(token, &start)
	}
	end := min(start+certificatePage, len(fit))
	out := map[string]any{"CertificateSummaryList": append([]any{}, fit[start:end]...)}
	if end < len(fit) {
		out["NextToken"] = fmt.Sprint(end)
	}
	return out, nil
}

func list(texts []string) []any {
	var items []any
	for _, t := range texts {
		items = append(items, t)
	}
	return items
}

// proceed is what happens to a pending certificate between two looks at it.
func (a *Account) proceed(c *certificate) {
	if c.status != "PENDING_VALIDATION" {
		return
	}
	if a.CA.Failure != "" {
		c.status, c.failure = "FAILED", a.CA.Failure
		return
	}
	if a.CA.TimesOut {
		c.status = "VALIDATION_TIMED_OUT"
		return
	}
	for _, name := range c.names {
		record, value := Validation(name)
		c.proven[name] = c.proven[name] || a.DNS.cname(record) == bare(value)
	}
	if slices.ContainsFunc(c.names, func(name string) bool { return !c.proven[name] }) {
		return
	}
	if c.seen++; c.seen > a.CA.Slow {
		c.status = "ISSUED"
	}
}

func (a *Account) detail(c *certificate) map[string]any {
	out := map[string]any{
		"CertificateArn": c.arn, "DomainName": c.names[0], "SubjectAlternativeNames": list(c.names), "Status": c.status,
		"Type": c.kind, "KeyAlgorithm": c.key, "CreatedAt": c.created, "NotAfter": lastDay,
	}
	if users := a.usersOf(c); len(users) > 0 {
		out["InUseBy"] = users
	}
	if c.failure != "" {
		out["FailureReason"] = c.failure
	}
	if c.kind != "AMAZON_ISSUED" {
		return out
	}
	if a.CA.Renewal != "" && c.status == "ISSUED" {
		out["RenewalSummary"] = map[string]any{"RenewalStatus": a.CA.Renewal, "UpdatedAt": c.created, "DomainValidationOptions": []any{
			map[string]any{"DomainName": c.names[0]}}}
	}
	var proofs []any
	for _, name := range c.names {
		proof := map[string]any{"DomainName": name, "ValidationDomain": name, "ValidationMethod": "DNS", "ValidationStatus": "PENDING_VALIDATION"}
		switch {
		case c.status == "ISSUED" || c.proven[name]:
			proof["ValidationStatus"] = "SUCCESS"
		case c.status == "FAILED" || c.status == "VALIDATION_TIMED_OUT":
			proof["ValidationStatus"] = "FAILED"
		}
		if c.looks > a.CA.Hides+1 { // ACM takes some seconds to tell the records
			record, value := Validation(name)
			proof["ResourceRecord"] = map[string]any{"Name": record, "Type": "CNAME", "Value": value}
		}
		proofs = append(proofs, proof)
	}
	out["DomainValidationOptions"] = proofs
	return out
}

// usersOf are the distributions that serve with a certificate.
func (a *Account) usersOf(c *certificate) []any {
	var users []any
	for _, s := range a.stacks {
		if s.params[template.ParamCertificateArn] == c.arn && s.resources["Distribution"] != nil {
			users = append(users, "arn:aws:cloudfront::"+AccountID+":distribution/"+s.resources["Distribution"].physical)
		}
	}
	for _, s := range a.stacks {
		if len(users) == 0 && a.CA.Late > 0 && s.params[template.ParamCertificateArn] == c.arn {
			a.CA.Late--
			users = append(users, "arn:aws:cloudfront::"+AccountID+":distribution/"+a.named(s.name, s.params)("Distribution", "AWS::CloudFront::Distribution", ""))
		}
	}
	return users
}

// refusesAliases says why CloudFront does not take the domain names of a distribution; "" if it does.
func (a *Account) refusesAliases(s *stack, params map[string]string) string {
	if params[template.ParamDomainNames] == "" {
		return ""
	}
	const refused = `Resource handler returned message: "Invalid request provided: AWS::CloudFront::Distribution: %s" (HandlerErrorCode: InvalidRequest)`
	names := strings.Split(params[template.ParamDomainNames], ",")
	for _, name := range names {
		taken := a.TakenAliases[name]
		for _, other := range a.stacks {
			taken = taken || other != s && other.status != "DELETE_COMPLETE" && slices.Contains(strings.Split(other.params[template.ParamDomainNames], ","), name)
		}
		if taken {
			return fmt.Sprintf(refused, "One or more of the CNAMEs you provided are already associated with a different resource. (Service: CloudFront, Status Code: 409, Request ID: 1)")
		}
	}
	i := slices.IndexFunc(a.CA.certificates, func(c *certificate) bool { return c.arn == params[template.ParamCertificateArn] })
	if i < 0 || a.CA.certificates[i].status != "ISSUED" || !covers(a.CA.certificates[i].names, names) {
		return fmt.Sprintf(refused, "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain. (Service: CloudFront, Status Code: 400, Request ID: 1)")
	}
	return ""
}

func covers(patterns, names []string) bool {
	for _, name := range names {
		_, parent, _ := strings.Cut(name, ".")
		if !slices.Contains(patterns, name) && !slices.Contains(patterns, "*."+parent) {
			return false
		}
	}
	return true
}
