package buildspec

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Tool is a runtime that a build file asks for, or a program that one of its commands begins with, and what this machine has
// of it.
type Tool struct {
	// Name is the runtime's name in runtime-versions, or the program's.
	Name string
	// Wanted is the version that runtime-versions asks for, Found what this machine has; both are empty for a program.
	Wanted, Found string
	Missing       bool
	// Differs is true if the machine has another version than the wanted one.
	Differs bool
}

// String is the tool in a few words.
func (t Tool) String() string {
	switch {
	case t.Missing && t.Wanted == "":
		return t.Name
	case t.Missing:
		return t.Name + " " + t.Wanted
	case t.Differs:
		return t.Name + " " + t.Wanted + " (it has " + t.Found + ")"
	case t.Wanted != "":
		return t.Name + " " + t.Wanted
	}
	return t.Name
}

// Tools looks which runtimes and programs of the build file this machine has. Runtimes that are not known here are left out,
// as are programs that the shell has itself, that are in the project, or that an earlier command may have installed.
func (s *Spec) Tools(ctx context.Context) []Tool {
	var tools []Tool
	installs := false
	for _, phase := range s.Phases {
		for _, w := range phase.Runtimes {
			if command, known := runtimeCommands[w.Name]; known {
				tools = append(tools, runtimeHere(ctx, w, command))
			}
		}
		for _, c := range phase.Commands {
			name := program(c.Text)
			if name == "" || slices.ContainsFunc(tools, func(t Tool) bool { return t.Name == name }) {
				continue
			}
			_, err := exec.LookPath(name)
			if err == nil || !installs {
				tools = append(tools, Tool{Name: name, Missing: err != nil})
			}
			installs = installs || strings.Contains(c.Text, "install") || strings.Contains(c.Text, "corepack") || strings.Contains(c.Text, "curl")
		}
	}
	return tools
}

func runtimeHere(ctx context.Context, w Variable, command string) Tool {
	ctx, cancel := context.WithTimeout(ctx, runtimeLimit)
	defer cancel()
	words := strings.Fields(strings.TrimSuffix(command, " 2>&1"))
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
	found, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	t := Tool{Name: w.Name, Wanted: w.Value, Found: found, Missing: err != nil}
	t.Differs = !t.Missing && !runtimeMatches(w.Value, found)
	return t
}

// shellWords are what a command may begin with and that is no program to look for.
var shellWords = []string{
	".", ":", "[", "alias", "case", "cd", "command", "do", "done", "echo", "else", "eval", "exec", "exit", "export", "false", "fi",
	"for", "function", "if", "local", "printf", "pwd", "read", "return", "set", "shift", "source", "test", "then", "time", "trap",
	"true", "type", "ulimit", "umask", "unset", "until", "wait", "while", "{", "(", "!", "[[", "shopt", "declare",
}

// program is the program that a command begins with; "" if that cannot be told, or if it is a part of the shell.
func program(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	for _, word := range strings.Fields(line) {
		name, _, assignment := strings.Cut(word, "=")
		if assignment && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == "" {
			continue // a variable of this one command
		}
		word = strings.TrimRight(word, ";")
		if slices.Contains(shellWords, word) || strings.ContainsAny(word, "$`'\"(){}<>|&*\\") || filepath.ToSlash(word) != filepath.Base(word) {
			return ""
		}
		return word
	}
	return ""
}
