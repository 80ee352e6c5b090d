package account_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
)

// identity is AWS's answer to GetCallerIdentity, or an error of its.
func identity(t *testing.T, code string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if code != "" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>The security token is not right</Message></Error></ErrorResponse>`, code)
			return
		}
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
			<Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// world sets up an environment in which only the given variables and configuration file count.
func world(t *testing.T, config string, env map[string]string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, ".aws", "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, ".aws", "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for name, value := range env {
		t.Setenv(name, value)
	}
}

const profiles = `[default]
region = eu-west-1
[profile keys]
region = eu-central-1
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = secret
[profile dev]
region = us-east-2
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Admin
[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
[profile signed-in]
region = us-east-1
login_session = arn:aws:iam::123456789012:user/alice
[profile tool]
region = us-east-1
credential_process = /nonexistent/tool get
[profile stale]
region = us-east-2
sso_session = stale
sso_account_id = 123456789012
sso_role_name = Admin
[sso-session stale]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
[profile role]
region = us-east-1
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = keys
[profile nowhere]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = secret
[profile empty]
region = us-east-1
`

var keys = map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "ap-south-1"}

func TestIdentity(t *testing.T) {
	tests := map[string]struct {
		options account.Options
		env     map[string]string
		region  string
		source  string
	}{
		"environment":               {env: keys, region: "ap-south-1", source: "environment variables"},
		"profile before the keys":   {options: account.Options{Profile: "keys"}, env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret"}, region: "eu-central-1", source: `profile "keys" (access keys)`},
		"profile by AWS_PROFILE":    {env: map[string]string{"AWS_PROFILE": "keys"}, region: "eu-central-1", source: `profile "keys" (access keys)`},
		"region before the profile": {options: account.Options{Profile: "keys", Region: "us-west-2"}, region: "us-west-2", source: `profile "keys" (access keys)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			world(t, profiles, test.env)
			t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1/nobody")
			t.Setenv("AWS_ENDPOINT_URL_STS", identity(t, "")) // the service's own goes before the general one
			a, err := account.Open(t.Context(), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if a.ID != "123456789012" || a.ARN != "arn:aws:iam::123456789012:user/alice" || a.Partition != "aws" || a.Region != test.region || a.Source.String() != test.source {
				t.Errorf("account %s, %s, partition %s, region %s, credentials from %s", a.ID, a.ARN, a.Partition, a.Region, a.Source)
			}
		})
	}
}

// nobody is an address at which there is no credentials' service.
func nobody(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL
}

// signedInUntil puts the token of a sign-in into the SDK's cache, as "aws sso login" does: without one to refresh it by.
func signedInUntil(t *testing.T, session, until string) {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, ".aws", "sso", "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"accessToken": "t", "expiresAt": "` + until + `", "region": "us-east-1", "startUrl": "https://example.awsapps.com/start"}`
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%x.json", sha1.Sum([]byte(session)))), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNoCredentials holds every sentence about missing, expired and refused credentials.
func TestNoCredentials(t *testing.T) {
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte("eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		options account.Options
		env     map[string]string
		code    string
		reason  account.Reason
	}{
		{name: "none at all", reason: account.Missing},
		{name: "profile without a source", options: account.Options{Profile: "empty"}, reason: account.Missing},
		{name: "profile that does not exist", options: account.Options{Profile: "other"}},
		{name: "no region", options: account.Options{Profile: "nowhere"}},
		{name: "not signed in", options: account.Options{Profile: "dev"}, reason: account.Expired},
		{name: "aws login ended", options: account.Options{Profile: "signed-in"}, reason: account.Expired},
		{name: "process fails", options: account.Options{Profile: "tool"}, reason: account.Unavailable},
		{name: "environment expired", env: keys, code: "ExpiredToken", reason: account.Expired},
		{name: "keys refused", options: account.Options{Profile: "keys"}, code: "InvalidClientTokenId", reason: account.Refused},
		{name: "no web identity token", env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token",
			"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy", "AWS_REGION": "us-east-1"}, reason: account.Unavailable},
		{name: "sign-in expired", options: account.Options{Profile: "stale"}, reason: account.Expired},
		{name: "role of a profile refused", options: account.Options{Profile: "role"}, code: "AccessDenied", reason: account.Unavailable},
		{name: "role of a profile with expired keys", options: account.Options{Profile: "role"}, code: "ExpiredToken", reason: account.Expired},
		{name: "web identity token expired", env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile,
			"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy", "AWS_REGION": "us-east-1"}, code: "ExpiredTokenException", reason: account.Expired},
		{name: "web identity not trusted", env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile,
			"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy", "AWS_REGION": "us-east-1"}, code: "AccessDenied", reason: account.Unavailable},
		{name: "container gives none", env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": nobody(t), "AWS_REGION": "us-east-1"}, reason: account.Unavailable},
		{name: "instance without a role", env: map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": nobody(t),
			"AWS_REGION": "us-east-1"}, reason: account.Missing},
		{name: "clock is wrong", env: keys, code: "RequestTimeTooSkewed"},
	}
	var text strings.Builder
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			world(t, profiles, test.env)
			t.Setenv("AWS_ENDPOINT_URL_STS", identity(t, test.code))
			signedInUntil(t, "stale", "2020-01-02T03:04:05Z")
			_, err := account.Open(t.Context(), test.options)
			if err == nil {
				t.Fatal("no error")
			}
			var c *account.CredentialsError
			if errors.As(err, &c) != (test.reason != "") || c != nil && c.Reason != test.reason {
				t.Errorf("%v: reason %+v, want %q", err, c, test.reason)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			fmt.Fprintf(&text, "%s\n  %s\n  hint: %s\n\n", test.name, err, fault.HintOf(err))
		})
	}
	if runtime.GOOS == "windows" {
		return // whose words for what is missing are others
	}
	golden.Check(t, "credentials.txt", text.String())
}
