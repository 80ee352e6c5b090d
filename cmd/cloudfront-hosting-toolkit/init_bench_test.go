package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkInit runs the whole program, `init --yes`, in a project of 50,000 files, nearly all of them in node_modules. The
// aim is less than 300 ms.
func BenchmarkInit(b *testing.B) {
	program, err := exec.LookPath(tool)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("package.json", `{"scripts": {"build": "vite build"}, "dependencies": {"react": "^19"}, "devDependencies": {"vite": "^7"}}`)
	write("package-lock.json", "{}")
	write("index.html", "<title>Hello</title>")
	write("vite.config.ts", "export default defineConfig({ build: { outDir: 'www' } })")
	write(".gitignore", "node_modules\n")
	for i := range 500 {
		for j := range 98 {
			write(fmt.Sprintf("node_modules/package-%d/%d.js", i, j), "module.exports = 1;\n")
		}
	}
	for i := range 1000 {
		write(fmt.Sprintf("src/folder-%d/file.ts", i), "export default 1;\n")
	}
	if out, err := exec.Command("git", "-C", dir, "init", "-q", "-b", "main").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for b.Loop() {
		if err := os.RemoveAll(filepath.Join(dir, "cloudfront-hosting-toolkit")); err != nil {
			b.Fatal(err)
		}
		if out, err := exec.Command(program, "--dir", dir, "init", "--yes").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
