package account

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Reason is what is wrong with credentials.
type Reason string

// The reasons.
const (
	// Missing: no source has any.
	Missing Reason = "missing"
	// Expired: there were some; a person or a job has to get new ones.
	Expired Reason = "expired"
	// Refused: AWS does not know them, or not with this secret.
	Refused Reason = "refused"
	// Unavailable: the source did not hand any out.
	Unavailable Reason = "unavailable"
)

// CredentialsError says that there are no credentials to work with. It travels within a fault.Error, whose hint is the
// command that mends it.
type CredentialsError struct {
	Reason Reason
	Source Source
	// Err is what the SDK or AWS said.
	Err error
}

// Error is one line: what is wrong, and which source was tried.
func (e *CredentialsError) Error() string {
	switch e.Reason {
	case Missing:
		tried := "environment, AWS configuration files, container, EC2 instance"
		if e.Source.Profile != "" {
			tried = fmt.Sprintf("profile %q, which names no source, and the EC2 instance", e.Source.Profile)
		}
		return "no AWS credentials found (tried: " + tried + ")"
	case Expired:
		if e.Source.Kind == SSO || e.Source.Kind == Login {
			return e.Source.String() + " is not signed in to AWS, or no longer is"
		}
		return "the AWS credentials of " + e.Source.String() + " have expired"
	case Refused:
		return "AWS refused the credentials of " + e.Source.String() + ": " + cause(e.Err)
	default:
		return e.Source.String() + " gave no AWS credentials: " + cause(e.Err)
	}
}

// Unwrap returns the cause.
func (e *CredentialsError) Unwrap() error { return e.Err }

// cause is the innermost message, in one line: the SDK's own errors name every layer on the way.
func cause(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSpace(api.ErrorCode() + " " + oneLine(api.ErrorMessage()))
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return oneLine(err.Error())
		}
		err = inner
	}
}

// said is an error in fewer words than its own.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }

func (s *said) Unwrap() error { return s.err }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// expiredCodes and refusedCodes are what services answer to credentials that they do not accept. A service that is not
// STS says "AccessDenied" for what a role may not do; that is not meant here.
var (
	expiredCodes = map[string]bool{"ExpiredToken": true, "ExpiredTokenException": true, "RequestExpired": true, "TokenRefreshRequired": true}
	refusedCodes = map[string]bool{"InvalidClientTokenId": true, "UnrecognizedClientException": true, "SignatureDoesNotMatch": true,
		"InvalidAccessKeyId": true, "AuthFailure": true, "InvalidSignatureException": true, "IncompleteSignature": true, "InvalidToken": true}
)

// Explain turns an error of any AWS call that is about credentials, the network or the clock into a fault with the way
// out, and returns every other error as it is. Applying it twice does no harm.
func (a *Account) Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, new(*CredentialsError)) {
		return err
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch code := api.ErrorCode(); {
		case code == "RequestTimeTooSkewed":
			return fault.New(fault.Other, "set this machine's clock, then run the same command again",
				"this machine's clock is minutes off, and AWS takes no request with a time like that: %w", &said{cause(err), err})
		case expiredCodes[code]:
			return a.credentials(Expired, err)
		case refusedCodes[code]:
			return a.credentials(Refused, err)
		}
	}
	// The SDK has no type for this; "get credentials" and "retrieve credentials" name the step that every client takes first.
	if text := err.Error(); strings.Contains(text, "get credentials") || strings.Contains(text, "retrieve credentials") || strings.Contains(text, "refresh cached credentials") {
		return a.credentials(a.why(err), err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fault.New(fault.Other, "check the network, and that region "+a.Region+" exists: --region", "reach AWS at %s: %w", dns.Name, dns)
	}
	return err
}

// why tells what kept a source from handing out credentials.
func (a *Account) why(err error) Reason {
	var token *ssocreds.InvalidTokenError
	var api smithy.APIError
	switch {
	case a.Source.Kind == Instance:
		return Missing
	case errors.As(err, &token) || a.Source.Kind == SSO && isSignIn(err) || a.Source.Kind == Login:
		return Expired
	case errors.As(err, &api) && expiredCodes[api.ErrorCode()]:
		return Expired
	case errors.As(err, &api) && refusedCodes[api.ErrorCode()]:
		return Refused
	}
	return Unavailable
}

// isSignIn reports whether a sign-in would help: the session's token is missing, expired, or no longer accepted.
func isSignIn(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "UnauthorizedException", "InvalidGrantException", "ExpiredTokenException", "UnauthorizedClientException":
			return true
		}
		return false
	}
	return errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "cached SSO token")
}

func (a *Account) credentials(reason Reason, err error) error {
	hint := mend(reason, a.Source)
	if a.Source.Role != "" && refusesRole(err) {
		hint = "let the role trust these credentials: aws iam get-role --query Role.AssumeRolePolicyDocument --role-name " + path.Base(a.Source.Role)
		if a.Source.Kind == WebIdentity {
			hint = "the role trusts other tokens than this job's: its repository, branch or environment differs from what deploy --ci-role was given\n" + hint
		}
	}
	return &fault.Error{Kind: fault.Other, Hint: hint, Err: &CredentialsError{Reason: reason, Source: a.Source, Err: err}}
}

// refusesRole reports whether the credentials are good, and the role that is to be assumed with them does not trust them.
func refusesRole(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "AccessDenied" || api.ErrorCode() == "InvalidIdentityToken")
}

// mend is the command that gets credentials again from a source.
func mend(reason Reason, s Source) string {
	profile := ""
	if s.Profile != "" && s.Profile != config.DefaultSharedConfigProfile {
		profile = " --profile " + s.Profile
	}
	switch s.Kind {
	case Environment:
		return "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or unset them and give --profile NAME"
	case WebIdentity:
		return "let the job get a new token (GitHub Actions: permissions id-token: write, and aws-actions/configure-aws-credentials)"
	case SSO:
		if reason == Expired {
			return "run: aws sso login" + profile
		}
		return "run: aws sso login" + profile + "; if that does not help, check its account and role: aws configure sso" + profile
	case Login:
		return "run: aws login" + profile
	case Process:
		return "run the profile's credential_process by hand, and mend what it says: aws configure get credential_process" + profile
	case Container:
		return "check the role of the container's task or build"
	case Instance:
		if s.Profile != "" {
			return "run: aws configure sso" + profile + " (or: aws configure" + profile + ")"
		}
		return "run: aws configure sso (or: aws login, aws configure), or give --profile NAME; to see the profiles: aws configure list-profiles"
	}
	return "run: aws configure" + profile
}

// unloadable explains why the configuration could not be read at all.
func unloadable(err error) error {
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) {
		return fault.New(fault.Usage, "to see the profiles that exist: aws configure list-profiles; to make this one: aws configure sso --profile "+missing.Profile,
			"AWS profile %q does not exist", missing.Profile)
	}
	return fault.New(fault.Usage, "check the files ~/.aws/config and ~/.aws/credentials, and the AWS_ variables of the environment", "read the AWS configuration: %w", err)
}

func regionHint(s Source) string {
	profile := ""
	if s.Profile != "" && s.Profile != config.DefaultSharedConfigProfile {
		profile = " --profile " + s.Profile
	}
	return "give --region, such as --region us-east-1, or set AWS_REGION, or run: aws configure set region us-east-1" + profile
}
