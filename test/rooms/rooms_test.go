// Package rooms holds CONTRIBUTING.md's table of the rooms, and the linter's rules for them, up to the imports in the code.
package rooms

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/cloudfront-hosting-toolkit/toolkit/"
)

// imports returns the rooms below internal with the rooms that they import, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	rooms := map[string][]string{}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == "testdata" {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(rel)
		rooms[room] = append(rooms[room], "")
		for _, i := range file.Imports {
			text, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if other, ours := strings.CutPrefix(text, module); ours {
				rooms[room] = append(rooms[room], other)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rooms
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Every room has its line, and imports rooms below it alone.
func TestTable(t *testing.T) {
	var table []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(internal/[^`]+)` \\|").FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1) {
		table = append(table, m[1])
	}
	rooms := imports(t)
	for _, room := range table {
		if rooms[room] == nil {
			t.Errorf("CONTRIBUTING.md: there is no room %s", room)
		}
	}
	for room, others := range rooms {
		at := slices.Index(table, room)
		if at < 0 {
			t.Errorf("CONTRIBUTING.md: room %s has no line", room)
			continue
		}
		slices.Sort(others)
		for _, other := range slices.Compact(others) {
			if below := slices.Index(table, other); below >= 0 && below < at {
				t.Errorf("CONTRIBUTING.md: %s imports %s, which stands above it", room, other)
			}
		}
	}
}

// Every room that is a part of the programs has a rule of its own for what it may import.
func TestRules(t *testing.T) {
	rules := read(t, ".golangci.yml")
	rooms := imports(t)
	program := map[string]bool{}
	var add func(room string)
	add = func(room string) {
		for _, other := range rooms[room] {
			if !program[other] {
				program[other] = true
				add(other)
			}
		}
	}
	program["internal/cli"] = true
	add("internal/cli")
	for room := range rooms {
		if program[room] && !strings.Contains(rules, `"**/`+path.Join(room, "*.go")+`", "!$test"`) {
			t.Errorf(".golangci.yml: room %s has no rule", room)
		}
	}
}
