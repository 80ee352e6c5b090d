package localtarget

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/server"
)

// defaultListen is where a server listens if nothing else is said.
const defaultListen = server.DefaultListen

// soon is how long before its end a certificate should have been renewed: the server renews a third of its life before that,
// be it ninety days or, from this machine's authority, seven.
func soon(leaf *x509.Certificate) time.Duration {
	return min(7*24*time.Hour, leaf.NotAfter.Sub(leaf.NotBefore)/10)
}

// certificates looks at the certificate that the server shows for each of the site's names, where it serves https.
func (c *checkup) certificates(ctx context.Context) doctor.Finding {
	if !c.running || c.holder.HTTPS == "" || c.deployed == nil {
		return doctor.Finding{}
	}
	hosts := []string{c.site.Name() + ".localhost"}
	for _, n := range c.project.Names() {
		hosts = append(hosts, n.Host)
	}
	var fine []string
	for _, host := range hosts {
		leaf, err := shown(ctx, c.holder.HTTPS, host)
		switch {
		case err != nil:
			return doctor.Failed(c.logHint(), "%s has no certificate: %v", host, err)
		case time.Now().After(leaf.NotAfter):
			return doctor.Failed(c.logHint(), "the certificate of %s ended on %s", host, day(leaf.NotAfter))
		case leaf.VerifyHostname(host) != nil:
			return doctor.Failed(c.logHint(), "the certificate that is shown for %s is of %s", host, strings.Join(leaf.DNSNames, ", "))
		case time.Until(leaf.NotAfter) < soon(leaf):
			return doctor.Warning(c.logHint(), "the certificate of %s ends on %s, and was not renewed", host, day(leaf.NotAfter))
		}
		fine = append(fine, fmt.Sprintf("%s until %s", host, day(leaf.NotAfter)))
	}
	return doctor.OK("%s", strings.Join(fine, "\n"))
}

// logHint leads to what the server says, which is on its terminal if somebody started it there.
func (c *checkup) logHint() string {
	return "see what serve logs, in the background to " + c.dir.ServeLog()
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// shown is the certificate that the server shows for a name. Whether it is trusted is not asked: that depends on the viewer.
func shown(ctx context.Context, address, host string) (*x509.Certificate, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip, _, _ := net.SplitHostPort(address); ip == "" || net.ParseIP(ip).IsUnspecified() {
		address = net.JoinHostPort("localhost", port)
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}} // only looked at, nothing is sent
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil, fmt.Errorf("none was shown")
	}
	return chain[0], nil
}

// service looks whether the server is a service of the system, which is started with the machine.
func service(ctx context.Context) doctor.Finding {
	if _, err := exec.LookPath("systemctl"); err != nil {
		return doctor.Finding{}
	}
	out, err := exec.CommandContext(ctx, "systemctl", "is-enabled", serviceName).Output()
	state := strings.TrimSpace(string(out))
	switch {
	case state == "enabled":
		out, _ = exec.CommandContext(ctx, "systemctl", "is-active", serviceName).Output() // its words say it, too
		if active := strings.TrimSpace(string(out)); active != "active" {
			return doctor.Failed("run: systemctl status "+serviceName, "%s is enabled, and is %s", serviceName, active)
		}
		return doctor.OK("%s is enabled and active", serviceName)
	case state == "disabled":
		return doctor.Warning("run: systemctl enable --now "+serviceName, "%s is installed and not enabled", serviceName)
	case err != nil:
		return doctor.OK("none: the server ends with the machine (serve --systemd makes one)")
	}
	return doctor.OK("%s is %s", serviceName, state)
}

// serviceName is the unit's name.
const serviceName = "cloudfront-hosting-toolkit.service"
