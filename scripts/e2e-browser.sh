#!/bin/sh
# make e2e-browser: headless Chromium opens a site of serve --https over HTTP/2 and over HTTP/3, and from one release to the next,
# and talks to an origin over a WebSocket.
#   sh scripts/e2e-browser.sh BINARY
set -eu

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
for tool in "$chromium" openssl; do
	command -v "$tool" >/dev/null || {
		[ "${CI:-}" = true ] && { echo "e2e-browser: Chromium and openssl are needed" >&2; exit 1; }
		echo "SKIPPED: e2e-browser needs Chromium (or CHROMIUM) and openssl"
		exit 0
	}
done

here=$(dirname "$0")
binary=$1
# An origin for a WebSocket.
scratch=$(mktemp -d)
address=$scratch/address
go build -C "$here/.." -o "$scratch/echo" ./e2e/echo
: > "$address"
"$scratch/echo" > "$address" &
origin=$!
until grep -q : "$address"; do kill -0 $origin && sleep 0.05; done
# shellcheck disable=SC2034 # for site.sh
behaviours='{"path":"/live","origin":"http://'$(cat "$address")'"},{"path":"/wait","origin":"http://'$(cat "$address")'"}'
. "$here/../bench/site.sh"
port=${https##*:}
url=https://$site.localhost:$port/

# What the page tells of itself: its release, the protocol it came by, whether its script came too, and the time that took.
cat > "$work/probe.js" <<'END'
addEventListener('load', function () {
  var page = performance.getEntriesByType('navigation')[0];
  var script = performance.getEntriesByType('resource').filter(function (e) { return e.name.indexOf('app.js') > 0; })[0];
  var p = document.createElement('p');
  p.textContent = 'probe:' + [document.title, window.ready, page.nextHopProtocol, script && script.nextHopProtocol, window.isSecureContext].join(',') + ';';
  document.body.appendChild(p);
});
END
# The same over a WebSocket, on a page of its own. The browser opens that over HTTP/1.1, whatever the page came by.
cat > "$work/socket.html" <<'END'
<!doctype html><link rel=icon href=data:,><p></p><script>
fetch('/wait');
var socket = new WebSocket('wss://' + location.host + '/live');
var say = function (text) {
  document.querySelector('p').textContent = ['pro', 'be:'].join('') + performance.getEntriesByType('navigation')[0].nextHopProtocol + ',' + text + ';';
  socket.close();
};
socket.onopen = function () { socket.send('hello'); };
socket.onmessage = function (e) { say(e.data); };
socket.onerror = function () { say('error'); };
</script>
END
release() {
	page "$1"
	cp "$work/socket.html" "$work/files/"
	cat "$work/probe.js" >> "$work/files/assets/app.js"
	tool publish "$work/files" --release "$1" --json > /dev/null 2> "$work/publish.log"
}

# Names below localhost are ::1 to the browser, which for HTTP/3 tries no other address; the server listens on 127.0.0.1.
there="--host-resolver-rules=MAP *.localhost 127.0.0.1"

# open NAME FLAGS…: prints what the page tells, in a browser that has never seen it.
open() {
	name=$1
	shift
	sandbox=
	[ "$(id -u)" != 0 ] || sandbox=--no-sandbox
	timeout 60 "$chromium" --headless $sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --user-data-dir="$work/profile-$name" \
		--virtual-time-budget=10000 "$there" "$@" --dump-dom "$url${path:-}" 2> "$work/chromium-$name.log" | sed -n 's/.*probe:\([^;]*\);.*/\1/p'
}

failed=0
expect() {
	if [ "$2" = "$3" ]; then echo "ok    $1: $2"; else echo "FAIL  $1: got '$2', want '$3'"; failed=1; cat "$work"/chromium-*.log; fi
}

# The key of the server's certificates, which this browser trusts and no other.
spki=$(openssl s_client -connect "$https" -servername "$site.localhost" </dev/null 2>/dev/null | openssl x509 -pubkey -noout |
	openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64)
trust=--ignore-certificate-errors-spki-list=$spki

release b1
expect "HTTP/2" "$(open h2 "$trust" --disable-quic)" "b1,b1,h2,h2,true"
expect "HTTP/3" "$(open h3 "$trust" --enable-quic --origin-to-force-quic-on="$site.localhost:$port")" "b1,b1,h3,h3,true"
release b2
expect "the next release" "$(open next "$trust" --disable-quic)" "b2,b2,h2,h2,true"
path=socket.html
expect "a WebSocket" "$(open socket "$trust" --disable-quic)" "h2,hello"
path=
expect "a browser that does not trust" "$(open stranger --disable-quic)" ""

# With the root among the browser's own, no flag is needed: its limits to local names are understood.
if command -v certutil >/dev/null; then
	HOME=$work/home
	export HOME
	mkdir -p "$HOME/.pki/nssdb"
	certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
	certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n cloudfront-hosting-toolkit -i "$state/certificates/local/root.crt"
	expect "the root is trusted" "$(open trusted --disable-quic)" "b2,b2,h2,h2,true"
else
	echo "SKIPPED: the root is trusted: certutil (libnss3-tools) is not here"
fi
exit $failed
