//go:build e2e

package frameworks

// starter is a project as its framework's own command makes it, or, where that command fetches from elsewhere than the npm
// registry, as its documentation begins.
type starter struct {
	name, title string
	// pkg is the package whose version is the framework's.
	pkg string
	// ci is set for those that are run at every change; the others are run on demand.
	ci bool
	// create makes the folder "site" in the current one. write are files to add, and prepare does what is left.
	create  []string
	write   map[string]string
	prepare func(*run)
	// lock makes the lock file, npm's if it is nil.
	lock []string
	// sub is the project's folder in the repository.
	sub string
	// refused is a part of what init says of the fresh starter, which change then does.
	refused string
	change  func(*run)
	// What init finds. warnings are parts of those that are right.
	framework, wantRouting string
	warnings               []string
	// broken are parts of links that the starter itself has wrong.
	broken []string
	// strict is set if the starter's router has no page for unknown paths, and says so on the console.
	strict bool
	// browser opens the site in Chromium, at / and at the paths in open.
	browser bool
	open    []string
}

func vite(name, title, template string, ci, browser bool) starter {
	return starter{
		name: name, title: title, pkg: "vite", ci: ci, browser: browser, framework: "vite", wantRouting: "spa",
		create: []string{"npx", "--yes", "create-vite@latest", "site", "--template", template, "--no-interactive"},
	}
}

var starters = []starter{
	vite("vite-react", "Vite, React", "react-ts", true, true),
	vite("vite-vue", "Vite, Vue", "vue-ts", true, true),
	vite("vite-svelte", "Vite, Svelte", "svelte-ts", true, false),
	{
		name: "vite-vanilla", title: "Vite, no framework", pkg: "vite", ci: true, framework: "vite", wantRouting: "static",
		create: []string{"npx", "--yes", "create-vite@latest", "site", "--template", "vanilla", "--no-interactive"},
	},
	{
		name: "astro", title: "Astro", pkg: "astro", ci: true, browser: true, open: []string{"/about", "/posts/one/"}, framework: "astro", wantRouting: "static",
		write: map[string]string{
			"package.json":             `{"name": "site", "type": "module", "private": true, "scripts": {"dev": "astro dev", "build": "astro build"}, "dependencies": {"astro": "latest"}}`,
			"astro.config.mjs":         "// @ts-check\nimport { defineConfig } from 'astro/config';\n\nexport default defineConfig({});\n",
			"src/pages/index.astro":    "---\nimport Layout from '../layouts/Layout.astro';\n---\n<Layout><h1>Home</h1><a href=\"/about\">About</a><script>document.body.dataset.ran = 'yes';</script></Layout>\n",
			"src/pages/about.astro":    "---\nimport Layout from '../layouts/Layout.astro';\n---\n<Layout><h1>About</h1></Layout>\n",
			"src/pages/404.astro":      "<html><body>Not here</body></html>\n",
			"src/pages/posts/one.md":   "---\nlayout: ../../layouts/Layout.astro\n---\n# One\n\nA post.\n",
			"src/layouts/Layout.astro": "<html lang=\"en\"><head><link rel=\"icon\" href=\"/favicon.svg\"><title>Site</title></head><body><slot /></body></html>\n<style>h1 { color: teal; }</style>\n",
			"public/favicon.svg":       `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>`,
		},
	},
	{
		name: "eleventy", title: "Eleventy", pkg: "@11ty/eleventy", ci: true, framework: "eleventy", wantRouting: "static",
		write: map[string]string{
			"package.json":       `{"name": "site", "private": true, "scripts": {"build": "eleventy"}, "devDependencies": {"@11ty/eleventy": "^3"}}`,
			"eleventy.config.js": "module.exports = function (config) {\n  config.addPassthroughCopy('style.css');\n  return { dir: { output: 'public_html' } };\n};\n",
			"index.md":           "<link rel=\"stylesheet\" href=\"/style.css\">\n\n# Home\n\n[About](/about/)\n",
			"about.md":           "# About\n",
			"style.css":          "h1 { color: teal }\n",
			".gitignore":         "node_modules\npublic_html\n",
		},
	},
	{
		name: "vitepress", title: "VitePress", pkg: "vitepress", ci: true, framework: "vitepress", wantRouting: "static",
		write: map[string]string{
			"package.json":               `{"name": "site", "private": true, "type": "module", "scripts": {"docs:dev": "vitepress dev docs", "docs:build": "vitepress build docs"}, "devDependencies": {"vitepress": "^1.6"}}`,
			"docs/.vitepress/config.mts": "import { defineConfig } from 'vitepress'\n\nexport default defineConfig({ title: 'Site', cleanUrls: true, themeConfig: { nav: [{ text: 'Guide', link: '/guide/start' }] } })\n",
			"docs/index.md":              "# Home\n\n[Start](/guide/start)\n",
			"docs/guide/start.md":        "# Start\n\nHere.\n",
			".gitignore":                 "node_modules\ndocs/.vitepress/dist\ndocs/.vitepress/cache\n",
		},
	},
	{
		name: "sveltekit", title: "SvelteKit, static", pkg: "@sveltejs/kit", ci: true, framework: "sveltekit", wantRouting: "static",
		create:  []string{"npx", "--yes", "sv@latest", "create", "site", "--template", "minimal", "--types", "ts", "--no-add-ons", "--no-install"},
		refused: "@sveltejs/adapter-static", change: adapterStatic,
	},
	{
		name: "next", title: "Next.js, export", pkg: "next", framework: "nextjs", wantRouting: "static",
		create:  []string{"npx", "--yes", "create-next-app@latest", "site", "--ts", "--app", "--empty", "--no-tailwind", "--no-eslint", "--no-src-dir", "--import-alias", "@/*", "--skip-install", "--disable-git", "--yes"},
		refused: "output: 'export'", change: nextExport, warnings: []string{"next/image"},
	},
	{
		name: "angular", title: "Angular", pkg: "@angular/core", framework: "angular", wantRouting: "spa", browser: true, strict: true,
		create: []string{"npx", "--yes", "@angular/cli@latest", "new", "site", "--defaults", "--skip-install", "--skip-git", "--interactive=false"},
	},
	{
		name: "docusaurus", title: "Docusaurus", pkg: "@docusaurus/core", framework: "docusaurus", wantRouting: "static",
		create: []string{"npx", "--yes", "create-docusaurus@latest", "site", "classic", "--javascript", "--skip-install"},
	},
	{
		name: "vue-cli", title: "Vue CLI", pkg: "@vue/cli-service", framework: "vue-cli", wantRouting: "spa",
		create: []string{"npx", "--yes", "@vue/cli@latest", "create", "site", "--default", "--no-git"},
	},
	{
		name: "cra", title: "Create React App", pkg: "react-scripts", framework: "create-react-app", wantRouting: "spa",
		create: []string{"npx", "--yes", "create-react-app@latest", "site"},
	},
	{
		name: "gatsby", title: "Gatsby", pkg: "gatsby", framework: "gatsby", wantRouting: "static",
		write: map[string]string{
			"package.json":       `{"name": "site", "private": true, "scripts": {"build": "gatsby build"}, "dependencies": {"gatsby": "^5", "react": "^18", "react-dom": "^18"}}`,
			"gatsby-config.js":   "module.exports = { siteMetadata: { title: 'Site' }, plugins: [] };\n",
			"src/pages/index.js": "import * as React from 'react';\nimport { Link } from 'gatsby';\n\nexport default function Index() { return <main><h1>Home</h1><Link to=\"/about/\">About</Link></main>; }\n",
			"src/pages/about.js": "import * as React from 'react';\n\nexport default function About() { return <h1>About</h1>; }\n",
			"src/pages/404.js":   "import * as React from 'react';\n\nexport default function NotFound() { return <h1>Not here</h1>; }\n",
			".gitignore":         "node_modules\npublic\n.cache\n",
		},
	},
	{
		name: "pnpm-workspace", title: "pnpm workspace (Vite, React)", pkg: "vite", ci: true, framework: "vite", wantRouting: "spa", sub: "apps/web",
		create: []string{"npx", "--yes", "create-vite@latest", "site/apps/web", "--template", "react-ts", "--no-interactive"},
		write: map[string]string{
			"package.json":             `{"name": "root", "private": true, "packageManager": "pnpm@9.15.9"}`,
			"pnpm-workspace.yaml":      "packages:\n  - apps/*\n  - packages/*\n",
			"packages/ui/package.json": `{"name": "@site/ui", "version": "1.0.0", "private": true, "type": "module", "main": "dist/index.js", "scripts": {"build": "node -e \"fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('index.js','dist/index.js')\""}}`,
			"packages/ui/index.js":     "export const label = 'from the package';\n",
			".gitignore":               "node_modules\ndist\n",
		},
		prepare: usePackage, lock: []string{"npx", "--yes", "pnpm@9.15.9", "install", "--lockfile-only"},
	},
}
