// Package permission holds what whoever deploys a site needs to be allowed: one IAM policy, which documentation, `doctor
// --policy` and the tests all take from here, and the question to IAM whether somebody is allowed it.
package permission

import (
	_ "embed"
	"encoding/json"
	"strings"
)

// deployer is the policy, with the names in braces that a Scope fills in.
//
//go:embed deployer.json
var deployer string

// MaxPolicy is how many characters a managed policy may have, white space not counted (IAM User Guide, "IAM and AWS STS
// quotas").
const MaxPolicy = 6144

// Scope is what a policy is narrowed to. An empty name leaves that open, with an asterisk.
type Scope struct {
	Partition, Region, Account string
	// Site is the site's name and Pipeline its pipeline's: what the names of the site's resources begin with.
	Site, Pipeline string
}

// Policy returns the policy for whoever deploys, as IAM takes it.
func Policy(s Scope) string {
	name := func(text string) string {
		if text == "" {
			return "*"
		}
		return text
	}
	partition := s.Partition
	if partition == "" {
		partition = "aws"
	}
	return strings.NewReplacer("{partition}", partition, "{region}", name(s.Region), "{account}", name(s.Account),
		"{site}", name(s.Site), "{pipeline}", name(s.Pipeline)).Replace(deployer)
}

// Statement is one statement of the policy.
type Statement struct {
	Sid       string
	Actions   []string
	Resources []string
}

// Statements are the policy taken apart.
func Statements(s Scope) []Statement {
	var document struct {
		Statement []struct {
			Sid      string
			Action   list
			Resource list
		}
	}
	if err := json.Unmarshal([]byte(Policy(s)), &document); err != nil {
		panic(err) // it is part of the program
	}
	var all []Statement
	for _, one := range document.Statement {
		all = append(all, Statement{Sid: one.Sid, Actions: one.Action, Resources: one.Resource})
	}
	return all
}

// list is a text, or a list of them.
type list []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = list{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*l = many
	return err
}
