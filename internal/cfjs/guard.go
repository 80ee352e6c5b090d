package cfjs

import (
	"math"
	"strconv"
	"strings"

	"github.com/grafana/sobek"
)

const (
	// maxText is how long a string or buffer may get, in characters or bytes: the memory of a function is 2 MB
	// (CloudFront Developer Guide, cloudfront-limits).
	maxText = 2 << 20
	// maxElements is how long an array may get: at 16 bytes an element it takes twice the memory of a function.
	maxElements = 1 << 18
	// maxDepth is how many calls may be nested.
	maxDepth = 1000
)

// native is the Go function behind a built-in of the engine.
type native = func(sobek.FunctionCall) sobek.Value

// guard wraps the built-ins that take or make much in one call. The engine can be interrupted between instructions only,
// not within a built-in: without the guards `Array(4e9).join()` would hold a processor for minutes and 'x'.repeat(1e9)
// would take a gigabyte, whatever the time limit.
func (e *engine) guard() {
	vm := e.vm
	object := func(path ...string) *sobek.Object {
		o := vm.GlobalObject()
		for _, p := range path {
			o = o.Get(p).ToObject(vm)
		}
		return o
	}
	wrap := func(o *sobek.Object, check func(c sobek.FunctionCall), names ...string) {
		for _, n := range names {
			f, ok := o.Get(n).Export().(native)
			if !ok {
				continue
			}
			guarded := vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
				check(c)
				return f(c)
			}).ToObject(vm)
			_ = guarded.DefineDataProperty("name", vm.ToValue(n), sobek.FLAG_FALSE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
			_ = o.DefineDataProperty(n, guarded, sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
		}
	}
	wrap(object("Array", "prototype"), e.checkThis, "concat", "copyWithin", "every", "fill", "filter", "find", "findIndex",
		"forEach", "includes", "indexOf", "lastIndexOf", "map", "push", "reduce", "reduceRight", "reverse", "shift", "slice",
		"some", "sort", "splice", "toString", "unshift")
	wrap(object("Array", "prototype"), e.checkJoin, "join")
	wrap(object("Uint8Array").Prototype(), e.checkFrom, "from")
	str := object("String", "prototype")
	wrap(str, e.checkRepeat, "repeat")
	wrap(str, e.checkPad, "padStart", "padEnd")
	wrap(str, e.checkSearch, "match", "split", "search")
	wrap(str, e.checkReplace, "replace", "replaceAll")
	wrap(object("Function", "prototype"), e.checkApply, "apply")
	e.guardJSON(object("JSON"))
	for _, n := range []string{"ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array",
		"Int32Array", "Uint32Array", "Float32Array", "Float64Array"} {
		e.guardConstructor(n)
	}
}

// exceed stops the invocation: what comes next is not run, not even a catch block.
func (e *engine) exceed(what string) {
	e.inv.stopped = errMemory
	e.vm.Interrupt(errMemory)
	panic(e.vm.NewTypeError("memory limit: " + what))
}

func (e *engine) checkThis(c sobek.FunctionCall) {
	e.checkLength(c.This)
	for _, a := range c.Arguments {
		if o, ok := a.(*sobek.Object); ok && o.ClassName() == "Array" {
			e.checkLength(o)
		}
	}
}

func (e *engine) checkLength(v sobek.Value) {
	o, ok := v.(*sobek.Object)
	if !ok {
		return
	}
	if n, ok := numeric(o.Get("length")); ok && n > maxElements {
		e.exceed("an array is too long")
	}
}

func (e *engine) checkApply(c sobek.FunctionCall) {
	if o, ok := c.Argument(1).(*sobek.Object); ok {
		e.checkLength(o)
	}
}

func (e *engine) checkRepeat(c sobek.FunctionCall) {
	n := c.Argument(0).ToFloat()
	if n > 0 && n*float64(textLength(c.This)) > maxText {
		e.exceed("a string is too long")
	}
}

func (e *engine) checkPad(c sobek.FunctionCall) {
	if c.Argument(0).ToFloat() > maxText {
		e.exceed("a string is too long")
	}
}

// checkSearch bounds the matches that are all found before the first one is used.
func (e *engine) checkSearch(c sobek.FunctionCall) {
	if textLength(c.This) > maxElements {
		e.exceed("a string is too long to be searched")
	}
}

// checkReplace bounds the result of replacing every character by the replacement, in which $ and what follows may stand
// for as much as the whole text.
func (e *engine) checkReplace(c sobek.FunctionCall) {
	e.checkSearch(c)
	s, ok := c.Argument(1).(sobek.String)
	if !ok {
		return
	}
	length := float64(textLength(c.This))
	piece := float64(s.Length())
	if text := s.String(); strings.ContainsRune(text, '$') {
		piece += float64(strings.Count(text, "$`")+strings.Count(text, "$'")+strings.Count(text, "$&")) * length
	}
	if length*piece > 16*maxText {
		e.exceed("a string may get too long")
	}
}

// checkJoin bounds what join makes of strings.
func (e *engine) checkJoin(c sobek.FunctionCall) {
	e.checkLength(c.This)
	o, ok := c.This.(*sobek.Object)
	if !ok || o.ClassName() != "Array" {
		return
	}
	n, _ := numeric(o.Get("length"))
	between := 1
	if s, ok := c.Argument(0).(sobek.String); ok {
		between = s.Length()
	}
	size := int(n) * between
	for i := 0; i < int(n) && size <= maxText; i++ {
		if s, ok := o.Get(strconv.Itoa(i)).(sobek.String); ok {
			size += s.Length()
		}
	}
	if size > maxText {
		e.exceed("a string is too long")
	}
}

func (e *engine) checkFrom(c sobek.FunctionCall) { e.checkLength(c.Argument(0)) }

func textLength(v sobek.Value) int {
	if s, ok := v.(sobek.String); ok {
		return s.Length()
	}
	return len(v.String())
}

// guardConstructor bounds new X(n). The prototype stays, so instanceof and methods are those of the engine.
func (e *engine) guardConstructor(name string) {
	vm := e.vm
	global := vm.GlobalObject()
	original, ok := sobek.AssertConstructor(global.Get(name))
	if !ok {
		return
	}
	old := global.Get(name).ToObject(vm)
	guarded := vm.ToValue(func(c sobek.ConstructorCall) *sobek.Object {
		if len(c.Arguments) > 0 {
			if n, isNumber := numeric(c.Arguments[0]); isNumber && n > maxText {
				e.exceed("the " + name + " is too long")
			}
			if o, ok := c.Arguments[0].(*sobek.Object); ok && (o.ClassName() == "Object" || o.ClassName() == "Array") {
				e.checkLength(o)
			}
		}
		o, err := original(c.NewTarget, c.Arguments...)
		if err != nil {
			panic(err)
		}
		return o
	}).ToObject(vm)
	prototype := old.Get("prototype").ToObject(vm)
	_ = guarded.DefineDataProperty("prototype", prototype, sobek.FLAG_FALSE, sobek.FLAG_FALSE, sobek.FLAG_FALSE)
	_ = guarded.DefineDataProperty("name", vm.ToValue(name), sobek.FLAG_FALSE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	for _, n := range old.GetOwnPropertyNames() {
		if n != "prototype" && n != "name" && n != "length" {
			_ = guarded.DefineDataProperty(n, old.Get(n), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
		}
	}
	_ = guarded.SetPrototype(old.Prototype())
	_ = prototype.DefineDataProperty("constructor", guarded, sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	_ = global.DefineDataProperty(name, guarded, sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
}

func numeric(v sobek.Value) (float64, bool) {
	if v == nil {
		return 0, false
	}
	if _, isObject := v.(*sobek.Object); isObject {
		return 0, false
	}
	switch n := v.Export().(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n)
	}
	return 0, false
}

// guardJSON gives JSON.stringify a replacer that counts, since it would walk `a = []; a.length = 4e9` to its end.
func (e *engine) guardJSON(json *sobek.Object) {
	vm := e.vm
	stringify, ok := json.Get("stringify").Export().(native)
	if !ok {
		return
	}
	count, size := 0, 0
	counter := vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
		if s, ok := c.Argument(1).(sobek.String); ok {
			size += s.Length()
		}
		if count++; count > maxElements || size > maxText {
			e.exceed("a value is too large for JSON")
		}
		return c.Argument(1)
	})
	guarded := vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
		if len(c.Arguments) < 2 || sobek.IsUndefined(c.Argument(1)) || sobek.IsNull(c.Argument(1)) {
			count, size = 0, 0
			c.Arguments = []sobek.Value{c.Argument(0), counter, c.Argument(2)}
		}
		return stringify(c)
	}).ToObject(vm)
	_ = guarded.DefineDataProperty("name", vm.ToValue("stringify"), sobek.FLAG_FALSE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	_ = json.DefineDataProperty("stringify", guarded, sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
}
