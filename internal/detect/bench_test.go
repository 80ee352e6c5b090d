package detect

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkProject looks at a Vite project with 50,000 files in node_modules, git included.
func BenchmarkProject(b *testing.B) {
	dir := b.TempDir()
	for name, text := range map[string]string{
		"package.json": `{"scripts": {"build": "vite build"}, "dependencies": {"react": "^18"}, "devDependencies": {"vite": "^5"}}`,
		"index.html":   "", "package-lock.json": "{}", "vite.config.ts": "export default defineConfig({ build: { outDir: 'www' } })",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 500 {
		sub := filepath.Join(dir, "node_modules", fmt.Sprint("package-", i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(j, ".js")), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for b.Loop() {
		if found, err := Project(b.Context(), dir, ""); err != nil || found.OutputDir != "www" {
			b.Fatalf("%+v, %v", found, err)
		}
	}
}
