package detect

import "github.com/cloudfront-hosting-toolkit/toolkit/internal/site"

// others are the generators that do not run on Node.js. A package.json beside them, for style sheets say, is installed too.
var others = []*framework{
	{key: "hugo", title: "Hugo", files: []string{"hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default/hugo.*", "config/_default/config.*", "config.toml", "config.yaml"},
		tools: []string{"hugo"}, build: "hugo --gc --minify", output: "public", flags: []string{"--destination", "-d"}, routing: site.RoutingStatic, reason: pageByPath,
		kit:  binary("hugo", "https://github.com/gohugoio/hugo/releases/download/v0.152.2/hugo_extended_0.152.2_linux-$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/').tar.gz", "hugo"),
		when: isHugo, inspect: inspectHugo},
	{key: "jekyll", title: "Jekyll", files: []string{"_config.yml", "_config.yaml", "_config.toml"}, tools: []string{"jekyll"}, words: []string{"build", "b"},
		build: "jekyll build", output: "_site", flags: []string{"--destination", "-d"}, routing: site.RoutingStatic, reason: pageByPath,
		kit: ruby("jekyll"), when: isJekyll, inspect: inspectJekyll},
	{key: "bridgetown", title: "Bridgetown", files: []string{"bridgetown.config.yml", "config/initializers.rb"}, build: "bridgetown deploy", output: "output",
		routing: site.RoutingStatic, reason: pageByPath, kit: ruby("bridgetown"), when: gem("bridgetown")},
	{key: "middleman", title: "Middleman", files: []string{"config.rb"}, build: "middleman build", output: "build", routing: site.RoutingStatic, reason: pageByPath,
		kit: ruby("middleman"), when: gem("middleman"), inspect: inspectRuby("config.rb", "build_dir")},
	{key: "nanoc", title: "Nanoc", files: []string{"nanoc.yaml", "config.yaml"}, build: "nanoc compile", output: "output", routing: site.RoutingStatic, reason: pageByPath,
		kit: ruby("nanoc"), when: either(gem("nanoc"), hasFile("nanoc.yaml")), inspect: inspectYAML("nanoc.yaml", "output_dir", "")},
	{key: "mkdocs", title: "MkDocs", files: []string{"mkdocs.yml", "mkdocs.yaml"}, build: "mkdocs build", output: "site", flags: []string{"--site-dir", "-d"},
		routing: site.RoutingStatic, reason: pageByPath, kit: python("mkdocs"), inspect: inspectMkDocs},
	{key: "zensical", title: "Zensical", files: []string{"zensical.toml"}, build: "zensical build", output: "site", routing: site.RoutingStatic, reason: pageByPath,
		kit: python("zensical"), inspect: inspectTOML("zensical.toml", "project.site_dir", "")},
	{key: "pelican", title: "Pelican", files: []string{"pelicanconf.py"}, build: "pelican content", output: "output", routing: site.RoutingStatic, reason: pageByPath,
		kit: python("pelican[markdown]"), inspect: inspectPelican},
	{key: "nikola", title: "Nikola", files: []string{"conf.py"}, build: "nikola build", output: "output", routing: site.RoutingStatic, reason: pageByPath,
		kit: python("nikola"), when: fileMentions("conf.py", "BLOG_TITLE"), inspect: inspectPython("conf.py", "OUTPUT_FOLDER")},
	{key: "jupyter-book", title: "Jupyter Book", files: []string{"_toc.yml", "docs/_toc.yml", "book/_toc.yml"}, build: "jupyter-book build .", output: "_build/html",
		routing: site.RoutingStatic, reason: pageByPath, kit: python("jupyter-book<2"), inspect: inspectInFolder("_toc.yml", "jupyter-book build ", "_build/html")},
	{key: "sphinx", title: "Sphinx", files: []string{"conf.py", "docs/conf.py", "docs/source/conf.py", "doc/conf.py", "source/conf.py"}, build: "sphinx-build -b html . _build/html",
		output: "_build/html", routing: site.RoutingStatic, reason: pageByPath, kit: python("sphinx"), when: isSphinx, inspect: inspectSphinx},
	{key: "lektor", title: "Lektor", files: []string{"*.lektorproject"}, build: "lektor build --output-path htdocs", output: "htdocs",
		routing: site.RoutingStatic, reason: pageByPath, kit: python("lektor")},
	{key: "zola", title: "Zola", files: []string{"config.toml", "zola.toml"}, tools: []string{"zola"}, words: []string{"build"}, build: "zola build", output: "public", flags: []string{"--output-dir", "-o"},
		routing: site.RoutingStatic, reason: pageByPath,
		kit:  binary("zola", "https://github.com/getzola/zola/releases/download/v0.21.0/zola-v0.21.0-$(uname -m)-unknown-linux-gnu.tar.gz", "zola"),
		when: isZola, inspect: inspectZola},
	{key: "mdbook", title: "mdBook", files: []string{"book.toml"}, tools: []string{"mdbook"}, words: []string{"build"}, build: "mdbook build", output: "book", flags: []string{"--dest-dir", "-d"},
		routing: site.RoutingStatic, reason: pageByPath,
		kit:     binary("mdbook", "https://github.com/rust-lang/mdBook/releases/download/v0.4.52/mdbook-v0.4.52-$(uname -m)-unknown-linux-musl.tar.gz", "mdbook"),
		inspect: inspectTOML("book.toml", "build.build-dir", "output.html.site-url")},
	{key: "cobalt", title: "Cobalt", files: []string{"_cobalt.yml"}, build: "cobalt build", output: "_site", routing: site.RoutingStatic, reason: pageByPath,
		kit: cargo("cobalt", "cobalt-bin"), inspect: inspectYAML("_cobalt.yml", "destination", "")},
	{key: "trunk", title: "Trunk (Rust and WebAssembly)", files: []string{"Trunk.toml"}, build: "trunk build --release", output: "dist",
		routing: site.RoutingSPA, reason: ownsPaths, kit: wasm(cargo("trunk", "trunk")), inspect: inspectTOML("Trunk.toml", "build.dist", "build.public_url")},
	{key: "quarto", title: "Quarto", files: []string{"_quarto.yml", "_quarto.yaml"}, build: "quarto render", output: "_site", routing: site.RoutingStatic, reason: pageByPath,
		kit:     binary("quarto", "https://github.com/quarto-dev/quarto-cli/releases/download/v1.6.40/quarto-1.6.40-linux-$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/').tar.gz", "--strip-components=1"),
		inspect: inspectQuarto},
	{key: "flutter", title: "Flutter", files: []string{"pubspec.yaml"}, build: "flutter build web --release", output: "build/web", routing: site.RoutingSPA, reason: ownsPaths,
		kit:  &kit{manager: "pub", setup: []string{fetch("flutter", "git clone --depth 1 --branch stable https://github.com/flutter/flutter.git .tools/flutter", ".tools/flutter/bin")}, install: "flutter pub get"},
		when: fileMentions("pubspec.yaml", "flutter")},
	{key: "blazor", title: "Blazor WebAssembly", files: []string{"*.csproj"}, build: "dotnet publish --configuration Release --output publish", output: "publish/wwwroot",
		routing: site.RoutingSPA, reason: ownsPaths, kit: &kit{manager: "nuget", runtimes: map[string]string{"dotnet": "8.0"}, install: "dotnet restore"}, when: isBlazor},
	{key: "docfx", title: "DocFX", files: []string{"docfx.json"}, build: "docfx docfx.json", output: "_site", routing: site.RoutingStatic, reason: pageByPath,
		kit:    &kit{manager: "nuget", runtimes: map[string]string{"dotnet": "8.0"}, setup: []string{fetch("docfx", "dotnet tool install docfx --tool-path .tools", ".tools")}},
		config: []string{"docfx.json"}, keys: []string{"build.dest", "build.output"}},
	{key: "lume", title: "Lume", files: []string{"_config.ts", "_config.js"}, build: "deno task build", output: "_site", routing: site.RoutingStatic, reason: pageByPath,
		kit:  &kit{manager: "deno", setup: []string{npmTool("deno", "")}},
		when: isLume, inspect: inspectLume},
	{key: "soupault", title: "Soupault", files: []string{"soupault.toml", "soupault.conf"}, build: "soupault", output: "build", routing: site.RoutingStatic, reason: pageByPath,
		kit: &kit{}, inspect: notInImage("soupault", inspectTOML("soupault.toml", "settings.build_dir", ""))},
	{key: "hakyll", title: "Hakyll", files: []string{"site.hs", "hakyll.cabal"}, build: "stack exec site build", output: "_site", routing: site.RoutingStatic, reason: pageByPath,
		kit: &kit{manager: "stack", setup: []string{fetch("stack", "{ mkdir -p .tools && curl -fsSL https://get.haskellstack.org/ | sh -s - -d .tools; }", ".tools")}, install: "stack build"}, when: fileMentions("site.hs", "Hakyll")},
	{key: "doxygen", title: "Doxygen", files: []string{"Doxyfile"}, build: "doxygen", output: "html", routing: site.RoutingStatic, reason: pageByPath,
		kit: &kit{}, inspect: notInImage("doxygen", inspectDoxygen)},
}

// table is every framework that is known, in the order of preference among those for which equally much speaks.
var table = concat(applications, generators, others, bundlers)

func concat(parts ...[]*framework) []*framework {
	var all []*framework
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
