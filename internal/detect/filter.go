package detect

import "strings"

// run is the command, in the workspace's root, that runs a script of a project after the packages that it needs have been
// built. Without a workspace it is the package manager's.
func (ws *workspace) run(m manager, p *probe, script string) string {
	if ws == nil {
		return m.run(script)
	}
	dir := relative(ws.root.dir, p.dir)
	name := dir
	if p.pkg != nil && p.pkg.name != "" {
		name = p.pkg.name
	}
	switch {
	case ws.root.has("turbo.json") && ws.root.anyDep("turbo") != "":
		return m.exec("turbo run " + shellName(script) + " --filter=" + shellName(name))
	case ws.root.has("nx.json") && p.pkg != nil && script == "build":
		return m.exec("nx run " + shellName(name+":build"))
	case m.name == "pnpm" && name == dir:
		return "pnpm --filter " + shellName("./"+dir+"...") + " run " + shellName(script)
	case m.name == "pnpm":
		return "pnpm --filter " + shellName(name+"...") + " run " + shellName(script)
	case m.berry && !strings.HasPrefix(m.version, "3") && !strings.HasPrefix(m.version, "2"):
		return "yarn workspaces foreach --recursive --topological-dev --from " + shellName(name) + " run " + shellName(script)
	}
	var commands []string
	for _, needed := range ws.needs(p.pkg) {
		if needed.pkg.scripts["build"] != "" {
			commands = append(commands, m.runIn(needed.dir, needed.pkg.name, "build"))
		}
	}
	return strings.Join(append(commands, m.runIn(dir, name, script)), " && ")
}

// runIn runs a script of one package of a workspace.
func (m manager) runIn(dir, name, script string) string {
	switch m.name {
	case "yarn":
		return "yarn workspace " + shellName(name) + " run " + shellName(script)
	case "bun":
		return "bun run --filter " + shellName(name) + " " + shellName(script)
	case "pnpm":
		return "pnpm --filter " + shellName("./"+dir) + " run " + shellName(script)
	}
	return "npm run " + shellName(script) + " --workspace=" + shellName(dir)
}

// exec is the command that runs a tool in a project.
func (ws *workspace) exec(m manager, p *probe, command string) string {
	if ws == nil {
		return m.exec(command)
	}
	dir := relative(ws.root.dir, p.dir)
	switch {
	case m.name == "pnpm":
		return "pnpm --filter " + shellName("./"+dir) + " exec " + command
	case m.name == "yarn" && p.pkg != nil && p.pkg.name != "":
		return "yarn workspace " + shellName(p.pkg.name) + " exec " + command
	case m.name == "npm":
		return "npm exec --workspace=" + shellName(dir) + " -- " + command
	}
	return "(cd " + shellName(dir) + " && " + m.exec(command) + ")"
}
