package buildspec

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Convert turns a build file of the upstream toolkit into one that names its artifacts. Everything else, comments included,
// stays as it is; changes says line by line what was done. Data that is not such a file, or one whose output folder can't be
// told from its text, is a fault.Usage.
func Convert(data []byte) (converted []byte, changes []string, err error) {
	if !Upstream(data) {
		return nil, nil, fault.New(fault.Usage, "", "convert the build file: it does not copy to the bucket as upstream's files do")
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if strings.Contains(text, "$SRC_BUCKET_NAME") {
		return Plain(), []string{"the file only unpacked the uploaded zip, which the toolkit does itself: it is replaced by one that publishes the files as they are"}, nil
	}
	spec, err := Parse("build file", []byte(text))
	if err != nil {
		return nil, nil, fmt.Errorf("convert the build file: %w", err)
	}
	c := &conversion{lines: strings.Split(text, "\n"), lastCD: -1}
	for i := range c.lines {
		if err := c.line(i); err != nil {
			return nil, nil, fault.New(fault.Usage, "replace the \"aws s3 cp\" commands by hand:\n\n"+artifactsExample, "convert the build file: line %d: %w", i+1, err)
		}
	}
	result := c.result(spec.Artifacts != nil)
	if _, err := Parse("converted build file", []byte(result)); err != nil || Upstream([]byte(result)) {
		return nil, nil, fault.New(fault.Usage, "replace the \"aws s3 cp\" commands by hand:\n\n"+artifactsExample, "convert the build file: its copy commands are not written as upstream writes them")
	}
	if strings.Contains(string(data), "\r\n") {
		result = strings.ReplaceAll(result, "\n", "\r\n")
	}
	return []byte(result), c.changes, nil
}

// conversion goes through a build file line by line. It follows `cd`, since the working directory persists.
type conversion struct {
	lines   []string
	changes []string
	cwd     string
	unknown bool // the working directory can't be told from the text
	// lastCD is the line of a `cd` that no other command has followed yet, or -1.
	lastCD  int
	base    string
	found   bool
	dropped map[int]bool
}

// item splits a line into what precedes its command ("      - ") and the command.
var item = regexp.MustCompile(`^(\s*(?:-\s+)?)(\S.*?)\s*$`)

// copySource finds the folder that the copy command copies.
var copySource = regexp.MustCompile(`aws\s+s3\s+(?:cp|sync)\s+(\S+)`)

// trailingComment is a comment at the end of a line.
var trailingComment = regexp.MustCompile(`\s+#.*$`)

func (c *conversion) line(i int) error {
	m := item.FindStringSubmatch(c.lines[i])
	if m == nil || strings.HasPrefix(m[2], "#") {
		return nil
	}
	command := strings.Trim(trailingComment.ReplaceAllString(m[2], ""), `"'`)
	if !upstreamCopy.MatchString(command) {
		c.follow(i, m[1], command)
		return nil
	}
	kept, last := "", command
	if at := strings.LastIndex(command, "&&"); at >= 0 {
		kept, last = strings.TrimSpace(command[:at]), strings.TrimSpace(command[at+2:])
		c.follow(i, m[1], kept)
		c.lastCD = -1
	}
	if !strings.HasPrefix(last, "echo ") {
		if !strings.HasPrefix(last, "aws ") {
			return fmt.Errorf("the copy is part of a longer command: %s", command)
		}
		if err := c.copies(copySource.FindStringSubmatch(last)[1]); err != nil {
			return err
		}
		if strings.Contains(last, "--cache-control") {
			c.changes = append(c.changes, fmt.Sprintf("line %d: --cache-control is dropped, the toolkit sets it by the kind of file", i+1))
		}
	}
	if kept != "" && !onlyCD(kept) {
		c.lines[i] = m[1] + kept
		c.changes = append(c.changes, fmt.Sprintf("line %d: removed the copy to the bucket from the command", i+1))
		return nil
	}
	c.drop(i, "removed the copy to the bucket")
	return nil
}

// follow notes a command that stays; indent is what stands before it.
func (c *conversion) follow(i int, indent, command string) {
	if !strings.Contains(indent, "-") && (strings.HasSuffix(command, ":") || strings.HasPrefix(command, "version")) {
		return // a key
	}
	c.lastCD = -1
	for part := range strings.SplitSeq(strings.ReplaceAll(command, ";", "&&"), "&&") {
		part = strings.TrimSpace(part)
		if !changesDir.MatchString(part) {
			continue
		}
		dir := strings.Trim(strings.TrimSpace(strings.TrimPrefix(part, "cd ")), `"'`)
		if !onlyCD(part) || strings.ContainsAny(dir, "$`*?~ ") || strings.HasPrefix(dir, "/") || dir == "-" {
			c.unknown = true
			continue
		}
		c.cwd = path.Join(c.cwd, dir)
	}
	if onlyCD(command) {
		c.lastCD = i
	}
}

// changesDir matches a command that moves to another folder, in whatever way: `cd $(…)`, `cd a || cd b`, `then cd a`. One in
// a subshell, `(cd a`, leaves the commands after it where they were.
var changesDir = regexp.MustCompile(`(?:^|\s)(?:cd|pushd|popd)(?:\s|$)`)

// onlyCD reports whether a command only changes the working directory.
func onlyCD(command string) bool {
	return strings.HasPrefix(command, "cd ") && !strings.ContainsAny(command, "&;|(")
}

// copies notes the copy of a folder, relative to the working directory.
func (c *conversion) copies(source string) error {
	source = strings.Trim(source, `"'`)
	base := path.Join(c.cwd, source)
	switch {
	case c.unknown || strings.ContainsAny(source, "$`*?~"):
		return fmt.Errorf("the folder that is copied can't be told from the text")
	case strings.HasPrefix(source, "/") || strings.HasPrefix(base, ".."):
		return fmt.Errorf("the folder that is copied is outside of the project")
	case c.found && base != c.base:
		return fmt.Errorf("two folders are copied, %q and %q", c.base, base)
	}
	c.base, c.found = base, true
	if c.lastCD >= 0 {
		c.drop(c.lastCD, "removed the `cd` that only the copy needed")
		c.lastCD = -1
	}
	return nil
}

func (c *conversion) drop(i int, why string) {
	if c.dropped == nil {
		c.dropped = map[int]bool{}
	}
	c.dropped[i] = true
	c.changes = append(c.changes, fmt.Sprintf("line %d: %s", i+1, why))
}

// result puts the file together.
func (c *conversion) result(hasArtifacts bool) string {
	var out []string
	list := regexp.MustCompile(`^\s*(commands|finally):\s*$`)
	for i, line := range c.lines {
		if !c.dropped[i] {
			out = append(out, strings.TrimRight(line, " \t"))
			continue
		}
		// A list must not become empty: CodeBuild wants at least one command.
		if list.MatchString(out[len(out)-1]) && c.endsList(i) {
			out = append(out, item.FindStringSubmatch(line)[1]+`echo "no build step, publishing the files as they are"`)
		}
	}
	text := strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
	if hasArtifacts {
		return text
	}
	c.changes = append(c.changes, "added the artifacts section")
	text += "\nartifacts:\n"
	if c.base != "" && c.base != "." {
		return text + "  base-directory: " + c.base + "\n  files:\n    - '**/*'\n"
	}
	_, section, _ := strings.Cut(string(plain), "\n  files:\n")
	return text + "  files:\n" + section
}

// endsList reports whether only dropped lines, comments and blank ones follow in the list of line i.
func (c *conversion) endsList(i int) bool {
	indent := len(c.lines[i]) - len(strings.TrimLeft(c.lines[i], " "))
	for j := i + 1; j < len(c.lines); j++ {
		line := strings.TrimLeft(c.lines[j], " ")
		if line == "" || strings.HasPrefix(line, "#") || c.dropped[j] {
			continue
		}
		return len(c.lines[j])-len(line) < indent || !strings.HasPrefix(line, "-")
	}
	return true
}
