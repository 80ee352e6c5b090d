#!/bin/sh
# Builds the site into public/: checks every page, names the style sheet by its content, and writes the commit into the pages.
# A small stand-in for a front-end build, with nothing to install.
set -eu

rm -rf public
mkdir -p public

sum=$(cksum assets/style.css | cut -d' ' -f1)
style="style-$(printf '%08x' "$sum").css"
cp assets/style.css "public/$style"
cp assets/icon.svg public/icon.svg

commit=$(printf '%.7s' "${CODEBUILD_RESOLVED_SOURCE_VERSION:-working}")

find pages -name '*.html' | while read -r page; do
  grep -q '<title>..*</title>' "$page" || { echo "build: $page has no <title>" >&2; exit 1; }
  target="public/${page#pages/}"
  mkdir -p "$(dirname "$target")"
  sed -e "s|@STYLE@|$style|g" -e "s|@COMMIT@|$commit|g" "$page" > "$target"
  echo "built ${target#public}"
done
