package cli

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// units prints or writes the systemd units of a server that is called as this command is.
func (o *serveOptions) units() error {
	unit, err := o.unit()
	if err != nil {
		return err
	}
	files, err := unit.Files()
	if err != nil {
		return err
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
		if o.systemd == "-" {
			continue
		}
		names[i] = filepath.Join(o.systemd, f.Name)
		if err := os.WriteFile(names[i], []byte(f.Text), 0o644); err != nil { // units are read by everyone
			return fmt.Errorf("write unit: %w", err)
		}
	}
	if o.json {
		document := map[string]string{}
		for i, f := range files {
			document[names[i]] = f.Text
		}
		return o.printJSON(document)
	}
	if o.systemd != "-" {
		for _, n := range names {
			fmt.Fprintln(o.Out, n)
		}
		o.next([2]string{"To start it, now and when the machine does", "systemctl daemon-reload && systemctl enable --now " + files[0].Name + " " + files[1].Name})
		return nil
	}
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(o.Out)
		}
		fmt.Fprintf(o.Out, "# /etc/systemd/system/%s\n%s", f.Name, f.Text)
	}
	return nil
}

func (o *serveOptions) unit() (server.Unit, error) {
	u, err := o.account()
	if err != nil {
		return server.Unit{}, err
	}
	executable, err := os.Executable()
	if err != nil {
		return server.Unit{}, fmt.Errorf("find this program: %w", err)
	}
	dir := o.stateDir
	if dir == "" && o.user == "" {
		dir, err = localtarget.StateDir("")
	} else if dir == "" {
		dir = state.Default(u.HomeDir)
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return server.Unit{}, err
	}
	unit := server.Unit{Executable: executable, StateDir: dir, User: u.Username, Home: u.HomeDir, Arguments: o.unitArguments(),
		HTTP: ":80", StopSeconds: server.StopSeconds(o.limits)}
	if o.flags.Changed("listen") {
		unit.HTTP = o.listen
	}
	if o.httpsAddress() == "" {
		return unit, nil
	}
	unit.HTTPS = ":443"
	if o.flags.Changed("listen-https") {
		unit.HTTPS = o.listenHTTPS
	}
	if o.http3 {
		unit.QUIC = unit.HTTPS
	}
	return unit, nil
}

// account is the user that the server runs as.
func (o *serveOptions) account() (*user.User, error) {
	if o.user == "" {
		u, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("find out who you are: %w", err)
		}
		return u, nil
	}
	u, err := user.Lookup(o.user)
	if err != nil {
		return nil, fault.New(fault.Usage, "create the user first: useradd --system --create-home --shell /bin/bash "+o.user, "find user %s: %w", o.user, err)
	}
	return u, nil
}

// unitArguments are the flags of this call that the server is called with too. Sockets are the units' business.
func (o *serveOptions) unitArguments() []string {
	var args []string
	if o.httpsAddress() != "" {
		args = append(args, "--https")
	}
	o.flags.Visit(func(f *pflag.Flag) {
		switch value := f.Value.String(); f.Name {
		case "https", "listen", "listen-https", "systemd", "user", "stop", "reload":
		case "acme-root":
			if absolute, err := filepath.Abs(value); err == nil {
				value = absolute
			}
			args = append(args, "--"+f.Name+"="+value)
		default:
			if o.own.Lookup(f.Name) != nil {
				args = append(args, "--"+f.Name+"="+value)
			}
		}
	})
	return args
}
