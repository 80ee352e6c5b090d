// Package connection gets an AWS account connected to a Git host: it finds a connection that serves the repository's
// owner, or makes one and waits until a person has completed it in the console. Nothing else can complete one.
//
// A connection belongs to an owner at a host, not to a site: the second site of an owner needs no console any more. So it
// is not a part of a site's stack, and deleting one site does not cut the others off.
package connection

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pace"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// DefaultPace is the time between two looks at a connection that a person is completing.
const DefaultPace = 3 * time.Second

// TagOwner marks a connection with the owner that it serves, "GitHub/alice". A connection of the user's own that has it is
// used, too.
const TagOwner = "cloudfront-hosting-toolkit:owner"

// maxName is the length of a connection's name (CodeConnections API Reference, CreateConnection).
const maxName = 32

// Connections are the connections of one account and region.
type Connections struct {
	API    *codeconnections.Client
	Region string
	// Pace is the time between two looks; DefaultPace if it is 0.
	Pace time.Duration
}

// Repository is where a repository is hosted.
type Repository struct {
	// Provider is GitHub, GitLab or Bitbucket; ID is OWNER/NAME, or GROUP/SUBGROUP/NAME.
	Provider, ID string
}

// Owner is whom a connection serves: the user, the organisation, the workspace or the top group.
func (r Repository) Owner() string {
	owner, _, _ := strings.Cut(r.ID, "/")
	return owner
}

// tag is the value of TagOwner.
func (r Repository) tag() string { return r.Provider + "/" + strings.ToLower(r.Owner()) }

// Name is the name of the connection that the toolkit makes for the repository's owner: no two owners share one, and it
// has at most 32 characters. Hosts do not tell upper and lower case of owners apart.
func Name(r Repository) string {
	sum := sha256.Sum256([]byte(r.tag()))
	var b strings.Builder
	for _, c := range strings.ToLower(r.Owner()) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	const end = 1 + 8
	slug := b.String()
	slug = strings.TrimRight("cht-"+slug[:min(len(slug), maxName-end-len("cht-"))], "-")
	return slug + "-" + hex.EncodeToString(sum[:4])
}

// Connection is one connection.
type Connection struct {
	ARN, Name string
	// Available is false until a person has completed it.
	Available bool
}

// Find returns the connection for a repository, see Look. If there is none, it is made.
func (c *Connections) Find(ctx context.Context, r Repository, wanted string) (Connection, error) {
	one, found, err := c.Look(ctx, r, wanted)
	if err != nil || found {
		return one, err
	}
	return c.create(ctx, r)
}

// Look returns the connection for a repository, and whether there is one. wanted, if it is not empty, is the ARN or the name
// of the one to use; it is an error if that does not exist. Otherwise it is one that serves the owner: one that is available
// before one that is not.
func (c *Connections) Look(ctx context.Context, r Repository, wanted string) (Connection, bool, error) {
	all, err := c.list(ctx, r.Provider)
	if err != nil {
		return Connection{}, false, err
	}
	if wanted != "" {
		one, err := c.chosen(all, wanted, r)
		return one, err == nil, err
	}
	var pending *Connection
	for _, one := range all {
		serves, err := c.serves(ctx, one, r)
		if err != nil {
			return Connection{}, false, err
		}
		switch {
		case serves && one.Available:
			return one, true, nil
		case serves && pending == nil:
			pending = &one
		}
	}
	if pending != nil {
		return *pending, true, nil
	}
	return Connection{}, false, nil
}

func (c *Connections) chosen(all []Connection, wanted string, r Repository) (Connection, error) {
	var names []string
	for _, one := range all {
		if one.ARN == wanted || one.Name == wanted {
			return one, nil
		}
		names = append(names, one.Name)
	}
	hint := "there is none for " + r.Provider + " in " + c.Region + ": leave --connection out, and one is made"
	if len(names) > 0 {
		hint = "there are: " + strings.Join(names, ", ")
	}
	return Connection{}, fault.New(fault.Usage, hint, "there is no connection %q for %s in %s", wanted, r.Provider, c.Region)
}

// list returns the connections to a provider that can be used, or be completed.
func (c *Connections) list(ctx context.Context, provider string) ([]Connection, error) {
	var all []Connection
	// Not the SDK's paginator: it takes the client as an interface, and the linker would then keep all of its operations.
	for in := (&codeconnections.ListConnectionsInput{ProviderTypeFilter: types.ProviderType(provider)}); ; {
		page, err := c.API.ListConnections(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list connections to %s: %w", provider, reason.Of(err))
		}
		for _, one := range page.Connections {
			if one.ConnectionStatus == types.ConnectionStatusAvailable || one.ConnectionStatus == types.ConnectionStatusPending {
				all = append(all, newConnection(one))
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

func newConnection(one types.Connection) Connection {
	return Connection{ARN: aws.ToString(one.ConnectionArn), Name: aws.ToString(one.ConnectionName), Available: one.ConnectionStatus == types.ConnectionStatusAvailable}
}

// serves reports whether a connection is known to be the owner's. The API does not say whose installation a connection
// uses, so it is the name that the toolkit gives, or the tag, that tells.
func (c *Connections) serves(ctx context.Context, one Connection, r Repository) (bool, error) {
	if one.Name == Name(r) {
		return true, nil
	}
	out, err := c.API.ListTagsForResource(ctx, &codeconnections.ListTagsForResourceInput{ResourceArn: &one.ARN})
	switch code := reason.Code(err); {
	case code == "AccessDeniedException" || code == "ResourceNotFoundException":
		return false, nil // not for us to look at, or just removed
	case err != nil:
		return false, fmt.Errorf("read tags of connection %s: %w", one.Name, reason.Of(err))
	}
	for _, t := range out.Tags {
		if aws.ToString(t.Key) == TagOwner && strings.EqualFold(aws.ToString(t.Value), r.tag()) {
			return true, nil
		}
	}
	return false, nil
}

func (c *Connections) create(ctx context.Context, r Repository) (Connection, error) {
	name := Name(r)
	out, err := c.API.CreateConnection(ctx, &codeconnections.CreateConnectionInput{
		ConnectionName: &name, ProviderType: types.ProviderType(r.Provider),
		Tags: []types.Tag{{Key: aws.String(TagOwner), Value: aws.String(r.tag())}},
	})
	if err != nil {
		return Connection{}, fmt.Errorf("make connection %s to %s: %w", name, r.Provider, reason.Of(err))
	}
	return Connection{ARN: aws.ToString(out.ConnectionArn), Name: name}, nil
}

// Get returns a connection by its ARN.
func (c *Connections) Get(ctx context.Context, arn string) (Connection, error) {
	out, err := c.API.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: &arn})
	if err != nil {
		return Connection{}, fmt.Errorf("look at connection %s: %w", arn, reason.Of(err))
	}
	one := newConnection(*out.Connection)
	if out.Connection.ConnectionStatus == types.ConnectionStatusError {
		return one, fault.New(fault.Other, "open "+c.Console(arn)+" and delete it, then run deploy again", "connection %s is in error: the host took its permission back", one.Name)
	}
	return one, nil
}

// Console is the address of the page on which a connection is completed.
func (c *Connections) Console(arn string) string {
	_, id, _ := strings.Cut(arn, ":connection/")
	return "https://" + c.Region + ".console.aws.amazon.com/codesuite/settings/connections/" + id + "?region=" + c.Region
}

// Await waits until a connection is available. Nothing but a person can make it so: without one at hand it can be
// interrupted, and the next deployment finds the same connection.
func (c *Connections) Await(ctx context.Context, one Connection, r Repository, report hosting.Reporter) error {
	report.Detail("waiting for you: open %s and choose \"Update pending connection\"", c.Console(one.ARN))
	for {
		now, err := c.Get(ctx, one.ARN)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if now.Available {
			return nil
		}
		if err := pace.Wait(ctx, cmp.Or(c.Pace, DefaultPace)); err != nil {
			return fault.New(fault.Other, "complete it at "+c.Console(one.ARN)+", then run deploy again: it goes on from here",
				"connection %s to %s is not completed yet: %w", one.Name, r.Provider, err)
		}
	}
}
