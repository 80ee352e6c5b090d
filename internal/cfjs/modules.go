package cfjs

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/grafana/sobek"
)

// moduleNames are the modules that can be imported; all but cloudfront can also be required.
var moduleNames = map[string]bool{"cloudfront": true, "crypto": true, "querystring": true, "buffer": true}

// setUpModules defines the globals that are not the language's, and returns the modules by name.
func (e *engine) setUpModules() (map[string]sobek.Value, error) {
	vm := e.vm
	modules := map[string]sobek.Value{}
	if e.f.opts.Runtime == Runtime2 {
		modules["cloudfront"] = e.newCloudFront()
	}
	if e.f.uses.buffer && e.f.opts.Runtime == Runtime2 {
		buffer, err := e.setUpBuffer()
		if err != nil {
			return nil, err
		}
		modules["buffer"] = buffer
	}
	modules["crypto"] = e.newCrypto()
	modules["querystring"] = e.newQuerystring()
	if err := vm.Set("require", func(c sobek.FunctionCall) sobek.Value {
		name := c.Argument(0).String()
		if m, ok := modules[name]; ok && name != "cloudfront" {
			return m
		}
		panic(e.newError(fmt.Sprintf("Cannot find module \"%s\"", clip(name))))
	}); err != nil {
		return nil, err
	}
	if err := vm.Set("console", e.newConsole()); err != nil {
		return nil, err
	}
	if e.f.uses.text {
		e.setUpText()
	}
	_ = vm.Set("btoa", e.btoa)
	_ = vm.Set("atob", e.atob)
	if e.f.opts.Runtime == Runtime1 {
		e.setUpByteStrings()
	}
	e.setUpUTC()
	e.requestProto = vm.NewObject()
	e.shared = append(e.shared, e.requestProto)
	for _, name := range sortedKeys(modules) {
		e.shared = append(e.shared, modules[name])
	}
	return modules, e.requestProto.Set("rawQueryString", func(sobek.FunctionCall) sobek.Value {
		e.inv.used.RawQuery = true
		if e.inv.event == nil || e.inv.event.Request.RawQuery == nil {
			return sobek.Undefined()
		}
		return e.text(*e.inv.event.Request.RawQuery)
	})
}

// object makes an object of native functions.
func (e *engine) object(functions map[string]native) *sobek.Object {
	o := e.vm.NewObject()
	for _, name := range sortedKeys(functions) {
		_ = o.Set(name, e.function(name, functions[name]))
	}
	return o
}

func (e *engine) function(name string, f native) *sobek.Object {
	o := e.vm.ToValue(e.confined(f, nil)).ToObject(e.vm)
	_ = o.DefineDataProperty("name", e.vm.ToValue(name), sobek.FLAG_FALSE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	return o
}

// newError is an Error to throw.
func (e *engine) newError(message string) *sobek.Object {
	o, err := e.vm.New(e.vm.GlobalObject().Get("Error"), e.vm.ToValue(message))
	if err != nil {
		return e.vm.NewTypeError(message)
	}
	return o
}

func (e *engine) random() func() float64 {
	source := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	return source.Float64
}

func (e *engine) btoa(c sobek.FunctionCall) sobek.Value {
	bytes, ok := latin1(c.Argument(0).String())
	if !ok {
		panic(e.vm.NewTypeError("btoa takes characters up to U+00FF only"))
	}
	return e.vm.ToValue(base64.StdEncoding.EncodeToString(bytes))
}

func (e *engine) atob(c sobek.FunctionCall) sobek.Value {
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n\f\r", r) {
			return -1
		}
		return r
	}, c.Argument(0).String())
	bytes, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		panic(e.vm.NewTypeError("atob takes base64 only"))
	}
	return e.fromLatin1(bytes)
}

// latin1 is the byte string of a text whose characters are bytes.
func latin1(s string) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		out = append(out, byte(r))
	}
	return out, true
}

func (e *engine) fromLatin1(b []byte) sobek.Value {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return e.vm.ToValue(string(runes))
}
