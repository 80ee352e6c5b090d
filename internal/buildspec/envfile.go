package buildspec

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// maxEnvFile bounds an env file: it guards against a mistaken path.
const maxEnvFile = 1 << 20

var envLine = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)

// ReadEnvFile reads the variables of a file as front-end tools have them: NAME=value, one a line; empty lines and those that begin
// with # say nothing. A value in double quotes may hold \n, \" and \\; one in single quotes is taken as it is; of any other,
// what follows a blank and # is a comment. Nothing is expanded. The error is a fault.Usage, and tells no value.
func ReadEnvFile(file string) (map[string]string, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fault.New(fault.Usage, "name a file with --env-file, or none with --env-file ''", "read env file: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxEnvFile:
		return nil, fault.New(fault.Usage, "name a file of lines like NAME=value", "env file %s is not a file of variables", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read env file: %w", err)
	}
	variables, number := map[string]string{}, 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		bad := func(format string, args ...any) error {
			return fault.New(fault.Usage, "write lines like NAME=value", "%s:%d: %s", file, number, fmt.Sprintf(format, args...))
		}
		m := envLine.FindStringSubmatch(line)
		if m == nil {
			return nil, bad("this is no variable")
		}
		if strings.HasPrefix(m[1], "CODEBUILD_") {
			return nil, bad("%s is one of the build's own variables", m[1])
		}
		value, err := envValue(m[2])
		if err != nil {
			return nil, bad("%s: %v", m[1], err)
		}
		variables[m[1]] = value
	}
	return variables, nil
}

var escapes = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\$`, "$", `\\`, `\`)

func envValue(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	quote := text[0]
	if quote != '"' && quote != '\'' && quote != '`' {
		if value, _, comment := strings.Cut(text, " #"); comment {
			text = value
		}
		return strings.TrimSpace(text), nil
	}
	end := 1
	for end < len(text) && text[end] != quote {
		if text[end] == '\\' && quote == '"' {
			end++
		}
		end++
	}
	if end >= len(text) {
		return "", errors.New("the quotation mark is not closed on the line")
	}
	if rest := strings.TrimSpace(text[end+1:]); rest != "" && !strings.HasPrefix(rest, "#") {
		return "", errors.New("something follows the quotation mark")
	}
	if quote == '"' {
		return escapes.Replace(text[1:end]), nil
	}
	return text[1:end], nil
}
