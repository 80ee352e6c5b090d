package account_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
)

// clients are those of the services that the tool asks: by the SDK's package, the service's form of AWS_ENDPOINT_URL (AWS SDKs
// and Tools Reference Guide, "Service-specific endpoints") and where a client made of a configuration asks.
var clients = map[string]struct {
	variable string
	asks     func(aws.Config) *string
}{
	"acm":            {"ACM", func(c aws.Config) *string { return acm.NewFromConfig(c).Options().BaseEndpoint }},
	"cloudformation": {"CLOUDFORMATION", func(c aws.Config) *string { return cloudformation.NewFromConfig(c).Options().BaseEndpoint }},
	"cloudfront":     {"CLOUDFRONT", func(c aws.Config) *string { return cloudfront.NewFromConfig(c).Options().BaseEndpoint }},
	"cloudfrontkeyvaluestore": {"CLOUDFRONT_KEYVALUESTORE", func(c aws.Config) *string {
		return cloudfrontkeyvaluestore.NewFromConfig(c).Options().BaseEndpoint
	}},
	"cloudwatchlogs":  {"CLOUDWATCH_LOGS", func(c aws.Config) *string { return cloudwatchlogs.NewFromConfig(c).Options().BaseEndpoint }},
	"codebuild":       {"CODEBUILD", func(c aws.Config) *string { return codebuild.NewFromConfig(c).Options().BaseEndpoint }},
	"codeconnections": {"CODECONNECTIONS", func(c aws.Config) *string { return codeconnections.NewFromConfig(c).Options().BaseEndpoint }},
	"codepipeline":    {"CODEPIPELINE", func(c aws.Config) *string { return codepipeline.NewFromConfig(c).Options().BaseEndpoint }},
	"iam":             {"IAM", func(c aws.Config) *string { return iam.NewFromConfig(c).Options().BaseEndpoint }},
	"route53":         {"ROUTE_53", func(c aws.Config) *string { return route53.NewFromConfig(c).Options().BaseEndpoint }},
	"s3":              {"S3", func(c aws.Config) *string { return s3.NewFromConfig(c).Options().BaseEndpoint }},
	"servicequotas":   {"SERVICE_QUOTAS", func(c aws.Config) *string { return servicequotas.NewFromConfig(c).Options().BaseEndpoint }},
	"sts":             {"STS", func(c aws.Config) *string { return sts.NewFromConfig(c).Options().BaseEndpoint }},
}

// Every service's own endpoint counts, from the environment and from the profile, and goes before the general one.
func TestEndpoints(t *testing.T) {
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			services := "[profile local]\nregion = eu-west-1\naws_access_key_id = AKID\naws_secret_access_key = secret\nservices = mine\n" +
				"[services mine]\n" + strings.ToLower(client.variable) + " =\n  endpoint_url = http://127.0.0.1:9001\n"
			tests := map[string]struct {
				options account.Options
				env     map[string]string
				want    string
			}{
				"general":           {env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, want: "http://127.0.0.1:4566"},
				"the service's own": {env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_" + client.variable: "http://127.0.0.1:9000"}, want: "http://127.0.0.1:9000"},
				"of the profile":    {options: account.Options{Profile: "local"}, want: "http://127.0.0.1:9001"},
				"none":              {},
			}
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					world(t, services, keys)
					for variable, value := range test.env {
						t.Setenv(variable, value)
					}
					a, err := account.Load(t.Context(), test.options)
					if err != nil {
						t.Fatal(err)
					}
					if got := aws.ToString(client.asks(a.Config)); got != test.want {
						t.Errorf("asks at %q, want %q", got, test.want)
					}
				})
			}
		})
	}
}

// The table has every service of which the tool makes a client.
func TestEveryClientIsThere(t *testing.T) {
	made := map[string]bool{}
	client := regexp.MustCompile(`"github.com/aws/aws-sdk-go-v2/service/([a-z0-9]+)"`)
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(filepath.ToSlash(file), "/double/") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, m := range client.FindAllStringSubmatch(string(text), -1) {
			made[path.Base(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if _, known := clients[name]; !known {
			t.Errorf("no test of the endpoint of %s", name)
		}
	}
	if len(made) < 9 {
		t.Errorf("only %d clients were found", len(made))
	}
}
