// Package need says what a test needs of the machine beyond Go and git. Only tests import it.
//
// On a user's machine a test whose tool is missing is skipped, with a line that says how to install it. In CI, where CI=true
// is set, it fails: nothing is passed over in silence.
package need

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program returns the path of a program, looked for on the PATH and where Debian keeps those of the administrator. If it is
// missing, the test ends as Missing says; install is how to get it.
func Program(t testing.TB, name, install string) string {
	t.Helper()
	for _, candidate := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	Missing(t, "%s is not installed: %s", name, install)
	return ""
}

// Missing ends a test that cannot run here: it fails in CI, and is skipped elsewhere.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s (in CI this is a failure)", why)
	}
	t.Skipf("SKIPPED: %s", why)
}
