// Package reason says what an error of AWS means to a person: one sentence, and the way out. It knows the errors that a
// deployment meets, whichever service they come from: permissions, throttling, quotas, and accounts that are not ready.
// What is wrong with credentials or the network is package account's to say.
package reason

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// policyPage is where the permissions that a deployment needs are listed.
const policyPage = "docs/aws-permissions.md"

// Of adds the way out to an error of an AWS service. An error that has a hint already, or that is not of AWS, stays as it
// is; so does nil.
func Of(err error) error {
	if err == nil || fault.HintOf(err) != "" || errors.Is(err, context.Canceled) {
		return err
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if sentence, hint := Explain(api.ErrorCode(), api.ErrorMessage()); hint != "" {
			return fault.New(fault.Other, hint, "%s: %w", sentence, &plain{api, err})
		}
		return &plain{api, err}
	}
	return err
}

// plain is an error of a service in AWS's own words, without the SDK's around them.
type plain struct {
	api   smithy.APIError
	whole error
}

func (p *plain) Error() string {
	message := strings.TrimSpace(p.api.ErrorMessage())
	if message == "" {
		return p.api.ErrorCode()
	}
	return message
}

func (p *plain) Unwrap() error { return p.whole }

// Code returns the code of an error of an AWS service, or "".
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Message returns what an AWS service said, or the error's own text.
func Message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorMessage() != "" {
		return api.ErrorMessage()
	}
	return err.Error()
}

// Throttled reports whether a service asks for fewer requests.
func Throttled(err error) bool {
	code := Code(err)
	return throttled.MatchString(code)
}

// kind is one sort of refusal: how it is recognised by code or message, what it means, and what to do about it.
type kind struct {
	code, message  *regexp.Regexp
	sentence, hint string
}

var throttled = regexp.MustCompile(`^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled|RequestThrottledException|SlowDown|PriorRequestNotComplete)$`)

// kinds are tried in order; the first that fits counts. What names a quota names the one that hosting.yaml uses.
var kinds = []kind{
	{
		code:     throttled,
		message:  regexp.MustCompile(`(?i)(rate exceeded|throttl)`),
		sentence: "AWS asks for fewer requests, and still did after several tries",
		hint:     "wait a minute, then run the same command: it goes on where it stopped",
	},
	{
		message:  regexp.MustCompile(`(?i)concurrent.*(build|limit)|Cannot have more than \d+ builds in queue`),
		sentence: "the account's quota of builds that run at once is used up",
		hint:     "new accounts begin with very few: ask for more under Service Quotas > AWS CodeBuild (Concurrently running builds), then run the same command",
	},
	{
		code:     regexp.MustCompile(`(?i)(LimitExceeded|QuotaExceeded|TooMany|EntityLimitExceeded)`),
		message:  regexp.MustCompile(`(?i)(TooMany[A-Z]\w+|limit exceeded|LimitExceeded|quota|maximum number of|you have reached|exceeded the (maximum|number))`),
		sentence: "a quota of the account is used up",
		hint:     "remove what is not needed any more, or ask for more in the Service Quotas console, then run the same command",
	},
	{
		code:     regexp.MustCompile(`^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError|NotAuthorized)$`),
		message:  regexp.MustCompile(`(?i)(is not authorized to perform|access denied|explicit deny|AccessDenied)`),
		sentence: "the credentials do not allow this",
		hint:     "let an administrator of the account add it: " + policyPage + " has the policy that a deployment needs",
	},
	{
		code:     regexp.MustCompile(`^(OptInRequired|SubscriptionRequiredException)$`),
		message:  regexp.MustCompile(`(?i)(account must be verified|not subscribed|needs a subscription)`),
		sentence: "the account is not ready for this service",
		hint:     "a new account has to be verified first: open the service once in the console, or write to AWS Support, then run the same command",
	},
	{
		code:     regexp.MustCompile(`^(InternalFailure|InternalError|InternalServerError|InternalServiceError|ServiceUnavailable|ServiceUnavailableException|InternalServiceException)$`),
		message:  regexp.MustCompile(`(?i)internal (failure|error)`),
		sentence: "AWS had an error of its own",
		hint:     "run the same command again: it goes on where it stopped; https://health.aws.amazon.com tells of larger disturbances",
	},
}

// Explain returns what an error code and a message of AWS mean, and the way out; both empty if they are not known. It is
// also for the reasons that CloudFormation gives for a resource, which have no code.
func Explain(code, message string) (sentence, hint string) {
	for _, k := range kinds {
		if code != "" && k.code != nil && k.code.MatchString(code) || k.message != nil && k.message.MatchString(message) {
			return k.sentence, k.hint
		}
	}
	return "", ""
}

var deniedCode = regexp.MustCompile(`^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError|NotAuthorized|UnauthorizedException)$`)

// Denied reports whether an error says that the credentials do not allow something.
func Denied(err error) bool {
	return deniedCode.MatchString(Code(err)) || err != nil && strings.Contains(err.Error(), "is not authorized to perform")
}
