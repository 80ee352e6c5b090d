package bucket

import (
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// code is the error code of a service's answer, or "".
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status is the HTTP status of a service's answer, or 0. HEAD has no body, and so no code.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func isMissing(err error) bool {
	switch code(err) {
	case "NoSuchKey", "NotFound":
		return true
	case "":
		return status(err) == http.StatusNotFound
	}
	return false
}

// isRefused reports whether a condition did not hold.
func isRefused(err error) bool {
	return code(err) == "PreconditionFailed" || status(err) == http.StatusPreconditionFailed
}

// isConflict reports whether a conditional write met another one.
func isConflict(err error) bool {
	return code(err) == "ConditionalRequestConflict" || code(err) == "OperationAborted"
}

// conditional translates the answer to a write that may have asked for an absent key.
func conditional(err error, meta publish.Meta) error {
	switch {
	case err == nil:
		return nil
	case meta.IfAbsent && isRefused(err):
		return publish.ErrExists
	case isConflict(err):
		return fmt.Errorf("%w: %w", errConflict, err)
	}
	return err
}

// isDenied reports whether the credentials, which are good, do not allow a request.
func isDenied(err error) bool {
	switch code(err) {
	case "AccessDenied", "AllAccessDisabled", "AccountProblem":
		return true
	}
	return false
}

// explain wraps what the service answered with what was being done, and adds the way out where there is one.
func (s *Store) explain(err error, format string, args ...any) error {
	err = fmt.Errorf(format+": %w", append(args, err)...)
	switch {
	case code(err) == "NoSuchBucket":
		return fault.New(fault.NotDeployed, "create the hosting again: cloudfront-hosting-toolkit deploy", "%w", err)
	case isDenied(err):
		return fault.New(fault.Other, "these credentials need s3:ListBucket on the bucket "+s.name+
			", and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on what is in it", "%w", err)
	}
	if s.Explain != nil {
		return s.Explain(err)
	}
	return err
}
