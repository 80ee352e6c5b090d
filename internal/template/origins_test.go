package template

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
)

// withAPI is a template with a custom origin: /api/* goes to an HTTP server, everything else to the bucket.
const withAPI = `
Parameters:
  Port: {Type: Number, Default: 8081}
Resources:
  Bucket: {Type: 'AWS::S3::Bucket'}
  Control:
    Type: AWS::CloudFront::OriginAccessControl
    Properties:
      OriginAccessControlConfig: {Name: c, OriginAccessControlOriginType: s3, SigningBehavior: always, SigningProtocol: sigv4}
  Forward:
    Type: AWS::CloudFront::OriginRequestPolicy
    Properties:
      OriginRequestPolicyConfig:
        Name: forward
        Comment: what the API reads
        HeadersConfig: {HeaderBehavior: whitelist, Headers: [X-Token]}
        CookiesConfig: {CookieBehavior: none}
        QueryStringsConfig: {QueryStringBehavior: allExcept, QueryStrings: [utm_source]}
  Site:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Origins:
          - Id: bucket
            DomainName: !GetAtt Bucket.RegionalDomainName
            OriginAccessControlId: !Ref Control
            S3OriginConfig: {OriginAccessIdentity: ''}
          - Id: api
            DomainName: 127.0.0.1
            OriginPath: /v1
            ConnectionAttempts: 2
            ConnectionTimeout: 5
            OriginCustomHeaders: [{HeaderName: X-Secret, HeaderValue: s3cret}]
            OriginShield: {Enabled: false}
            CustomOriginConfig:
              OriginProtocolPolicy: http-only
              HTTPPort: !Ref Port
              HTTPSPort: 8443
              OriginReadTimeout: 20
              OriginKeepaliveTimeout: 6
              OriginSSLProtocols: [TLSv1.2]
        CacheBehaviors:
          - PathPattern: /api/*
            TargetOriginId: api
            ViewerProtocolPolicy: https-only
            AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]
            CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad
            OriginRequestPolicyId: !Ref Forward
          - PathPattern: /proxy/*
            TargetOriginId: api
            ViewerProtocolPolicy: allow-all
            CachePolicyId: 83da9c7e-98b4-4e11-a168-04f0df8e2c65
            OriginRequestPolicyId: b689b0a8-53d0-40ab-baf2-68738e2966ac
        DefaultCacheBehavior:
          TargetOriginId: bucket
          ViewerProtocolPolicy: allow-all
          CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6
`

func TestCompileCustomOrigin(t *testing.T) {
	config, err := Compile([]byte(withAPI), nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "edge-api.json", []byte(configJSON(t, config)))
}

func TestCompileRefusesOrigins(t *testing.T) {
	tests := map[string]struct{ from, to, want string }{
		"POST to a bucket":       {"TargetOriginId: api\n            ViewerProtocolPolicy: https-only", "TargetOriginId: bucket\n            ViewerProtocolPolicy: https-only", `"PUT" is not modelled`},
		"own policy on a bucket": {"TargetOriginId: bucket", "TargetOriginId: bucket\n          OriginRequestPolicyId: !Ref Forward", "before a bucket"},
		"host sent to a bucket":  {"658327ea-f89d-4fab-a63d-7e88639e58f6", "83da9c7e-98b4-4e11-a168-04f0df8e2c65", "cache policy"},
		"unknown managed policy": {"b689b0a8-53d0-40ab-baf2-68738e2966ac", "775133bc-15f2-49f9-abea-afb2e0bf67d2", "is not modelled for this origin"},
		"path without a slash":   {"OriginPath: /v1", "OriginPath: v1", "must begin with a slash"},
		"path with a slash":      {"OriginPath: /v1", "OriginPath: /v1/", "must begin with a slash"},
		"port":                   {"HTTPSPort: 8443", "HTTPSPort: 84430", "84430 is not from 1 to 65535"},
		"read timeout":           {"OriginReadTimeout: 20", "OriginReadTimeout: 0", "0 is not from 1 to 120"},
		"attempts":               {"ConnectionAttempts: 2", "ConnectionAttempts: 4", "4 is not from 1 to 3"},
		"protocol":               {"OriginProtocolPolicy: http-only", "OriginProtocolPolicy: ftp", `"ftp" is not modelled`},
		"no protocol":            {"OriginProtocolPolicy: http-only\n", "\n", "OriginProtocolPolicy is missing"},
		"access control":         {"OriginPath: /v1", "OriginPath: /v1\n            OriginAccessControlId: !Ref Control", "OriginAccessControlId: this property is not modelled"},
		"completion timeout":     {"OriginPath: /v1", "OriginPath: /v1\n            ResponseCompletionTimeout: 60", "ResponseCompletionTimeout: this property is not modelled"},
		"VPC origin":             {"CustomOriginConfig:", "VpcOriginConfig:", "CustomOriginConfig, is not modelled"},
		"the bucket's website":   {"DomainName: 127.0.0.1", "DomainName: !GetAtt Bucket.DomainName", "give its domain name"},
		"twice":                  {"- Id: api", "- Id: bucket", `a second origin "bucket"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(withAPI, tc.from) {
				t.Fatalf("the template has no %q", tc.from)
			}
			_, err := Compile([]byte(strings.Replace(withAPI, tc.from, tc.to, 1)), nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

type memory map[string]string

func (m memory) Get(_ context.Context, key string) (*edge.Object, error) {
	body, ok := m[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &edge.Object{Body: seekNopCloser{bytes.NewReader([]byte(body))}, Size: int64(len(body)), ContentType: "text/plain"}, nil
}

type seekNopCloser struct{ *bytes.Reader }

func (seekNopCloser) Close() error { return nil }

// From the template to an answer: the API gets what the policies send it, and nothing else.
func TestCustomOriginIsServed(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s token=%s secret=%s cookie=%s body=%s", r.Method, r.URL, r.Header.Get("X-Token"), r.Header.Get("X-Secret"),
			r.Header.Get("Cookie"), body)
	}))
	defer api.Close()
	u, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	config, err := Compile([]byte(withAPI), Parameters{"Port": u.Port()})
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(edge.Options{Config: config, Origins: map[string]edge.Origin{"bucket": memory{"index": "from the bucket"}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ method, target, body, want string }{
		"api":    {"POST", "/api/users?q=1&utm_source=x", "hello", "POST /v1/api/users?q=1 token=t secret=s3cret cookie= body=hello"},
		"proxy":  {"GET", "/proxy/x?q=1", "", "GET /v1/proxy/x?q=1 token=t secret=s3cret cookie=a=b body="},
		"bucket": {"GET", "/index", "", "from the bucket"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, tc.target, nil)
			if tc.body != "" {
				r = httptest.NewRequest(tc.method, tc.target, strings.NewReader(tc.body))
			}
			r.Header.Set("X-Token", "t")
			r.Header.Set("Cookie", "a=b")
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if got := w.Body.String(); got != tc.want {
				t.Errorf("answer %d %q, want %q", w.Code, got, tc.want)
			}
		})
	}
}

const withGroup = `OriginGroups:
          Quantity: 1
          Items:
            - Id: both
              FailoverCriteria: {StatusCodes: {Quantity: 2, Items: [404, 503]}}
              Members: {Quantity: 2, Items: [{OriginId: bucket}, {OriginId: api}]}
        CacheBehaviors:`

func TestCompileOriginGroup(t *testing.T) {
	template := strings.Replace(withAPI, "CacheBehaviors:", withGroup, 1)
	template = strings.Replace(template, "TargetOriginId: bucket", "TargetOriginId: both", 1)
	config, err := Compile([]byte(template), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []edge.OriginGroup{{ID: "both", Members: [2]string{"bucket", "api"}, StatusCodes: []int{404, 503}}}
	if diff := cmp.Diff(want, config.OriginGroups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ids := config.BucketOrigins(); len(ids) != 1 || ids[0] != "bucket" {
		t.Errorf("buckets %v", ids)
	}
	tests := map[string]struct{ from, to, want string }{
		"unknown member": {"OriginId: api}", "OriginId: apis}", `there is no origin "apis"`},
		"one member":     {"Quantity: 2, Items: [{OriginId: bucket}, {OriginId: api}]", "Quantity: 1, Items: [{OriginId: api}]", "has two members"},
		"wrong count":    {"Quantity: 2, Items: [404, 503]", "Quantity: 3, Items: [404, 503]", "there are 2 status codes"},
		"other status":   {"[404, 503]", "[404, 418]", `"418" is not a status`},
		"media quality":  {"Id: both", "Id: both\n              SelectionCriteria: media-quality-based", "is not modelled"},
		"name taken":     {"Id: both", "Id: api", `a second origin "api"`},
		"POST to both":   {"TargetOriginId: api\n            ViewerProtocolPolicy: https-only", "TargetOriginId: both\n            ViewerProtocolPolicy: https-only", "is not modelled"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(template, tc.from) {
				t.Fatalf("the template has no %q", tc.from)
			}
			if _, err := Compile([]byte(strings.Replace(template, tc.from, tc.to, 1)), nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
