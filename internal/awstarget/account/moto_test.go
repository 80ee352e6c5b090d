package account_test

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
)

// moto's STS, which was written by others, understands the question and is understood: by keys, and by a role that a token of
// a CI was exchanged for.
func TestIdentityOnMoto(t *testing.T) {
	endpoint := s3server.StartMoto(t).Endpoint
	t.Run("keys", func(t *testing.T) {
		world(t, profiles, keys)
		t.Setenv("AWS_ENDPOINT_URL_STS", endpoint)
		a, err := account.Open(t.Context(), account.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != "123456789012" || a.Partition != "aws" || !strings.HasPrefix(a.ARN, "arn:aws:sts::123456789012:") {
			t.Errorf("account %s, %s, partition %s", a.ID, a.ARN, a.Partition)
		}
	})
	t.Run("a role of a profile", func(t *testing.T) {
		world(t, profiles+`
[profile role]
region = eu-west-1
role_arn = arn:aws:iam::210987654321:role/deploy
role_session_name = laptop
source_profile = keys
`, nil)
		t.Setenv("AWS_ENDPOINT_URL_STS", endpoint)
		a, err := account.Open(t.Context(), account.Options{Profile: "role"})
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != "210987654321" || a.ARN != "arn:aws:sts::210987654321:assumed-role/deploy/laptop" {
			t.Errorf("account %s, %s", a.ID, a.ARN)
		}
	})
}
