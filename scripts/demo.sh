#!/bin/sh
# make demo: from nothing to a site that goes live, is changed by a commit, survives a broken one, and goes back; in a folder of
# its own. Run again, it starts afresh.
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
port=${port%/}

# page: shows what the site says, to a viewer if there is a program that can ask, else as explain sees it. Some machines
# do not know *.localhost; as the only site it answers to any name.
page() {
  if command -v curl >/dev/null; then
    run "curl -s http://127.0.0.1:$port/ | grep '<h1>'"
  else
    run "cloudfront-hosting-toolkit explain / 2>/dev/null | grep '^Release'"
  fi
}
# await: until the execution of the commit that is checked out has ended, whether well or not.
await() {
  commit=$(git rev-parse HEAD)
  tries=0
  until seen=$(cloudfront-hosting-toolkit status --json 2>/dev/null || true)
    case $seen in *'"status": "InProgress"'*) false ;; *"\"revision\": \"$commit\""*) true ;; *) false ;; esac
  do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "commit $commit was not noticed; see $tool status" >&2; exit 1; }
    sleep 0.1
  done
}
page

say "4. A commit is all that it takes to release a change"
run "sed 's/Hello from/Good morning from/' pages/index.html > new.html && mv new.html pages/index.html"
run 'git commit --quiet --all --message "Say good morning"'
await
page

say "5. A build that fails changes nothing: this one wants a title in every page"
run "sed '/<title>/d' pages/index.html > new.html && mv new.html pages/index.html"
run 'git commit --quiet --all --message "Oops"'
await
run "cloudfront-hosting-toolkit status" || true
page

say "6. Going back is moving a pointer"
run "cloudfront-hosting-toolkit rollback"
page
run "cloudfront-hosting-toolkit releases"

say "It is live: $url"
case $demo in "$OLDPWD"/*) demo=${demo#"$OLDPWD"/} ;; esac
cat <<END
(If your browser does not know *.localhost: http://127.0.0.1:$port/)

Now, in this terminal or another:

  cd $demo/hello

  mend it           git revert --no-edit HEAD, and reload the page
  see why           ../cloudfront-hosting-toolkit logs, and ... explain /about
  stop the server   ../cloudfront-hosting-toolkit serve --stop
END
