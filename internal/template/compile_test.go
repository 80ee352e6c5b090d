package template

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

const arn = "arn:aws:codeconnections:eu-west-1:123456789012:connection/0f1e2d3c"

var digest = strings.Repeat("0123456789abcdef", 4)

// variants are the stacks that hosting.yaml makes: the parameters of each, beside those of phase 1.
var variants = map[string]Parameters{
	"git":          {},
	"git pipeline": {ParamWithPipeline: "true", ParamToolkitSHA256: digest},
	"paths": {ParamWithPipeline: "true", ParamToolkitSHA256: digest, ParamFullRepositoryID: "Alice/Hello",
		ParamPathFilters: "apps/web/**,packages/ui/**,pnpm-lock.yaml"},
	"existing connection": {ParamWithPipeline: "true", ParamToolkitSHA256: digest, ParamConnectionArn: arn},
	"s3":                  {ParamSourceType: "s3"},
	"s3 pipeline":         {ParamSourceType: "s3", ParamWithPipeline: "true", ParamToolkitSHA256: digest, ParamSourcePrefix: "in/"},
	"existing bucket": {ParamSourceType: "s3", ParamWithPipeline: "true", ParamToolkitSHA256: digest,
		ParamSourceBucketName: "drop-zone"},
	"domain": {ParamDomainNames: "example.com",
		ParamCertificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/0f1e2d3c"},
	"redirect": {ParamDomainNames: "example.com,www.example.com",
		ParamCertificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/0f1e2d3c"},
	"github":                     ciVariant("github:alice/hello", ""),
	"gitlab":                     ciVariant("gitlab:alice/web/hello@*", ""),
	"github provider":            ciVariant("github:alice@1/hello@2@release", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"),
	"domain without certificate": {ParamDomainNames: "example.com"},
	"no buildspec":               {ParamWithPipeline: "true", ParamToolkitSHA256: digest, ParamBuildspecPath: ""},
}

// ciVariant are the parameters of a role for a CI.
func ciVariant(text, provider string) Parameters {
	role, err := ParseCIRole(text, "main")
	if err != nil {
		panic(err)
	}
	return role.Parameters(provider)
}

const sampleFunction = `import cf from 'cloudfront';

// The release comes first.
const kvs = cf.kvs('__KVS_ID__');

async function handler(event) {
  const release = await kvs.get('path');
  event.request.uri = ` + "`/${release}${event.request.uri}`" + `;
  return event.request;
}
`

func sample(more Parameters) Input {
	params := Parameters{
		ParamSiteName: "hello-1a2b3c4d", ParamPipelineName: "hello-1a2b3c4d", ParamFullRepositoryID: "Alice/Hello",
		ParamBranchName: "main", ParamKeepReleases: "7",
	}
	maps.Copy(params, more)
	return Input{FunctionCode: sampleFunction, Parameters: params}
}

// Every variant compiles, both with its parameters as defaults and with them given beside an unrendered template.
func TestCompileVariants(t *testing.T) {
	all := map[string]string{}
	for name, params := range variants {
		t.Run(name, func(t *testing.T) {
			rendered, err := Render(sample(params))
			if err != nil {
				t.Fatal(err)
			}
			config, err := Compile(rendered, nil)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = configJSON(t, config)
			given, err := Compile(rendered, sample(params).Parameters)
			if err != nil {
				t.Fatal(err)
			}
			if configJSON(t, given) != all[name] {
				t.Error("given parameters and defaults do not compile to the same")
			}
		})
	}
	if len(all) < len(variants) {
		return // -run has chosen some of them
	}
	golden(t, "edge.json", []byte(all["git"]))
	golden(t, "edge-redirect.json", []byte(all["redirect"]))
	for _, name := range []string{"git pipeline", "existing connection", "s3", "s3 pipeline", "existing bucket", "no buildspec"} {
		if all[name] != all["git"] {
			t.Errorf("%s: the pipeline changes what the edge does:\n%s", name, all[name])
		}
	}
	if all["domain"] != all["domain without certificate"] {
		t.Error("the certificate changes what the edge does")
	}
}

// configJSON is a configuration as a golden holds it: what is set, and nothing of what the edge may learn later.
func configJSON(t *testing.T, config edge.Config) string {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, pruned(v))
}

// pruned is v without what is null or empty.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, item any) bool {
			item = pruned(item)
			v[key] = item
			return item == nil || item == ""
		})
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

// small is a template in which each case below changes one thing.
const small = `Parameters:
  Stage: {Type: String, Default: prod}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Mappings:
  Times: {prod: {Ttl: '60', List: [a, b]}}
Resources:
  Bucket: {Type: 'AWS::S3::Bucket'}
  Control:
    Type: AWS::CloudFront::OriginAccessControl
    Properties:
      OriginAccessControlConfig:
        {Name: c, OriginAccessControlOriginType: s3, SigningBehavior: always, SigningProtocol: sigv4}
  Store: {Type: 'AWS::CloudFront::KeyValueStore', Properties: {Name: store}}
  Code:
    Type: AWS::CloudFront::Function
    Properties:
      Name: code
      AutoPublish: true
      FunctionCode: "//"
      FunctionConfig:
        Comment: c
        Runtime: cloudfront-js-2.0
        KeyValueStoreAssociations: [{KeyValueStoreARN: !GetAtt Store.Arn}]
  Cache:
    Type: AWS::CloudFront::CachePolicy
    Properties:
      CachePolicyConfig:
        Name: cache
        MinTTL: 0
        DefaultTTL: !FindInMap [Times, !Ref Stage, Ttl]
        MaxTTL: 3600
        ParametersInCacheKeyAndForwardedToOrigin:
          EnableAcceptEncodingGzip: true
          EnableAcceptEncodingBrotli: true
          HeadersConfig: {HeaderBehavior: whitelist, Headers: [Origin]}
          CookiesConfig: {CookieBehavior: none}
          QueryStringsConfig: {QueryStringBehavior: all}
  Headers:
    Type: AWS::CloudFront::ResponseHeadersPolicy
    Properties:
      ResponseHeadersPolicyConfig:
        Name: headers
        SecurityHeadersConfig:
          StrictTransportSecurity: {AccessControlMaxAgeSec: 60, IncludeSubdomains: true, Preload: true, Override: true}
          ContentTypeOptions: {Override: true}
          FrameOptions: {FrameOption: DENY, Override: false}
          XSSProtection: {Protection: true, ModeBlock: false, ReportUri: 'https://r', Override: false}
          ReferrerPolicy: {ReferrerPolicy: no-referrer, Override: true}
          ContentSecurityPolicy: {ContentSecurityPolicy: "default-src 'self'", Override: true}
        CustomHeadersConfig: {Items: [{Header: X-A, Value: b, Override: true}]}
        RemoveHeadersConfig: {Items: [{Header: Server}]}
        ServerTimingHeadersConfig: {Enabled: true, SamplingRate: 12.5}
        CorsConfig:
          AccessControlAllowCredentials: false
          AccessControlAllowHeaders: {Items: ['*']}
          AccessControlAllowMethods: {Items: [GET]}
          AccessControlAllowOrigins: {Items: ['https://a']}
          AccessControlExposeHeaders: {Items: [ETag]}
          AccessControlMaxAgeSec: 30
          OriginOverride: true
  Site:
    Type: AWS::CloudFront::Distribution
    DependsOn: Bucket
    Properties:
      DistributionConfig:
        Enabled: 'true'
        Comment: !Join [' ', [a, !Select [1, !FindInMap [Times, prod, List]], !Sub ['${x}-${Stage}', {x: y}]]]
        Aliases: !If [Prod, !Split [',', 'a.example,b.example'], !Ref 'AWS::NoValue']
        Origins:
          - Id: o
            DomainName: !GetAtt Bucket.RegionalDomainName
            OriginAccessControlId: !Ref Control
            S3OriginConfig: {OriginAccessIdentity: ''}
        CacheBehaviors:
          - PathPattern: '*.js'
            TargetOriginId: o
            ViewerProtocolPolicy: allow-all
            AllowedMethods: [GET, HEAD, OPTIONS]
            CachedMethods: [GET, HEAD, OPTIONS]
            CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6
        DefaultCacheBehavior:
          TargetOriginId: o
          ViewerProtocolPolicy: https-only
          Compress: true
          CachePolicyId: !Ref Cache
          ResponseHeadersPolicyId: {Ref: Headers}
          OriginRequestPolicyId: 88a5eaf4-2fd4-4709-b370-b4c650ea3fcf
          FunctionAssociations:
            - {EventType: viewer-request, FunctionARN: !GetAtt Code.FunctionARN}
            - {EventType: viewer-response, FunctionARN: {'Fn::GetAtt': [Code, FunctionMetadata.FunctionARN]}}
        CustomErrorResponses:
          - {ErrorCode: 404, ErrorCachingMinTTL: 5}
          - {ErrorCode: 500}
`

func TestCompileEveryModelledProperty(t *testing.T) {
	config, err := Compile([]byte(small), nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "edge-every-property.json", []byte(configJSON(t, config)))
}

func TestCompileRefuses(t *testing.T) {
	type change struct{ from, to, want string }
	tests := map[string]change{
		"unknown distribution property": {"Enabled: 'true'", "Enabled: true\n        WebACLId: x",
			"Resources.Site.Properties.DistributionConfig.WebACLId: this property is not modelled"},
		"unknown behaviour property": {"Compress: true", "ForwardedValues: {}", "DefaultCacheBehavior.ForwardedValues: this property"},
		"lambda at the edge":         {"Compress: true", "LambdaFunctionAssociations: []", "LambdaFunctionAssociations: this property"},
		"unknown function property":  {"FunctionCode: \"//\"", "FunctionCode: x\n      Role: x", "Resources.Code.Properties.Role"},
		"unknown policy property":    {"Name: cache", "Name: cache\n        Speed: 1", "CachePolicyConfig.Speed"},
		"unknown header property":    {"Name: headers", "Name: headers\n        Extra: 1", "ResponseHeadersPolicyConfig.Extra"},
		"initial store content":      {"{Name: store}", "{Name: store, ImportSource: {}}", "Resources.Store.Properties.ImportSource"},
		"unknown resource type":      {"'AWS::S3::Bucket'", "'AWS::Lambda::Function'", "resource type AWS::Lambda::Function is not modelled"},
		"unknown function":           {"!Split [',', 'a.example,b.example']", "!Cidr [a, 1, 1]", "!Cidr is not modelled"},
		"unknown long function":      {"!Split [',', 'a.example,b.example']", "{'Fn::ImportValue': a}", "Fn::ImportValue is not modelled"},
		"unknown section":            {"Mappings:", "Transform: {}\nMappings:", "template:5:1: Transform: this section is not modelled"},
		"unknown reference":          {"!Ref Control", "!Ref Nobody", "Nobody is neither a parameter nor a resource"},
		"unknown attribute":          {"Store.Arn", "Store.Size", "AWS::CloudFront::KeyValueStore has no attribute Size"},
		"unknown condition":          {"!If [Prod,", "!If [Test,", "Fn::If names no condition"},
		"unknown substitution":       {"${x}-${Stage}", "${z}", "z is neither"},
		"condition on itself":        {"!Equals [!Ref Stage, prod]", "!Not [!Condition Prod]", "condition Prod depends on itself"},
		"condition that is none":     {"!Equals [!Ref Stage, prod]", "!Ref Stage", "Conditions.Prod"},
		"foreign origin":             {"!GetAtt Bucket.RegionalDomainName", "example.com", "not a bucket of this stack"},
		"unsigned origin":            {"            OriginAccessControlId: !Ref Control\n", "", "OriginAccessControlId is missing"},
		"unknown managed policy":     {"658327ea-f89d-4fab-a63d-7e88639e58f6", "83da9c7e-98b4-4e11-a168-04f0df8e2c65", "cache policy"},
		"host sent to S3": {"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", "216adef6-5c7f-47e4-b989-5492eafa07d3",
			"origin request policy"},
		"foreign function":     {"!GetAtt Code.FunctionARN", "'arn:aws:cloudfront::1:function/x'", "a function of another stack"},
		"unpublished function": {"AutoPublish: true", "AutoPublish: false", "does not run"},
		"function without store": {"KeyValueStoreAssociations: [{KeyValueStoreARN: !GetAtt Store.Arn}]", "KeyValueStoreAssociations: []",
			"exactly one key-value store"},
		"unknown origin":     {"TargetOriginId: o\n          ViewerProtocolPolicy: https-only", "TargetOriginId: p\n          ViewerProtocolPolicy: https-only", `there is no origin "p"`},
		"POST":               {"Compress: true", "AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", `"PUT" is not modelled`},
		"page without code":  {"{ErrorCode: 500}", "{ErrorCode: 500, ResponsePagePath: /x}", "go together"},
		"disabled":           {"Enabled: 'true'", "Enabled: false", "answers nothing"},
		"neither true":       {"Compress: true", "Compress: maybe", "neither true nor false"},
		"not a number":       {"MaxTTL: 3600", "MaxTTL: soon", "not a whole number"},
		"duplicate key":      {"  Bucket: {Type: 'AWS::S3::Bucket'}", "  Bucket: {Type: 'AWS::S3::Bucket', Type: x}", "template:8:37: Resources.Bucket.Type: this key occurs twice"},
		"alias":              {"{Name: store}", "&a {Name: store}", "no anchors and aliases"},
		"no value":           {"Name: cache", "Name:", "there is no value"},
		"missing map entry":  {"!FindInMap [Times, !Ref Stage, Ttl]", "!FindInMap [Times, test, Ttl]", `finds no "test"`},
		"no such element":    {"!Select [1,", "!Select [2,", "no element"},
		"transform":          {"DependsOn: Bucket", "CreationPolicy: {}", "CreationPolicy: not an attribute"},
		"depends on nothing": {"DependsOn: Bucket", "DependsOn: [Bucket, Nobody]", "there is no resource Nobody"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(small, tc.from) {
				t.Fatalf("the template has no %q", tc.from)
			}
			_, err := Compile([]byte(strings.Replace(small, tc.from, tc.to, 1)), nil)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
			if !strings.HasPrefix(err.Error(), "template:") || strings.HasPrefix(err.Error(), "template: ") {
				t.Errorf("error %q does not begin with the line", err)
			}
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("kind of %q is %v", err, fault.KindOf(err))
			}
		})
	}
}

func TestCompileParameters(t *testing.T) {
	tests := map[string]struct {
		params Parameters
		want   string
	}{
		"unknown":       {Parameters{"Size": "1"}, "there is no parameter Size"},
		"not allowed":   {Parameters{ParamSourceType: "svn"}, `"svn" does not satisfy AllowedValues`},
		"not a match":   {Parameters{ParamSiteName: "-x"}, "must be a DNS label"},
		"part matches":  {Parameters{ParamSiteName: "x\n"}, "must be a DNS label"},
		"not a number":  {Parameters{ParamKeepReleases: "ten"}, "does not satisfy"},
		"too small":     {Parameters{ParamKeepReleases: "0"}, "does not satisfy MinValue"},
		"too large":     {Parameters{ParamBuildTimeoutMinutes: "481"}, "does not satisfy MaxValue"},
		"too long":      {Parameters{ParamBuildspecPath: strings.Repeat("x", 4097)}, "at most 4096 bytes"},
		"region counts": {Parameters{"AWS::Region": "eu-west-1"}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(hosting, tc.params)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A template of a few lines never stands for gigabytes.
func TestCompileIsBounded(t *testing.T) {
	tests := map[string]string{
		"deep":        strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"large":       strings.Repeat("#", maxTemplateBytes+1),
		"multiplying": strings.Replace(small, "'${x}-${Stage}'", "'"+strings.Repeat("${Stage}", 20000)+"'", 1),
		"two":         "a: 1\n---\nb: 2\n",
		"empty":       "",
		"text":        "x",
		"billion":     "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			params := Parameters{}
			if name == "multiplying" {
				params["Stage"] = strings.Repeat("y", maxParameterBytes)
			}
			if _, err := Compile([]byte(text), params); err == nil || fault.KindOf(err) != fault.Usage {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	rendered, err := Render(sample(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rendered)
	f.Add([]byte(small))
	f.Add([]byte("Resources: {A: {Type: !Ref B}}"))
	f.Add([]byte("Conditions: {A: !Not [!Condition A]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Compile(data, nil)
		if err != nil && !strings.HasPrefix(err.Error(), "template:") {
			t.Errorf("error %q does not say where", err)
		}
		if err == nil && len(config.Behaviors) == 0 {
			t.Error("a distribution without a behaviour")
		}
	})
}

// What `synth` and the start of a local site take: together they must stay under 20 ms.
func BenchmarkRenderAndCompile(b *testing.B) {
	in := sample(nil)
	for b.Loop() {
		rendered, err := Render(in)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Compile(rendered, nil); err != nil {
			b.Fatal(err)
		}
	}
}
