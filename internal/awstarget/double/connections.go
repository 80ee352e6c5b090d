package double

import (
	"slices"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// connection is a connection to a Git host.
type connection struct {
	arn, name, provider, status string
	tags                        map[string]string
	// looks is after how many looks a pending connection is completed; 0 for never.
	looks int
}

// AddConnection puts a connection into the account, and returns its ARN.
func (a *Account) AddConnection(name, provider, status string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.newConnection(name, provider)
	c.status, c.tags = status, tags
	return c.arn
}

// CompleteAfter has a person complete the connection with this name after so many looks at it.
func (a *Account) CompleteAfter(name string, looks int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.connections {
		if c.name == name {
			c.looks = looks
		}
	}
}

// CompleteNew has a person complete every connection that is going to be made, after so many looks.
func (a *Account) CompleteNew(looks int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.completeNew = looks
}

func (a *Account) newConnection(name, provider string) *connection {
	c := &connection{
		arn:  "arn:aws:codeconnections:" + Region + ":" + AccountID + ":connection/" + a.id(),
		name: name, provider: provider, status: "PENDING", tags: map[string]string{}, looks: a.completeNew,
	}
	a.connections = append(a.connections, c)
	return c
}

func (a *Account) codeConnections(name string, req *wire.Request) (map[string]any, *Fault) {
	switch name {
	case "ListConnections":
		list := []any{}
		for _, c := range a.connections {
			if provider := req.Text("ProviderTypeFilter"); provider == "" || provider == c.provider {
				list = append(list, c.describe())
			}
		}
		return map[string]any{"Connections": list}, nil
	case "CreateConnection":
		if slices.ContainsFunc(a.connections, func(c *connection) bool { return c.name == req.Text("ConnectionName") }) {
			return nil, refuse("LimitExceededException", "a connection of that name exists")
		}
		c := a.newConnection(req.Text("ConnectionName"), req.Text("ProviderType"))
		c.tags = texts(req.Input["Tags"], "Key", "Value")
		return map[string]any{"ConnectionArn": c.arn}, nil
	}
	arn := req.Text("ConnectionArn") + req.Text("ResourceArn")
	i := slices.IndexFunc(a.connections, func(c *connection) bool { return c.arn == arn })
	if i < 0 {
		return nil, refuse("ResourceNotFoundException", "Connection %s not found", arn)
	}
	c := a.connections[i]
	if name == "ListTagsForResource" {
		tags := []any{}
		for k, v := range c.tags {
			tags = append(tags, map[string]any{"Key": k, "Value": v})
		}
		return map[string]any{"Tags": tags}, nil
	}
	if c.status == "PENDING" && c.looks > 0 {
		if c.looks--; c.looks == 0 {
			c.status = "AVAILABLE"
		}
	}
	return map[string]any{"Connection": c.describe()}, nil
}

func (c *connection) describe() map[string]any {
	return map[string]any{
		"ConnectionArn": c.arn, "ConnectionName": c.name, "ProviderType": c.provider, "ConnectionStatus": c.status, "OwnerAccountId": AccountID,
	}
}

// CompleteAll has a person complete every connection at once.
func (a *Account) CompleteAll() {
	a.SetConnections("AVAILABLE")
}

// SetConnections gives every connection this status.
func (a *Account) SetConnections(status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.connections {
		c.status = status
	}
}
