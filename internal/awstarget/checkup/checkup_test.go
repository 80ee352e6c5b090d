package checkup

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/account"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Whole accounts are looked at over the target's own room, whose goldens hold every line. What is here is how a look judges what it
// was answered.

// looking is a checkup of a site whose stack is as given, by somebody who is signed in.
func looking(state stack.State, stateErr error) *checkup {
	h := hosted.New(&site.Site{}, hosted.Options{})
	h.Account = &account.Account{Region: "eu-west-1", ID: "123456789012", ARN: "arn:aws:iam::123456789012:user/dana", Partition: "aws",
		Source: account.Source{Kind: account.Environment}}
	return &checkup{
		Hosting:  h,
		signedIn: func(context.Context) (struct{}, error) { return struct{}{}, nil },
		state:    func(context.Context) (stack.State, error) { return state, stateErr },
	}
}

// deployed is a stack with a site and its pipeline.
func deployed(status types.StackStatus) stack.State {
	return stack.State{ID: "arn", Status: status, Parameters: map[string]string{template.ParamWithPipeline: "true"},
		Outputs: map[string]string{template.OutputHostingBucketName: "bucket", template.OutputDistributionDomainName: "d1.cloudfront.net"}}
}

func found(t *testing.T, got doctor.Finding, status hosting.CheckStatus, detail, hint string) {
	t.Helper()
	if got.Status != status || !strings.Contains(got.Detail, detail) || !strings.Contains(got.Hint, hint) {
		t.Errorf("%s: %s\n-> %s\nwant %s: %s\n-> %s", got.Status, got.Detail, got.Hint, status, detail, hint)
	}
}

// What the credentials do not allow, and what AWS has trouble with, says nothing of the site; every other error does.
func TestWrong(t *testing.T) {
	refused := func(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
	tests := map[string]struct {
		err          error
		status       hosting.CheckStatus
		detail, hint string
		unknown      hosting.CheckStatus
	}{
		"denied":              {err: refused("AccessDenied", "not authorized"), status: hosting.CheckSkipped, hint: "doctor --policy", unknown: hosting.CheckSkipped},
		"denied elsewhere":    {err: refused("AccessDeniedException", "not authorized"), status: hosting.CheckSkipped, hint: "doctor --policy", unknown: hosting.CheckSkipped},
		"throttled":           {err: refused("ThrottlingException", "Rate exceeded"), status: hosting.CheckSkipped, hint: "run doctor again", unknown: hosting.CheckSkipped},
		"trouble of AWS":      {err: refused("InternalFailure", "oops"), status: hosting.CheckSkipped, hint: "run doctor again", unknown: hosting.CheckSkipped},
		"service unavailable": {err: refused("ServiceUnavailableException", "oops"), status: hosting.CheckSkipped, hint: "run doctor again", unknown: hosting.CheckSkipped},
		"with a way out":      {err: fault.New(fault.Other, "do that", "it is broken"), status: hosting.CheckFailed, detail: "it is broken", hint: "do that", unknown: hosting.CheckSkipped},
		"something else":      {err: refused("ValidationError", "1 validation error"), status: hosting.CheckFailed, detail: "1 validation error", unknown: hosting.CheckSkipped},
		"not of AWS":          {err: errors.New("oops"), status: hosting.CheckFailed, detail: "oops", unknown: hosting.CheckSkipped},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := looking(stack.State{}, nil)
			found(t, c.wrong(tc.err), tc.status, tc.detail, tc.hint)
			found(t, c.unknown(tc.err), tc.unknown, "", "")
		})
	}
}

// Each state of a stack is judged as deploy goes on from it.
func TestStackStands(t *testing.T) {
	tests := map[types.StackStatus]struct {
		status       hosting.CheckStatus
		detail, hint string
	}{
		"":                                               {hosting.CheckOK, "is not there yet", ""},
		types.StackStatusReviewInProgress:                {hosting.CheckOK, "is not there yet", ""},
		types.StackStatusCreateComplete:                  {hosting.CheckOK, "CREATE_COMPLETE", ""},
		types.StackStatusUpdateComplete:                  {hosting.CheckOK, "UPDATE_COMPLETE", ""},
		types.StackStatusImportComplete:                  {hosting.CheckOK, "IMPORT_COMPLETE", ""},
		types.StackStatusCreateInProgress:                {hosting.CheckWarning, "is being changed (CREATE_IN_PROGRESS)", "which waits"},
		types.StackStatusUpdateInProgress:                {hosting.CheckWarning, "is being changed", "which waits"},
		types.StackStatusUpdateCompleteCleanupInProgress: {hosting.CheckWarning, "is being changed", "which waits"},
		types.StackStatusUpdateRollbackInProgress:        {hosting.CheckWarning, "is being changed", "which waits"},
		types.StackStatusDeleteInProgress:                {hosting.CheckWarning, "is being changed (DELETE_IN_PROGRESS)", "which waits"},
		types.StackStatusCreateFailed:                    {hosting.CheckFailed, "could not be created", "run deploy: it removes what is left"},
		types.StackStatusRollbackComplete:                {hosting.CheckFailed, "could not be created (ROLLBACK_COMPLETE): it is so", "run deploy: it removes what is left"},
		types.StackStatusRollbackFailed:                  {hosting.CheckFailed, "could not be created", "run deploy: it removes what is left"},
		types.StackStatusUpdateFailed:                    {hosting.CheckWarning, "failed, and was not taken back: it is so", "run deploy again"},
		types.StackStatusUpdateRollbackComplete:          {hosting.CheckWarning, "was taken back: it is so", "run deploy again"},
		types.StackStatusUpdateRollbackFailed:            {hosting.CheckFailed, "could not be taken back: it is so", "it continues the rollback"},
		types.StackStatusImportRollbackFailed:            {hosting.CheckFailed, "no deployment goes on from", "console"},
		types.StackStatusDeleteFailed:                    {hosting.CheckFailed, "could not be deleted: it is so", "run delete again"},
	}
	for status, tc := range tests {
		t.Run(string(status), func(t *testing.T) {
			state := deployed(status)
			state.Reason = "it is so"
			if status == "" {
				state = stack.State{}
			}
			got := looking(state, nil).stackStands(t.Context())
			found(t, got, tc.status, tc.detail, tc.hint)
		})
	}
	half := deployed(types.StackStatusCreateComplete)
	half.Parameters = nil
	found(t, looking(half, nil).stackStands(t.Context()), hosting.CheckWarning, "has no pipeline yet", "it goes on from where it stopped")
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: cloudformation:DescribeStacks"}
	found(t, looking(stack.State{}, denied).stackStands(t.Context()), hosting.CheckSkipped, "cloudformation:DescribeStacks", "--policy")
}

// Credentials that end before a first deployment does are a warning, unless the SDK gets new ones by itself.
func TestCredentials(t *testing.T) {
	tests := map[string]struct {
		source account.Source
		left   time.Duration
		err    error
		status hosting.CheckStatus
		detail string
		hint   string
	}{
		"keys":                    {source: account.Source{Kind: account.Environment}, status: hosting.CheckOK, detail: "account 123456789012, as arn:aws:iam::123456789012:user/dana"},
		"for hours":               {source: account.Source{Kind: account.SSO}, left: 8 * time.Hour, status: hosting.CheckOK, detail: "they end in 8h"},
		"for some minutes":        {source: account.Source{Kind: account.SSO}, left: 10 * time.Minute, status: hosting.CheckWarning, detail: "they end in 10m", hint: "sign in again before you deploy"},
		"that are renewed":        {source: account.Source{Kind: account.WebIdentity}, left: 10 * time.Minute, status: hosting.CheckOK, detail: "they end in 10m"},
		"of an instance":          {source: account.Source{Kind: account.Instance}, left: 10 * time.Minute, status: hosting.CheckOK},
		"of a role of a profile":  {source: account.Source{Kind: account.Keys, Role: "arn:aws:iam::123456789012:role/deployer"}, left: 15 * time.Minute, status: hosting.CheckOK, detail: "they end in 15m"},
		"of aws login":            {source: account.Source{Kind: account.Login}, left: 15 * time.Minute, status: hosting.CheckOK, detail: "they end in 15m"},
		"that cannot be had":      {source: account.Source{Kind: account.Environment}, err: errors.New("oops"), status: hosting.CheckOK, detail: "account 123456789012"},
		"that have ended already": {source: account.Source{Kind: account.Environment}, left: -time.Minute, status: hosting.CheckWarning, hint: "sign in again"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := looking(stack.State{}, nil)
			c.Account.Source = tc.source
			c.Account.Config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				// Some seconds more, so that a busy machine rounds to the same minute.
				return aws.Credentials{CanExpire: tc.left != 0, Expires: time.Now().Add(tc.left + 20*time.Second)}, tc.err
			})
			found(t, c.credentials(t.Context()), tc.status, tc.detail, tc.hint)
		})
	}
	c := looking(stack.State{}, nil)
	c.signedIn = func(context.Context) (struct{}, error) {
		return struct{}{}, fault.New(fault.Other, "aws sso login", "the session has ended")
	}
	found(t, c.credentials(t.Context()), hosting.CheckFailed, "the session has ended", "aws sso login")
	found(t, c.unseen(t.Context()), hosting.CheckSkipped, "without credentials", "")
	if got := looking(stack.State{}, nil).unseen(t.Context()); got.Status != "" {
		t.Errorf("with credentials: %+v", got)
	}
}

// answer is a client whose requests are all answered alike.
type answer struct {
	status int
	err    error
	asked  *string
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	*a.asked = r.URL.String()
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// A site that is deployed is asked, and has to answer.
func TestAnswers(t *testing.T) {
	named := deployed(types.StackStatusUpdateComplete)
	named.Parameters[template.ParamDomainNames], named.Parameters[template.ParamCertificateArn] = "www.example.com,example.com", "arn"
	tests := map[string]struct {
		state  stack.State
		answer answer
		asked  string
		status hosting.CheckStatus
		detail string
	}{
		"well":                {deployed(types.StackStatusCreateComplete), answer{status: 200}, "https://d1.cloudfront.net/", hosting.CheckOK, "answers"},
		"under its own name":  {named, answer{status: 200}, "https://www.example.com/", hosting.CheckOK, "https://www.example.com/ answers"},
		"somewhere else":      {named, answer{status: 304}, "https://www.example.com/", hosting.CheckOK, "answers"},
		"not found":           {named, answer{status: 404}, "https://www.example.com/", hosting.CheckFailed, "answers with status 404"},
		"without a release":   {named, answer{status: 503}, "https://www.example.com/", hosting.CheckFailed, "answers with status 503"},
		"not at all":          {named, answer{err: errors.New("no such host")}, "https://www.example.com/", hosting.CheckFailed, "does not answer: "},
		"before there is one": {stack.State{}, answer{status: 200}, "", "", ""},
		"a shell":             {deployed(types.StackStatusReviewInProgress), answer{status: 200}, "", "", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var asked string
			tc.answer.asked = &asked
			c := looking(tc.state, nil)
			c.Opts.HTTP = &http.Client{Transport: tc.answer}
			hint := ""
			if tc.status == hosting.CheckFailed {
				hint = "explain https://"
			}
			found(t, c.answers(t.Context()), tc.status, tc.detail, hint)
			if asked != tc.asked {
				t.Errorf("asked %q, want %q", asked, tc.asked)
			}
		})
	}
}
