package cfjs

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grafana/sobek"
)

// setUpByteStrings adds runtime 1.0's own string methods: byte strings, whose characters are bytes
// (functions-javascript-runtime-10, "String").
func (e *engine) setUpByteStrings() {
	vm := e.vm
	str := vm.GlobalObject().Get("String").ToObject(vm)
	proto := str.Get("prototype").ToObject(vm)
	part := func(c sobek.FunctionCall) string {
		return c.This.ToObject(vm).Get("slice").Export().(native)(c).String()
	}
	define := func(o *sobek.Object, name string, f native) {
		_ = o.DefineDataProperty(name, e.function(name, f), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	}
	define(proto, "toUTF8", func(c sobek.FunctionCall) sobek.Value { return e.fromLatin1([]byte(part(c))) })
	define(proto, "fromUTF8", func(c sobek.FunctionCall) sobek.Value {
		b, ok := latin1(part(c))
		if !ok || !utf8.Valid(b) {
			return sobek.Null()
		}
		return vm.ToValue(string(b))
	})
	define(proto, "toBytes", func(c sobek.FunctionCall) sobek.Value {
		s := part(c)
		if _, ok := latin1(s); !ok {
			return sobek.Null()
		}
		return vm.ToValue(s)
	})
	define(proto, "fromBytes", func(c sobek.FunctionCall) sobek.Value { return vm.ToValue(part(c)) })
	define(str, "bytesFrom", func(c sobek.FunctionCall) sobek.Value {
		if s, ok := c.Argument(0).(sobek.String); ok {
			b, _ := decodeText(s.String(), c.Argument(1).String())
			return e.fromLatin1(b)
		}
		e.length(c.Argument(0))
		list, _ := exported[[]any](c.Argument(0))
		b := make([]byte, len(list))
		for i := range list {
			n, _ := list[i].(int64)
			b[i] = byte(n)
		}
		return e.fromLatin1(b)
	})
}

// setUpUTC makes the local time of Date UTC, as it is on CloudFront, wherever this machine stands. (A date that is made from
// local parts, new Date(y, m, d), is still this machine's.)
func (e *engine) setUpUTC() {
	vm := e.vm
	proto := vm.GlobalObject().Get("Date").ToObject(vm).Get("prototype").ToObject(vm)
	for _, name := range proto.GetOwnPropertyNames() {
		for _, verb := range []string{"get", "set"} {
			part, isUTC := strings.CutPrefix(name, verb+"UTC")
			if isUTC && proto.Get(verb+part) != nil {
				_ = proto.DefineDataProperty(verb+part, proto.Get(name), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
			}
		}
	}
	getTime, ok := proto.Get("getTime").Export().(native)
	if !ok {
		return
	}
	define := func(name, layout string) {
		_ = proto.DefineDataProperty(name, e.function(name, func(c sobek.FunctionCall) sobek.Value {
			ms, ok := numeric(getTime(sobek.FunctionCall{This: c.This}))
			if !ok {
				return vm.ToValue("Invalid Date")
			}
			return vm.ToValue(time.UnixMilli(int64(ms)).UTC().Format(layout))
		}), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	}
	define("toString", "Mon Jan 02 2006 15:04:05 GMT+0000")
	define("toDateString", "Mon Jan 02 2006")
	define("toTimeString", "15:04:05 GMT+0000")
	_ = proto.DefineDataProperty("getTimezoneOffset", e.function("getTimezoneOffset", func(c sobek.FunctionCall) sobek.Value {
		return vm.ToValue(0)
	}), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
}
