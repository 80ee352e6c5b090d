package wire_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// The models in testdata are botocore's: they are written anew, where botocore 1.43.11 is installed, and compared.
func TestModelsAreBotocores(t *testing.T) {
	out, err := exec.Command("python3", "-c", "import botocore; print(botocore.__version__)").Output()
	if version := string(bytes.TrimSpace(out)); err != nil || version != "1.43.11" {
		need.Missing(t, "botocore 1.43.11 is not installed (found %q): pip install botocore==1.43.11", version)
	}
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/trim.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "trim.py"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("python3", filepath.Join(dir, "trim.py")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no models were written", err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("testdata", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not botocore's: run python3 testdata/trim.py", filepath.Base(file))
		}
	}
}

// Answers that botocore's model does not have are found.
func TestCheckFindsFaults(t *testing.T) {
	m := wire.Load("cloudformation")
	tests := map[string]struct {
		shape string
		value any
		ok    bool
	}{
		"fits":              {"ExecuteChangeSetInput", map[string]any{"ChangeSetName": "a"}, true},
		"required missing":  {"ExecuteChangeSetInput", map[string]any{}, false},
		"unknown member":    {"ExecuteChangeSetInput", map[string]any{"ChangeSetName": "a", "X": "y"}, false},
		"wrong type":        {"ExecuteChangeSetInput", map[string]any{"ChangeSetName": true}, false},
		"not one of":        {"ChangeSetStatus", "DONE", false},
		"pattern":           {"ChangeSetName", "-a", false},
		"too long":          {"ClientRequestToken", string(bytes.Repeat([]byte("a"), 129)), false},
		"a list's element":  {"Parameters", []any{map[string]any{"ParameterKey": 1}}, false},
		"a list that isn't": {"Parameters", "a", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if wrong := m.Check(tc.shape, tc.value); (len(wrong) == 0) != tc.ok {
				t.Errorf("faults: %q", wrong)
			}
		})
	}
}

// A request with labels, a query and a body in XML is taken apart, and what the model does not have is refused.
func TestRESTRequests(t *testing.T) {
	m := wire.Load("route53")
	const changes = `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change>
<Action>%s</Action><ResourceRecordSet><Name>a.example.com</Name><Type>A</Type><TTL>60</TTL>
<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
	tests := map[string]struct {
		method, url, body string
		want              string // the operation, or "" for a refusal
	}{
		"query":             {"GET", "/2013-04-01/hostedzone/Z1/rrset?name=a.example.com&type=A", "", "ListResourceRecordSets"},
		"no query":          {"GET", "/2013-04-01/hostedzone", "", "ListHostedZones"},
		"body":              {"POST", "/2013-04-01/hostedzone/Z1/rrset/", fmt.Sprintf(changes, "UPSERT"), "ChangeResourceRecordSets"},
		"unknown parameter": {"GET", "/2013-04-01/hostedzone?page=2", "", ""},
		"not one of":        {"POST", "/2013-04-01/hostedzone/Z1/rrset/", fmt.Sprintf(changes, "REPLACE"), ""},
		"required missing":  {"POST", "/2013-04-01/hostedzone/Z1/rrset/", "", ""},
		"unknown element":   {"POST", "/2013-04-01/hostedzone/Z1/rrset/", "<ChangeResourceRecordSetsRequest><ChangeBatch><X/></ChangeBatch></ChangeResourceRecordSetsRequest>", ""},
		"unknown operation": {"DELETE", "/2013-04-01/hostedzone/Z1", "", ""},
		"half a body":       {"POST", "/2013-04-01/hostedzone/Z1/rrset/", "<ChangeResourceRecordSetsRequest>", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			req, err := m.Decode(httptest.NewRequest(tc.method, tc.url, strings.NewReader(tc.body)))
			if (err == nil) != (tc.want != "") || err == nil && req.Operation.Name != tc.want {
				t.Errorf("got %+v, %v", req, err)
			}
			if err == nil && tc.body != "" && req.Text("HostedZoneId") != "Z1" {
				t.Errorf("input %v", req.Input)
			}
		})
	}
}
