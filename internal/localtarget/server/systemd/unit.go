package systemd

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// UnitName is the name of the units, without their suffixes.
const UnitName = "cloudfront-hosting-toolkit"

// Unit is what the unit files of a server are made of.
type Unit struct {
	// Executable and StateDir are absolute paths.
	Executable, StateDir string
	// User runs the server and its builds, at Home, where builds keep their caches.
	User, Home string
	// Arguments follow "serve" on the command line.
	Arguments []string
	// HTTP, HTTPS and QUIC are the addresses of the sockets; all but HTTP may be empty.
	HTTP, HTTPS, QUIC string
	// StopSeconds is how long requests and builds may take to end when the server stops.
	StopSeconds int
}

// File is a unit file.
type File struct{ Name, Text string }

// Files returns the unit files: the socket, which systemd opens with its own privileges and keeps open while the server
// restarts, and the service, which has no privileges at all.
func (u Unit) Files() ([]File, error) {
	for what, s := range map[string]string{"user": u.User, "home folder": u.Home, "program": u.Executable, "state folder": u.StateDir} {
		if s == "" || strings.ContainsAny(s, "\n\r\x00") {
			return nil, fmt.Errorf("write units: %s %q cannot be written in a unit", what, s)
		}
	}
	var files []File
	for _, name := range []string{"socket", "service"} {
		var b strings.Builder
		if err := units.ExecuteTemplate(&b, name, u); err != nil {
			return nil, fmt.Errorf("write units: %w", err)
		}
		files = append(files, File{UnitName + "." + name, b.String()})
	}
	return files, nil
}

// ProtectHome is yes unless something of the service lies in one of the folders that it hides.
func (u Unit) ProtectHome() string {
	for _, path := range []string{u.StateDir, u.Home, u.Executable} {
		for _, hidden := range []string{"/home", "/root", "/run/user"} {
			if path == hidden || strings.HasPrefix(path, hidden+"/") {
				return "no"
			}
		}
	}
	return "yes"
}

// Writable are the paths that the service may write to.
func (u Unit) Writable() string {
	paths := []string{u.StateDir}
	if rel, err := filepath.Rel(u.Home, u.StateDir); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		paths = append(paths, u.Home)
	} else {
		paths[0] = u.Home
	}
	return words(paths, escapePath)
}

// Command is the command line of the service.
func (u Unit) Command() string {
	return words(append([]string{u.Executable, "--state-dir", u.StateDir, "serve"}, u.Arguments...), escapeWord)
}

// Reload is the command line that makes a new process take over; it fails if none does.
func (u Unit) Reload() string {
	return words([]string{u.Executable, "--state-dir", u.StateDir, "serve", "--reload"}, escapeWord)
}

// Variables are replaced on command lines only.
var (
	escapePath = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%")
	escapeWord = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$")
)

// words quotes words for a unit file (systemd.syntax(7), systemd.service(5)).
func words(list []string, escape *strings.Replacer) string {
	quoted := make([]string, len(list))
	for i, w := range list {
		quoted[i] = escape.Replace(w)
		if w == "" || strings.ContainsAny(w, " \t\"'\\;") {
			quoted[i] = `"` + quoted[i] + `"`
		}
	}
	return strings.Join(quoted, " ")
}

// stream turns an address into what ListenStream= takes: a port alone means all addresses.
func stream(address string) string { return strings.TrimPrefix(address, ":") }

var units = template.Must(template.New("").Funcs(template.FuncMap{"stream": stream}).Parse(`
{{- define "socket" -}}
[Unit]
Description=Sockets of the sites that cloudfront-hosting-toolkit serves

[Socket]
ListenStream={{stream .HTTP}}
{{- with .HTTPS}}
ListenStream={{stream .}}
{{- end}}
{{- with .QUIC}}
ListenDatagram={{stream .}}
{{- end}}
# Viewers wait here while the service restarts.
Backlog=4096
ReceiveBuffer=8M
NoDelay=yes

[Install]
WantedBy=sockets.target
{{end}}
{{- define "service" -}}
[Unit]
Description=Sites with atomic releases (cloudfront-hosting-toolkit)
Wants=network-online.target
After=network-online.target
Requires=` + UnitName + `.socket
After=` + UnitName + `.socket

[Service]
Type=notify
User={{.User}}
ExecStart={{.Command}}
# A new process takes the sockets over while this one still answers.
ExecReload={{.Reload}}
Restart=on-failure
RestartSec=1
# Requests and builds that run are given time to end; the server ends its builds itself.
KillMode=mixed
TimeoutStopSec={{.StopSeconds}}
LimitNOFILE=65536
# A build that needs too much memory is ended without the server.
OOMPolicy=continue

# The service needs no privileges: systemd has opened the ports. Builds run with the same rights.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
UMask=0077
ProtectSystem=strict
ReadWritePaths={{.Writable}}
ProtectHome={{.ProtectHome}}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
Also=` + UnitName + `.socket
{{end}}`))
