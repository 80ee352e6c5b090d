// Command outside is what the Internet is to a machine under test (scripts/e2e-systemd.sh): name servers, GitHub with a release
// of the tool and a repository, Let's Encrypt, and viewers that count what goes wrong. All of it stays within the network namespace
// that it is started in.
//
//	outside serve -address A -machine M -dir D -pebble P -names C   until it is ended; prints "ready"
//	outside view -machine M -dir D                                  until SIGTERM; prints what the viewers saw
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := errors.New("usage: outside serve|view FLAGS")
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			err = serve(ctx, os.Args[2:])
		case "view":
			err = view(ctx, os.Args[2:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1) //nolint:gocritic // the signals are nobody's any more
	}
}
