package buildspec

import (
	"bytes"
	"path/filepath"
	"strings"
)

// This file holds the shell scripts around a command, and what is read back after it.
//
// bash says exactly what each variable is (`declare -p`: arrays, integers, exported or not). Other shells print all
// variables with `set`, quoted as POSIX wants it: readable by the shell itself. Read-only variables keep their value but
// not their protection, since a shell can't be told a read-only variable twice.

// quote quotes text for a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// restore is the script that brings back the working directory and the variables.
func (s *shell) restore() string {
	dir := quote(s.cwd)
	return "cd " + dir + " || { echo \"the working directory \"" + dir + "\" that an earlier command left behind is gone\" >&2; exit 1; }\n" + s.vars
}

// wrapper is the script that runs a command: restore, run, write down what is left.
func (s *shell) wrapper() string {
	file := func(name string) string { return quote(filepath.ToSlash(s.file(name))) }
	save := "export -p >| " + file("exports") + "\nset >| " + file("variables") + "\necho " + dumpEnd + " >> " + file("variables") + "\n"
	if s.bash {
		save = `trap - DEBUG ERR RETURN
compgen -v >| ` + file("names") + `
while IFS= read -r __cht_name; do
printf '\0'
declare -p "$__cht_name" 2>/dev/null
done < ` + file("names") + ` >| ` + file("variables") + `
printf '\0end' >> ` + file("variables") + "\n"
	}
	return s.restore() + `
__cht_save() {
__cht_status=$?
set +vxeuC
if [ -z "${__cht_done-}" ]; then
__cht_done=1
command pwd >| ` + file("directory") + "\n" + save + `fi
}
trap '{ __cht_save; } 2>/dev/null; exit "$__cht_status"' EXIT
. ` + file("script.sh") + `
{ __cht_save; } 2>/dev/null
exit "$__cht_status"
`
}

// dumpEnd is the last line of a dump of `set`: without it, the disk was full or the shell was killed.
const dumpEnd = "__cht_end=1"

// shellOwn are variables that belong to a running shell: they are not carried over.
var shellOwn = func() map[string]bool {
	own := map[string]bool{}
	for _, n := range strings.Fields(`BASH BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS
		BASH_COMMAND BASH_EXECUTION_STRING BASH_LINENO BASH_LOADABLES_PATH BASH_MONOSECONDS BASH_SOURCE BASH_SUBSHELL
		BASH_VERSINFO BASH_VERSION COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD
		LINENO OPTERR OPTIND PIPESTATUS PPID RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID _ KSH_VERSION ERRNO`) {
		own[n] = true
	}
	return own
}()

// carried reports whether a variable is carried over to the next command.
func carried(name string) bool {
	return identifier.MatchString(name) && !shellOwn[name] && !strings.HasPrefix(name, "__cht_")
}

// restoreBash turns the records of bash's wrapper into statements. It reports false if the records are not complete.
func restoreBash(dump []byte) (string, bool) {
	records, complete := bytes.CutSuffix(dump, []byte("\x00end"))
	if !complete {
		return "", false
	}
	var out strings.Builder
	for record := range strings.SplitSeq(string(records), "\x00") {
		// declare -ax NAME=value, or without a value
		rest, ok := strings.CutPrefix(record, "declare -")
		if !ok {
			continue
		}
		flags, assignment, ok := strings.Cut(rest, " ")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(assignment, "\n"), "=")
		if !carried(name) {
			continue
		}
		if flags = strings.ReplaceAll(flags, "r", ""); flags == "" {
			flags = "-"
		}
		out.WriteString("declare -" + flags + " " + strings.TrimSuffix(assignment, "\n") + "\n")
	}
	return out.String(), true
}

// restoreSh turns the output of `set` and `export -p` into statements. It reports false if they are not complete or
// can't be read.
func restoreSh(variables, exports []byte) (string, bool) {
	if !bytes.HasSuffix(variables, []byte(dumpEnd+"\n")) {
		return "", false
	}
	exported := map[string]bool{}
	rest := string(exports)
	for rest != "" {
		var word string
		var ok bool
		if word, rest, ok = shellWord(rest); !ok {
			return "", false
		}
		name, _, _ := strings.Cut(word, "=")
		exported[name] = true
		rest = strings.TrimLeft(rest, " \t\n")
	}
	var out strings.Builder
	for rest = string(variables); rest != ""; {
		name, value, found := strings.Cut(rest, "=")
		if !found || !identifier.MatchString(name) || strings.HasPrefix(value, "(") {
			_, rest, _ = strings.Cut(rest, "\n") // not a plain variable: an array of some shell
			continue
		}
		word, after, ok := shellWord(value)
		if !ok {
			return "", false
		}
		if rest = strings.TrimPrefix(after, "\n"); !carried(name) {
			continue
		}
		if exported[name] {
			out.WriteString("export ")
		}
		out.WriteString(name + "=" + quote(word) + "\n")
	}
	return out.String(), true
}

// shellWord reads one word of shell input with its quoting resolved, and returns what follows it.
func shellWord(text string) (word, rest string, ok bool) {
	var out strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\n' || c == ' ' || c == '\t':
			return out.String(), text[i:], true
		case c == '\\':
			if i+1 == len(text) {
				return "", "", false
			}
			out.WriteByte(text[i+1])
			i += 2
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return "", "", false
			}
			out.WriteString(text[i+1 : i+1+end])
			i += end + 2
		case c == '$' && strings.HasPrefix(text[i:], "$'"):
			n, valid := ansiQuoted(text[i+2:], &out)
			if !valid {
				return "", "", false
			}
			i += 2 + n
		case c == '"':
			n, valid := doubleQuoted(text[i+1:], &out)
			if !valid {
				return "", "", false
			}
			i += 1 + n
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.String(), "", true
}

// doubleQuoted reads up to the closing quote and returns how much of text that was.
func doubleQuoted(text string, out *strings.Builder) (int, bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return i + 1, true
		case text[i] == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0:
			i++
			out.WriteByte(text[i])
		default:
			out.WriteByte(text[i])
		}
	}
	return 0, false
}

// ansiQuoted reads $'…' up to the closing quote, with the escapes that shells print.
func ansiQuoted(text string, out *strings.Builder) (int, bool) {
	simple := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'v': 11}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			return i + 1, true
		case c != '\\' || i+1 == len(text):
			out.WriteByte(c)
		case text[i+1] >= '0' && text[i+1] <= '7':
			value, n := 0, 0
			for n < 3 && i+1+n < len(text) && text[i+1+n] >= '0' && text[i+1+n] <= '7' {
				value = value*8 + int(text[i+1+n]-'0')
				n++
			}
			out.WriteByte(byte(value))
			i += n
		default:
			i++
			if plain, ok := simple[text[i]]; ok {
				out.WriteByte(plain)
			} else {
				out.WriteByte(text[i])
			}
		}
	}
	return 0, false
}
