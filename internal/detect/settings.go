package detect

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
)

// setting is a string in a configuration file, and where it stands.
type setting struct {
	value string
	line  int
	ok    bool
}

// setting looks up a dotted key in a file in YAML, TOML or JSON. Keys are compared without regard to case, as Hugo does.
func (p *probe) setting(file, dotted string) setting {
	text := p.read(file)
	switch {
	case text == nil || dotted == "":
		return setting{}
	case strings.HasSuffix(file, ".toml"), strings.HasSuffix(file, ".conf"):
		return tomlSetting(string(text), dotted)
	case strings.HasSuffix(file, ".json"):
		v := jsconfig.ParseJSON(text).Default().Get(strings.Split(dotted, ".")...)
		s, ok := v.String()
		return setting{s, v.Line(), ok}
	}
	return yamlSetting(text, dotted)
}

// yamlSetting looks a key up in the first document of a file. Tags of other programs (!!python/name:…) do not matter.
func yamlSetting(text []byte, dotted string) setting {
	var document yaml.Node
	if yaml.NewDecoder(bytes.NewReader(text)).Decode(&document) != nil || len(document.Content) == 0 {
		return setting{}
	}
	node := document.Content[0]
	for key := range strings.SplitSeq(dotted, ".") {
		if node = yamlMember(node, key); node == nil {
			return setting{}
		}
	}
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return setting{}
	}
	return setting{node.Value, node.Line, true}
}

func yamlMember(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if strings.EqualFold(node.Content[i].Value, key) {
			return node.Content[i+1]
		}
	}
	return nil
}

var tomlTable = regexp.MustCompile(`^\[+\s*([^\]]+?)\s*\]+`)

var tomlString = regexp.MustCompile(`^("?[A-Za-z0-9_.-]+"?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')`)

// tomlSetting looks for a string under a key. That is all that is wanted of TOML here: arrays and inline tables are passed over.
func tomlSetting(text, dotted string) setting {
	table, line := "", 0
	for raw := range strings.Lines(text) {
		line++
		raw = strings.TrimSpace(raw)
		if m := tomlTable.FindStringSubmatch(raw); m != nil {
			table = strings.ReplaceAll(m[1], `"`, "") + "."
			continue
		}
		if m := tomlString.FindStringSubmatch(raw); m != nil && strings.EqualFold(table+strings.Trim(m[1], `"`), dotted) {
			return setting{m[2] + m[3], line, true}
		}
	}
	return setting{}
}

// assignment looks for NAME = "value" at the beginning of a line, as in Python, Ruby (set :name, "value") and make.
func (p *probe) assignment(file, name string) setting {
	expression := regexp.MustCompile(`(?m)^\s*(?:set\s+:|config\[:)?` + regexp.QuoteMeta(name) + `\]?\s*[:=,]\s*['"]?([^'"#\n]+)`)
	text := p.read(file)
	m := expression.FindSubmatchIndex(text)
	if m == nil {
		return setting{}
	}
	return setting{strings.TrimSpace(string(text[m[2]:m[3]])), 1 + bytes.Count(text[:m[2]], []byte("\n")), true}
}

// output takes the output folder from a setting.
func (n *inspection) outputSetting(file, key string, s setting) {
	if s.ok && s.value != "" && n.run.flag(n.framework.flags...) == "" {
		n.setOutput(s.value, file+":"+strconv.Itoa(s.line)+" sets "+key+" to "+quote(s.value))
	}
}

// contains reports whether a file of the project has a text in it.
func (p *probe) contains(file, text string) bool { return bytes.Contains(p.read(file), []byte(text)) }
