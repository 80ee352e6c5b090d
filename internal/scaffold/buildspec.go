package scaffold

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/buildspec"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Buildspec is the text of the build file for a build. CodeBuild runs it in the top folder of the repository, so paths are
// relative to that: subdir is the project's place in it. An output folder outside of the repository is a fault.Usage.
func Buildspec(b detect.Build, subdir string) ([]byte, error) {
	output := path.Join(subdir, strings.ReplaceAll(b.OutputDir, `\`, "/"))
	if output == "." {
		output = ""
	}
	if path.IsAbs(b.OutputDir) || strings.Contains(b.OutputDir, ":") || output == ".." || strings.HasPrefix(output, "../") {
		return nil, fault.New(fault.Usage, "name the folder relative to the project folder, like --output-dir dist",
			"output folder %s is outside of the repository", b.OutputDir)
	}
	commands := slices.Concat(b.Setup, []string{b.InstallCommand, b.BuildCommand})
	if output == "" && strings.Join(commands, "") == "" {
		return buildspec.Plain(), nil
	}
	var w bytes.Buffer
	w.WriteString("# How the site is built: a CodeBuild build file, run in the top folder of the repository.\n" +
		"# The format: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html\nversion: 0.2\n\n")
	writeEnv(&w)
	writePhases(&w, b)
	writeArtifacts(&w, output, output == "" || output == path.Clean(subdir))
	writeCache(&w, b)
	return w.Bytes(), nil
}

func writeEnv(w *bytes.Buffer) {
	w.WriteString(`# Variables of the build. Secrets do not belong in this file: name where they are kept:
# env:
#   variables:
#     SITE_TITLE: My site
#   parameter-store:
#     API_URL: /my-site/api-url
#   secrets-manager:
#     CMS_TOKEN: my-site:cms-token

`)
}

func writePhases(w *bytes.Buffer, b detect.Build) {
	w.WriteString("phases:\n")
	var install []string
	if b.Dir != "" {
		install = append(install, "cd "+shellQuote(b.Dir))
	}
	install = append(install, b.Setup...)
	if b.InstallCommand != "" {
		install = append(install, b.InstallCommand)
	}
	if len(install) > 0 || len(b.Runtimes) > 0 {
		w.WriteString("  install:\n")
		if len(b.Runtimes) > 0 {
			w.WriteString("    runtime-versions:\n")
			for _, name := range slices.Sorted(maps.Keys(b.Runtimes)) {
				version := b.Runtimes[name]
				if !wholeNumber.MatchString(version) { // 3.10 without quotes is the number 3.1
					version = scalar(version, "")
				}
				fmt.Fprintf(w, "      %s: %s\n", name, version)
			}
		}
		writeCommands(w, install)
	}
	w.WriteString("  build:\n")
	writeCommands(w, []string{cmp.Or(b.BuildCommand, `echo "no build step, publishing the files as they are"`)})
	w.WriteByte('\n')
}

func writeCommands(w *bytes.Buffer, commands []string) {
	if len(commands) == 0 {
		return
	}
	w.WriteString("    commands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "      - %s\n", scalar(c, "        "))
	}
}

// writeArtifacts names the folder that becomes the release. A folder that holds the project itself, wholeProject, has more in
// it than the site; exclude-paths are relative to it.
func writeArtifacts(w *bytes.Buffer, output string, wholeProject bool) {
	w.WriteString("# The folder that becomes the release.\nartifacts:\n")
	if output != "" {
		fmt.Fprintf(w, "  base-directory: %s\n", scalar(output, "  "))
	}
	w.WriteString("  files:\n    - '**/*'\n")
	if wholeProject {
		w.WriteString("  exclude-paths:\n    - '.git/**/*'\n    - 'cloudfront-hosting-toolkit/**/*'\n    - '**/node_modules/**/*'\n")
	}
}

func writeCache(w *bytes.Buffer, b detect.Build) {
	if len(b.Cache) == 0 {
		return
	}
	w.WriteString("\n# Kept from one build to the next.\ncache:\n  paths:\n")
	for _, glob := range b.Cache {
		if !path.IsAbs(glob) {
			glob = path.Join(b.Dir, glob)
		}
		fmt.Fprintf(w, "    - '%s'\n", strings.ReplaceAll(glob, "'", "''"))
	}
}

// plainScalar matches text that YAML reads as the string that it is, without quotes: it cannot be taken for a number, a
// boolean, a comment or a mapping.
var plainScalar = regexp.MustCompile(`^[A-Za-z/.][A-Za-z0-9_./@=+,&|>()"'$*-]*( [A-Za-z0-9_./@=+,&|>()"'$*{}\[\]!%-]+)*$`)

var keyword = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n|\.inf|\.nan)$`)

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]*$`)

// scalar writes a string as a YAML scalar; indent is that of the lines of a block.
func scalar(text, indent string) string {
	switch {
	case strings.Contains(text, "\n"):
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		return "|-\n" + indent + strings.ReplaceAll(strings.Join(lines, "\n"+indent), "\n"+indent+"\n", "\n\n")
	case plainScalar.MatchString(text) && !keyword.MatchString(text):
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

var bareWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellQuote quotes a word for the shell if it needs it.
func shellQuote(word string) string {
	if bareWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
