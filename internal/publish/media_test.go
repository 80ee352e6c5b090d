package publish

import "testing"

func TestFingerprinted(t *testing.T) {
	tests := map[string]bool{
		// Vite and Rollup
		"assets/index-BX3k29aa.js":         true,
		"assets/index-DiwrgTda.css":        true,
		"assets/vendor-Dx-a1B_2.js":        true,
		"assets/logo-BX3k29aa.svg":         true,
		"assets/index-BX3k29aa.js.map":     true,
		"assets/app.BX3k29aa.js":           true,
		"assets/index.md.BX3k29aa.lean.js": true,
		"assets/hero-Image001.png":         false,
		"assets/logo-MyBrand.svg":          false,
		"assets/holiday-IMG_1234.jpg":      false,
		"assets/favicon.ico":               false,
		"js/app-HomePage.js":               false,
		"index-BX3k29aa.js":                true,
		"index-BX3k29aa.html":              false,
		"data/index-BX3k29aa.json":         false,
		// webpack, Create React App, Vue CLI, Angular
		"main.3f2a1b9c.css":                                      true,
		"static/js/main.3f2a1b9c.js":                             true,
		"static/js/787.1b2c3d4e.chunk.js":                        true,
		"static/js/main.3f2a1b9c.js.map":                         true,
		"static/js/main.3f2a1b9c.js.LICENSE.txt":                 false,
		"static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg": true,
		"main.0a1b2c3d4e5f6a7b8c9d.js":                           true,
		"chunk-ABCDEF12.js":                                      true,
		"chunk-FRUVZGWE.js":                                      true,
		"polyfills-B6TNHZQ6.js":                                  true,
		"styles-5INURTSO.css":                                    true,
		"media/inter-B6TNHZQ6.woff2":                             true,
		"logo-FACEBOOK.png":                                      false,
		"chunk-vendors.js":                                       false,
		// Next, Nuxt, Astro, SvelteKit, Gatsby, Hugo, Docusaurus
		"_next/static/chunks/main-8c743a0e2ad3e7d1.js":                                      true,
		"_next/static/chunks/pages/_app-8c743a0e2ad3e7d1.js":                                true,
		"_next/static/css/8c743a0e2ad3e7d1.css":                                             true,
		"_next/static/media/a34f9d1faa5f3315-s.woff2":                                       true,
		"_next/static/media/font.8c743a0e2ad3e7d1.woff2":                                    true,
		"_next/static/Xk2mZ9_qLr3TtY7vB1nCw/_buildManifest.js":                              true,
		"_next/static/development/_buildManifest.js":                                        false,
		"_next/data/Xk2mZ9_qLr3TtY7vB1nCw/about.json":                                       false,
		"_nuxt/BX3k29aa.js":                                                                 true,
		"_nuxt/entry.Cz3k2xq1.css":                                                          true,
		"_nuxt/builds/latest.json":                                                          false,
		"_astro/index.DXt2bRXe.css":                                                         true,
		"_astro/hoisted.Cq8dQPrt.js":                                                        true,
		"_app/immutable/entry/start.js":                                                     true,
		"docs/_app/immutable/nodes/0.js":                                                    true,
		"_app/version.json":                                                                 false,
		"app-1e9b6bd3f06d1f3c3b4b.js":                                                       true,
		"page-data/app-data.json":                                                           false,
		"css/main.min.3f2a1b9c3f2a1b9c3f2a1b9c3f2a1b9c3f2a1b9c3f2a1b9c3f2a1b9c3f2a1b9c.css": true,
		"assets/js/17896441.e1a2b3c4.js":                                                    true,
		"3f2a1b9c3f2a1b9c.js":                                                               true,
		// Made by people
		"index.html":               false,
		"jquery-3.7.1.min.js":      false,
		"bootstrap.bundle.min.js":  false,
		"screenshot-20240101.png":  false,
		"screenshot-20240101a.png": false,
		"photo-2024feb1.jpg":       false,
		"photo_1700000000000.jpg":  false,
		"component-library.js":     false,
		"user-settings.js":         false,
		"app-settings2.js":         false,
		"lib-VERSION1.js":          false,
		"DSC_0042.jpg":             false,
		"img/deadbeef.png":         false,
		"img/facade.png":           false,
		"avatars/3f2a1b9c.png":     false,
		"avatars/550e8400-e29b-41d4-a716-44665544000a.png": false,
		"posts/3f2a1b9c.html":                              false,
		"posts/3f2a1b9c.json":                              false,
		"report.3f2a1b9c.pdf":                              false,
		"sw.js":                                            false,
		"manifest.webmanifest":                             false,
		"v10/app.js":                                       false,
	}
	for p, want := range tests {
		if got := fingerprinted(p); got != want {
			t.Errorf("fingerprinted(%q) = %v, want %v", p, got, want)
		}
	}
}

func TestDefect13_EveryFileHasCacheControl(t *testing.T) {
	tests := map[string]string{
		"index.html":               "public, max-age=0, s-maxage=31536000, must-revalidate",
		"about/index.html":         "public, max-age=0, s-maxage=31536000, must-revalidate",
		"assets/index-BX3k29aa.js": "public, max-age=31536000, immutable",
		"robots.txt":               "public, max-age=0, s-maxage=31536000, must-revalidate",
		"noextension":              "public, max-age=0, s-maxage=31536000, must-revalidate",
	}
	for p, want := range tests {
		if got := cacheControl(p); got != want {
			t.Errorf("cacheControl(%q) = %q, want %q", p, got, want)
		}
	}
}

func TestContentType(t *testing.T) {
	tests := map[string]string{
		"index.html":                             "text/html; charset=utf-8",
		"INDEX.HTML":                             "text/html; charset=utf-8",
		"a.mjs":                                  "text/javascript; charset=utf-8",
		"a.js":                                   "text/javascript; charset=utf-8",
		"a.css":                                  "text/css; charset=utf-8",
		"a.js.map":                               "application/json; charset=utf-8",
		"site.webmanifest":                       "application/manifest+json; charset=utf-8",
		"a.wasm":                                 "application/wasm",
		"a.avif":                                 "image/avif",
		"a.webp":                                 "image/webp",
		"a.woff2":                                "font/woff2",
		"favicon.ico":                            "image/vnd.microsoft.icon",
		"a.svg":                                  "image/svg+xml; charset=utf-8",
		"a.mp4":                                  "video/mp4",
		"README.md":                              "text/markdown; charset=utf-8",
		"a.pdf":                                  "application/pdf",
		"a.unknown":                              "application/octet-stream",
		"noextension":                            "application/octet-stream",
		".well-known/acme/x1y2":                  "text/plain; charset=utf-8",
		".well-known/apple-app-site-association": "application/json; charset=utf-8",
	}
	for p, want := range tests {
		if got := contentType(p); got != want {
			t.Errorf("contentType(%q) = %q, want %q", p, got, want)
		}
	}
}
