package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cli"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/need"
)

// tool is the name under which scripts call the real binary.
const tool = "cloudfront-hosting-toolkit"

func TestMain(m *testing.M) {
	// Scripts wait for servers and builds most of the time. What -parallel says counts more.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){tool: func() { os.Exit(cli.Main()) }, "terminal": terminal})
}

// TestScripts drives the real binary through whole stories, one a file. Each has its own home, state folder and git
// identity, and listens on free ports.
func TestScripts(t *testing.T) {
	need.Program(t, "git", "apt-get install git")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       golden.Updating(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"get":    get,
			"port":   port,
			"json":   fromJSON,
			"kill9":  kill9,
			"retry":  retry,
			"mkrepo": makeRepository,
			"mkzip":  makeZip,
			"exits":  exits,
			"api":    startAPI,
			"ask":    ask,
			"socket": socket,
		},
	})
}

func setUp(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	identity := "[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(identity), 0o644); err != nil {
		return err
	}
	env.Vars = append(env.Vars,
		"HOME="+home, "USERPROFILE="+home,
		"CHT_STATE_DIR="+filepath.Join(env.WorkDir, ".state"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(home, ".gitconfig"), "GIT_TERMINAL_PROMPT=0",
		"LC_ALL=C.UTF-8",
	)
	env.Defer(func() { stopServer(env.Vars) })
	return nil
}

// stopServer ends the server that a script's deploy left in the background.
func stopServer(vars []string) {
	stop := exec.Command(tool, "serve", "--stop")
	stop.Env = vars
	if path, err := exec.LookPath(tool); err == nil {
		stop.Path = path
	}
	_ = stop.Run()
}
