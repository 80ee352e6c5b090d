package awstarget_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// deployerPolicy is the policy that docs/aws.md gives to whoever deploys: its actions.
func deployerPolicy(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/aws.md has no policy")
	}
	var policy struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	var compact strings.Builder
	for _, c := range text {
		if !strings.ContainsRune(" \n", c) {
			compact.WriteRune(c)
		}
	}
	// IAM User Guide, "IAM and AWS STS quotas": a managed policy has 6,144 characters, white space not counted.
	if n := compact.Len(); n > 6144 {
		t.Errorf("the policy has %d characters, and IAM takes 6,144", n)
	}
	var actions []string
	for _, s := range policy.Statement {
		actions = append(actions, s.Action...)
	}
	return actions
}

// checkPolicy finds requests that the documented policy does not allow.
func checkPolicy(t *testing.T, requests map[string]int) {
	t.Helper()
	actions := deployerPolicy(t)
	for request := range requests {
		service, operation, _ := strings.Cut(request, " ")
		if service == "sts" {
			continue // nobody needs a permission to ask who they are
		}
		if action := service + ":" + operation; !slices.Contains(actions, action) {
			t.Errorf("the policy of docs/aws.md does not allow %s", action)
		}
	}
}
