//go:build e2e

package frameworks

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// client resolves *.localhost as browsers do.
var client = &http.Client{
	Timeout: 20 * time.Second,
	Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// types are the content types that files must have, by suffix.
var types = map[string]string{
	".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "icon", ".jpg": "image/jpeg", ".webp": "image/webp",
	".woff2": "font/woff2", ".woff": "font/woff", ".xml": "xml", ".txt": "text/plain", ".webmanifest": "application/manifest+json",
	".map": "application/json", ".pdf": "application/pdf", ".wasm": "application/wasm",
}

func (r *run) get(path string) (status int, contentType string, body []byte) {
	r.Helper()
	response, err := client.Get(strings.TrimSuffix(r.url, "/") + path)
	if err != nil {
		r.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		r.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body
}

// check asks for every file that the build made, for each page by the paths that people use, and for what the pages name.
func (r *run) check() {
	links := map[string]string{}
	err := filepath.WalkDir(r.built, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(r.built, file)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r.files++
		r.checkFile("/"+filepath.ToSlash(relative), text)
		if strings.HasSuffix(relative, ".html") {
			for _, link := range linked(text) {
				links[link] = relative
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	if r.files == 0 || r.pages == 0 {
		r.Fatalf("%d files and %d pages in %s", r.files, r.pages, r.built)
	}
	for link, from := range links {
		if status, _, _ := r.get(link); status != 200 && !r.known404(link) {
			r.Errorf("%s names %s, which answers %d", from, link, status)
		}
	}
	r.checkDeepLinks()
}

func (r *run) known404(link string) bool {
	for _, known := range r.broken {
		if strings.Contains(link, known) {
			return true
		}
	}
	return false
}

// checkFile asks for one file, and if it is a page also by its other names.
func (r *run) checkFile(name string, text []byte) {
	paths := []string{(&url.URL{Path: name}).EscapedPath()}
	if page, ok := strings.CutSuffix(name, ".html"); ok && r.routing == "static" && name != "/404.html" {
		r.pages++
		if folder, ok := strings.CutSuffix(page, "/index"); ok {
			paths = append(paths, escaped(folder+"/"))
			if folder != "" {
				paths = append(paths, escaped(folder))
			}
		} else {
			paths = append(paths, escaped(page))
		}
	} else if name == "/index.html" {
		r.pages++
		paths = append(paths, "/")
	}
	for _, p := range paths {
		status, contentType, body := r.get(p)
		if status != 200 || !bytes.Equal(body, text) && !r.shadowed(p, name) {
			r.Errorf("%s answers %d with %d bytes, the file %s has %d", p, status, len(body), name, len(text))
		}
		if want := types[path.Ext(name)]; want != "" && !strings.Contains(contentType, want) {
			r.Errorf("%s has the type %q, want %s", p, contentType, want)
		}
	}
}

// shadowed reports whether a path without its suffix has two files: docs.html beside docs/index.html.
func (r *run) shadowed(p, name string) bool {
	if strings.HasSuffix(p, path.Base(name)) {
		return false
	}
	_, err := os.Stat(filepath.Join(r.built, filepath.FromSlash(strings.TrimSuffix(name, ".html")), "index.html"))
	return err == nil
}

func escaped(p string) string { return (&url.URL{Path: p}).EscapedPath() }

var attribute = regexp.MustCompile(`<(?:a|link|script|img|source)\b[^>]*?\s(?:href|src)=(?:"([^"]*)"|'([^']*)'|([^\s>"']+))`)

// linked are the paths of the site that a page names.
func linked(page []byte) []string {
	var paths []string
	for _, m := range attribute.FindAllSubmatch(page, -1) {
		u, err := url.Parse(strings.ReplaceAll(string(bytes.Join(m[1:], nil)), "&amp;", "&"))
		if err == nil && u.Host == "" && u.Scheme == "" && strings.HasPrefix(u.Path, "/") {
			paths = append(paths, u.EscapedPath())
		}
	}
	return paths
}

// checkDeepLinks asks for what is no file.
func (r *run) checkDeepLinks() {
	_, _, index := r.get("/")
	for _, deep := range []string{"/some/deep/link", "/users/john.doe", "/a%20b/"} {
		status, contentType, body := r.get(deep)
		if r.routing == "spa" && (status != 200 || !bytes.Equal(body, index) || !strings.Contains(contentType, "text/html")) {
			r.Errorf("%s answers %d %s, want index.html", deep, status, contentType)
		}
		if r.routing == "static" && status != 404 {
			r.Errorf("%s answers %d, want 404", deep, status)
		}
	}
	if status, _, _ := r.get("/assets/missing-1a2b3c4d.js"); status != 404 {
		r.Errorf("a script that does not exist answers %d", status)
	}
}
