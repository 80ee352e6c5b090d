#!/bin/sh
# make e2e-systemd: boots an empty Debian with its systemd, and does with it what docs/self-hosting.md says: the commands are taken
# from that page and carried out as they stand. The Internet around the machine (e2e/selfhosting/outside) is a network namespace.
#   sh scripts/e2e-systemd.sh BINARY          DEBIAN=trixie for another release than bookworm
# It needs root, mmdebstrap, systemd-nspawn (systemd-container), ip, git, ssh, curl, Go, and Debian's package mirror. About 300 MB and
# a minute and a half; the empty Debian is kept in .cache/ for the next time, when it is a minute.
set -eu

missing=
for tool in mmdebstrap systemd-nspawn ip nsenter git ssh ssh-keygen curl go; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ "$(id -u)" = 0 ] || missing="$missing root"
if [ -n "$missing" ]; then
	[ "${CI:-}" = true ] && { echo "e2e-systemd: this is missing:$missing" >&2; exit 1; }
	echo "SKIPPED: e2e-systemd needs$missing"
	exit 0
fi

binary=$(realpath "$1")
cd "$(dirname "$0")/.."
guide=$PWD/docs/self-hosting.md
debian=${DEBIAN:-bookworm}
work=$(mktemp -d /var/tmp/e2e-systemd.XXXXXX)
machine=$work/machine world=$work/world home=$work/laptop
inside=cht-in-$$ outside=cht-out-$$
nspawn='' internet='' viewers=''
finish() {
	status=$?
	trap - EXIT INT TERM
	if [ $status != 0 ] && [ -n "$nspawn" ]; then
		root 'journalctl --no-pager -n 60 -u cloudfront-hosting-toolkit' || true
		tail -5 "$work/console" || true
	fi
	for pid in $viewers $internet; do kill "$pid" 2>/dev/null || true; done
	if [ -n "$nspawn" ]; then
		kill -KILL "$(pid1)" 2>/dev/null || true # all of the machine ends with it, and then systemd-nspawn
	fi
	wait
	ip netns del "$inside" 2>/dev/null || true
	ip netns del "$outside" 2>/dev/null || true
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM

step() { printf '%s  %s\n' "$(date +%T)" "$*"; }
fail() { echo "FAIL  $*" >&2; exit 1; }
ok() { echo "ok    $*"; }
expect() { if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: got '$2', want '$3'"; fi; }
# await SECONDS WHAT COMMAND…: until it succeeds.
await() {
	left=$(($1 * 20)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || fail "$what"
		sleep 0.05
	done
	ok "$what"
}

# block TEXT: the first block of shell commands in the guide from the line that holds TEXT on.
block() { awk -v text="$1" 'index($0, text) {found = 1} found && /^```/ {if (inside) exit; inside = 1; next} inside' "$guide"; }

pid1() { pgrep -P "$nspawn" -x systemd; }
# root COMMAND: on the machine, as root after login. root_online has the network of this computer, for Debian's packages.
login='env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c'
root() { nsenter -t "$(pid1)" -m -u -i -n -p -C $login "cd /root; $1" </dev/null; }
root_online() { nsenter -t "$(pid1)" -m -u -i -p -C unshare -m $login "mount --bind /root/resolv.conf /etc/resolv.conf; $1" </dev/null; }
# laptop COMMAND: somewhere on the Internet, in the folder of a project, with a key for ssh.
laptop() {
	ip netns exec "$outside" unshare -m env HOME="$home" PATH="$home/bin:$PATH" GIT_CONFIG_NOSYSTEM=1 \
		sh -c "mount --bind '$home/hosts' /etc/hosts; cd '$home/project'; $1" </dev/null
}
# get URL FLAGS…: as a viewer.
get() {
	url=$1
	shift
	ip netns exec "$outside" curl -sS --cacert "$world/acme.crt" --resolve "*:80:192.0.2.2" --resolve "*:443:192.0.2.2" "$@" "$url"
}
answers() { [ "$(get "$1")" = "$2" ]; }
# view: viewers ask for the shop's pages without a pause, until enough.
view() {
	ip netns exec "$outside" "$work/outside" view -machine 192.0.2.2 -dir "$world" -download /big.bin > "$work/viewers" 2>&1 &
	viewers=$!
	sleep 1
}
enough() {
	kill "$viewers"
	if wait "$viewers"; then ok "$1: $(cat "$work/viewers")"; else cat "$work/viewers" >&2; fail "$1"; fi
	viewers=
}
main_pid() { root 'systemctl show -P MainPID cloudfront-hosting-toolkit'; }
systemd() { root "systemctl $1 cloudfront-hosting-toolkit"; }

step "an empty Debian ($debian)"
mkdir -p .cache "$machine" "$world/releases" "$world/git/you" "$home/bin" "$home/project"
tar=.cache/empty-$debian.tar
if [ ! -f "$tar" ]; then
	mmdebstrap --quiet --format=tar --variant=minbase --include=systemd-sysv,dbus,openssh-server "$debian" "$tar.new" > "$work/mmdebstrap.log" 2>&1 || { cat "$work/mmdebstrap.log" >&2; exit 1; }
	mv "$tar.new" "$tar"
fi
tar -C "$machine" --numeric-owner -xf "$tar"
go build -o "$work/outside" ./e2e/selfhosting/outside
go build -C tools -o "$work/" github.com/letsencrypt/pebble/v2/cmd/pebble github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv

step "the Internet around it"
ip netns add "$inside"
ip netns add "$outside"
ip link add outside netns "$outside" type veth peer name machine netns "$inside"
ip -n "$outside" addr add 192.0.2.1/24 dev outside
ip -n "$inside" addr add 192.0.2.2/24 dev machine
for n in "$inside" "$outside"; do ip -n "$n" link set dev lo up; done
ip -n "$outside" link set dev outside up
ip -n "$inside" link set dev machine up
cp "$binary" "$world/releases/cloudfront-hosting-toolkit-linux-amd64"
cat > "$home/.gitconfig" <<'END'
[user]
	name = You
	email = you@example.com
[init]
	defaultBranch = main
END
export GIT_CONFIG_GLOBAL="$home/.gitconfig"
git init --quiet --bare "$world/git/you/shop"
git init --quiet "$work/shop"
echo "the shop" > "$work/shop/index.html"
head -c 33554432 /dev/zero > "$work/shop/big.bin"
git -C "$work/shop" add .
git -C "$work/shop" commit --quiet -m "The shop"
git -C "$work/shop" push --quiet "$world/git/you/shop" main
ip netns exec "$outside" "$work/outside" serve -address 192.0.2.1 -machine 192.0.2.2 -dir "$world" -pebble "$work/pebble" -names "$work/pebble-challtestsrv" > "$work/internet" 2>&1 &
internet=$!
await 60 "name servers, GitHub and Let's Encrypt are there" grep -q ready "$work/internet"
echo "nameserver 192.0.2.1" > "$machine/etc/resolv.conf"
cp /etc/resolv.conf "$machine/root/resolv.conf"
mkdir -p "$machine/usr/local/share/ca-certificates"
cp "$world/ca.crt" "$machine/usr/local/share/ca-certificates/outside.crt"

step "boot"
boot() {
	systemd-nspawn --quiet --directory="$machine" --boot --register=no --keep-unit --resolv-conf=off --hostname=server --console=pipe \
		--network-namespace-path="/run/netns/$inside" > "$work/console" 2>&1 </dev/null &
	nspawn=$!
}
boot
booted() { [ "$(root 'systemctl is-system-running' 2>/dev/null)" = running ]; }
await 60 "systemd is running, nothing has failed" booted

step "from an empty Debian machine to https in five commands"
block "From an empty Debian machine" > "$work/five"
expect "the guide has five commands" "$(grep -c . "$work/five")" 5
number=0
while read -r command <&3; do
	number=$((number + 1))
	run=root
	case $command in apt-get*) run=root_online ;; esac
	$run "$command" > "$work/command" 2>&1 || { cat "$work/command" >&2; fail "command $number: $command"; }
	ok "$(echo "$command" | cut -c 1-120)"
done 3< "$work/five"
await 30 "https://shop.example.com/ answers with a certificate of the ACME authority" answers https://shop.example.com/ "the shop"
expect "http redirects" "$(get http://shop.example.com/ -o /dev/null -w '%{http_code} %{redirect_url}')" "301 https://shop.example.com/"
get https://shop.example.com/ -o /dev/null -D "$work/header"
grep -qi '^strict-transport-security: max-age=' "$work/header" || fail "no HSTS"
expect "it is healthy" "$(root 'curl -s 127.0.0.1:9180/healthz')" ok
expect "it is enabled and active" "$(systemd is-enabled) $(systemd is-active)" "enabled active"
expect "it runs as hosting, without a capability" "$(root "sed -n 's/^CapEff:\t//p; s/^Uid:\t\([0-9]*\).*/\1/p' /proc/$(main_pid)/status | tr '\n' ' '")" "$(root 'id -u hosting') 0000000000000000 "
expect "the journal has no warning of it" "$(root 'journalctl --quiet -p warning -u cloudfront-hosting-toolkit -o cat')" ""
root 'journalctl --quiet -p info -u cloudfront-hosting-toolkit -o cat' | grep -q '^msg="certificate obtained" domain=shop.example.com' || fail "the journal does not tell of the certificate"
ok "the journal tells of the certificate"
exposure=$(root 'systemd-analyze security --no-pager cloudfront-hosting-toolkit' | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
if awk "BEGIN {exit !($exposure < 2)}"; then ok "systemd-analyze security: $exposure"; else fail "systemd-analyze security: $exposure"; fi

step "reload and restart, with viewers"
view
before=$(main_pid)
root "$(sed -n 2p "$work/five")" >/dev/null 2>&1 || fail "the program cannot be replaced while it runs"
systemd reload
[ "$(main_pid)" != "$before" ] || fail "after a reload, the same process runs"
for verb in reload restart reload restart restart; do systemd $verb; done
systemd is-active >/dev/null
enough "three reloads and three restarts"

step "a next version that does not start"
view
before=$(main_pid)
root 'mv /usr/local/bin/cloudfront-hosting-toolkit /root/good; printf "#!/bin/sh\nexit 1\n" > /usr/local/bin/cloudfront-hosting-toolkit; chmod 755 /usr/local/bin/cloudfront-hosting-toolkit'
if systemd reload 2>/dev/null; then fail "systemctl reload does not say that the program does not start"; fi
root 'mv /root/good /usr/local/bin/cloudfront-hosting-toolkit'
expect "the old process goes on" "$(main_pid) $(systemd is-active)" "$before active"
enough "a reload that fails"

step "crashes"
crashed() { pid=$(main_pid) && [ "$pid" != 0 ] && [ "$pid" != "$before" ] && answers https://shop.example.com/ "the shop"; }
before=$(main_pid)
root "kill -9 $before"
await 30 "a process that is killed is started again" crashed
systemd reload
before=$(main_pid)
root "kill -9 $before"
await 30 "one that took over, and was killed while the old one was still there, too" crashed

step "git push over ssh"
ssh-keygen -q -t ed25519 -N '' -f "$home/key"
printf '127.0.0.1 localhost\n192.0.2.2 server\n' > "$home/hosts"
printf '#!/bin/sh\nexec %s -F none -i %s/key -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=%s/known -o LogLevel=ERROR "$@"\n' "$(command -v ssh)" "$home" "$home" > "$home/bin/ssh"
chmod 755 "$home/bin/ssh"
authorize() { # KEYLINE
	root "install -d -o hosting -g hosting -m 700 /var/lib/hosting/.ssh && install -o hosting -g hosting -m 600 /dev/null /var/lib/hosting/.ssh/authorized_keys"
	printf '%s\n' "$1" > "$machine/var/lib/hosting/.ssh/authorized_keys"
}
authorize "$(cat "$home/key.pub")"
commit() { echo "$1" > "$home/project/index.html"; laptop "git add . && git commit --quiet -m '$1'"; }
laptop 'git init --quiet'
commit "the blog"
block "| of no interest: a CI builds" > "$work/three"
while read -r command <&3; do
	laptop "$command" > "$work/command" 2>&1 || { cat "$work/command" >&2; fail "$command"; }
	ok "$(echo "$command" | cut -c 1-120)"
done 3< "$work/three"
await 30 "https://blog.example.com/ answers" answers https://blog.example.com/ "the blog"
push=$(sed -n 's/.*`\(git push hosting@server:blog.git main\)`.*/\1/p' "$guide")
commit "the second post"
laptop "$push --quiet"
await 30 "$push deploys" answers https://blog.example.com/ "the second post"
path=$(root "su - hosting -c 'cloudfront-hosting-toolkit --dir blog show'" | sed -n 's/^Push to *//p')
commit "the third post"
laptop "git push --quiet hosting@server:$path main"
await 30 "a push to the site's own repository deploys" answers https://blog.example.com/ "the third post"
authorize "$(sed -n 's/^    \(restrict,command=.*"\) ssh-ed25519 .*/\1/p' "$guide") $(cat "$home/key.pub")"
commit "the fourth post"
laptop "git push --quiet hosting@server:$path main"
await 30 "a key for pushes alone is enough" answers https://blog.example.com/ "the fourth post"
if laptop 'ssh hosting@server id' >/dev/null 2>&1; then fail "a key for pushes opens a shell"; fi

step "backup and restore"
view
root "$(block 'A backup is a copy')" || fail "the backup"
commit "a post that is lost"
laptop "git push --quiet hosting@server:$path main"
await 30 "a release after the backup" answers https://blog.example.com/ "a post that is lost"
enough "a backup"
block "that does no harm. To restore" | sed "s/backup-20[0-9-]*/backup-$(date +%F)/" > "$work/restore"
issued=$(grep -c 'Issued certificate serial' "$world/pebble.log")
while read -r command <&3; do
	root "$command" > "$work/command" 2>&1 || { cat "$work/command" >&2; fail "$command"; }
done 3< "$work/restore"
await 30 "after the restore, the blog is that of the backup" answers https://blog.example.com/ "the fourth post"
expect "and the shop" "$(get https://shop.example.com/)" "the shop"
expect "with the certificates of before" "$(grep -c 'Issued certificate serial' "$world/pebble.log")" "$issued"

step "sockets"
root 'systemctl stop cloudfront-hosting-toolkit.service' 2>/dev/null
expect "it has stopped" "$(systemd is-active || true)" inactive
await 30 "systemd's socket starts it when a viewer comes" answers https://shop.example.com/ "the shop"
root 'systemctl reboot'
status=0
wait "$nspawn" || status=$?
expect "the machine reboots" "$status" 133 # what systemd-nspawn says then
boot
rebooted() { booted && answers https://shop.example.com/ "the shop"; }
await 60 "it is there after a reboot" rebooted
root 'systemctl stop cloudfront-hosting-toolkit.socket cloudfront-hosting-toolkit.service'
if get https://shop.example.com/ >/dev/null 2>&1; then fail "it answers although it has stopped"; fi
sed -n 's/^`\(apt-get install .* setcap .*\)`, and$/\1/p' "$guide" > "$work/setcap"
[ -s "$work/setcap" ] || fail "the guide does not say how to go without sockets"
while read -r command <&3; do root_online "$command" > "$work/command" 2>&1 || { cat "$work/command" >&2; fail "$command"; }; done 3< "$work/setcap"
flags=$(sed -n 's/^`serve \(--https --listen [^`]*\)`.*/\1/p' "$guide")
[ -n "$flags" ] || fail "the guide does not say how to go without sockets"
root "su - hosting -c 'cloudfront-hosting-toolkit serve $flags > serve.log 2>&1 &'"
await 30 "without systemd's sockets, with a capability" answers https://shop.example.com/ "the shop"
before=$(root 'pgrep -x -u hosting cloudfront-host')
root "su - hosting -c 'cloudfront-hosting-toolkit serve --reload'" 2>/dev/null || fail "serve --reload"
expect "serve --reload replaces it" "$(root 'pgrep -x -n -u hosting cloudfront-host' | grep -vx "$before" | grep -c .) $(get https://shop.example.com/)" "1 the shop"
step "done: every command of the guide works as printed"
