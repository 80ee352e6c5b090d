package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// manifest is a package.json, as far as it matters. Fields of an unexpected type count as absent.
type manifest struct {
	name           string
	packageManager string // "pnpm@9.1.0"
	homepage       string
	source         string
	node           string // engines.node, or what volta or devEngines ask for
	nodeFrom       string // the field it is from
	scripts        map[string]string
	deps           map[string]string // dependencies and devDependencies
	workspaces     []string
	targets        map[string]struct{ DistDir string }
	raw            map[string]json.RawMessage
}

func parseManifest(file string, data []byte) (*manifest, error) {
	m := &manifest{scripts: map[string]string{}, deps: map[string]string{}, raw: map[string]json.RawMessage{}}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(data, &m.raw); err != nil {
		line := 1
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line += bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		}
		return nil, fault.New(fault.Usage, "mend the file; npm needs it, too", "%s:%d: %w", file, line, err)
	}
	m.get("name", &m.name)
	m.get("packageManager", &m.packageManager)
	m.get("homepage", &m.homepage)
	m.get("source", &m.source)
	m.get("scripts", &m.scripts)
	m.get("targets", &m.targets)
	for _, key := range []string{"devDependencies", "dependencies"} {
		var some map[string]string
		m.get(key, &some)
		for name, version := range some {
			m.deps[name] = version
		}
	}
	if !m.get("workspaces", &m.workspaces) {
		var object struct{ Packages []string }
		m.get("workspaces", &object)
		m.workspaces = object.Packages
	}
	m.tools()
	return m, nil
}

// tools reads which Node.js and which package manager the project asks for.
func (m *manifest) tools() {
	type tool struct{ Name, Version string }
	var dev struct{ PackageManager, Runtime tool }
	var volta, engines struct{ Node string }
	m.get("devEngines", &dev)
	m.get("volta", &volta)
	m.get("engines", &engines)
	switch {
	case volta.Node != "":
		m.node, m.nodeFrom = volta.Node, "volta"
	case dev.Runtime.Name == "node" && dev.Runtime.Version != "":
		m.node, m.nodeFrom = dev.Runtime.Version, "devEngines"
	case engines.Node != "":
		m.node, m.nodeFrom = engines.Node, "engines"
	}
	if m.packageManager == "" && dev.PackageManager.Name != "" {
		m.packageManager = strings.TrimSuffix(dev.PackageManager.Name+"@"+dev.PackageManager.Version, "@")
	}
}

// get reads one field, and reports whether it is there and of the right type.
func (m *manifest) get(key string, into any) bool {
	raw, ok := m.raw[key]
	return ok && json.Unmarshal(raw, into) == nil
}
