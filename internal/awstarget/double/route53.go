package double

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// DNS is Route 53, and the rest of the world's DNS.
type DNS struct {
	// Outside are the names that other DNS providers answer for: a name it is an alias of, or an address.
	Outside map[string]string
	// Undelegated are the zones, by domain, that public DNS does not know: their domains are with the name servers of
	// somebody else.
	Undelegated map[string]bool

	zones   []*zone
	pending map[string]int
}

type zone struct {
	id, domain string
	private    bool
	sets       []map[string]any
}

// AddZone puts a hosted zone into the account and returns its id.
func (a *Account) AddZone(domain string, private bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	z := &zone{id: fmt.Sprintf("Z%012d", a.serial), domain: domain, private: private}
	z.sets = []map[string]any{record(domain, "NS", "ns-1.awsdns-1.org."), record(domain, "SOA", "ns-1.awsdns-1.org. admin. 1 7200 900 1209600 86400")}
	a.DNS.zones = append(a.DNS.zones, z)
	return z.id
}

// AddRecord puts a record into a zone.
func (a *Account) AddRecord(zoneID, name, typ, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	z := a.DNS.zone(zoneID)
	z.sets = append(z.sets, record(name, typ, value))
	z.sort()
}

func record(name, typ, value string) map[string]any {
	return map[string]any{"Name": dotted(name), "Type": typ, "TTL": int64(60), "ResourceRecords": []any{map[string]any{"Value": value}}}
}

// Records are the records of every zone, without the zones' own, as "name TYPE value".
func (a *Account) Records() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, z := range a.DNS.zones {
		for _, s := range z.sets {
			if typ := s["Type"].(string); typ != "NS" && typ != "SOA" {
				all = append(all, bare(s["Name"].(string))+" "+typ+" "+valueOf(s))
			}
		}
	}
	return all
}

func valueOf(set map[string]any) string {
	if alias, ok := set["AliasTarget"].(map[string]any); ok {
		return "ALIAS " + bare(alias["DNSName"].(string))
	}
	values, _ := set["ResourceRecords"].([]any)
	return bare(values[0].(map[string]any)["Value"].(string))
}

func dotted(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }

func bare(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (d *DNS) zone(id string) *zone {
	id = strings.TrimPrefix(id, "/hostedzone/")
	if i := slices.IndexFunc(d.zones, func(z *zone) bool { return z.id == id }); i >= 0 {
		return d.zones[i]
	}
	return nil
}

func (z *zone) sort() {
	key := func(s map[string]any) string {
		labels := strings.Split(bare(s["Name"].(string)), ".")
		slices.Reverse(labels)
		return strings.Join(labels, ".") + ". " + s["Type"].(string)
	}
	slices.SortFunc(z.sets, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
}

func (z *zone) describe() map[string]any {
	return map[string]any{
		"Id": "/hostedzone/" + z.id, "Name": dotted(z.domain), "CallerReference": z.id,
		"Config": map[string]any{"PrivateZone": z.private}, "ResourceRecordSetCount": int64(len(z.sets)),
	}
}

func (a *Account) route53(name string, req *wire.Request) (map[string]any, *Fault) {
	switch name {
	case "ListHostedZones":
		return a.listZones(req), nil
	case "GetChange":
		return a.getChange(req.Text("Id")), nil
	}
	z := a.DNS.zone(req.Text("HostedZoneId") + req.Text("Id"))
	if z == nil {
		return nil, &Fault{http.StatusNotFound, "NoSuchHostedZone", "No hosted zone found with ID: " + req.Text("HostedZoneId")}
	}
	switch name {
	case "GetHostedZone":
		servers := map[string]any{"NameServers": []any{"ns-1.awsdns-1.org", "ns-2.awsdns-2.com"}}
		return map[string]any{"HostedZone": z.describe(), "DelegationSet": servers}, nil
	case "ListResourceRecordSets":
		return z.list(req), nil
	}
	return a.changeRecords(z, req)
}

// zonePage and recordPage are how many of them a page has: few, so that paging is tried.
const zonePage, recordPage = 2, 3

func (a *Account) listZones(req *wire.Request) map[string]any {
	start := 0
	if marker := req.Text("Marker"); marker != "" {
		start = slices.IndexFunc(a.DNS.zones, func(z *zone) bool { return z.id == marker })
	}
	end := min(start+zonePage, len(a.DNS.zones))
	page := []any{}
	for _, z := range a.DNS.zones[start:end] {
		page = append(page, z.describe())
	}
	out := map[string]any{"HostedZones": page, "Marker": req.Text("Marker"), "IsTruncated": end < len(a.DNS.zones), "MaxItems": "2"}
	if end < len(a.DNS.zones) {
		out["NextMarker"] = a.DNS.zones[end].id
	}
	return out
}

func (z *zone) list(req *wire.Request) map[string]any {
	start := 0
	if name := req.Text("StartRecordName"); name != "" {
		from := &zone{sets: append(slices.Clone(z.sets), map[string]any{"Name": dotted(name), "Type": req.Text("StartRecordType")})}
		from.sort()
		start = slices.IndexFunc(from.sets, func(s map[string]any) bool {
			return bare(s["Name"].(string)) == bare(name) && s["Type"] == req.Text("StartRecordType")
		})
	}
	end := min(start+recordPage, len(z.sets))
	page := []any{}
	for _, s := range z.sets[start:end] {
		page = append(page, s)
	}
	out := map[string]any{"ResourceRecordSets": page, "IsTruncated": end < len(z.sets), "MaxItems": "3"}
	if end < len(z.sets) {
		out["NextRecordName"], out["NextRecordType"] = z.sets[end]["Name"], z.sets[end]["Type"]
	}
	return out
}

// changeRecords carries a batch out, whole or not at all, with Route 53's own checks.
func (a *Account) changeRecords(z *zone, req *wire.Request) (map[string]any, *Fault) {
	batch := req.Input["ChangeBatch"].(map[string]any)
	next := &zone{sets: slices.Clone(z.sets)}
	for _, c := range batch["Changes"].([]any) {
		change := c.(map[string]any)
		if why := next.change(change["Action"].(string), change["ResourceRecordSet"].(map[string]any), z); why != "" {
			return nil, refuse("InvalidChangeBatch", "[%s]", why)
		}
	}
	z.sets = next.sets
	z.sort()
	id := "C" + strings.ToUpper(strings.ReplaceAll(a.id(), "-", ""))[:20]
	a.DNS.pending[id] = 1
	return map[string]any{"ChangeInfo": a.changeInfo(id, "PENDING")}, nil
}

func (z *zone) change(action string, set map[string]any, in *zone) string {
	set["Name"] = dotted(set["Name"].(string))
	name, typ := set["Name"].(string), set["Type"].(string)
	if bare(name) != in.domain && !strings.HasSuffix(bare(name), "."+in.domain) {
		return fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s.", name, in.domain)
	}
	same := func(s map[string]any) bool { return s["Name"] == name && s["Type"] == typ }
	i := slices.IndexFunc(z.sets, same)
	if action == "DELETE" {
		if i < 0 || asJSON(z.sets[i]) != asJSON(set) {
			return fmt.Sprintf("Tried to delete resource record set [name='%s', type='%s'] but it was not found", name, typ)
		}
		z.sets = slices.Delete(z.sets, i, i+1)
		return ""
	}
	for _, s := range z.sets {
		if s["Name"] == name && s["Type"] != typ && (typ == "CNAME" || s["Type"] == "CNAME") {
			return fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted as it conflicts with other records with the same DNS name in zone %s.", typ, name, in.domain)
		}
	}
	if alias, ok := set["AliasTarget"].(map[string]any); ok && alias["HostedZoneId"] != "Z2FDTNDATAQYW2" {
		return fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but the alias target name does not lie within the target zone", alias["DNSName"], typ, alias["HostedZoneId"])
	}
	if i >= 0 {
		z.sets = slices.Delete(z.sets, i, i+1)
	}
	z.sets = append(z.sets, set)
	return ""
}

func (a *Account) getChange(id string) map[string]any {
	status := "INSYNC"
	if a.DNS.pending[id] > 0 {
		a.DNS.pending[id]--
		status = "PENDING"
	}
	return map[string]any{"ChangeInfo": a.changeInfo(id, status)}
}

func (a *Account) changeInfo(id, status string) map[string]any {
	return map[string]any{"Id": "/change/" + id, "Status": status, "SubmittedAt": a.tick()}
}

// Zone returns the id of the public zone of a domain.
func (a *Account) Zone(domain string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.DNS.zones, func(z *zone) bool { return z.domain == domain && !z.private })
	return a.DNS.zones[i].id
}

// ReplaceRecord lets somebody lead a name elsewhere: its A and AAAA records give way to another one.
func (a *Account) ReplaceRecord(name, typ, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, z := range a.DNS.zones {
		before := len(z.sets)
		z.sets = slices.DeleteFunc(z.sets, func(s map[string]any) bool {
			return s["Name"] == dotted(name) && (s["Type"] == "A" || s["Type"] == "AAAA")
		})
		if len(z.sets) < before {
			z.sets = append(z.sets, record(name, typ, value))
			z.sort()
		}
	}
}
