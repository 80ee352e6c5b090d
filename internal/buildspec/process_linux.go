package buildspec

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// groupLives reports whether a process group has a process that is not a zombie. Zombies count for kill(2), and in a
// container without an init process nobody reaps them.
func groupLives(pgid int) bool {
	if syscall.Kill(-pgid, 0) == syscall.ESRCH {
		return false
	}
	lives := false
	eachProcess(func(pid, group int) {
		lives = lives || group == pgid
	})
	return lives
}

// strays are the build's processes outside of its group, known by the token in their environment.
func strays(pgid int, token string) []int {
	var out []int
	want := []byte(tokenVariable + "=" + token)
	self := os.Getpid()
	eachProcess(func(pid, group int) {
		if group == pgid || pid == self {
			return
		}
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err == nil && hasVariable(environ, want) {
			out = append(out, pid)
		}
	})
	return out
}

// hasVariable reports whether a NUL-separated environment has the entry.
func hasVariable(environ, entry []byte) bool {
	i := bytes.Index(environ, entry)
	return i >= 0 && (i == 0 || environ[i-1] == 0)
}

// eachProcess calls fn for each process of the machine that is not a zombie.
func eachProcess(fn func(pid, group int)) {
	dir, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// pid (comm) state ppid pgrp …; comm may hold spaces and parentheses.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 3 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
			continue
		}
		group, _ := strconv.Atoi(string(fields[2]))
		fn(pid, group)
	}
}
