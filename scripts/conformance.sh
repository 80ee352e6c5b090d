#!/bin/sh
# Run the public test suite for HTTP caches against the edge: conformance.sh FOLDER [TEST-ID]. It needs node and npm; the
# suite is fetched once, into FOLDER.
set -eu
folder=$1
shift
suite=http-cache-tests@0.4.5 # npm; BSD-3-Clause; https://cache-tests.fyi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "conformance: skipped, there is no node or no npm" >&2
  exit 0
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ ! -f "$folder/package/cli.mjs" ]; then
  # Not "npm install": the package names npm itself among its dependencies, and the command line needs node-fetch only.
  (cd "$folder" && npm pack --silent "$suite" >/dev/null && tar xzf http-cache-tests-*.tgz)
  (cd "$folder/package" && rm -f package-lock.json && npm pack --silent node-fetch@2.7.0 whatwg-url@5.0.0 tr46@0.0.3 webidl-conversions@3.0.1 >/dev/null &&
    for m in node-fetch whatwg-url tr46 webidl-conversions; do
      mkdir -p "node_modules/$m" && tar xzf "$m"-*.tgz -C "node_modules/$m" --strip-components=1
    done)
fi
exec go run ./test/conformance "$folder/package" "$@"
