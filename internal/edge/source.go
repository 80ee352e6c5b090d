package edge

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
)

// source is an origin: a bucket, or a custom origin.
type source struct {
	id     string
	bucket Origin
	// path is put before the URI when a function gave the bucket an origin path.
	path   string
	custom *customOrigin
}

// customOrigin is an HTTP server with the connections to it.
type customOrigin struct {
	CustomOrigin
	transport *http.Transport
	// hostHeader is the Host that a function chose, "" for the domain name.
	hostHeader string
}

// patience bounds a request to an origin, all attempts and the body included.
func (s *source) patience() time.Duration {
	if s.custom == nil {
		return fetchTimeout
	}
	return fetchTimeout + time.Duration(s.custom.ConnectionAttempts)*(s.custom.ConnectionTimeout+s.custom.ReadTimeout)
}

// newSources returns all origins by their id.
func newSources(opts Options) (map[string]*source, error) {
	sources := make(map[string]*source, len(opts.Origins)+len(opts.Config.CustomOrigins))
	for id, o := range opts.Origins {
		sources[id] = &source{id: id, bucket: o}
	}
	for _, c := range opts.Config.CustomOrigins {
		if sources[c.ID] != nil {
			return nil, fmt.Errorf("configure edge: there are two origins %q", c.ID)
		}
		if c.DomainName == "" {
			return nil, fmt.Errorf("configure edge: origin %q has no domain name", c.ID)
		}
		sources[c.ID] = &source{id: c.ID, custom: newCustomOrigin(c)}
	}
	for _, g := range opts.Config.OriginGroups {
		if sources[g.ID] != nil {
			return nil, fmt.Errorf("configure edge: there are an origin and an origin group %q", g.ID)
		}
	}
	return sources, nil
}

func newCustomOrigin(c CustomOrigin) *customOrigin {
	// The defaults are those of the Developer Guide, DownloadDistValuesOrigin.
	c.HTTPPort = cmp.Or(c.HTTPPort, 80)
	c.HTTPSPort = cmp.Or(c.HTTPSPort, 443)
	c.ConnectionAttempts = cmp.Or(c.ConnectionAttempts, 3)
	c.ConnectionTimeout = cmp.Or(c.ConnectionTimeout, 10*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 30*time.Second)
	c.KeepaliveTimeout = cmp.Or(c.KeepaliveTimeout, 5*time.Second)
	dialer := &net.Dialer{Timeout: c.ConnectionTimeout}
	attempts := c.ConnectionAttempts
	return &customOrigin{CustomOrigin: c, transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			for range attempts {
				if conn, err = dialer.DialContext(ctx, network, addr); err == nil || ctx.Err() != nil {
					break
				}
			}
			return conn, err
		},
		TLSHandshakeTimeout:   c.ConnectionTimeout,
		ResponseHeaderTimeout: c.ReadTimeout,
		IdleConnTimeout:       c.KeepaliveTimeout,
		MaxIdleConnsPerHost:   64,
		DisableCompression:    true,
	}}
}

// address returns the scheme and the authority of requests to the origin.
func (o *customOrigin) address(secure bool) (scheme, authority string) {
	scheme, port := "http", o.HTTPPort
	if o.ProtocolPolicy == "https-only" || o.ProtocolPolicy != "http-only" && secure {
		scheme, port = "https", o.HTTPSPort
	}
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		return scheme, o.DomainName
	}
	return scheme, net.JoinHostPort(strings.Trim(o.DomainName, "[]"), strconv.Itoa(port))
}

// route is the origins that may answer a request, in the order in which they are tried, and the statuses of one that let the
// next one have a try.
type route struct {
	sources  []*source
	failover []int
}

// next reports whether the origin after the i-th is to be asked, now that this one has answered with a status, or could not be
// asked at all (Developer Guide, high_availability_origin_failover): for GET, HEAD and OPTIONS only.
func (t *route) next(r *request, i, status int, unreached bool) bool {
	return i+1 < len(t.sources) && (unreached || slices.Contains(t.failover, status)) &&
		(r.method == http.MethodGet || r.method == http.MethodHead || r.method == http.MethodOptions)
}

// route returns the behaviour's origins, or those that the function chose (Developer Guide,
// helper-functions-origin-modification).
func (e *Edge) route(r *request) (route, error) {
	own := route{sources: []*source{r.behavior.source}}
	if g := r.behavior.group; g != nil {
		own.sources, own.failover = append(own.sources, e.sources[g.Members[1]]), g.StatusCodes
	}
	c := r.chosen
	switch {
	case c == nil:
		return own, nil
	case c.Group != nil:
		chosen := route{failover: c.Group.FailoverCriteria.StatusCodes}
		for _, m := range c.Group.OriginIDs {
			src, err := e.sourceByID(m.OriginID, m.OriginOverrides)
			if err != nil {
				return route{}, err
			}
			chosen.sources = append(chosen.sources, src)
		}
		if len(chosen.sources) == 0 {
			return route{}, originError("the origin group is empty")
		}
		return chosen, nil
	case c.Update != nil:
		// Of a group, only the primary origin is updated.
		src, err := own.sources[0].updated(c.Update)
		own.sources[0] = src
		return own, err
	case c.ID != "":
		src, err := e.sourceByID(c.ID, c.Overrides)
		return route{sources: []*source{src}}, err
	}
	return own, nil
}

func originError(format string, args ...any) error {
	return &cfjs.Error{Status: http.StatusBadGateway, Message: fmt.Sprintf(format, args...)}
}

func (e *Edge) sourceByID(id string, o *cfjs.OriginOverrides) (*source, error) {
	src := e.sources[id]
	if src == nil {
		return nil, originError("the function chose the origin %q, which the distribution does not have", id)
	}
	if o == nil || o.HostHeader == "" || src.custom == nil {
		return src, nil
	}
	custom := *src.custom
	custom.hostHeader = o.HostHeader
	return &source{id: id, custom: &custom}, nil
}

// updated returns the origin with the settings that updateRequestOrigin changes.
func (s *source) updated(u *cfjs.OriginUpdate) (*source, error) {
	if s.custom == nil {
		if u.DomainName != "" || u.CustomOriginConfig != nil {
			return nil, originError("the function sends the request of a bucket origin to %q, which is possible on AWS only", u.DomainName)
		}
		if u.OriginPath == nil {
			return s, nil
		}
		return &source{id: s.id + " " + *u.OriginPath, bucket: s.bucket, path: *u.OriginPath}, nil
	}
	c := *s.custom
	id := s.id
	if u.DomainName != "" {
		c.DomainName = u.DomainName
		id += " " + u.DomainName
	}
	if u.OriginPath != nil {
		c.Path = *u.OriginPath
		id += " " + c.Path
	}
	if u.CustomHeaders != nil {
		c.Headers = u.CustomHeaders
	}
	if u.HostHeader != "" {
		c.hostHeader = u.HostHeader
		id += " " + u.HostHeader
	}
	if t := u.Timeouts; t != nil && t.ReadTimeout > 0 {
		c.ReadTimeout = time.Duration(t.ReadTimeout) * time.Second
	}
	if u.ConnectionAttempts > 0 {
		c.ConnectionAttempts = u.ConnectionAttempts
	}
	if cc := u.CustomOriginConfig; cc != nil {
		c.ProtocolPolicy, c.HTTPPort, c.HTTPSPort = cc.Protocol+"-only", cc.Port, cc.Port
		id += " " + cc.Protocol + strconv.Itoa(cc.Port)
	}
	return &source{id: id, custom: &c}, nil
}
