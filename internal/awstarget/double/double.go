// Package double is an AWS account for tests: it answers over HTTP, in the services' own protocols, what a deployment of
// the toolkit asks of CloudFormation, CloudFront, CodePipeline, CodeConnections, CodeBuild, CloudWatch Logs, STS, S3, the
// KeyValueStore, Certificate Manager, Route 53, and of public DNS. Requests and answers are held against botocore's models;
// what does not fit them fails the test.
//
// It does what it is told: stacks resolve the template that they were sent, the distribution is the toolkit's edge compiled
// from that template over the S3 double and the KVS double, and pipelines fetch from a git repository and run the
// buildspecs that the template holds. Operations of CloudFormation go on by one step with each look at them, so that a test
// never waits for a clock.
package double

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/kvs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// AccountID and Region are where everything is.
const (
	AccountID = "123456789012"
	Region    = "eu-west-1"
)

// Account is the account. Its fields are set before the first request, or with Do.
type Account struct {
	// Repositories are the git repositories at the Git host, by OWNER/NAME: paths on this machine.
	Repositories map[string]string
	// Fault, if set, is asked ahead of each operation; what is not nil is the answer.
	Fault func(service, operation string) *Fault
	// Lost, if set, is asked after each operation that went well: if it says so, the connection breaks before the answer comes.
	Lost func(service, operation string) bool
	// FailResource makes a resource, by its name in the template, fail with this reason.
	FailResource map[string]string
	// Objects makes CloudFormation's checks refuse a change of a resource with this reason, before it is made.
	Objects map[string]string
	// FailDelete makes the deletion of a resource fail with this reason.
	FailDelete map[string]string
	// StuckRollback makes taking an update back fail.
	StuckRollback bool
	// Quick ends an operation of CloudFormation, or the making of a change set, at the first look at it.
	Quick bool
	// FailBuild is why builds do not begin; empty if they do. With FailOnce it is so for one build.
	FailBuild string
	FailOnce  bool
	// Replaces names resources whose changes are replacements.
	Replaces map[string]bool
	// Spread is how many looks at a distribution show it InProgress.
	Spread int
	// TakenAliases are domain names that a distribution of another account has.
	TakenAliases map[string]bool
	// Standing is how the account stands before anything is deployed.
	Standing Standing
	// Requests counts the requests by "service Operation".
	Requests map[string]int

	S3  *s3server.Memory
	KVS *kvs.Server
	CA  *CA
	DNS *DNS

	t      testing.TB
	server *httptest.Server
	models map[string]*wire.Model
	work   sync.WaitGroup
	// lastEvent is closed when the last event of S3 has been delivered. S3 has it: it tells of one object at a time.
	lastEvent chan struct{}
	scratch,
	fakePrograms string

	mu sync.Mutex
	// news is closed when there is something new to see of a pipeline; told says that somebody has looked since then.
	news        chan struct{}
	told        bool
	stacks      []*stack
	connections []*connection
	pipelines   map[string]*pipeline
	// providers are the account's identity providers and their audiences, sessions the roles behind access keys, and allowed the
	// actions that such sessions were allowed.
	providers   map[string][]string
	sessions    map[string]*resource
	allowed     []string
	builds      map[string]*build
	serial      int
	completeNew int
}

// Fault is an error that a service answers with.
type Fault struct {
	Status        int
	Code, Message string
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// New returns an empty account. It ends with the test.
func New(t testing.TB) *Account {
	t.Helper()
	a := &Account{
		Repositories: map[string]string{}, FailResource: map[string]string{}, FailDelete: map[string]string{}, Objects: map[string]string{}, Replaces: map[string]bool{}, Requests: map[string]int{},
		S3: s3server.NewMemory(), t: t, models: map[string]*wire.Model{}, scratch: t.TempDir(),
		CA: &CA{tokens: map[string]string{}}, DNS: &DNS{Outside: map[string]string{}, Undelegated: map[string]bool{}, pending: map[string]int{}},
		TakenAliases: map[string]bool{}, pipelines: map[string]*pipeline{}, builds: map[string]*build{},
	}
	a.KVS = kvs.New(func(format string, args ...any) { t.Errorf(format, args...) })
	for _, service := range []string{"cloudformation", "cloudfront", "codepipeline", "codeconnections", "codebuild", "logs", "sts", "acm", "route53"} {
		a.models[service] = wire.Load(service)
	}
	a.models["iam"], a.models["servicequotas"] = wire.Load("iam"), wire.Load("service-quotas")
	a.S3.Created = a.created
	a.server = httptest.NewServer(a)
	t.Cleanup(func() {
		a.stopExecutions()
		a.work.Wait()
		a.server.Close()
	})
	return a
}

// URL is the address of every service: AWS_ENDPOINT_URL.
func (a *Account) URL() string { return a.server.URL }

// Environment is what makes the SDK use the account.
func (a *Account) Environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": a.URL(), "AWS_REGION": Region, "AWS_ACCESS_KEY_ID": s3server.AccessKey,
		"AWS_SECRET_ACCESS_KEY": s3server.SecretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// Client asks any host name of the account's distributions.
func (a *Account) Client() *http.Client {
	return &http.Client{
		Transport:     viewer{a},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// viewer sends requests to the double, if its DNS has the host at CloudFront.
type viewer struct{ account *Account }

func (v viewer) RoundTrip(r *http.Request) (*http.Response, error) {
	elsewhere, err := v.account.resolve(r.URL.Hostname())
	if err != nil {
		return nil, err
	}
	if elsewhere {
		return somebodyElse(r), nil
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(v.account.URL(), "http://")
	return http.DefaultTransport.RoundTrip(r)
}

// Do changes the account while it is in use.
func (a *Account) Do(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// Count returns how many requests of an operation there were: "codepipeline StartPipelineExecution".
func (a *Account) Count(operation string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Requests[operation]
}

// ServeHTTP answers services by the scope of the signature, and distributions by the host.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := signedFor(r.Header.Get("Authorization"))
	if service == "" && isForm(r) {
		service = "sts"
	}
	switch service {
	case "":
		a.serveDistribution(w, r)
	case "s3":
		if action, on := s3Action(r); a.denies(w, r, action, on) {
			return
		}
		if r.Method == http.MethodGet && r.URL.Path == "/" && !r.URL.Query().Has("prefix") {
			a.listBuckets(w)
			return
		}
		a.S3.ServeHTTP(w, r)
	case "cloudfront-keyvaluestore":
		if action, on := kvsAction(r); a.denies(w, r, action, on) {
			return
		}
		a.KVS.ServeHTTP(w, r)
	default:
		a.serveService(w, r, service)
	}
}

// signedFor is the service in the scope of a signature (Signature Version 4: key/date/region/service/aws4_request; version
// 4A has no region).
func signedFor(authorization string) string {
	_, scope, ok := strings.Cut(authorization, "Credential=")
	if !ok {
		return ""
	}
	parts := strings.Split(strings.SplitN(scope, ",", 2)[0], "/")
	return parts[max(0, len(parts)-2)]
}

func (a *Account) serveService(w http.ResponseWriter, r *http.Request, service string) {
	m := a.models[service]
	if m == nil {
		a.t.Errorf("the double has no service %s", service)
		http.Error(w, "no such service", http.StatusNotFound)
		return
	}
	req, err := m.Decode(r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return // whoever asked was cut off
	}
	if err != nil {
		a.t.Errorf("%s: %v", service, err)
		m.EncodeError(w, http.StatusBadRequest, "ValidationError", err.Error())
		return
	}
	name := strings.TrimSuffix(req.Operation.Name, "2020_05_31")
	if name == "ListPipelineExecutions" {
		a.awaitNews(r.Context())
	}
	fault := a.denied(r, service+":"+name, a.stackARN(req.Text("StackName")))
	a.mu.Lock()
	a.Requests[service+" "+name]++
	if fault == nil && a.Fault != nil {
		fault = a.Fault(service, name)
	}
	var out map[string]any
	if fault == nil {
		out, fault = a.answer(service, name, req)
	}
	lost := fault == nil && a.Lost != nil && a.Lost(service, name)
	a.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler)
	}
	if fault != nil {
		if !m.Knows(req.Operation, fault.Code) {
			a.t.Errorf("%s %s has no error %s", service, name, fault.Code)
		}
		status := fault.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		m.EncodeError(w, status, fault.Code, fault.Message)
		return
	}
	for _, wrong := range m.Encode(w, req.Operation, out) {
		a.t.Errorf("%s %s: answer: %s", service, name, wrong)
	}
}

// answer calls the operation, with the lock held.
func (a *Account) answer(service, name string, req *wire.Request) (map[string]any, *Fault) {
	switch service {
	case "sts":
		if name == "AssumeRoleWithWebIdentity" {
			return a.assume(req)
		}
		return a.who(), nil
	case "iam":
		if strings.Contains(name, "OpenIDConnectProvider") {
			return a.identityProviders(name, req)
		}
		return a.iam(req)
	case "servicequotas":
		return a.serviceQuotas(req)
	case "cloudformation":
		return a.cloudFormation(name, req)
	case "cloudfront":
		if strings.HasPrefix(name, "List") {
			return a.lists(name, req)
		}
		return a.cloudFront(req)
	case "codeconnections":
		return a.codeConnections(name, req)
	case "codepipeline":
		return a.codePipeline(name, req)
	case "codebuild":
		return a.codeBuild(name, req)
	case "acm":
		return a.acm(name, req)
	case "route53":
		return a.route53(name, req)
	default:
		return a.logs(req)
	}
}

func refuse(code, format string, args ...any) *Fault {
	return &Fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// id is an id that has not been given before, with the form of a UUID.
func (a *Account) id() string {
	a.serial++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", a.serial, a.serial)
}

// tick is a time that is later than every other one. The double's clock goes on by a millisecond with each event.
func (a *Account) tick() time.Time {
	a.serial++
	return time.Now().UTC().Truncate(time.Millisecond).Add(time.Duration(a.serial) * time.Millisecond)
}
