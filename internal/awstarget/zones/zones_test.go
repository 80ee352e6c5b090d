package zones_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zones"
)

// answer is ListHostedZones' (Route 53 API Reference).
const answer = `<?xml version="1.0"?>
<ListHostedZonesResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones>%s</HostedZones>
<IsTruncated>%t</IsTruncated>%s<MaxItems>100</MaxItems></ListHostedZonesResponse>`

func zone(id, name string, private bool) string {
	return fmt.Sprintf("<HostedZone><Id>/hostedzone/%s</Id><Name>%s</Name><CallerReference>r</CallerReference><Config><PrivateZone>%t</PrivateZone></Config></HostedZone>", id, name, private)
}

func TestList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/2013-04-01/hostedzone" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256") {
			http.Error(w, "unexpected "+r.URL.String(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		if r.URL.Query().Get("marker") == "" {
			fmt.Fprintf(w, answer, zone("Z1", "example.com.", false)+zone("Z2", "internal.example.", true), true, "<NextMarker>Z3</NextMarker>")
			return
		}
		fmt.Fprintf(w, answer, zone("Z3", "xn--bcher-kva.example.", false), false, "")
	}))
	defer server.Close()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	got, err := zones.List(t.Context(), cfg)
	want := []zones.Zone{{ID: "Z1", Domain: "example.com"}, {ID: "Z3", Domain: "xn--bcher-kva.example"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List = %v, %v; want %v: every page, and no private zone", got, err, want)
	}
}

func TestListSaysWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: route53:ListHostedZones</Message></Error></ErrorResponse>`)
	}))
	defer server.Close()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	if _, err := zones.List(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "route53:ListHostedZones") {
		t.Errorf("error %v, want one that names the missing permission", err)
	}
}
