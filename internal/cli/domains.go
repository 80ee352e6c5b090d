package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// domains is the flag --domain, which may be given several times: the first name is the one that the site is known by.
type domains struct{ config *site.Config }

var _ pflag.Value = (*domains)(nil)

// Set implements pflag.Value. An empty text stands for no domain.
func (d *domains) Set(text string) error {
	setDomains(d.config, append(configuredDomains(*d.config), site.SplitDomains(text)...))
	return nil
}

// String implements pflag.Value.
func (d *domains) String() string { return strings.Join(configuredDomains(*d.config), ",") }

// Type implements pflag.Value.
func (d *domains) Type() string { return "name" }

// setDomains makes names those of a configuration.
func setDomains(c *site.Config, names []string) {
	c.DomainName, c.DomainNames = "", nil
	if len(names) > 0 {
		c.DomainName = names[0]
	}
	if len(names) > 1 {
		c.DomainNames = names[1:]
	}
}

// configuredDomains are the names of a configuration, without the partners that follow from them.
func configuredDomains(c site.Config) []string {
	if c.DomainName == "" {
		return nil
	}
	return append([]string{c.DomainName}, c.DomainNames...)
}

// domainsText is a configuration's names for people, with the partners that are redirected.
func domainsText(c site.Config) string {
	var names []hosting.Name
	for _, n := range c.Names() {
		names = append(names, hosting.Name(n))
	}
	return namesText(names)
}

// namesText is a site's names for people, with the partners that are redirected.
func namesText(names []hosting.Name) string {
	var own, partners []string
	for _, n := range names {
		if n.RedirectTo == "" {
			own = append(own, n.Host)
		} else {
			partners = append(partners, n.Host)
		}
	}
	text := strings.Join(own, ", ")
	if len(partners) > 0 {
		text += "; " + list(partners) + " redirected"
	}
	return text
}
