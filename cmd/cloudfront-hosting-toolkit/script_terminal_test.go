package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/creack/pty"
)

// terminal is a program for scripts: it runs another one on a terminal, types the text of a file and the mark that ends a file, prints all
// that the terminal shows, and ends as the other one does:
//
//	exec terminal FILE PROGRAM [ARGUMENT...]
//
// Unlike ttyin it does not close the terminal before all of it has been read.
func terminal() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: terminal FILE PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	code, err := onTerminal(os.Args[1], exec.Command(os.Args[2], os.Args[3:]...))
	if err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		code = 2
	}
	os.Exit(code)
}

func onTerminal(file string, cmd *exec.Cmd) (code int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	outside, err := pty.Start(cmd)
	if err != nil {
		return 0, err
	}
	defer outside.Close()
	typed := make(chan error, 1)
	go func() {
		_, err := outside.Write(append(text, 4))
		typed <- err
	}()
	_, _ = io.Copy(os.Stdout, outside) // on Linux a terminal's end is an error
	if err := <-typed; err != nil {
		return 0, err
	}
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
