package live

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kvs "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	kvstypes "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// PutObject with If-None-Match: * refuses a key that is taken, also at a second time, and after a delete it does not.
func putIfAbsent(t *testing.T, h *hosting) {
	if err := h.put(t, "live/put", "one", true); err != nil {
		t.Fatal(err)
	}
	if err := h.put(t, "live/put", "two", true); !errors.Is(err, publish.ErrExists) {
		t.Errorf("a second put: %v", err)
	}
	if err := h.store().Delete(t.Context(), []string{"live/put"}); err != nil {
		t.Fatal(err)
	}
	if err := h.put(t, "live/put", "three", true); err != nil {
		t.Errorf("after a delete: %v", err)
	}
}

// So does CopyObject.
func copyIfAbsent(t *testing.T, h *hosting) {
	for key, text := range map[string]string{"live/from": "content", "live/taken": "other"} {
		if err := h.put(t, key, text, false); err != nil {
			t.Fatal(err)
		}
	}
	meta := publish.Meta{ContentType: "text/html", IfAbsent: true}
	if err := h.store().Copy(t.Context(), "live/from", "live/taken", digest("content"), meta); !errors.Is(err, publish.ErrExists) {
		t.Errorf("a copy to a key that is taken: %v", err)
	}
	if err := h.store().Copy(t.Context(), "live/from", "live/new", digest("content"), meta); err != nil {
		t.Errorf("a copy to a new key: %v", err)
	}
	if err := h.store().Copy(t.Context(), "live/from", "live/never", digest("else"), meta); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("a copy of what is not there: %v", err)
	}
}

// So does CompleteMultipartUpload: what is sent in parts is more than 16 MiB.
func completeMultipartIfAbsent(t *testing.T, h *hosting) {
	large := strings.Repeat("0123456789abcdef", 17<<20/16)
	if err := h.put(t, "live/large", large, true); err != nil {
		t.Fatal(err)
	}
	if err := h.put(t, "live/large", large+"x", true); !errors.Is(err, publish.ErrExists) {
		t.Errorf("a second put in parts: %v", err)
	}
}

// The answer to a CopyObject tells the checksum of what was copied, without being asked for one.
func copyTellsChecksum(t *testing.T, h *hosting) {
	if err := h.put(t, "live/sum", "content", false); err != nil {
		t.Fatal(err)
	}
	bucket := h.state.Outputs[template.OutputHostingBucketName]
	out, err := h.s3().CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("live/sum-2"), CopySource: aws.String(bucket + "/live/sum")})
	if err != nil {
		t.Fatal(err)
	}
	if out.CopyObjectResult.ChecksumSHA256 == nil {
		t.Errorf("no checksum in %+v", out.CopyObjectResult)
	}
}

// keyValueStore is the store's own client.
func (h *hosting) keyValueStore() (*kvs.Client, string) {
	return pointer.NewClient(h.account.Config), h.state.Outputs[template.OutputKeyValueStoreArn]
}

// write puts one key, with the version that the store shows, and returns that and the one that the answer tells.
func (h *hosting) write(t *testing.T, key, value string) (before, after string) {
	t.Helper()
	api, arn := h.keyValueStore()
	store, err := api.DescribeKeyValueStore(t.Context(), &kvs.DescribeKeyValueStoreInput{KvsARN: &arn})
	if err != nil {
		t.Fatal(err)
	}
	out, err := api.UpdateKeys(t.Context(), &kvs.UpdateKeysInput{KvsARN: &arn, IfMatch: store.ETag,
		Puts: []kvstypes.PutKeyRequestListItem{{Key: &key, Value: &value}}})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(store.ETag), aws.ToString(out.ETag)
}

// Does an update that changes no value make a new version? The pointer does not count on it, and writes a random text with
// every swap; the answer is only told.
func etagAfterEqualUpdate(t *testing.T, h *hosting) {
	_, first := h.write(t, "live", "same")
	h.until(t, "version after the first write", func() bool { return h.version(t) == first })
	before, after := h.write(t, "live", "same")
	t.Logf("an update with the same value makes a new version: %v (%s, then %s)", before != after, before, after)
	if first != before {
		t.Errorf("the version was %s after the first write, and then %s", first, before)
	}
}

// How long does the store show the state before a write? The pointer waits for it.
func readAfterWriteOfThePointer(t *testing.T, h *hosting) {
	api, arn := h.keyValueStore()
	late := 0
	for i := range 5 {
		value := fmt.Sprint(time.Now().UnixNano(), "-", i)
		before, after := h.write(t, "live", value)
		begun := time.Now()
		if h.version(t) == before {
			late++
			h.until(t, "new version", func() bool { return h.version(t) != before })
			t.Logf("the store showed the old version for %s", time.Since(begun).Round(time.Millisecond))
		}
		if now := h.version(t); now != after {
			t.Errorf("the answer to the write told version %s, and the store shows %s", after, now)
		}
		got, err := api.GetKey(t.Context(), &kvs.GetKeyInput{KvsARN: &arn, Key: aws.String("live")})
		if err != nil || aws.ToString(got.Value) != value {
			t.Errorf("with the new version the store shows %q, %v, want %q", aws.ToString(got.Value), err, value)
		}
	}
	t.Logf("%d of 5 reads showed the state before the write", late)
}

func (h *hosting) version(t *testing.T) string {
	t.Helper()
	api, arn := h.keyValueStore()
	store, err := api.DescribeKeyValueStore(t.Context(), &kvs.DescribeKeyValueStoreInput{KvsARN: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(store.ETag)
}
