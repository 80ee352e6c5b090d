//go:build e2e

package frameworks

import (
	"os"
	"path/filepath"
	"strings"
)

// replace changes a text of a file, which must be there.
func (r *run) replace(name, old, new string) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		r.Fatalf("%s has no %q:\n%s", name, old, text)
	}
	r.put(name, strings.Replace(string(text), old, new, 1))
}

// adapterStatic does what init asks of a fresh SvelteKit project.
func adapterStatic(r *run) {
	r.must(r.T, r.dir, "npm", "install", "--package-lock-only", "--ignore-scripts", "--save-dev", "@sveltejs/adapter-static@3")
	file := "svelte.config.js"
	if !r.has(file) {
		file = "vite.config.ts"
	}
	r.replace(file, "@sveltejs/adapter-auto", "@sveltejs/adapter-static")
	r.put("src/routes/+layout.ts", "export const prerender = true;\n")
	r.put("src/routes/about/+page.svelte", "<h1>About</h1>\n")
}

// nextExport does what init asks of a fresh Next.js project.
func nextExport(r *run) {
	r.put("next.config.ts", "import type { NextConfig } from \"next\";\n\nconst nextConfig: NextConfig = {\n  output: 'export',\n};\n\nexport default nextConfig;\n")
	r.put("app/about/page.tsx", "export default function About() {\n  return <h1>About</h1>;\n}\n")
}

// usePackage makes the app of the workspace depend on its package.
func usePackage(r *run) {
	r.replace("apps/web/package.json", `"dependencies": {`, `"dependencies": {
    "@site/ui": "workspace:*",`)
	r.put("apps/web/src/ui.d.ts", "declare module '@site/ui' {\n  export const label: string;\n}\n")
	r.replace("apps/web/src/main.tsx", "createRoot(", "import { label } from '@site/ui'\n\ndocument.title = label\n\ncreateRoot(")
}
