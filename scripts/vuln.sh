#!/bin/sh
# Runs govulncheck. Its database is a web site of its own: where that cannot be reached, this says so and does not fail,
# because nothing has been learnt about the code.
#   sh scripts/vuln.sh GOVULNCHECK
set -u

out=$("$1" ./... 2>&1)
status=$?
printf '%s\n' "$out"
if [ $status -ne 0 ] && printf '%s' "$out" | grep -qE 'vuln\.go\.dev.*(dial|lookup|refused|timeout|Forbidden|no such host|EOF)|fetching vulnerabilities'; then
  echo "NOTE: the vulnerability database cannot be reached from here: nothing was checked."
  exit 0
fi
exit $status
