package account

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Kind is a way to get credentials.
type Kind string

// The kinds, in the words of the AWS documentation.
const (
	Environment Kind = "environment variables"
	WebIdentity Kind = "web identity token"
	Keys        Kind = "access keys"
	SSO         Kind = "IAM Identity Center"
	Login       Kind = "aws login"
	Process     Kind = "credential process"
	Container   Kind = "container"
	// Instance comes last in the chain: the metadata service of an EC2 instance. Elsewhere there is none.
	Instance Kind = "EC2 instance role"
)

// Source is where the default chain takes credentials from.
type Source struct {
	Kind Kind
	// Profile is the profile of the AWS configuration files that says so; empty if none does.
	Profile string
	// Session is the name of the profile's Identity Center session, if it has a named one.
	Session string
	// Role is the role that is assumed with these credentials; empty if none is.
	Role string
}

// String names the source for a message.
func (s Source) String() string {
	text := string(s.Kind)
	if s.Profile != "" {
		text = fmt.Sprintf("profile %q (%s)", s.Profile, s.Kind)
	}
	if s.Role != "" {
		text += " with role " + s.Role
	}
	return text
}

// sourceOf repeats the decisions of the SDK's chain, which it does not tell before there are credentials.
func sourceOf(cfg aws.Config, opts Options) Source {
	var env config.EnvConfig
	var shared config.SharedConfig
	for _, s := range cfg.ConfigSources {
		switch c := s.(type) {
		case config.EnvConfig:
			env = c
		case config.SharedConfig:
			shared = c
		}
	}
	if opts.Profile == "" && env.Credentials.HasKeys() {
		return Source{Kind: Environment}
	}
	if opts.Profile == "" && env.WebIdentityTokenFilePath != "" {
		return Source{Kind: WebIdentity, Role: env.RoleARN}
	}
	s := Source{Role: shared.RoleARN}
	// The profile that has the credentials may be the one that the chosen profile names as its source.
	for shared.Source != nil {
		shared = *shared.Source
	}
	s.Profile = shared.Profile
	switch {
	case shared.Credentials.HasKeys():
		s.Kind = Keys
	case shared.CredentialSource == "Environment":
		s.Kind = Environment
	case shared.CredentialSource == "EcsContainer":
		s.Kind = Container
	case shared.CredentialSource == "Ec2InstanceMetadata":
		s.Kind = Instance
	case shared.WebIdentityTokenFile != "":
		s.Kind = WebIdentity
	case shared.SSOSession != nil || shared.SSOStartURL != "":
		s.Kind, s.Session = SSO, shared.SSOSessionName
	case shared.LoginSession != "":
		s.Kind = Login
	case shared.CredentialProcess != "":
		s.Kind = Process
	case env.ContainerCredentialsRelativePath != "" || env.ContainerCredentialsEndpoint != "":
		s.Kind, s.Profile = Container, ""
	default:
		s.Kind, s.Profile = Instance, named(opts, env)
	}
	return s
}

// named is the profile that was asked for by name; the default profile need not exist.
func named(opts Options, env config.EnvConfig) string {
	if opts.Profile != "" {
		return opts.Profile
	}
	return env.SharedConfigProfile
}

// partition is the second part of an ARN.
func partition(text string) string {
	parsed, err := arn.Parse(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return parsed.Partition
}
