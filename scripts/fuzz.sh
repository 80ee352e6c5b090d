#!/bin/sh
# Runs every fuzz target of the module, one after the other.
#   sh scripts/fuzz.sh TIME
set -eu

grep -rlE '^func Fuzz' --include '*_test.go' internal | sort | while read -r file; do
  for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file"); do
    echo "== $target (${file%/*})"
    go test "./${file%/*}" -run '^$' -fuzz "^$target\$" -fuzztime "$1"
  done
done
