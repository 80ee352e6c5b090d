package localtarget

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/pipeline"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/source"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// The free space below which doctor warns, and below which it says that a deployment cannot work.
const (
	littleSpace = 1 << 30
	noSpace     = 50 << 20
)

// checkup is what the looks of one Doctor share.
type checkup struct {
	*Hosting
	resolve func(ctx context.Context, host string) ([]string, error)
	// deployed is what is deployed; nil if nothing is.
	deployed *state.Deployed
	damage   error
	holder   state.Holder
	running  bool
	tip      func(ctx context.Context) (string, error)
}

// Doctor looks at everything that hosting the site on this machine needs. It works before anything is deployed, and
// changes nothing.
func (h *Hosting) Doctor(ctx context.Context, report hosting.Reporter) ([]hosting.Check, error) {
	report.Detail("looking at the project, the state folder and the server")
	c := &checkup{Hosting: h, resolve: h.opts.Resolve}
	if c.resolve == nil {
		c.resolve = net.DefaultResolver.LookupHost
	}
	var err error
	if c.deployed, err = h.site.Load(); err != nil && fault.KindOf(err) != fault.NotDeployed {
		c.damage = err
	}
	if c.holder, c.running, err = h.dir.Holder(); err != nil {
		c.damage = err
	}
	c.holder.Listen = cmp.Or(c.holder.Listen, h.opts.Listen, defaultListen)
	c.tip = doctor.Once(func(ctx context.Context) (string, error) {
		return source.Check(ctx, h.project.Repository, h.project.Config.BranchName)
	})
	looks := append([]doctor.Look{doctor.Git()}, doctor.Project(h.project)...)
	looks = append(looks, doctor.Tools(h.project),
		doctor.Look{Name: "Repository", Find: c.repository},
		doctor.Look{Name: "State folder", Find: c.stateFolder},
		doctor.Look{Name: "Server", Find: c.server},
		doctor.Look{Name: "Address", Find: c.address},
		doctor.Look{Name: "Service", Find: service},
		doctor.Look{Name: "Deployed", Find: c.drift},
		doctor.Look{Name: "Release", Find: c.release},
	)
	for _, name := range h.project.Names() {
		looks = append(looks, doctor.Look{Name: "Domain", Find: func(ctx context.Context) doctor.Finding { return c.domain(ctx, name) }})
	}
	looks = append(looks, doctor.Look{Name: "Certificate", Find: c.certificates})
	return doctor.Run(ctx, looks)
}

// repository reads the branch's newest commit.
func (c *checkup) repository(ctx context.Context) doctor.Finding {
	if c.project.Repository == "" {
		return doctor.Finding{}
	}
	tip, err := c.tip(ctx)
	if err != nil {
		return doctor.Wrong(err)
	}
	return doctor.OK("%s can be read; branch %s is at %.7s", source.Printable(c.project.Repository), c.project.Config.BranchName, tip)
}

// stateFolder looks whether the state folder, or the folder that it would be made in, can be written to.
func (c *checkup) stateFolder(context.Context) doctor.Finding {
	dir, made := string(c.dir), true
	for {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() {
			break
		}
		if err == nil {
			return doctor.Failed("give another folder with --state-dir", "%s is a file", dir)
		}
		if !errors.Is(err, os.ErrNotExist) || filepath.Dir(dir) == dir {
			return doctor.Failed("give another folder with --state-dir", "%v", err)
		}
		dir, made = filepath.Dir(dir), false
	}
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return doctor.Failed("give another folder with --state-dir, or mend its permissions", "%s cannot be written to: %v", dir, errors.Unwrap(err))
	}
	_ = f.Close() // nothing was written
	_ = os.Remove(f.Name())
	text := string(c.dir)
	if !made {
		text += ", made by the first deploy"
	}
	free, err := freeSpace(dir)
	switch {
	case err != nil:
		return doctor.OK("%s", text)
	case free < noSpace:
		return doctor.Failed("free some space, or give another folder with --state-dir", "%s: %s are free", text, size(free))
	case free < littleSpace:
		return doctor.Warning("free some space", "%s: only %s are free", text, size(free))
	}
	return doctor.OK("%s; %s free", text, size(free))
}

func size(bytes uint64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MB", bytes>>20)
	}
	return fmt.Sprintf("%d GB", bytes>>30)
}

// server looks whether the server answers, and is of this version.
func (c *checkup) server(ctx context.Context) doctor.Finding {
	switch {
	case c.damage != nil:
		return doctor.Failed(doctor.HintOf(c.damage, "give another folder with --state-dir"), "%v", c.damage)
	case !c.running && c.deployed != nil:
		return doctor.Failed("run serve", "no server runs: the site does not answer")
	case !c.running:
		return doctor.OK("none runs; deploy starts one")
	case !c.holder.Serves():
		return doctor.OK("process %d (%s) works on the state folder", c.holder.PID, c.holder.Command)
	}
	for _, address := range c.holder.Addresses() {
		if !answers(ctx, address) {
			return doctor.Failed("run serve --stop, then serve", "process %d runs and does not answer at %s", c.holder.PID, address)
		}
	}
	at := strings.Join(c.holder.URLs(), " and ")
	if why := c.health(ctx); why != "" {
		return doctor.Failed("see "+c.dir.ServeLog(), "the server is not well: %s", why)
	}
	if c.holder.Version != c.opts.Version {
		return doctor.Warning("run serve --stop, then deploy",
			"process %d answers at %s, but is version %s, and this is %s", c.holder.PID, at, cmp.Or(c.holder.Version, "unknown"), cmp.Or(c.opts.Version, "unknown"))
	}
	return doctor.OK("process %d answers at %s", c.holder.PID, at)
}

// health asks /healthz, where the server was started with an address for it; it returns what is wrong.
func (c *checkup) health(ctx context.Context) string {
	if c.holder.Metrics == "" {
		return ""
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.holder.Metrics+"/healthz", nil)
	if err != nil {
		return err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return ""
	}
	var text bytes.Buffer
	_, _ = text.ReadFrom(http.MaxBytesReader(nil, res.Body, 4096)) // what can be read of the reason
	return strings.TrimSpace(text.String())
}

// address looks whether the address that a server would listen on is free. A server that runs has it.
func (c *checkup) address(ctx context.Context) doctor.Finding {
	if c.running && c.holder.Serves() {
		return doctor.Finding{}
	}
	address, fixed := c.listen(c.holder)
	if free(ctx, address) {
		return doctor.OK("%s is free", address)
	}
	who := "another program"
	if owner := portOwner(address); owner != "" {
		who = owner
	}
	if fixed {
		return doctor.Failed("end it, or choose another address with --listen", "%s is taken by %s", address, who)
	}
	return doctor.Warning("end it, or choose an address: serve --listen 127.0.0.1:8081", "%s is taken by %s; deploy takes any free port", address, who)
}

// drift compares the project with what is deployed.
func (c *checkup) drift(context.Context) doctor.Finding {
	if c.damage != nil {
		return doctor.Skipped("", "what is deployed cannot be read")
	}
	if c.deployed == nil {
		return doctor.OK("nothing yet")
	}
	differs := c.differs(c.deployed)
	own, err := c.project.Buildspec()
	deployed, readErr := os.ReadFile(c.site.Buildspec())
	if readErr != nil {
		deployed = nil // there was none
	}
	if err == nil && !bytes.Equal(own, deployed) {
		differs = append(differs, "build file")
	}
	return doctor.Differs(differs)
}

// release looks whether the live release is whole, and whether it is the branch's newest commit.
func (c *checkup) release(ctx context.Context) doctor.Finding {
	if c.deployed == nil {
		return doctor.Finding{}
	}
	p := pipeline.Publisher(c.site, c.deployed, c.opts.Version)
	live, _, err := p.Pointer.Read(ctx)
	if err != nil {
		return doctor.Wrong(err)
	}
	if live.Release == "" {
		return doctor.Newest("", "", "")
	}
	if err := p.Check(ctx, live.Release); err != nil {
		return doctor.Failed(doctor.HintOf(err, "run rollback, or deploy"), "the live release is not whole: %v", err)
	}
	if e, ok, err := c.records().Current(); err == nil && ok && e.Status == hosting.Failed {
		return doctor.Warning("run logs", "the newest execution, %s, failed; %.7s stays live", e.ID, live.Release)
	}
	tip := ""
	if c.deployed.Pipeline && c.project.Repository != "" {
		if tip, err = c.tip(ctx); err != nil {
			tip = "" // the line about the repository says why
		}
	}
	if data, err := os.ReadFile(c.site.PassedOver()); err == nil && tip != "" && strings.HasPrefix(string(data), tip) {
		return doctor.OK("%.7s is live; the newer commit %.7s changes nothing within the site's paths", live.Release, tip)
	}
	return doctor.Newest(live.Release, tip, c.project.Config.BranchName)
}

// domain looks whether a name of the site leads to this machine, and whether the server would answer to it there.
func (c *checkup) domain(ctx context.Context, name site.Name) doctor.Finding {
	found, err := c.resolve(ctx, name.Host)
	if err != nil || len(found) == 0 {
		return doctor.Warning("let an A or AAAA record of "+name.Host+" point at this machine", "%s has no address in DNS", name.Host)
	}
	own := ownAddresses()
	if !slices.ContainsFunc(found, func(a string) bool { return slices.Contains(own, a) }) {
		return doctor.Warning("if this machine is to serve it, point its record here; behind a proxy or NAT all may be well",
			"%s leads to %s, which is no address of this machine", name.Host, strings.Join(found, ", "))
	}
	listen := cmp.Or(c.holder.HTTPS, c.holder.Listen)
	if c.running && state.OnlyHere(listen) {
		return doctor.Warning("run serve --stop, then serve --listen :80 --https", "%s leads here, and the server listens to this machine only, at %s", name.Host, listen)
	}
	if name.RedirectTo != "" {
		return doctor.OK("%s leads here, and is redirected to %s", name.Host, name.RedirectTo)
	}
	return doctor.OK("%s leads here", name.Host)
}

// ownAddresses are the addresses of this machine.
func ownAddresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			own = append(own, n.IP.String())
		}
	}
	return own
}
