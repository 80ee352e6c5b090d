package detect

import (
	"bytes"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lockFiles are the lock files of the package managers of Node.js, in the order of preference where there are several.
var lockFiles = []struct{ file, manager string }{
	{"pnpm-lock.yaml", "pnpm"}, {"bun.lock", "bun"}, {"bun.lockb", "bun"}, {"yarn.lock", "yarn"},
	{"package-lock.json", "npm"}, {"npm-shrinkwrap.json", "npm"},
}

// manager is the package manager of a project and how it is called.
type manager struct {
	name    string
	version string // what packageManager asks for; may be empty
	lock    string // the lock file; empty if there is none
	berry   bool   // yarn 2 and later
}

// packageManager finds the package manager of the project whose root p looks at: the field packageManager, else the lock
// file, else npm.
func (p *probe) packageManager(f *Found) manager {
	m := manager{name: "npm"}
	var locks []string
	for _, l := range lockFiles {
		if p.has(l.file) {
			if m.lock == "" {
				m.name, m.lock = l.manager, l.file
			}
			locks = append(locks, l.file)
		}
	}
	asked := ""
	if p.pkg != nil {
		asked, m.version, _ = strings.Cut(p.pkg.packageManager, "@")
		m.version, _, _ = strings.Cut(m.version, "+")
	}
	switch asked {
	case "npm", "pnpm", "yarn", "bun":
		f.Evidence = append(f.Evidence, "package.json asks for "+p.pkg.packageManager)
		if m.name != asked {
			m.name, m.lock = asked, ""
		}
		for _, l := range lockFiles {
			if l.manager == asked && p.has(l.file) {
				m.lock = l.file
			}
		}
	default:
		m.version = ""
	}
	if m.lock != "" {
		f.Evidence = append(f.Evidence, m.lock)
	}
	if others := slices.DeleteFunc(locks, func(l string) bool { return l == m.lock || l == "bun.lockb" && m.name == "bun" }); len(others) > 0 {
		f.Warnings = append(f.Warnings, "there are several lock files; "+m.name+" is used, so remove "+strings.Join(others, ", "))
	}
	if m.lock == "" && p.pkg != nil {
		f.Warnings = append(f.Warnings, "there is no lock file: commit one, so that a build gets the versions that you have tested")
	}
	m.berry = m.name == "yarn" && p.isBerry(m)
	return m
}

func (p *probe) isBerry(m manager) bool {
	if m.version != "" {
		return !strings.HasPrefix(m.version, "1.") && m.version != "1"
	}
	return p.has(".yarnrc.yml") || bytes.Contains(p.read("yarn.lock"), []byte("\n__metadata:"))
}

var lockVersion = regexp.MustCompile(`(?m)^lockfileVersion:\s*['"]?(\d+(?:\.\d+)?)`)

// setup are the commands that supply the package manager where the build image, or the machine, lacks it.
func (m manager) setup(p *probe) []string {
	switch {
	case m.name == "pnpm":
		version := m.version
		if version == "" {
			version = "9"
			if v := lockVersion.FindSubmatch(p.read("pnpm-lock.yaml")); v != nil {
				switch string(v[1]) {
				case "5.3":
					version = "6"
				case "5.4":
					version = "7"
				case "6.0", "6.1":
					version = "8"
				default:
					version = "9"
				}
			}
		}
		return []string{npmTool("pnpm", version)}
	case m.name == "bun":
		return []string{npmTool("bun", m.version)}
	case m.berry && m.version != "":
		return []string{`export PATH="$PWD/.tools/bin:$PATH" COREPACK_ENABLE_DOWNLOAD_PROMPT=0; yarn --version 2>/dev/null | grep -q '^` + major(m.version) + `\.' || { npm install --global --prefix "$PWD/.tools" corepack && corepack enable --install-directory "$PWD/.tools/bin" yarn; }`}
	case m.name == "yarn":
		return []string{npmTool("yarn", "1")}
	}
	return nil
}

func major(version string) string {
	version, _, _ = strings.Cut(version, ".")
	return version
}

// install is the command that installs what the lock file says, and nothing else.
func (m manager) install() string {
	frozen := m.lock != ""
	switch {
	case m.name == "npm" && frozen:
		return "npm ci"
	case m.name == "pnpm" && frozen, m.name == "bun" && frozen, m.name == "yarn" && frozen && !m.berry:
		return m.name + " install --frozen-lockfile"
	case m.berry && frozen:
		return "yarn install --immutable"
	}
	return m.name + " install"
}

// run is the command that runs a script; exec the one that runs a tool of node_modules.
func (m manager) run(script string) string {
	if m.name == "yarn" && !slices.Contains([]string{"install", "add", "pack", "publish", "version", "why", "link"}, script) {
		return "yarn " + shellName(script)
	}
	return m.name + " run " + shellName(script)
}

func (m manager) exec(command string) string {
	switch m.name {
	case "pnpm":
		return "pnpm exec " + command
	case "yarn":
		return "yarn " + command
	case "bun":
		return "bunx " + command
	}
	return "npx --yes " + command
}

// shellName is a name, of a script, a package or a folder, as the shell takes it for one word.
func shellName(name string) string {
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.-/@") == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// cache are the folders in which the package manager keeps what it has downloaded, on CodeBuild.
func (m manager) cache() []string {
	switch {
	case m.name == "pnpm":
		return []string{"/root/.local/share/pnpm/store/**/*"}
	case m.name == "bun":
		return []string{"/root/.bun/install/cache/**/*"}
	case m.berry:
		return []string{"/root/.yarn/berry/cache/**/*"}
	case m.name == "yarn":
		return []string{"/root/.cache/yarn/**/*", "/usr/local/share/.cache/yarn/**/*"}
	}
	return []string{"/root/.npm/**/*"}
}

// The Node.js versions that are current: the default for a project that names none, and those that a range is matched with.
const defaultNode = 22

var nodeVersions = []int{24, 22, 20, 18}

// codenames are the names of the long-term lines, as .nvmrc may have them.
var codenames = map[string]int{"hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}

// nodeVersion is the major version of Node.js that the project asks for, and where it does; in its own folder or above,
// up to root.
func (p *probe) nodeVersion(root string) (version int, where string) {
	for dir := p.dir; ; dir = filepath.Dir(dir) {
		for _, file := range []string{".nvmrc", ".node-version", ".tool-versions", "mise.toml", ".mise.toml"} {
			var text []byte
			if dir == p.dir {
				text = p.read(file)
			} else {
				text, _ = readSome(filepath.Join(dir, file))
			}
			if asked := nodeLine(file, string(text)); asked != "" {
				if v := matchNode(asked); v > 0 {
					return v, file + " asks for Node.js " + asked
				}
			}
		}
		if dir == p.dir && p.pkg != nil && p.pkg.node != "" {
			if v := matchNode(p.pkg.node); v > 0 {
				return v, "package.json asks for Node.js " + p.pkg.node + " (" + p.pkg.nodeFrom + ")"
			}
		}
		if dir == root || dir == filepath.Dir(dir) {
			return defaultNode, ""
		}
	}
}

var miseNode = regexp.MustCompile(`(?m)^\s*(?:node|nodejs)\s*=\s*["']([^"']+)`)

// nodeLine is what a version file says of Node.js.
func nodeLine(file, text string) string {
	switch {
	case strings.HasSuffix(file, ".toml"):
		if m := miseNode.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	case file != ".tool-versions":
		line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		line, _, _ = strings.Cut(line, "#")
		return strings.TrimSpace(line)
	}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && (words[0] == "nodejs" || words[0] == "node") {
			return words[1]
		}
	}
	return ""
}

// matchNode is the major version for a version, an alias or a range: the default if it is in the range, else the newest
// current version that is. A version that is named outright is taken at its word. 0 means that the text makes no sense.
func matchNode(asked string) int {
	asked = strings.ToLower(strings.TrimSpace(asked))
	if name, ok := strings.CutPrefix(asked, "lts/"); ok {
		asked = name
	}
	if v, ok := codenames[asked]; ok {
		return v
	}
	switch asked {
	case "*", "lts", "node", "latest", "stable", "current", "x":
		return defaultNode
	}
	plain := strings.TrimPrefix(strings.TrimPrefix(asked, "v"), "=")
	if m := majorOf(plain); m > 0 && !strings.ContainsAny(plain, "<>|^~ -") {
		return m
	}
	for _, v := range append([]int{defaultNode}, nodeVersions...) {
		if inRange(v, asked) {
			return v
		}
	}
	for v := 30; v >= 10; v-- { // an older line, or a newer one than those above
		if inRange(v, asked) {
			return v
		}
	}
	return 0
}

func majorOf(version string) int {
	digits := version[:len(version)-len(strings.TrimLeft(version, "0123456789"))]
	m, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return m
}

var comparator = regexp.MustCompile(`(>=|<=|>|<|\^|~|=)?\s*v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?`)

// inRange reports whether the newest release of a major version is in an npm range. Minor versions hardly matter to it.
func inRange(version int, text string) bool {
	for alternative := range strings.SplitSeq(text, "||") {
		parts := comparator.FindAllStringSubmatch(alternative, -1)
		ok := len(parts) > 0
		hyphen := strings.Contains(alternative, " - ")
		for i, m := range parts {
			major, _ := strconv.Atoi(m[2])
			switch {
			case hyphen && i == 0, m[1] == ">=":
				ok = ok && version >= major
			case hyphen && i == 1, m[1] == "<=":
				ok = ok && version <= major
			case m[1] == ">":
				ok = ok && (version > major || version == major && m[3] != "")
			case m[1] == "<":
				ok = ok && (version < major || version == major && m[3] != "" && m[3] != "0")
			default:
				ok = ok && version == major
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// join joins a folder, as written in a configuration, to another.
func join(elements ...string) string {
	joined := path.Join(elements...)
	if joined == "." {
		return ""
	}
	return joined
}
