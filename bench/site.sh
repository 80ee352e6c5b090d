# Sourced by the scripts beside it: a site of its own, served over https by the binary under test, gone at the end.
# Takes: $binary, and in $flags what serve is called with beside its addresses; with $big not empty there is a large file; in
# $behaviours the configuration's, in $origin the process that they lead to and in $scratch its folder,
# which both end with the site.
# Sets: $work (a temporary folder), $state, $site, $http, $https and $metrics (addresses), $pid (of the server).
# A page of 10 KB is /, a script of 200 KB is /assets/app.js, a file of 50 MB is /big.bin.
binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
work=$(mktemp -d)
state=$work/state
project=$work/project
pid=
finish() {
	[ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
	[ -z "${origin:-}" ] || kill "$origin" 2>/dev/null || true
	rm -rf "$work" ${scratch:+"$scratch"}
}
trap finish EXIT
trap 'exit 1' INT TERM

# page NAME: the files of a release that says its name on each page.
page() {
	rm -rf "$work/files"
	mkdir -p "$work/files/assets"
	{ echo "<!doctype html><title>$1</title><link rel=icon href=data:,><script src=/assets/app.js></script><p id=release>$1</p>"; head -c 7500 /dev/urandom | base64; } > "$work/files/index.html"
	{ echo "window.ready = '$1'; /*"; head -c 150000 /dev/urandom | base64; echo "*/"; } > "$work/files/assets/app.js"
	[ -z "${big:-}" ] || head -c 52428800 /dev/zero > "$work/files/big.bin"
}
tool() { "$binary" --dir "$project" --state-dir "$state" "$@"; }
publish() { page "$1"; tool publish "$work/files" --release "$1" --json > "$work/publish.json" 2> "$work/publish.log"; }

mkdir -p "$project/cloudfront-hosting-toolkit"
echo '{"repoUrl":"https://example.com/bench.git","branchName":"main","routing":"static","keepReleases":3,"behaviours":['"${behaviours:-}"']}' > "$project/cloudfront-hosting-toolkit/cloudfront-hosting-toolkit-config.json"
publish r0
"$binary" --state-dir "$state" serve --json --listen 127.0.0.1:0 --listen-https 127.0.0.1:0 --metrics 127.0.0.1:0 ${flags:-} > "$work/serve.json" 2> "$work/serve.log" &
pid=$!
tries=0
until grep -q '"sites"' "$work/serve.json"; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] && kill -0 "$pid" 2>/dev/null || { cat "$work/serve.log" >&2; exit 1; }
	sleep 0.05
done
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$state/serve.json"; }
http=$(field listen) https=$(field https) metrics=$(field metrics)
site=$(ls "$state/sites")
