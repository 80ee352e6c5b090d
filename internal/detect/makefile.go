package detect

import (
	"regexp"
	"slices"
)

var makeTarget = regexp.MustCompile(`(?m)^([A-Za-z0-9][A-Za-z0-9_./-]*)\s*:(?:[^=]|$)`)

// makeGoals are the names of targets that build a site, the likeliest first.
var makeGoals = []string{"build", "site", "html", "website", "public", "dist", "www", "docs", "web", "all"}

// makefile takes a project that has only a Makefile, or a script build.sh, at its word; it reports whether there is one.
func (p *probe) makefile(f *Found) bool {
	file := p.first("Makefile", "makefile", "GNUmakefile", "build.sh")
	switch file {
	case "":
		return false
	case "build.sh":
		f.Framework, f.Title, f.BuildCommand = "script", "Shell script", "sh build.sh"
		f.Evidence = append(f.Evidence, file)
	default:
		var targets []string
		for _, m := range makeTarget.FindAllSubmatch(p.read(file), -1) {
			targets = append(targets, string(m[1]))
		}
		goal := ""
		for _, g := range makeGoals {
			if slices.Contains(targets, g) {
				goal = g
				break
			}
		}
		if goal == "" && p.first("public/index.html", "docs/index.html", "www/index.html") != "" {
			return false // a Makefile for something else, beside pages
		}
		f.Framework, f.Title, f.BuildCommand = "make", "Makefile", "make"
		f.Evidence = append(f.Evidence, file)
		if goal != "" {
			f.BuildCommand += " " + goal
			f.Evidence = append(f.Evidence, file+" has the target "+goal)
		}
	}
	f.Reason = pageByPath
	dir, why := p.guessOutput()
	for _, name := range outputNames {
		if dir == "" && p.mentions(file, name) {
			dir, why = name, file+" mentions "+name
		}
	}
	if dir == "" {
		dir = "public"
		f.Warnings = append(f.Warnings, "it cannot be told into which folder the build writes; public is assumed: give --output-dir if it is another")
	} else {
		f.Evidence = append(f.Evidence, why)
	}
	f.OutputDir = dir
	return true
}
