package server

import (
	"html/template"
	"net"
	"net/http"
	"slices"
	"strings"
)

// routes say which site answers to which host name. They are replaced as a whole when the sites change.
type routes struct {
	hosts map[string]http.Handler
	// only is the one site, if there is just one: it answers to any name.
	only http.Handler
	// names are the names of all sites, sorted.
	names []string
}

// handler returns who answers to the Host header of a request. An unknown name gets nothing that tells of the sites.
func (t *routes) handler(hostport string) http.Handler {
	host, port := splitHost(hostport)
	if h, ok := t.hosts[host]; ok {
		return h
	}
	if t.only != nil {
		return t.only
	}
	if isLoopback(host) {
		return index(t.names, port)
	}
	return http.HandlerFunc(unknownHost)
}

func splitHost(hostport string) (host, port string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = hostport, ""
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	return host, port
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>{{.Title}}</h1>{{with .Text}}<p>{{.}}</p>{{end}}
{{with .Links}}<ul>{{range .}}<li><a href="{{.URL}}">{{.Name}}</a></li>{{end}}</ul>{{end}}
`))

type link struct{ Name, URL string }

func show(w http.ResponseWriter, r *http.Request, status int, title, text string, links []link) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = page.Execute(w, map[string]any{"Title": title, "Text": text, "Links": links}) // the viewer is gone
	}
}

func unknownHost(w http.ResponseWriter, r *http.Request) {
	show(w, r, http.StatusNotFound, "No site here", "No site answers to this name.", nil)
}

// index lists the sites, for who opens the bare address on this machine.
func index(names []string, port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" || len(names) == 0 {
			unknownHost(w, r)
			return
		}
		if peer, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !isLoopback(peer) {
			unknownHost(w, r)
			return
		}
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		var links []link
		for _, name := range slices.Sorted(slices.Values(names)) {
			host := name + ".localhost"
			if port != "" {
				host = net.JoinHostPort(host, port)
			}
			links = append(links, link{name, scheme + "://" + host + "/"})
		}
		show(w, r, http.StatusOK, "Sites on this machine", "", links)
	})
}

// damaged answers for a site whose configuration cannot be served.
func damaged(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "10")
	show(w, r, http.StatusServiceUnavailable, "This site cannot be served",
		"Its deployed configuration is damaged. The server's log says how; deploying the site again mends it.", nil)
}
