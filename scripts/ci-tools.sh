#!/bin/sh
# Installs what the tests of CI need beyond Go and git, where it is missing. What cannot be had fails here, by name.
set -eu

apt_missing=""
need_apt() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || apt_missing="$apt_missing $2"; }
need_apt njs njs                # the function vectors, in the dialect that CloudFront's engine is
need_apt sshd openssh-server    # a push over ssh deploys
need_apt ssh openssh-client
need_apt chromium chromium      # pages over HTTP/2 and HTTP/3
need_apt aws awscli             # the commands that synth prints, carried out as they stand
need_apt openssl openssl        # whose certificate the browser is to trust
need_apt certutil libnss3-tools # the same for good
if [ -n "$apt_missing" ]; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $apt_missing
fi

pip_missing=""
need_pip() { command -v "$1" >/dev/null 2>&1 || pip_missing="$pip_missing $2"; }
need_pip moto_server moto[server] # S3, as one more server that the store is held against
# The template is held against the schemas of all resources, and the regions against those of one version.
python3 -c 'from cfnlint.version import __version__ as v; assert v.startswith("1.51.")' 2>/dev/null || pip_missing="$pip_missing cfn-lint==1.51.0"
# The models that the double of AWS is held against are those of one version of botocore.
python3 -c 'import botocore; assert botocore.__version__ == "1.43.11"' 2>/dev/null || pip_missing="$pip_missing botocore==1.43.11"
if [ -n "$pip_missing" ]; then
  # shellcheck disable=SC2086
  python3 -m pip install --quiet $pip_missing
fi
