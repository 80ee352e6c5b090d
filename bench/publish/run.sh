#!/bin/sh
# Makes the table of bench/publish/README.md anew. Needs Go, Linux, and the peers: rclone (apt install rclone) and the AWS CLI.
#   sh bench/publish/run.sh [FLAGS OF THE BENCHMARK]
set -eu
cd "$(dirname "$0")/../.."

TOOLS=$PWD/.cache/tools
[ -x "$TOOLS/versitygw" ] || GOBIN=$TOOLS CGO_ENABLED=0 go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o .cache/bench/cloudfront-hosting-toolkit ./cmd/cloudfront-hosting-toolkit
go build -o .cache/bench/publish ./bench/publish
# In memory, if it can be had: the disk is nobody's merit.
WORK=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$WORK"' EXIT
.cache/bench/publish -server "$TOOLS/versitygw" -binary .cache/bench/cloudfront-hosting-toolkit -work "$WORK" "$@"
