package cli

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// serveOptions are what serve depends on.
type serveOptions struct {
	*session
	stop, reload, https, http3 bool
	listenHTTPS                string
	metrics                    string
	acme                       server.ACME
	limits                     server.Limits
	cacheMegabytes             int
	// systemd is the folder that unit files are written to; "-" prints them, and "" serves.
	systemd string
	user    string
	// flags are all flags of the call, own those of this command alone.
	flags, own *pflag.FlagSet
}

func newServeCmd(s *session) *cobra.Command {
	o := &serveOptions{session: s, limits: server.DefaultLimits()}
	cmd := &cobra.Command{
		Use:   "serve [--listen ADDR] [--https] [--reload | --stop]",
		Short: "Serve the sites of this machine, and watch their sources",
		Long: `Runs the local target: the edge, the source watcher and the pipeline, for every site of the
state folder, until it is interrupted. deploy starts one in the background.

With --https, sites answer over HTTP/1.1, HTTP/2 and HTTP/3. Names below localhost get certificates of an
authority of this machine, which browsers do not know until they are told to trust it. Domain names get
certificates from Let's Encrypt, whose terms you accept by that, if the server can be reached by others.

With --reload, or on SIGUSR2, a new process of the program that is now on the disk takes over from the one that runs,
and no viewer waits or gets an error.`,
		Example: `  ` + name + ` serve
  ` + name + ` serve --listen 127.0.0.1:0      (any free port)
  ` + name + ` serve --https --listen :80 --listen-https :443
  ` + name + ` serve --https --systemd         (prints units for a server)
  ` + name + ` serve --reload
  ` + name + ` serve --stop`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.flags, o.own = cmd.Flags(), cmd.LocalNonPersistentFlags()
			return runServe(cmd.Context(), o)
		},
	}
	o.addFlags(cmd.Flags())
	for _, flag := range []string{"listen", "listen-https", "metrics", "acme-ca", "acme-email", "user"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, noFiles)
	}
	return cmd
}

func (o *serveOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.listen, "listen", server.DefaultListen, "the `address` to listen on")
	f.BoolVar(&o.https, "https", false, "serve https too")
	f.StringVar(&o.listenHTTPS, "listen-https", server.DefaultListenHTTPS, "`address` for https; turns it on")
	f.BoolVar(&o.http3, "http3", true, "offer HTTP/3 with https")
	f.StringVar(&o.acme.Directory, "acme-ca", "", "`URL` of another ACME authority than Let's Encrypt")
	f.StringVar(&o.acme.Email, "acme-email", "", "`address` that the ACME authority writes to if there is trouble")
	f.StringVar(&o.acme.Roots, "acme-root", "", "`file` with the certificates to trust the ACME authority by")
	f.StringVar(&o.metrics, "metrics", "", "`address` for /metrics and /healthz, such as 127.0.0.1:9180")
	f.BoolVar(&o.stop, "stop", false, "stop the server that runs, wherever it was started")
	f.BoolVar(&o.reload, "reload", false, "let a new process take over from the server that runs")
	f.StringVar(&o.systemd, "systemd", "", "print systemd units, or write them into the `folder`")
	f.Lookup("systemd").NoOptDefVal = "-"
	f.StringVar(&o.user, "user", "", "the `user` that the units run the server as; you, if it is not given")
	f.IntVar(&o.cacheMegabytes, "cache-size", edge.DefaultCacheBytes>>20, "megabytes of memory for the files of all sites")
	l := &o.limits
	f.IntVar(&l.Connections, "max-connections", l.Connections, "connections at a time; idle ones make room")
	f.IntVar(&l.ConnectionsPerClient, "max-connections-per-client", l.ConnectionsPerClient, "of them from one address; negative for no limit")
	f.IntVar(&l.Requests, "max-requests", l.Requests, "requests at a time; others are answered 503")
	f.IntVar(&l.Streams, "max-streams", l.Streams, "requests at a time on one HTTP/2 or HTTP/3 connection")
	f.IntVar(&l.HeaderBytes, "max-header-bytes", l.HeaderBytes, "size of a request's header")
	f.DurationVar(&l.HeaderTimeout, "header-timeout", l.HeaderTimeout, "for a request's header, and for the TLS handshake")
	f.DurationVar(&l.StallTimeout, "stall-timeout", l.StallTimeout, "for a viewer to read the next 64 KB of an answer")
	f.DurationVar(&l.IdleTimeout, "idle-timeout", l.IdleTimeout, "for the next request on a connection")
	f.DurationVar(&l.DrainTimeout, "drain-timeout", l.DrainTimeout, "for requests to end when the server stops")
}

func runServe(ctx context.Context, o *serveOptions) error {
	dir, err := localtarget.StateDir(o.stateDir)
	if err != nil {
		return err
	}
	if o.stop {
		return o.stopServer(ctx, dir)
	}
	if o.reload {
		return o.reloadServer(ctx, dir)
	}
	if o.cacheMegabytes < 1 || o.cacheMegabytes > 1<<20 {
		return fault.New(fault.Usage, "give it as a number of megabytes", "--cache-size %d is not from 1 to %d", o.cacheMegabytes, 1<<20)
	}
	if o.systemd != "" {
		return o.units()
	}
	sockets, err := server.InheritSockets()
	if err != nil {
		return err
	}
	return server.Run(ctx, server.Options{
		StateDir: dir, Listen: o.listen, ListenHTTPS: o.httpsAddress(), NoHTTP3: !o.http3, ACME: o.acme, Metrics: o.metrics,
		Limits: o.limits, CacheBytes: int64(o.cacheMegabytes) << 20, Sockets: sockets, Version: thisBuild().Version, Log: newServeLog(o.session),
		Ready: func(h state.Holder) { o.ready(dir, h) },
	})
}

func (o *serveOptions) stopServer(ctx context.Context, dir string) error {
	stopped, err := server.Stop(ctx, dir)
	switch {
	case err != nil:
		return err
	case o.json:
		return o.printJSON(map[string]bool{"stopped": stopped})
	case stopped:
		fmt.Fprintln(o.Err, "Stopped.")
	default:
		fmt.Fprintln(o.Err, "No server runs for "+o.path(dir)+": nothing to stop.")
	}
	return nil
}

func (o *serveOptions) reloadServer(ctx context.Context, dir string) error {
	pid, err := server.Reload(ctx, dir)
	switch {
	case err != nil:
		return err
	case o.json:
		return o.printJSON(map[string]int{"pid": pid})
	}
	fmt.Fprintf(o.Err, "Process %d answers now.\n", pid)
	return nil
}

// httpsAddress is the address for https; empty if it was not asked for.
func (o *serveOptions) httpsAddress() string {
	if !o.https && !o.flags.Changed("listen-https") {
		return ""
	}
	return o.listenHTTPS
}

// servingView is serve's JSON: the server's address, its process, and the sites' addresses.
type servingView struct {
	URL   string   `json:"url"`
	PID   int      `json:"pid"`
	Sites []string `json:"sites"`
}

// ready tells where the server answers, and for which sites.
func (o *serveOptions) ready(dir string, h state.Holder) {
	sites, err := state.Dir(dir).Names()
	if err != nil {
		o.warn("%v", err)
	}
	urls := make([]string, len(sites))
	for i, site := range sites {
		domain := ""
		if d, err := state.Dir(dir).Site(site).Load(); err == nil {
			domain = d.Config.DomainName
		}
		urls[i] = h.SiteURL(site, domain)
	}
	if o.json {
		if err := o.printJSON(servingView{h.URL, h.PID, orEmpty(urls)}); err != nil {
			o.warn("%v", err)
		}
		return
	}
	fmt.Fprintln(o.Out, "Serving "+o.OutStyle().Bold(h.URL))
	for _, url := range urls {
		fmt.Fprintln(o.Out, "  "+url)
	}
	if h.HTTPS != "" && o.ErrTerminal {
		o.trust(server.RootCertificate(dir))
	}
	if o.InTerminal {
		fmt.Fprintln(o.Err, o.ErrStyle().Dim("Ctrl-C stops it."))
	}
}

// trust says how this machine's browsers come to trust the certificates of local names.
func (o *serveOptions) trust(root string) {
	root = shellWord(root)
	step := [2]string{"To trust it here", "curl --cacert " + root + " …"}
	switch runtime.GOOS {
	case "darwin":
		step[1] = "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db " + root
	case "windows":
		step[1] = "certutil -user -addstore Root " + root
	case "linux":
		step[1] = "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n " + name + " -i " + root + "   (of libnss3-tools, for Chromium)"
	}
	fmt.Fprintln(o.Err, o.ErrStyle().Dim("Names below localhost have certificates of this machine's own authority."))
	o.next(step)
}
