package bucket

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

const (
	// deletesAtOnce is how many batches are deleted at once.
	deletesAtOnce = 8
	// maxDeletes is how often a key is tried that S3 could not delete for a reason of its own.
	maxDeletes = 6
	// firstPause is the pause before the second time; it doubles.
	firstPause = 100 * time.Millisecond
	// namedKeys is how many keys an error names.
	namedKeys = 3
)

// Delete implements publish.ObjectStore. S3 answers for each key of a batch: what fails for a passing reason is tried
// again, and what still fails is an error that names the keys; the others are gone then.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var mu sync.Mutex
	var failed []types.Error
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(deletesAtOnce)
	for batch := range slices.Chunk(keys, s.sizes.deleteKeys) {
		g.Go(func() error {
			objects := make([]types.ObjectIdentifier, len(batch))
			for i := range batch {
				objects[i].Key = &batch[i]
			}
			left, err := DeleteBatch(ctx, s.client, s.name, objects)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, left...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return s.explain(err, "delete %d objects", len(keys))
	}
	if len(failed) > 0 {
		return s.explain(Kept(failed), "delete %d objects", len(keys))
	}
	return nil
}

// DeleteBatch deletes at most 1,000 objects, or versions of objects, by one request. What S3 does not delete for a passing
// reason is tried again; it returns what S3 would not delete.
func DeleteBatch(ctx context.Context, client *s3.Client, bucket string, objects []types.ObjectIdentifier) (failed []types.Error, err error) {
	for pause := firstPause; ; pause *= 2 {
		out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
		if err != nil {
			return failed, err
		}
		var again []types.ObjectIdentifier
		last := pause >= firstPause<<(maxDeletes-1)
		for _, e := range out.Errors {
			if !last && passes(aws.ToString(e.Code)) {
				again = append(again, types.ObjectIdentifier{Key: e.Key, VersionId: e.VersionId})
			} else {
				failed = append(failed, e)
			}
		}
		if objects = again; len(objects) == 0 {
			return failed, nil
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return failed, ctx.Err()
		case <-t.C:
		}
	}
}

// passes reports whether a key's error is worth another try.
func passes(code string) bool {
	switch code {
	case "InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted", "RequestTimeout":
		return true
	}
	return false
}

// keysError is what S3 said of the keys that it did not delete. Its code is that of the first one.
type keysError []types.Error

// Kept is the error of objects that S3 would not delete, of which there is at least one: it names some, and is a
// smithy.APIError with the code of the first.
func Kept(failed []types.Error) error {
	slices.SortFunc(failed, func(a, b types.Error) int { return strings.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) })
	return keysError(failed)
}

func (e keysError) Error() string {
	var names []string
	for _, f := range e[:min(len(e), namedKeys)] {
		names = append(names, fmt.Sprintf("%s (%s: %s)", aws.ToString(f.Key), aws.ToString(f.Code), aws.ToString(f.Message)))
	}
	text := strings.Join(names, ", ")
	if more := len(e) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "S3 kept " + text
}

// ErrorCode, ErrorMessage and ErrorFault make it a smithy.APIError.
func (e keysError) ErrorCode() string             { return aws.ToString(e[0].Code) }
func (e keysError) ErrorMessage() string          { return aws.ToString(e[0].Message) }
func (e keysError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }
