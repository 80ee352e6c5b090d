package account_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
)

// What the SDK would like to say while it looks for credentials is not for whoever deploys: an address that answers like an old
// metadata service made it warn on standard error.
func TestQuiet(t *testing.T) {
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer metadata.Close()
	world(t, "", map[string]string{"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL})
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = write
	_, opened := account.Open(t.Context(), account.Options{})
	os.Stderr = before
	_ = write.Close()
	said, err := io.ReadAll(read)
	if opened == nil || err != nil || len(said) > 0 {
		t.Errorf("%v, %v: it said %q", opened, err, said)
	}
}
