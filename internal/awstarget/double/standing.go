package double

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// Standing is how the account stands: who acts in it, what they may do, and what is there already.
type Standing struct {
	// Who is the ARN that GetCallerIdentity tells; a user's if it is empty.
	Who string
	// Denied are actions that a simulation of the caller's permissions denies.
	Denied []string
	// Asked are the simulated actions with their resources, "*" for none.
	Asked []string
	// Quotas are values by the quota's name; quotas that are not in it are not told.
	Quotas map[string]float64
	// There are how many resources of others there are, by "ListDistributions", "ListFunctions", "ListKeyValueStores",
	// "ListOriginAccessControls" and "ListBuckets".
	There map[string]int
}

// who is the caller's identity.
func (a *Account) who() map[string]any {
	arn := a.Standing.Who
	if arn == "" {
		arn = "arn:aws:iam::" + AccountID + ":user/dana"
	}
	return map[string]any{"Account": AccountID, "Arn": arn, "UserId": "AIDADANA"}
}

// iam answers SimulatePrincipalPolicy: one page a request.
func (a *Account) iam(req *wire.Request) (map[string]any, *Fault) {
	if !strings.HasPrefix(req.Text("PolicySourceArn"), "arn:aws:iam::"+AccountID+":") {
		return nil, refuse("InvalidInput", "Invalid PolicySourceArn")
	}
	var results []any
	resource := "*"
	if list, _ := req.Input["ResourceArns"].([]any); len(list) > 0 {
		resource = fmt.Sprint(list...)
	}
	actions, _ := req.Input["ActionNames"].([]any)
	for _, action := range actions {
		name, _ := action.(string)
		if strings.Contains(name, "*") {
			return nil, refuse("InvalidInput", "Wildcards are not allowed in action names")
		}
		decision := "allowed"
		if slices.Contains(a.Standing.Denied, name) {
			decision = "implicitDeny"
		}
		a.Standing.Asked = append(a.Standing.Asked, name+" "+resource)
		results = append(results, map[string]any{"EvalActionName": name, "EvalDecision": decision, "EvalResourceName": resource})
	}
	return map[string]any{"EvaluationResults": results, "IsTruncated": false}, nil
}

// serviceQuotas answers ListServiceQuotas, one quota a page, so that paging is tried.
func (a *Account) serviceQuotas(req *wire.Request) (map[string]any, *Fault) {
	var names []string
	for name := range a.Standing.Quotas {
		names = append(names, name)
	}
	slices.Sort(names)
	at := 0
	_, _ = fmt.Sscan(req.Text("NextToken"), &at)
	out := map[string]any{"Quotas": []any{}}
	if at < len(names) {
		out["Quotas"] = []any{map[string]any{"ServiceCode": req.Text("ServiceCode"), "QuotaName": names[at], "Value": a.Standing.Quotas[names[at]]}}
	}
	if at+1 < len(names) {
		out["NextToken"] = fmt.Sprint(at + 1)
	}
	return out, nil
}

// lists answers CloudFront's lists, one item a page.
func (a *Account) lists(name string, req *wire.Request) (map[string]any, *Fault) {
	at := 0
	_, _ = fmt.Sscan(req.Text("Marker"), &at)
	there := a.Standing.There[name] + len(a.resourcesOf(map[string]string{
		"ListDistributions": "AWS::CloudFront::Distribution", "ListFunctions": "AWS::CloudFront::Function",
		"ListKeyValueStores": "AWS::CloudFront::KeyValueStore", "ListOriginAccessControls": "AWS::CloudFront::OriginAccessControl",
	}[name]))
	const page = 3
	items := []any{}
	for i := at; i < min(there, at+page); i++ {
		items = append(items, a.listed(name, fmt.Sprintf("E%d", i)))
	}
	list := map[string]any{"MaxItems": int64(page), "Quantity": int64(len(items)), "Items": items}
	if at+page < there {
		list["NextMarker"] = fmt.Sprint(at + page)
	}
	truncated := at+page < there
	switch name {
	case "ListDistributions":
		list["Marker"], list["IsTruncated"] = fmt.Sprint(at), truncated
		return map[string]any{"DistributionList": list}, nil
	case "ListOriginAccessControls":
		list["Marker"], list["IsTruncated"] = fmt.Sprint(at), truncated
		return map[string]any{"OriginAccessControlList": list}, nil
	case "ListFunctions":
		return map[string]any{"FunctionList": list}, nil
	default:
		return map[string]any{"KeyValueStoreList": list}, nil
	}
}

// listed is one item of a list, with what the model wants at least.
func (a *Account) listed(name, id string) map[string]any {
	now := a.tick()
	switch name {
	case "ListFunctions":
		return map[string]any{
			"Name": id, "FunctionConfig": map[string]any{"Comment": "", "Runtime": "cloudfront-js-2.0"},
			"FunctionMetadata": map[string]any{"FunctionARN": "arn:aws:cloudfront::" + AccountID + ":function/" + id, "LastModifiedTime": now},
		}
	case "ListKeyValueStores":
		return map[string]any{"Name": id, "Id": id, "Comment": "", "ARN": "arn:aws:cloudfront::" + AccountID + ":key-value-store/" + id, "LastModifiedTime": now}
	case "ListOriginAccessControls":
		return map[string]any{"Id": id, "Name": id, "Description": "", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
	}
	return map[string]any{
		"Id": id, "ARN": "arn:aws:cloudfront::" + AccountID + ":distribution/" + id, "Status": "Deployed", "LastModifiedTime": now,
		"DomainName": strings.ToLower(id) + ".cloudfront.net", "Comment": "", "PriceClass": "PriceClass_All", "Enabled": true,
		"WebACLId": "", "HttpVersion": "http2", "IsIPV6Enabled": true, "Staging": false,
		"Aliases": map[string]any{"Quantity": int64(0)}, "CacheBehaviors": map[string]any{"Quantity": int64(0)},
		"CustomErrorResponses": map[string]any{"Quantity": int64(0)},
		"Origins":              map[string]any{"Quantity": int64(1), "Items": []any{map[string]any{"Id": "x", "DomainName": "x"}}},
		"DefaultCacheBehavior": map[string]any{"TargetOriginId": "x", "ViewerProtocolPolicy": "allow-all"},
		"Restrictions":         map[string]any{"GeoRestriction": map[string]any{"RestrictionType": "none", "Quantity": int64(0)}},
		"ViewerCertificate":    map[string]any{"CloudFrontDefaultCertificate": true},
	}
}

// resourcesOf are the resources of a type in all stacks.
func (a *Account) resourcesOf(typ string) (all []*resource) {
	for _, s := range a.stacks {
		for _, r := range s.resources {
			if r.typ == typ {
				all = append(all, r)
			}
		}
	}
	return all
}

// listBuckets answers S3's list of the account's buckets (S3 API Reference, ListBuckets). It is counted with the other requests.
func (a *Account) listBuckets(w http.ResponseWriter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Requests["s3 ListAllMyBuckets"]++ // the permission's name
	if a.Fault != nil {
		if f := a.Fault("s3", "ListBuckets"); f != nil {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(max(f.Status, http.StatusForbidden))
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", f.Code, f.Message)
			return
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, `<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>`)
	for i := range a.Standing.There["ListBuckets"] + len(a.resourcesOf("AWS::S3::Bucket")) {
		fmt.Fprintf(w, "<Bucket><Name>bucket-%d</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>", i)
	}
	fmt.Fprint(w, "</Buckets></ListAllMyBucketsResult>")
}
