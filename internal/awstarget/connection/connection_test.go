package connection_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/connection"
)

// A connection's name has at most 32 characters, and is of one owner at one host.
func TestNames(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	seen := map[string]string{}
	for _, r := range []connection.Repository{
		{Provider: "GitHub", ID: "alice/site"}, {Provider: "GitLab", ID: "alice/site"}, {Provider: "GitHub", ID: "bob/site"},
		{Provider: "GitHub", ID: strings.Repeat("a", 39) + "/x"}, {Provider: "GitHub", ID: strings.Repeat("a", 38) + "/x"},
		{Provider: "GitHub", ID: "a-b/x"}, {Provider: "GitHub", ID: "a--b/x"}, {Provider: "GitLab", ID: "_._/x"},
	} {
		name := connection.Name(r)
		if !valid.MatchString(name) {
			t.Errorf("%v: %q", r, name)
		}
		if seen[name] != "" {
			t.Errorf("%v and %s share %s", r, seen[name], name)
		}
		seen[name] = r.ID
	}
	one := connection.Name(connection.Repository{Provider: "GitHub", ID: "Alice/a"})
	if two := connection.Name(connection.Repository{Provider: "GitHub", ID: "alice/b"}); one != two {
		t.Errorf("one owner has %s and %s", one, two)
	}
}
