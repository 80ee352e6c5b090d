package double

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// Token is a CI's token for a job, as a JSON Web Token whose signature nobody looks at.
func Token(issuer, audience, subject string) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]string{"alg": "RS256"}) + "." +
		part(map[string]any{"iss": "https://" + issuer, "aud": audience, "sub": subject, "exp": time.Now().Add(time.Hour).Unix()}) + ".c2ln"
}

// AddIdentityProvider puts an OpenID Connect provider into the account, and returns its ARN.
func (a *Account) AddIdentityProvider(issuer string, audiences ...string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addProvider(issuer, audiences)
}

func (a *Account) addProvider(issuer string, audiences []string) string {
	arn := "arn:aws:iam::" + AccountID + ":oidc-provider/" + issuer
	if a.providers[arn] != nil {
		a.t.Errorf("the account has the identity provider %s already", arn)
	}
	if a.providers == nil {
		a.providers = map[string][]string{}
	}
	a.providers[arn] = audiences
	return arn
}

// madeProvider is what making the resource means.
func (a *Account) madeProvider(r *resource) {
	a.addProvider(strings.TrimPrefix(r.properties["Url"].(string), "https://"), textList(r.properties["ClientIdList"]))
}

func (a *Account) identityProviders(name string, req *wire.Request) (map[string]any, *Fault) {
	if name == "ListOpenIDConnectProviders" {
		list := []any{}
		for arn := range a.providers {
			list = append(list, map[string]any{"Arn": arn})
		}
		return map[string]any{"OpenIDConnectProviderList": list}, nil
	}
	arn := req.Text("OpenIDConnectProviderArn")
	audiences, known := a.providers[arn]
	if !known {
		return nil, refuse("NoSuchEntity", "OpenIDConnect Provider not found for arn %s", arn)
	}
	ids := []any{}
	for _, id := range audiences {
		ids = append(ids, id)
	}
	return map[string]any{"Url": arn[strings.LastIndex(arn, "provider/")+len("provider/"):], "ClientIDList": ids}, nil
}

// assume is AssumeRoleWithWebIdentity: the role's trust policy is asked about the token's claims.
func (a *Account) assume(req *wire.Request) (map[string]any, *Fault) {
	var claims struct{ Iss, Aud, Sub string }
	parts := strings.Split(req.Text("WebIdentityToken"), ".")
	if len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &claims)
		}
	}
	issuer := strings.TrimPrefix(claims.Iss, "https://")
	provider := "arn:aws:iam::" + AccountID + ":oidc-provider/" + issuer
	no := &Fault{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	role := a.role(req.Text("RoleArn"))
	if role == nil || a.providers[provider] == nil {
		return nil, no
	}
	if !slices.Contains(a.providers[provider], claims.Aud) {
		return nil, refuse("InvalidIdentityToken", "Incorrect token audience")
	}
	values := map[string]string{issuer + ":aud": claims.Aud, issuer + ":sub": claims.Sub}
	for _, s := range statements(role.properties["AssumeRolePolicyDocument"]) {
		principal, _ := s["Principal"].(map[string]any)
		if principal["Federated"] == provider && holds(s["Condition"], values) {
			key := fmt.Sprintf("ASIAWEBIDENTITY%05d", len(a.sessions))
			if a.sessions == nil {
				a.sessions = map[string]*resource{}
			}
			a.sessions[key] = role
			return map[string]any{
				"Credentials":     map[string]any{"AccessKeyId": key, "SecretAccessKey": "secret", "SessionToken": "session", "Expiration": time.Now().Add(time.Hour).UTC().Truncate(time.Second)},
				"AssumedRoleUser": map[string]any{"AssumedRoleId": "AROAWEBIDENTITY:ci", "Arn": strings.Replace(req.Text("RoleArn"), ":iam:", ":sts:", 1) + "/ci"},
			}, nil
		}
	}
	return nil, no
}

// role finds a role of a stack by its ARN.
func (a *Account) role(arn string) *resource {
	for _, s := range a.stacks {
		for _, r := range s.resources {
			if r.typ == "AWS::IAM::Role" && roleARN(r.physical) == arn {
				return r
			}
		}
	}
	return nil
}

func roleARN(name string) string { return "arn:aws:iam::" + AccountID + ":role/" + name }

// holds evaluates a condition with StringEquals and StringLike; another operator does not hold.
func holds(condition any, values map[string]string) bool {
	operators, _ := condition.(map[string]any)
	for operator, keys := range operators {
		for key, wanted := range keys.(map[string]any) {
			value, known := values[key]
			ok := slices.ContainsFunc(textList(wanted), func(w string) bool {
				return operator == "StringEquals" && w == value || operator == "StringLike" && like(w, value)
			})
			if !known || !ok {
				return false
			}
		}
	}
	return len(operators) > 0
}

// like is IAM's comparison: an asterisk stands for anything, a question mark for one character.
func like(pattern, value string) bool {
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`\A` + quoted + `\z`).MatchString(value)
}

func textList(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			list = append(list, fmt.Sprint(one))
		}
	}
	return list
}

func statements(document any) (list []map[string]any) {
	d, _ := document.(map[string]any)
	items, _ := d["Statement"].([]any)
	for _, one := range items {
		if s, ok := one.(map[string]any); ok {
			list = append(list, s)
		}
	}
	return list
}

// denied is the refusal of a request by a session of a role that the role's policies do not allow; nil for everybody else.
func (a *Account) denied(r *http.Request, action, on string) *Fault {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(scope, "/")
	a.mu.Lock()
	defer a.mu.Unlock()
	role := a.sessions[key]
	if role == nil || action == "sts:GetCallerIdentity" {
		return nil
	}
	policies, _ := role.properties["Policies"].([]any)
	for _, p := range policies {
		for _, s := range statements(p.(map[string]any)["PolicyDocument"]) {
			allows := func(patterns any, value string) bool {
				return slices.ContainsFunc(textList(patterns), func(pattern string) bool { return like(pattern, value) })
			}
			if allows(s["Action"], action) && allows(s["Resource"], on) {
				a.allowed = append(a.allowed, action)
				return nil
			}
		}
	}
	return &Fault{http.StatusForbidden, "AccessDenied", "the role " + role.name + " is not authorized to perform: " + action + " on " + on}
}

// Allowed are the actions that sessions of roles were allowed, each once.
func (a *Account) Allowed() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := slices.Clone(a.allowed)
	slices.Sort(list)
	return slices.Compact(list)
}

// isForm reports whether a request without a signature is one to STS, which gives credentials to whoever has a token.
func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// s3Action is the action of a request to S3, and what it is on (Service Authorization Reference, "Amazon S3").
func s3Action(r *http.Request) (action, on string) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	on = "arn:aws:s3:::" + name
	if key != "" {
		on += "/" + key
	}
	switch {
	case key == "" && query.Has("delete"):
		return "s3:DeleteObject", on + "/x"
	case key == "" && query.Has("versions"):
		return "s3:ListBucketVersions", on
	case key == "":
		return "s3:ListBucket", on
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return "s3:GetObject", on
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		return "s3:AbortMultipartUpload", on
	case r.Method == http.MethodDelete:
		return "s3:DeleteObject", on
	}
	return "s3:PutObject", on
}

// kvsAction is the action of a request to the KeyValueStore.
func kvsAction(r *http.Request) (action, on string) {
	path, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/key-value-stores/"))
	if err != nil {
		return "cloudfront-keyvaluestore:?", ""
	}
	on, key, isKeys := strings.Cut(path, "/keys")
	action = "DescribeKeyValueStore"
	switch {
	case isKeys && r.Method == http.MethodPost:
		action = "UpdateKeys"
	case isKeys && key != "":
		action = map[string]string{http.MethodGet: "GetKey", http.MethodPut: "PutKey", http.MethodDelete: "DeleteKey"}[r.Method]
	case isKeys:
		action = "ListKeys"
	}
	return "cloudfront-keyvaluestore:" + action, on
}

// denies answers a request that a session may not make, and reports whether it has.
func (a *Account) denies(w http.ResponseWriter, r *http.Request, action, on string) bool {
	no := a.denied(r, action, on)
	if no == nil {
		return false
	}
	w.Header().Set("X-Amzn-Errortype", no.Code)
	if strings.HasPrefix(action, "s3:") {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(no.Status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", no.Code, no.Message)
		return true
	}
	w.WriteHeader(no.Status)
	fmt.Fprintf(w, `{"message": %q}`, no.Message)
	return true
}

// stackARN is the ARN of a stack, by name or id.
func (a *Account) stackARN(nameOrID string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.findStack(nameOrID); s != nil {
		return s.id
	}
	return nameOrID
}
