package cfjs

import (
	"strings"

	"github.com/grafana/sobek"
)

// maxLogs is how much of a function's log is kept (cloudfront-function-restrictions, "Logs").
const maxLogs = 10 << 10

// newConsole makes console. CloudFront documents log alone; the others are here because a missing one would fail the
// function, and Warnings tells about them.
func (e *engine) newConsole() *sobek.Object {
	log := func(c sobek.FunctionCall) sobek.Value {
		parts := make([]string, len(c.Arguments))
		for i, a := range c.Arguments {
			parts[i] = e.logText(a)
		}
		e.log(strings.Join(parts, " "))
		return sobek.Undefined()
	}
	return e.object(map[string]native{"log": log, "error": log, "warn": log, "info": log, "debug": log})
}

func (e *engine) log(line string) {
	left := maxLogs - e.inv.logSize
	if left <= 0 {
		return
	}
	if len(line) > left {
		line = strings.ToValidUTF8(line[:left], "")
	}
	e.inv.logSize += len(line) + 1
	e.inv.logs = append(e.inv.logs, line)
}

// logText is a value as the log shows it: objects as JSON, errors by name and message.
func (e *engine) logText(v sobek.Value) string {
	o, ok := v.(*sobek.Object)
	if !ok {
		return v.String()
	}
	switch o.ClassName() {
	case "Error", "Function", "Date", "RegExp", "String", "Number", "Boolean", "Symbol":
		return v.String()
	}
	if s := e.stringify(sobek.FunctionCall{Arguments: []sobek.Value{v}}); defined(s) {
		return s.String()
	}
	return v.String()
}
