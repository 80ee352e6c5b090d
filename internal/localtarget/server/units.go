package server

import (
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/certs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server/systemd"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
)

// RootCertificate returns the file with the certificate that browsers have to trust to accept local names over https. It is
// there once a server with https has started.
func RootCertificate(stateDir string) string {
	return certs.RootFile(state.Dir(stateDir).Certificates())
}

// RootFor returns RootCertificate's file if that can vouch for a name, else "".
func RootFor(stateDir, name string) string {
	if !certs.Local(name) {
		return ""
	}
	return RootCertificate(stateDir)
}

// InJournal reports whether what this process writes to its standard error goes to systemd's journal.
func InJournal() bool { return systemd.Journal(os.Stderr) }

// Unit is what the systemd units of a server are made of.
type Unit = systemd.Unit

// UnitFile is the name and the text of a unit.
type UnitFile = systemd.File

// StopSeconds is how long a service manager should let a server end that has the given limits.
func StopSeconds(l Limits) int {
	if l.DrainTimeout <= 0 {
		l.DrainTimeout = DefaultLimits().DrainTimeout
	}
	return int((l.DrainTimeout + stopPatience).Seconds())
}
