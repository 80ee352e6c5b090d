package hosting

// Name is a host name that a site answers to.
type Name struct {
	Host string `json:"host"`
	// RedirectTo is the name that viewers of Host are redirected to; empty if Host serves the site.
	RedirectTo string `json:"redirectTo,omitempty"`
}
