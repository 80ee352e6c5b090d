package front

import "time"

// Limits bound what viewers may cost. A zero field has the default.
type Limits struct {
	// Connections is how many viewers may be connected over TCP, and as many again over QUIC. One more closes those that
	// have been idle the longest; if none is idle it waits in the kernel.
	Connections int
	// ConnectionsPerClient is how many of them one address may have (one /64 network of IPv6); what is more is closed at
	// once. The machine itself is not limited, because a proxy in front of the server is one address. Negative for no limit.
	ConnectionsPerClient int
	// Requests is how many requests may be worked on at a time; what is more is answered 503.
	Requests int
	// HeaderBytes is the size of a request's header; what is longer is refused.
	HeaderBytes int
	// HeaderTimeout is how long a viewer may take to send a request's header, and for the TLS handshake.
	HeaderTimeout time.Duration
	// StallTimeout is how long a viewer may take to read, or to send, the next stallBytes of a body.
	StallTimeout time.Duration
	// IdleTimeout is how long a connection stays open without a request.
	IdleTimeout time.Duration
	// Streams is how many requests one HTTP/2 or HTTP/3 connection may have at a time.
	Streams int
	// DrainTimeout is how long requests may take to end when the server stops.
	DrainTimeout time.Duration
}

// stallBytes is what a viewer has StallTimeout for.
const stallBytes = 64 << 10

// DefaultLimits returns the limits of a server that nobody has configured.
func DefaultLimits() Limits {
	return Limits{
		Connections:          20000,
		ConnectionsPerClient: 500,
		Requests:             10000,
		// CloudFront's own limit (Developer Guide, cloudfront-limits, "Maximum length of a request").
		HeaderBytes:   32 << 10,
		HeaderTimeout: 10 * time.Second,
		StallTimeout:  30 * time.Second,
		IdleTimeout:   2 * time.Minute,
		Streams:       100,
		DrainTimeout:  10 * time.Second,
	}
}

func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	for have, other := range map[*int]int{
		&l.Connections: d.Connections, &l.ConnectionsPerClient: d.ConnectionsPerClient, &l.Requests: d.Requests,
		&l.HeaderBytes: d.HeaderBytes, &l.Streams: d.Streams,
	} {
		if *have == 0 {
			*have = other
		}
	}
	for have, other := range map[*time.Duration]time.Duration{
		&l.HeaderTimeout: d.HeaderTimeout, &l.StallTimeout: d.StallTimeout, &l.IdleTimeout: d.IdleTimeout, &l.DrainTimeout: d.DrainTimeout,
	} {
		if *have == 0 {
			*have = other
		}
	}
	return l
}
