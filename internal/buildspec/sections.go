package buildspec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"
)

// spec reads the top level of the file (build-spec-ref, "Buildspec syntax").
func (d *decoder) spec(root *yaml.Node, s *Spec) {
	ignored := func(what string) func(key, value *yaml.Node) {
		return func(key, _ *yaml.Node) { s.notice(key, "%s", what) }
	}
	versions, phases := 0, 0
	d.mapping(root, "the buildspec", []field{
		{"version", func(key, value *yaml.Node) { versions++; d.version(value) }},
		{"run-as", func(key, value *yaml.Node) { d.runAs(key, value, s) }},
		{"env", func(_, value *yaml.Node) { d.env(value, s) }},
		{"proxy", ignored("proxy is for CodeBuild in a private network, it is ignored here")},
		{"batch", ignored("batch is for CodeBuild's batch builds, the file is run as one build here")},
		{"phases", func(_, value *yaml.Node) { phases++; d.phases(value, s) }},
		{"reports", ignored("reports are CodeBuild's test reports, none are collected here")},
		{"artifacts", func(key, value *yaml.Node) { s.Artifacts = d.artifacts(key, value, s) }},
		{"cache", func(_, value *yaml.Node) { s.Cache = d.cache(value) }},
	})
	if len(d.problems) > 0 {
		return
	}
	if versions == 0 {
		d.problem(root, "the key \"version\" is missing, expected \"version: 0.2\"")
	}
	if phases == 0 {
		d.problem(root, "the key \"phases\" is missing, expected at least one of %s", strings.Join(phaseOrder, ", "))
	}
}

func (s *Spec) notice(at *yaml.Node, format string, args ...any) {
	s.Notices = append(s.Notices, fmt.Sprintf("%s:%d: ", s.File, at.Line)+fmt.Sprintf(format, args...))
}

// version accepts 0.2 only: 0.1 runs each command in a shell of its own, which would build something else.
func (d *decoder) version(n *yaml.Node) {
	switch v, ok := d.text(n, "version"); {
	case !ok || v == "0.2":
	case v == "0.1":
		d.problem(n, "version 0.1 is not supported: its commands share no variables and no working directory; write \"version: 0.2\"")
	default:
		d.problem(n, "version is %q, expected 0.2", v)
	}
}

func (d *decoder) runAs(key, value *yaml.Node, s *Spec) {
	if user, ok := d.text(value, "run-as"); ok {
		s.notice(key, "run-as %s is ignored here, commands run as the user who runs the toolkit", user)
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// env reads the env section (build-spec-ref, "env").
func (d *decoder) env(n *yaml.Node, s *Spec) {
	d.mapping(n, "env", []field{
		{"shell", func(_, value *yaml.Node) { d.shell(value, s) }},
		{"variables", func(_, value *yaml.Node) { s.Env.Variables = d.variables(value, "variables") }},
		{"parameter-store", func(_, value *yaml.Node) { s.Env.Parameters = d.variables(value, "parameter-store") }},
		{"secrets-manager", func(_, value *yaml.Node) { s.Env.Secrets = d.variables(value, "secrets-manager") }},
		{"exported-variables", func(_, value *yaml.Node) { s.Env.Exported = d.exported(value) }},
		{"git-credential-helper", func(key, value *yaml.Node) {
			if d.yesNo(value, "git-credential-helper") {
				s.notice(key, "git-credential-helper is ignored here, git uses this user's own credentials")
			}
		}},
	})
}

func (d *decoder) shell(n *yaml.Node, s *Spec) {
	switch v, ok := d.text(n, "shell"); {
	case !ok:
	case v == "bash" || v == "/bin/bash":
		s.Shell = "bash"
	case v == "sh" || v == "/bin/sh":
		s.Shell = "sh"
	case v == "powershell.exe" || v == "cmd.exe":
		d.problem(n, "shell %s is for CodeBuild's Windows images, expected sh or bash", v)
	default:
		d.problem(n, "shell is %q, expected sh or bash", v)
	}
}

func (d *decoder) variables(n *yaml.Node, what string) []Variable {
	var out []Variable
	d.entries(n, what, func(key, value *yaml.Node) {
		text, ok := d.text(value, "the variable "+key.Value)
		switch {
		case !ok:
		case !identifier.MatchString(key.Value):
			d.problem(key, "%q is not the name of a variable, expected letters, digits and _", key.Value)
		case strings.HasPrefix(key.Value, "CODEBUILD_"):
			d.problem(key, "the variable %s is reserved: names that start with CODEBUILD_ are CodeBuild's own", key.Value)
		case strings.ContainsRune(text, 0):
			d.problem(value, "the variable %s has a NUL character", key.Value)
		default:
			out = append(out, Variable{key.Value, text, max(key.Line, 1)})
		}
	})
	return out
}

func (d *decoder) exported(n *yaml.Node) []string {
	var out []string
	d.sequence(n, "exported-variables", "- NAME", func(item *yaml.Node) {
		switch v, ok := d.text(item, "an exported variable"); {
		case !ok:
		case !identifier.MatchString(v):
			d.problem(item, "%q is not the name of a variable", v)
		case strings.HasPrefix(v, "AWS_"):
			d.problem(item, "the variable %s can't be exported: CodeBuild exports none that starts with AWS_", v)
		default:
			out = append(out, v)
		}
	})
	return out
}

// phases reads the phases and puts them in the order in which they run.
func (d *decoder) phases(n *yaml.Node, s *Spec) {
	fields := make([]field, len(phaseOrder))
	for i, name := range phaseOrder {
		fields[i] = field{name, func(_, value *yaml.Node) { s.Phases = append(s.Phases, d.phase(name, value, s)) }}
	}
	d.mapping(n, "phases", fields)
	slices.SortFunc(s.Phases, func(a, b PhaseSpec) int {
		return slices.Index(phaseOrder, a.Name) - slices.Index(phaseOrder, b.Name)
	})
	if len(s.Phases) == 0 && len(d.problems) == 0 {
		d.problem(n, "phases is empty, expected at least one of %s", strings.Join(phaseOrder, ", "))
	}
}

func (d *decoder) phase(name string, n *yaml.Node, s *Spec) PhaseSpec {
	p := PhaseSpec{Name: name}
	commands := false
	fields := []field{
		{"commands", func(_, value *yaml.Node) { commands = true; p.Commands = d.commands(value, name+".commands") }},
		{"finally", func(_, value *yaml.Node) { p.Finally = d.commands(value, name+".finally") }},
		{"on-failure", func(_, value *yaml.Node) { p.OnFailure = d.onFailure(value) }},
		{"run-as", func(key, value *yaml.Node) { d.runAs(key, value, s) }},
	}
	if name == PhaseInstall {
		fields = append(fields, field{"runtime-versions", func(_, value *yaml.Node) { p.Runtimes = d.variables(value, "runtime-versions") }})
	}
	before := len(d.problems)
	d.mapping(n, "phase "+name, fields)
	if name != PhaseInstall && !commands && len(d.problems) == before {
		d.problem(n, "phase %s has no commands, expected \"commands:\" with a list", name)
	}
	return p
}

func (d *decoder) commands(n *yaml.Node, what string) []Command {
	out := []Command{}
	d.sequence(n, what, "- npm run build", func(item *yaml.Node) {
		switch {
		case item.Kind == yaml.MappingNode:
			d.problem(item, "a command of %s is a mapping, expected text: put quotes around a command that has \": \" in it", what)
		case item.Kind != yaml.ScalarNode || item.Tag == "!!null":
			d.problem(item, "a command of %s is %s, expected text", what, kind(item))
		case strings.ContainsRune(item.Value, 0):
			d.problem(item, "a command of %s has a NUL character", what)
		default:
			out = append(out, Command{item.Value, max(item.Line, 1)})
		}
	})
	return out
}

// onFailure reads ABORT | CONTINUE | RETRY | RETRY-count | RETRY-regex | RETRY-count-regex (build-spec-ref,
// "phases/*/on-failure"). The number of retries is 3, and the expression .*, where they are left out.
func (d *decoder) onFailure(n *yaml.Node) OnFailure {
	v, ok := d.text(n, "on-failure")
	if !ok {
		return OnFailure{}
	}
	word, rest, _ := strings.Cut(v, "-")
	action := Action(strings.ToUpper(word))
	switch {
	case action == ActionRetry:
	case (action == ActionAbort || action == ActionContinue) && word == v:
		return OnFailure{Action: action}
	default:
		d.problem(n, "on-failure is %q, expected ABORT, CONTINUE or RETRY[-count][-regex]", v)
		return OnFailure{}
	}
	out := OnFailure{Action: action, Retries: 3}
	count, expr, _ := strings.Cut(rest, "-")
	if i, err := strconv.Atoi(count); err == nil {
		if i < 0 || i > 100 {
			d.problem(n, "on-failure wants %d retries, expected 0 to 100", i)
		}
		out.Retries = i
	} else {
		expr = rest
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		d.problem(n, "on-failure has an invalid regular expression %q: %v", expr, err)
	}
	out.Match = re
	return out
}

// artifacts reads the artifacts section. Its keys for buckets (name, s3-prefix) have no meaning in a pipeline either.
func (d *decoder) artifacts(key, n *yaml.Node, s *Spec) *Artifacts {
	a := &Artifacts{Line: max(key.Line, 1)}
	files, secondary := false, false
	before := len(d.problems)
	d.mapping(n, "artifacts", []field{
		{"files", func(_, value *yaml.Node) { files = true; a.Files = d.patterns(value, "artifacts.files", "- '**/*'") }},
		{"name", func(_, value *yaml.Node) { d.text(value, "artifacts.name") }},
		{"discard-paths", func(_, value *yaml.Node) { a.DiscardPaths = d.yesNo(value, "discard-paths") }},
		{"base-directory", func(_, value *yaml.Node) { a.Base = d.pattern(value, "base-directory") }},
		{"exclude-paths", func(_, value *yaml.Node) {
			a.Exclude = d.patterns(value, "exclude-paths", "- 'drafts/**/*'")
		}},
		{"enable-symlinks", func(_, value *yaml.Node) { d.yesNo(value, "enable-symlinks") }},
		{"s3-prefix", func(_, value *yaml.Node) { d.text(value, "s3-prefix") }},
		{"secondary-artifacts", func(key, _ *yaml.Node) {
			secondary = true
			s.notice(key, "secondary-artifacts are ignored, the site is what artifacts.files names")
		}},
	})
	if (!files || len(a.Files) == 0) && len(d.problems) == before {
		extra := ""
		if secondary {
			extra = ", besides secondary-artifacts too"
		}
		d.problem(n, "artifacts has no files, expected \"files:\" with a list such as \"- '**/*'\"%s", extra)
	}
	return a
}

func (d *decoder) pattern(n *yaml.Node, what string) Pattern {
	v, ok := d.text(n, what)
	if ok && !doublestar.ValidatePattern(v) {
		d.problem(n, "%s has an invalid pattern %q", what, v)
	}
	return Pattern{Glob: v, Line: max(resolve(n).Line, 1)}
}

func (d *decoder) patterns(n *yaml.Node, what, example string) []Pattern {
	var out []Pattern
	d.sequence(n, what, example, func(item *yaml.Node) { out = append(out, d.pattern(item, "an entry of "+what)) })
	return out
}

// cache reads the cache section (build-spec-ref, "cache"; caching-s3).
func (d *decoder) cache(n *yaml.Node) *Cache {
	c := &Cache{}
	d.mapping(n, "cache", []field{
		{"key", func(_, value *yaml.Node) { c.Key, _ = d.text(value, "cache.key") }},
		{"fallback-keys", func(_, value *yaml.Node) {
			d.sequence(value, "fallback-keys", "- npm-", func(item *yaml.Node) {
				v, _ := d.text(item, "a fallback key")
				c.Fallbacks = append(c.Fallbacks, v)
			})
			if len(c.Fallbacks) > 5 {
				d.problem(value, "fallback-keys has %d keys, expected at most 5", len(c.Fallbacks))
			}
		}},
		{"action", func(_, value *yaml.Node) {
			switch v, ok := d.text(value, "cache.action"); {
			case v == "restore":
				c.NoSave = true
			case v == "save":
				c.NoRestore = true
			case ok:
				d.problem(value, "cache.action is %q, expected restore or save", v)
			}
		}},
		{"paths", func(_, value *yaml.Node) { c.Paths = d.patterns(value, "cache.paths", "- 'node_modules/**/*'") }},
	})
	return c
}
