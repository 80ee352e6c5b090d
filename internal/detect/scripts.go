package detect

import (
	"path"
	"slices"
	"strings"
)

// invocation is one command of a script: which tool is called, with what.
type invocation struct {
	tool string
	args []string
	env  map[string]string // variables that are set for it
	dir  string            // the folder that the script has changed to before; "" for its own
}

// String is the command as evidence shows it.
func (v invocation) String() string { return strings.Join(append([]string{v.tool}, v.args...), " ") }

// flag returns the value of the first of the flags that is given, as "--out x" or "--out=x".
func (v invocation) flag(names ...string) string {
	for i, arg := range v.args {
		for _, name := range names {
			if value, ok := strings.CutPrefix(arg, name+"="); ok {
				return value
			}
			if arg == name && i+1 < len(v.args) && !strings.HasPrefix(v.args[i+1], "-") {
				return v.args[i+1]
			}
		}
	}
	return ""
}

// words are the arguments that are neither flags nor, as far as that can be told, the values of flags: the subcommand and
// its operands.
func (v invocation) words() (words []string) {
	for i, arg := range v.args {
		if !strings.HasPrefix(arg, "-") && (i == 0 || !strings.HasPrefix(v.args[i-1], "-") || strings.Contains(v.args[i-1], "=")) {
			words = append(words, arg)
		}
	}
	return words
}

// invocations are the commands that a script of package.json runs, those of the scripts that it calls included.
func (m *manifest) invocations(script string) []invocation {
	return m.expand(m.scripts[script], []string{script})
}

// maxCalls bounds how deep scripts may call one another.
const maxCalls = 8

func (m *manifest) expand(text string, callers []string) []invocation {
	var all []invocation
	dir := ""
	for _, words := range splitShell(text) {
		env := map[string]string{}
		words = unwrap(words, env)
		if len(words) == 0 {
			continue
		}
		if words[0] == "cd" && len(words) > 1 {
			dir = path.Join(dir, words[1])
			continue
		}
		for _, v := range m.command(words, env, callers) {
			v.dir = path.Join(dir, v.dir)
			all = append(all, v)
		}
	}
	return all
}

// command is what one simple command runs: itself, or the scripts that it names.
func (m *manifest) command(words []string, env map[string]string, callers []string) []invocation {
	runner, rest := words[0], words[1:]
	var scripts, args []string
	switch runner {
	case "npm", "pnpm", "yarn", "bun":
		for len(rest) > 0 && (rest[0] == "run" || rest[0] == "run-script" || rest[0] == "exec" || strings.HasPrefix(rest[0], "-")) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return nil
		}
		if _, ok := m.scripts[rest[0]]; !ok {
			return m.command(unwrap(rest, env), env, callers)
		}
		scripts, args = rest[:1], slices.DeleteFunc(slices.Clone(rest[1:]), func(a string) bool { return a == "--" })
	case "run-s", "run-p", "npm-run-all", "npm-run-all2":
		for _, name := range rest {
			if strings.HasSuffix(name, ":*") {
				scripts = append(scripts, m.scriptsWith(strings.TrimSuffix(name, "*"))...)
			} else if !strings.HasPrefix(name, "-") {
				name, _, _ = strings.Cut(name, " ") // "build-only {@}": a script with its arguments
				scripts = append(scripts, name)
			}
		}
	case "concurrently":
		var all []invocation
		for _, line := range rest {
			if !strings.HasPrefix(line, "-") && len(callers) < maxCalls {
				all = append(all, m.expand(strings.Replace(line, "npm:", "npm run ", 1), append(callers, line))...)
			}
		}
		return all
	default:
		return []invocation{{tool: toolName(runner), args: rest, env: env}}
	}
	var all []invocation
	for _, name := range scripts {
		if !slices.Contains(callers, name) && len(callers) < maxCalls {
			called := m.expand(m.scripts[name], append(slices.Clone(callers), name))
			if n := len(called); n > 0 {
				called[n-1].args = append(slices.Clone(called[n-1].args), args...)
			}
			all = append(all, called...)
		}
	}
	return all
}

func (m *manifest) scriptsWith(prefix string) []string {
	var names []string
	for name := range m.scripts {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// wrappers are commands that run the command behind them; the value tells which of their flags take a word.
var wrappers = map[string][]string{
	"cross-env": nil, "cross-env-shell": nil, "env": nil, "time": nil, "exec": nil, "command": nil, "nice": nil, "sudo": nil,
	"dotenv": {"-e", "-c", "-v", "-p"}, "dotenvx": {"-f", "-e"}, "env-cmd": {"-f", "--file", "-e", "--environments"},
	"npx": {"-p", "--package"}, "bunx": nil, "pnpx": nil, "dlx": nil, "x": nil, "corepack": nil, "op": {"--env-file"}, "doppler": {"-p", "-c"},
}

// unwrap takes assignments and wrappers from the front of a command.
func unwrap(words []string, env map[string]string) []string {
	for len(words) > 0 {
		name, value, assigned := strings.Cut(words[0], "=")
		if assigned && isVariable(name) {
			env[name] = value
			words = words[1:]
			continue
		}
		if words[0] == "node" {
			i := 1
			for i < len(words) && strings.HasPrefix(words[i], "-") {
				i++
			}
			if i < len(words) && strings.Contains(words[i], "node_modules/") {
				words = words[i:]
			}
			return words
		}
		takes, ok := wrappers[path.Base(words[0])]
		if !ok {
			return words
		}
		for words = words[1:]; len(words) > 0; words = words[1:] {
			if words[0] == "run" || words[0] == "--" {
				continue
			}
			if !strings.HasPrefix(words[0], "-") {
				break
			}
			if slices.Contains(takes, words[0]) && len(words) > 1 {
				words = words[1:]
			}
		}
	}
	return words
}

func isVariable(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// toolName is the name of a tool in a command: without its folder, version and suffix.
func toolName(word string) string {
	word = strings.ReplaceAll(word, `\`, "/")
	if _, inside, ok := strings.Cut(word, "node_modules/"); ok && !strings.HasPrefix(inside, ".bin/") {
		parts := strings.Split(inside, "/")
		if strings.HasPrefix(inside, "@") && len(parts) > 1 {
			return parts[0] + "/" + parts[1]
		}
		return parts[0]
	}
	if !strings.HasPrefix(word, "@") {
		word = path.Base(word)
	}
	if i := strings.LastIndexByte(word, '@'); i > 0 {
		word = word[:i]
	}
	return strings.TrimSuffix(word, ".cmd")
}

// splitShell splits a command line at its operators into simple commands, and these into words.
func splitShell(text string) [][]string {
	var commands [][]string
	var words []string
	var word strings.Builder
	inWord := false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'', '"':
			inWord = true
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				end = len(text) - i - 1
			}
			word.WriteString(text[i+1 : i+1+end])
			i += end + 1
		case '\\':
			inWord = true
			if i++; i < len(text) {
				word.WriteByte(text[i])
			}
		case ' ', '\t':
			endWord()
		case '&', '|', ';', '\n', '(', ')':
			endCommand()
		case '#':
			if !inWord {
				for i < len(text) && text[i] != '\n' {
					i++
				}
				endCommand()
				continue
			}
			word.WriteByte(c)
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	endCommand()
	return commands
}
