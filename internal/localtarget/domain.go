package localtarget

import (
	"net"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// names are the deployed site's host names.
func names(config site.Config) []hosting.Name {
	var list []hosting.Name
	for _, n := range config.Names() {
		list = append(list, hosting.Name(n))
	}
	return list
}

// tryDomain is a command, in words, that asks the server of this machine for the site by its domain, wherever that leads; nil
// for a site without one, or if the site's URL has it: then its name leads here. The certificate, over https, is held against this
// machine's root if that can vouch for the name.
func tryDomain(stateDir state.Dir, holder state.Holder, url, domain string) []string {
	if domain == "" || strings.Contains(url, "//"+domain) {
		return nil
	}
	words, scheme, listen, usual := []string{"curl"}, "http", holder.Listen, "80"
	if holder.HTTPS != "" {
		scheme, listen, usual = "https", holder.HTTPS, "443"
		if root := server.RootFor(string(stateDir), domain); root != "" {
			words = append(words, "--cacert", root)
		} else {
			words = append(words, "-k")
		}
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil
	}
	switch ip := net.ParseIP(host); {
	case ip == nil || ip.IsUnspecified():
		host = "127.0.0.1"
	case ip.To4() == nil:
		host = "[" + host + "]"
	}
	at := domain
	if port != usual {
		at += ":" + port
	}
	return append(words, "--resolve", domain+":"+port+":"+host, scheme+"://"+at+"/")
}
