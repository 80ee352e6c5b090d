package buildspec

import (
	"context"
	"strings"
	"time"
)

// runtimeCommands say which version of a runtime is on this machine. The names are those of runtime-versions.
var runtimeCommands = map[string]string{
	"nodejs": "node --version",
	"python": "python3 --version",
	"ruby":   "ruby --version",
	"golang": "go version",
	"java":   "java -version 2>&1",
	"php":    "php --version",
	"dotnet": "dotnet --version",
}

// runtimeLimit bounds how long a runtime may take to tell its version.
const runtimeLimit = 5 * time.Second

// checkRuntimes tells how what this machine has differs from what runtime-versions asks for. CodeBuild installs the
// wanted version; here nothing is installed, and the build goes on with what there is.
func (r *run) checkRuntimes(ctx context.Context, wanted []Variable) {
	for _, w := range wanted {
		command, known := runtimeCommands[w.Name]
		if !known {
			r.log.line("note: runtime-versions asks for %s %s, which is not checked here", w.Name, w.Value)
			continue
		}
		limited, cancel := context.WithTimeout(ctx, runtimeLimit)
		out, err := r.shell.evaluate(limited, command)
		cancel()
		found, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		switch {
		case err != nil:
			r.log.line("note: runtime-versions asks for %s %s, and this machine has none: commands that need it will fail", w.Name, w.Value)
		case runtimeMatches(w.Value, found):
			r.log.line("runtime %s %s: this machine has %s", w.Name, w.Value, found)
		default:
			r.log.line("note: runtime-versions asks for %s %s, and this machine has %s: the build may differ from the one on AWS", w.Name, w.Value, found)
		}
	}
}

// runtimeMatches compares a version as runtime-versions has it (20, 3.x, latest, corretto21) with what a runtime prints.
func runtimeMatches(wanted, printed string) bool {
	if wanted == "latest" || strings.HasPrefix(wanted, "$") {
		return true
	}
	wanted = strings.TrimLeft(strings.ToLower(wanted), "abcdefghijklmnopqrstuvwxyz")
	start := strings.IndexAny(printed, "0123456789")
	if start < 0 {
		return false
	}
	have := strings.FieldsFunc(printed[start:], func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	want, got := strings.Split(wanted, "."), strings.Split(have[0], ".")
	for i, w := range want {
		if w == "x" {
			break
		}
		if i >= len(got) || got[i] != w {
			return false
		}
	}
	return true
}
