package cfjs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
)

// Origin is the origin that a viewer-request function chose for its request. At most one of ID, Update and Group is set by
// each call; the last call wins (CloudFront Developer Guide, helper-functions-origin-modification).
type Origin struct {
	// ID names an origin of the distribution; Overrides changes some of its settings.
	ID        string
	Overrides *OriginOverrides
	// Update changes settings of the behaviour's origin.
	Update *OriginUpdate
	// Group is a primary and a secondary origin.
	Group *OriginGroup
}

// OriginOverrides are the settings that may differ from those of a selected origin.
type OriginOverrides struct {
	HostHeader              string   `json:"hostHeader,omitempty"`
	SNI                     string   `json:"sni,omitempty"`
	AllowedCertificateNames []string `json:"allowedCertificateNames,omitempty"`
}

// OriginUpdate are the properties of updateRequestOrigin. What is nil keeps the assigned origin's setting.
type OriginUpdate struct {
	OriginOverrides
	DomainName string  `json:"domainName,omitempty"`
	OriginPath *string `json:"originPath,omitempty"`
	// CustomHeaders replace those of the assigned origin; an empty map removes them.
	CustomHeaders             map[string]string    `json:"customHeaders,omitempty"`
	ConnectionAttempts        int                  `json:"connectionAttempts,omitempty"`
	OriginShield              *OriginShield        `json:"originShield,omitempty"`
	OriginAccessControlConfig *OriginAccessControl `json:"originAccessControlConfig,omitempty"`
	Timeouts                  *OriginTimeouts      `json:"timeouts,omitempty"`
	CustomOriginConfig        *CustomOriginConfig  `json:"customOriginConfig,omitempty"`
}

// OriginShield turns Origin Shield on or off. It changes nothing on a single edge.
type OriginShield struct {
	Enabled bool   `json:"enabled"`
	Region  string `json:"region,omitempty"`
}

// OriginAccessControl says how requests to the origin are signed.
type OriginAccessControl struct {
	Enabled         bool   `json:"enabled"`
	SigningBehavior string `json:"signingBehavior,omitempty"`
	SigningProtocol string `json:"signingProtocol,omitempty"`
	OriginType      string `json:"originType,omitempty"`
	Region          string `json:"region,omitempty"`
}

// OriginTimeouts are in seconds; zero keeps the assigned origin's.
type OriginTimeouts struct {
	ReadTimeout               int `json:"readTimeout,omitempty"`
	ResponseCompletionTimeout int `json:"responseCompletionTimeout,omitempty"`
	KeepAliveTimeout          int `json:"keepAliveTimeout,omitempty"`
	ConnectionTimeout         int `json:"connectionTimeout,omitempty"`
}

// CustomOriginConfig is how an origin that is not a bucket is reached.
type CustomOriginConfig struct {
	Port          int      `json:"port"`
	Protocol      string   `json:"protocol"`
	SSLProtocols  []string `json:"sslProtocols"`
	IPAddressType string   `json:"ipAddressType,omitempty"`
}

// OriginGroup is a failover pair.
type OriginGroup struct {
	OriginIDs         []OriginGroupMember `json:"originIds"`
	SelectionCriteria string              `json:"selectionCriteria,omitempty"`
	FailoverCriteria  FailoverCriteria    `json:"failoverCriteria"`
}

// OriginGroupMember is one origin of a group.
type OriginGroupMember struct {
	OriginID        string           `json:"originId"`
	OriginOverrides *OriginOverrides `json:"originOverrides,omitempty"`
}

// FailoverCriteria are the statuses of the primary origin that make CloudFront ask the secondary one.
type FailoverCriteria struct {
	StatusCodes []int `json:"statusCodes"`
}

// decodeOrigin reads the JSON of a helper's argument strictly: a property that CloudFront does not document is refused.
func decodeOrigin(text string, into any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func (u *OriginUpdate) validate() error {
	if err := hostName("domainName", u.DomainName); err != nil {
		return err
	}
	if err := u.OriginOverrides.validate(); err != nil {
		return err
	}
	if u.OriginPath != nil && *u.OriginPath != "" {
		if p := *u.OriginPath; !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || len(p) > 255 {
			return fmt.Errorf("originPath %q must start with / and not end with it, and have at most 255 characters", p)
		}
	}
	if u.ConnectionAttempts < 0 || u.ConnectionAttempts > 3 {
		return fmt.Errorf("connectionAttempts must be 1 to 3, not %d", u.ConnectionAttempts)
	}
	for name := range u.CustomHeaders {
		if problem := headerNameProblem(name); problem != "" {
			return fmt.Errorf("customHeaders: %s", problem)
		}
	}
	return u.validateConnection()
}

func (u *OriginUpdate) validateConnection() error {
	if t := u.Timeouts; t != nil {
		for _, c := range []struct {
			name       string
			value, max int
		}{{"readTimeout", t.ReadTimeout, 120}, {"keepAliveTimeout", t.KeepAliveTimeout, 120}, {"connectionTimeout", t.ConnectionTimeout, 10}} {
			if c.value < 0 || c.value > c.max {
				return fmt.Errorf("timeouts.%s must be 1 to %d seconds, not %d", c.name, c.max, c.value)
			}
		}
		if t.ResponseCompletionTimeout != 0 && t.ResponseCompletionTimeout < t.ReadTimeout {
			return fmt.Errorf("timeouts.responseCompletionTimeout must not be less than readTimeout")
		}
	}
	if c := u.CustomOriginConfig; c != nil {
		if c.Protocol != "http" && c.Protocol != "https" {
			return fmt.Errorf("customOriginConfig.protocol must be http or https, not %q", c.Protocol)
		}
		if c.Port < 1 || c.Port > 65535 {
			return fmt.Errorf("customOriginConfig.port must be 1 to 65535, not %d", c.Port)
		}
	}
	return nil
}

func (o *OriginOverrides) validate() error {
	if o == nil {
		return nil
	}
	if err := hostName("hostHeader", o.HostHeader); err != nil {
		return err
	}
	if err := hostName("sni", o.SNI); err != nil {
		return err
	}
	if len(o.AllowedCertificateNames) > 20 {
		return fmt.Errorf("allowedCertificateNames must have at most 20 names, not %d", len(o.AllowedCertificateNames))
	}
	return nil
}

func (g *OriginGroup) validate() error {
	if len(g.OriginIDs) != 2 {
		return fmt.Errorf("originIds must name two origins, not %d", len(g.OriginIDs))
	}
	for _, m := range g.OriginIDs {
		if m.OriginID == "" {
			return fmt.Errorf("originIds must have an originId each")
		}
		if err := m.OriginOverrides.validate(); err != nil {
			return err
		}
	}
	if len(g.FailoverCriteria.StatusCodes) == 0 {
		return fmt.Errorf("failoverCriteria.statusCodes must not be empty")
	}
	if s := g.SelectionCriteria; s != "" && s != "default" && s != "media-quality-score" {
		return fmt.Errorf("selectionCriteria must be default or media-quality-score, not %q", s)
	}
	return nil
}

func hostName(property, name string) error {
	if strings.Contains(name, ":") || net.ParseIP(name) != nil || len(name) > 253 || strings.ContainsAny(name, " /\r\n") {
		return fmt.Errorf("%s %q must be a DNS name of at most 253 characters, without a port, and not an IP address", property, name)
	}
	return nil
}
