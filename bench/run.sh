#!/bin/sh
# Makes the tables of bench/README.md anew.
#   sh bench/run.sh BINARY
set -eu

go run ./bench/spine -binary "$1"
