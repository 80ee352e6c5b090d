package cli

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// serveOptions are what serve depends on.
type serveOptions struct {
	*session
	stop bool
}

func newServeCmd(s *session) *cobra.Command {
	o := &serveOptions{session: s}
	cmd := &cobra.Command{
		Use:   "serve [--listen ADDR] [--stop]",
		Short: "Serve the sites of this machine, and watch their sources",
		Long: `Runs the local target: the edge, the source watcher and the pipeline, for every site of the
state folder, until it is interrupted. deploy starts one in the background.`,
		Example: `  ` + name + ` serve
  ` + name + ` serve --listen 127.0.0.1:0      (any free port)
  ` + name + ` serve --stop`,
		Args:              arguments(0, 0, ""),
		ValidArgsFunction: noFiles,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&s.listen, "listen", server.DefaultListen, "the `address` to listen on")
	cmd.Flags().BoolVar(&o.stop, "stop", false, "stop the server that runs, wherever it was started")
	_ = cmd.RegisterFlagCompletionFunc("listen", noFiles)
	return cmd
}

func runServe(ctx context.Context, o *serveOptions) error {
	dir, err := localtarget.StateDir(o.stateDir)
	if err != nil {
		return err
	}
	if o.stop {
		if err := server.Stop(ctx, dir); err != nil {
			return err
		}
		if o.json {
			return o.printJSON(map[string]bool{"stopped": true})
		}
		fmt.Fprintln(o.Err, "Stopped.")
		return nil
	}
	return server.Run(ctx, server.Options{
		StateDir: dir, Listen: o.listen, Version: thisBuild().Version, Log: newServeLog(o.session),
		Ready: func(h state.Holder) { o.ready(dir, h) },
	})
}

// ready tells where the server answers, and for which sites.
func (o *serveOptions) ready(dir string, h state.Holder) {
	sites, err := state.Dir(dir).Names()
	if err != nil {
		o.warn("%v", err)
	}
	urls := make([]string, len(sites))
	for i, site := range sites {
		urls[i] = "http://" + site + ".localhost:" + portOf(h.Listen) + "/"
	}
	if o.json {
		err := o.printJSON(struct {
			URL   string   `json:"url"`
			PID   int      `json:"pid"`
			Sites []string `json:"sites"`
		}{h.URL, h.PID, orEmpty(urls)})
		if err != nil {
			o.warn("%v", err)
		}
		return
	}
	fmt.Fprintln(o.Out, "Serving "+o.OutStyle().Bold(h.URL))
	for _, url := range urls {
		fmt.Fprintln(o.Out, "  "+url)
	}
	if o.InTerminal {
		fmt.Fprintln(o.Err, o.ErrStyle().Dim("Ctrl-C stops it."))
	}
}

// portOf returns the port of an address, or all of it.
func portOf(address string) string {
	if _, port, err := net.SplitHostPort(address); err == nil {
		return port
	}
	return address
}
