#!/bin/sh
# make demo: from nothing to a site that goes live, in a folder of its own. Run again, it starts afresh.
#   sh scripts/demo.sh BINARY [FOLDER]
set -eu

binary=$1
demo=${2:-demo}
mkdir -p "$demo"
demo=$(cd "$demo" && pwd)
tool=$demo/cloudfront-hosting-toolkit

bold= cyan= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') cyan=$(printf '\033[36m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# run CODE: shows a command as it would be typed, and runs it.
run() { printf '%s$ %s%s\n' "$cyan" "$1" "$plain"; eval "$1"; }

# A command that knows where the demo keeps its state, so that nothing outside the folder is touched.
if [ -x "$tool" ]; then "$tool" serve --stop >/dev/null 2>&1 || true; fi
rm -rf "$demo/hello" "$demo/state"
cat > "$tool" <<END
#!/bin/sh
CHT_STATE_DIR='$demo/state' exec '$binary' "\$@"
END
chmod +x "$tool"
PATH=$demo:$PATH

say "1. A git repository with a small site"
cp -R examples/hello "$demo/hello"
cd "$demo/hello"
run "git init --quiet --initial-branch main"
git config user.name >/dev/null || run 'git config user.name Demo'
git config user.email >/dev/null || run 'git config user.email demo@example.com'
run "git add ."
run 'git commit --quiet --message "A site"'

say "2. init: look at the project, write three files"
run 'cloudfront-hosting-toolkit init --yes --build-command "sh build.sh" --output-dir public --routing static'
run "git add ."
run 'git commit --quiet --message "Add the hosting configuration"'

say "3. deploy: create the hosting, build, publish, serve"
run 'cloudfront-hosting-toolkit deploy'

url=$(cloudfront-hosting-toolkit show --json | sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' | head -n 1)
port=${url##*:}
say "It is live: $url"
cat <<END
(If your browser does not know *.localhost: http://127.0.0.1:$port)

Now, in this terminal or another:

  cd ${demo#"$OLDPWD"/}/hello

  change it         edit pages/index.html, git commit -am "New words", and reload the page
  break it          delete the <title> of a page, git commit -am "Oops": the site stays as it was
  see why           ../cloudfront-hosting-toolkit status, and ... logs
  go back           ../cloudfront-hosting-toolkit rollback
  list releases     ../cloudfront-hosting-toolkit releases
  stop the server   ../cloudfront-hosting-toolkit serve --stop
END
