package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/explain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/functiontest"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// commandLine returns the root command, as a person has it.
func commandLine() *cobra.Command {
	streams, _, _, _ := term.Test()
	return newRoot(&session{Streams: streams})
}

// allCommands returns every command that a person can call, with the flags that its help shows.
func allCommands() (all []*cobra.Command) {
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		all = append(all, c)
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(commandLine())
	return all
}

// flagOf returns a command's flag of that name, those of every command included.
func flagOf(c *cobra.Command, flag string) *pflag.Flag {
	if long, is := strings.CutPrefix(flag, "--"); is {
		return c.Flag(long)
	}
	if f := c.Flags().ShorthandLookup(flag[1:]); f != nil {
		return f
	}
	return c.InheritedFlags().ShorthandLookup(flag[1:])
}

// A flag has one home, its command's --help, which says what it is for in one line.
func TestEveryFlagIsDescribed(t *testing.T) {
	global := commandLine().PersistentFlags()
	for _, c := range allCommands() {
		if c.Short == "" {
			t.Errorf("%s has no description", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s is described as %q", c.CommandPath(), f.Name, f.Usage)
			}
			if global.Lookup(f.Name) != nil {
				t.Errorf("%s --%s has the name of a flag of every command", c.CommandPath(), f.Name)
			}
		})
		for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(c.Use, -1) {
			if flagOf(c, flag) == nil {
				t.Errorf("the usage of %s has %s, which it does not know", c.CommandPath(), flag)
			}
		}
		for line := range strings.Lines(c.Example) {
			checkCommandLine(t, c.CommandPath()+" --help", line)
		}
	}
}

// documents are all texts about the tool with commands in them.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "bench/*.md", "bench/*/*.md", "examples/*/*.md", "examples/*/*.yml"} {
		found, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.ToSlash(file[len("../../"):])] = string(text)
		}
	}
	return texts
}

var (
	span      = regexp.MustCompile("`([^`\n]+)`")
	fence     = regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```")
	separator = regexp.MustCompile(`\s+(?:&&|\|\||\||;|#)\s+|\s#.*$`)
)

// Commands and flags in the documents are those that the program has.
func TestCommandsOfTheDocumentsExist(t *testing.T) {
	for document, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(block[1]) {
				checkCommandLine(t, document, line)
			}
		}
		text = fence.ReplaceAllString(text, "")
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "    ") || strings.HasSuffix(document, ".yml") {
				checkCommandLine(t, document, line)
				continue
			}
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				checkSpan(t, document, m[1])
			}
		}
	}
}

// checkCommandLine looks at each call of the tool in a line of shell.
func checkCommandLine(t *testing.T, document, line string) {
	t.Helper()
	for _, part := range separator.Split(strings.ReplaceAll(line, "\n", " "), -1) {
		words := strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(" \t'\"()", r) })
		if at := slices.Index(words, name); at >= 0 {
			checkCall(t, document, words[at+1:])
		}
	}
}

// checkSpan looks at a piece of code within a sentence, in which the tool's own name is left out.
func checkSpan(t *testing.T, document, text string) {
	t.Helper()
	words := strings.Fields(text)
	switch root := commandLine(); {
	case len(words) == 0:
	case strings.Contains(" "+text, " "+name+" "):
		checkCommandLine(t, document, text)
	case strings.HasPrefix(words[0], "--"):
		flag, _, _ := strings.Cut(words[0], "=")
		known := slices.ContainsFunc(allCommands(), func(c *cobra.Command) bool { return flagOf(c, flag) != nil })
		if !known && !slices.Contains(ofOthers, document+": "+flag) {
			t.Errorf("%s: no command has %s", document, flag)
		}
	case strings.Contains(text, " -") && slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == words[0] }):
		checkCall(t, document, words)
	}
}

// ofOthers are flags of other programs that stand without their program's name.
var ofOthers = []string{"bench/h2spec.md: --strict"}

// checkCall looks at the words after the tool's name: the command is one, and has the flags.
func checkCall(t *testing.T, document string, words []string) {
	t.Helper()
	if len(words) == 0 || words[0] == strings.ToUpper(words[0]) && words[0][0] != '-' {
		return // the program's name alone, or COMMAND
	}
	c, rest, err := commandLine().Find(words)
	if err != nil || !c.HasParent() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		t.Errorf("%s: %s: there is no such command", document, strings.Join(words, " "))
		return
	}
	c.InitDefaultHelpFlag()
	for _, w := range words {
		flag, _, _ := strings.Cut(strings.TrimRight(w, ".,:…"), "=")
		if regexp.MustCompile(`^(--[a-z0-9-]+|-[a-zA-Z])$`).MatchString(flag) && flagOf(c, flag) == nil {
			t.Errorf("%s: %s: %s has no %s", document, strings.Join(words, " "), c.CommandPath(), flag)
		}
	}
}

func TestNumberOfFrameworksInTheDocuments(t *testing.T) {
	want, said := strconv.Itoa(len(detect.Frameworks())), 0
	for document, text := range documents(t) {
		for _, m := range regexp.MustCompile(`(\d+) (?:known )?frameworks`).FindAllStringSubmatch(text, -1) {
			if said++; m[1] != want {
				t.Errorf("%s: %s frameworks, and %s are known", document, m[1], want)
			}
		}
	}
	if said == 0 {
		t.Error("no document says how many frameworks are known")
	}
}

// The keys of the JSON answers, as docs/scripts.md has them, are those that the commands give.
func TestKeysOfTheDocumentAreThoseOfTheAnswers(t *testing.T) {
	answers := map[string]any{
		"show": infoView{}, "show --all": localtarget.Listed{}, "deploy --dry-run": previewView{}, "status": statusView{}, "logs": logsView{},
		"releases": publish.Release{}, "publish, rollback": publishedView{}, "delete": hosting.Removed{}, "init": initView{},
		"doctor": doctorView{}, "synth": synthView{}, "explain": explain.Explanation{}, "explain --diff": explain.Comparison{},
		"function test": functiontest.Answer{}, "function test CASES": casesView{}, "serve": servingView{}, "version": build{},
	}
	sections := regexp.MustCompile(`(?m)^### `).Split(documents(t)["docs/scripts.md"], -1)[1:]
	for _, section := range sections {
		title, text, _ := strings.Cut(section, "\n")
		answer, known := answers[title]
		delete(answers, title)
		if !known {
			if strings.Contains(text, "| key |") {
				t.Errorf("%s: the test does not know this answer", title)
			}
			continue
		}
		if documented, given := tableKeys(text), jsonKeys(reflect.TypeOf(answer)); !slices.Equal(documented, given) {
			t.Errorf("%s: docs/scripts.md has the keys\n%q, and the answer\n%q", title, documented, given)
		}
	}
	for title := range answers {
		t.Errorf("docs/scripts.md has no section %q", title)
	}
}

func TestKeysOfTheConfigurationAreDocumented(t *testing.T) {
	text := documents(t)["docs/configuration.md"]
	for heading, of := range map[string]reflect.Type{
		"## `cloudfront-hosting-toolkit-config.json`": reflect.TypeFor[site.Config](), "### Behaviours": reflect.TypeFor[site.Behaviour](),
	} {
		_, section, _ := strings.Cut(text, "\n"+heading+"\n")
		section, _, _ = strings.Cut(section, "\n##")
		given := jsonKeys(of)
		for i, key := range given {
			given[i] = strings.TrimSuffix(key, "*")
		}
		slices.Sort(given)
		if documented := tableKeys(section); !slices.Equal(documented, given) {
			t.Errorf("%s: docs/configuration.md has the keys\n%q, and the file may have\n%q", heading, documented, given)
		}
	}
}

// tableKeys returns the keys in the first column of a table, sorted.
func tableKeys(text string) (keys []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(text, -1) {
		keys = append(keys, strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")...)
	}
	slices.Sort(keys)
	return keys
}

// jsonKeys returns the keys of a struct's JSON, sorted, those that may be missing with an asterisk.
func jsonKeys(of reflect.Type) (keys []string) {
	defer func() { slices.Sort(keys) }()
	for i := range of.NumField() {
		field := of.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			keys = append(keys, jsonKeys(field.Type)...)
		case field.Anonymous: // a pointer: given on other occasions, which the text tells
		case key == "":
			keys = append(keys, field.Name)
		case options == "omitempty":
			keys = append(keys, key+"*")
		default:
			keys = append(keys, key)
		}
	}
	return keys
}
