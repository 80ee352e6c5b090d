package cfjs

import (
	"errors"
	"math"
	"reflect"
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
	// maxPattern is how long a regular expression may be, whose parser calls itself for each parenthesis.
	maxPattern = 1 << 16
	// maxDepth is how many calls may be nested.
	maxDepth = 1000
)

// native is the Go function behind a built-in of the engine.
type native = func(sobek.FunctionCall) sobek.Value

// check looks at a call of a built-in before it is made. What scripts compute (a number by valueOf, a text by toString, a length by a
// getter) it replaces by what came of that, since the built-in would compute it anew, with another result.
type check = func(c *sobek.FunctionCall)

// guard bounds the built-ins that take or make much in one call. The engine can be interrupted between instructions only,
// not within a built-in: without the guards `Array(4e9).join()` would hold a processor for minutes and 'x'.repeat(1e9)
// would take a gigabyte, whatever the time limit.
func (e *engine) guard() error {
	vm := e.vm
	global := vm.GlobalObject()
	object := func(path ...string) *sobek.Object {
		o := global
		for _, p := range path {
			o = o.Get(p).ToObject(vm)
		}
		return o
	}
	var failed error
	guard := func(o *sobek.Object, check check, names ...string) {
		for _, n := range names {
			failed = errors.Join(failed, e.confine(o.Get(n), check))
		}
	}
	array, str, regexp := object("Array", "prototype"), object("String", "prototype"), object("RegExp", "prototype")
	e.descriptor = object("Object").Get("getOwnPropertyDescriptor").Export().(native)
	guard(array, e.checkThis, "copyWithin", "every", "fill", "filter", "find", "findIndex", "forEach", "includes", "indexOf", "lastIndexOf",
		"map", "push", "reduce", "reduceRight", "reverse", "shift", "slice", "some", "splice", "toString", "unshift")
	guard(array, e.checkArrayConcat, "concat")
	_ = array.DefineDataProperty("join", e.function("join", e.join), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	_ = array.DefineDataProperty("sort", e.function("sort", e.sort(array)), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	guard(object("Uint8Array").Prototype(), e.checkFrom, "from")
	guard(object("Uint8Array", "prototype").Prototype(), e.checkFrom, "set")
	guard(str, e.checkRepeat, "repeat")
	guard(str, e.checkPad, "padStart", "padEnd")
	guard(str, e.checkSearch, "match", "split", "search")
	guard(str, e.checkReplace, "replace", "replaceAll")
	guard(str, e.checkStringConcat, "concat")
	failed = errors.Join(failed, e.confine(regexp.GetSymbol(sobek.SymReplace), e.checkRegexpReplace))
	for _, symbol := range []*sobek.Symbol{sobek.SymMatch, sobek.SymSplit, sobek.SymSearch} {
		failed = errors.Join(failed, e.confine(regexp.GetSymbol(symbol), e.checkSubject))
	}
	guard(global, e.checkPattern, "RegExp")
	guard(object("Function", "prototype"), e.checkApply, "apply")
	guard(object("Object"), e.checkListed, "assign", "entries", "freeze", "getOwnPropertyDescriptors", "getOwnPropertyNames", "isFrozen",
		"isSealed", "keys", "seal", "values", "defineProperties")
	guard(global, e.checkBytes, "ArrayBuffer")
	guard(global, e.checkTyped, "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
		"Float32Array", "Float64Array")
	guard(object("JSON"), e.checkParse, "parse")
	return errors.Join(failed, e.guardStringify(object("JSON")))
}

// exceed stops the invocation for its memory.
func (e *engine) exceed() { e.stop(errMemory) }

func (e *engine) atMost(n float64, limit int) {
	if n > float64(limit) {
		e.exceed()
	}
}

// string puts the text of an argument in its place, and returns it; what is no object is one already.
func (e *engine) string(v *sobek.Value) sobek.String {
	if _, isObject := (*v).(*sobek.Object); isObject {
		*v = (*v).ToString()
	}
	s, ok := (*v).(sobek.String)
	if _, isSymbol := (*v).(*sobek.Symbol); isSymbol {
		panic(e.thrown("TypeError", "Cannot convert a Symbol value to a string"))
	}
	if !ok {
		s, _ = e.vm.ToValue((*v).String()).(sobek.String)
	}
	return s
}

// number puts the number of an argument in its place, and returns it.
func (e *engine) number(v *sobek.Value) float64 {
	n := (*v).ToFloat()
	if _, isObject := (*v).(*sobek.Object); isObject {
		*v = e.vm.ToValue(n)
	}
	return n
}

// argument is a place for an argument, also for one that is not there.
func argument(c *sobek.FunctionCall, i int) *sobek.Value {
	if i < len(c.Arguments) {
		return &c.Arguments[i]
	}
	none := sobek.Undefined()
	return &none
}

// subject is the text that a method of strings is called on; it is "" where the method throws.
func (e *engine) subject(c *sobek.FunctionCall) float64 {
	if !defined(c.This) {
		return 0
	}
	return float64(e.string(&c.This).Length())
}

func (e *engine) checkThis(c *sobek.FunctionCall) {
	e.length(c.This)
	for _, a := range c.Arguments {
		if o, ok := a.(*sobek.Object); ok && o.ClassName() == "Array" {
			e.length(o)
		}
	}
}

// length returns the length of an array, or of what is used as one, and stops the invocation if that is too long.
func (e *engine) length(v sobek.Value) float64 {
	n := 0.0
	switch v := v.(type) {
	case sobek.String:
		n = float64(v.Length())
	case *sobek.Object:
		if v.ClassName() == "Array" || typed(v) {
			n, _ = numeric(v.Get("length"))
			break
		}
		n = e.plainLength(v)
	}
	e.atMost(n, maxElements)
	return n
}

// errLength is why an invocation ends that gives a built-in something to walk that can change its length meanwhile.
var errLength = errors.New("the length of what is used as an array must be a plain number")

// plainLength is the length of an object that is no array: a value that stands there, and not what a getter or a valueOf says.
func (e *engine) plainLength(o *sobek.Object) float64 {
	name := e.vm.ToValue("length")
	for p, deep := o, 0; p != nil && deep < maxDepth; p, deep = p.Prototype(), deep+1 {
		d, ok := e.descriptor(sobek.FunctionCall{This: sobek.Undefined(), Arguments: []sobek.Value{p, name}}).(*sobek.Object)
		if !ok {
			continue
		}
		v := d.Get("value")
		if _, isObject := v.(*sobek.Object); isObject || v == nil {
			e.stop(errLength)
		}
		if _, isSymbol := v.(*sobek.Symbol); isSymbol {
			return 0 // the built-in throws
		}
		return v.ToFloat()
	}
	return 0
}

// typed reports whether an object is a typed array.
func typed(o *sobek.Object) bool {
	t := o.ExportType()
	return t != nil && t.Kind() == reflect.Slice && plain(t.Elem().Kind())
}

func (e *engine) checkArrayConcat(c *sobek.FunctionCall) {
	n := e.length(c.This)
	for _, a := range c.Arguments {
		o, ok := a.(*sobek.Object)
		if !ok {
			n++
			continue
		}
		if spread := o.GetSymbol(sobek.SymIsConcatSpreadable); o.ClassName() == "Array" || spread != nil && spread.ToBoolean() {
			n += e.length(o)
		}
	}
	e.atMost(n, maxElements)
}

func (e *engine) checkApply(c *sobek.FunctionCall) { e.length(*argument(c, 1)) }

func (e *engine) checkFrom(c *sobek.FunctionCall) { e.length(*argument(c, 0)) }

func (e *engine) checkStringConcat(c *sobek.FunctionCall) {
	n := e.subject(c)
	for i := range c.Arguments {
		n += float64(e.string(&c.Arguments[i]).Length())
	}
	e.atMost(n, maxText)
}

func (e *engine) checkRepeat(c *sobek.FunctionCall) {
	n := e.number(argument(c, 0))
	if n > 0 {
		e.atMost(n*e.subject(c), maxText)
	}
}

func (e *engine) checkPad(c *sobek.FunctionCall) { e.atMost(e.number(argument(c, 0)), maxText) }

// checkListed bounds what is listed character by character, or byte by byte.
func (e *engine) checkListed(c *sobek.FunctionCall) {
	for _, a := range c.Arguments {
		if o, isObject := a.(*sobek.Object); !isObject || typed(o) {
			e.length(a)
		}
	}
}

func (e *engine) checkBytes(c *sobek.FunctionCall) {
	if a := argument(c, 0); defined(*a) {
		e.atMost(e.number(a), maxText)
	}
}

// checkTyped bounds new X(n), and new X(array).
func (e *engine) checkTyped(c *sobek.FunctionCall) {
	a := argument(c, 0)
	o, isObject := (*a).(*sobek.Object)
	switch {
	case !isObject:
		e.checkBytes(c)
	case typed(o) || o.ExportType() == reflect.TypeFor[sobek.ArrayBuffer]():
	case o.ClassName() == "Array" || o.GetSymbol(sobek.SymIterator) == nil:
		e.length(o)
	}
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

// checkSubject bounds what a regular expression is asked to search: its matches are all found before the first one is used.
func (e *engine) checkSubject(c *sobek.FunctionCall) {
	e.atMost(float64(e.string(argument(c, 0)).Length()), maxElements)
}

// checkSearch bounds the matches in the same way, and the text that a regular expression is made of.
func (e *engine) checkSearch(c *sobek.FunctionCall) {
	e.atMost(e.subject(c), maxElements)
	a := argument(c, 0)
	if o, isObject := (*a).(*sobek.Object); isObject && (o.GetSymbol(sobek.SymMatch) != nil || o.GetSymbol(sobek.SymSplit) != nil || o.GetSymbol(sobek.SymSearch) != nil) {
		return
	}
	if defined(*a) {
		e.atMost(float64(e.string(a).Length()), maxPattern)
	}
}

func (e *engine) checkPattern(c *sobek.FunctionCall) {
	a := argument(c, 0)
	if o, isObject := (*a).(*sobek.Object); isObject && o.ClassName() == "RegExp" || !defined(*a) {
		return
	}
	e.atMost(float64(e.string(a).Length()), maxPattern)
}

// checkReplace bounds the result of replacing every character by the replacement, in which $ and what follows may stand
// for as much as the whole text.
func (e *engine) checkReplace(c *sobek.FunctionCall) {
	length := e.subject(c)
	e.atMost(length, maxElements)
	if len(c.Arguments) < 2 {
		return
	}
	if _, isFunction := sobek.AssertFunction(c.Arguments[1]); isFunction {
		return
	}
	s := e.string(&c.Arguments[1])
	piece := float64(s.Length())
	if text := s.String(); strings.ContainsRune(text, '$') {
		piece += float64(strings.Count(text, "$")) * length
	}
	e.atMost(length*piece, 16*maxText)
}

// checkRegexpReplace is checkReplace for a regular expression's own method, which has the text for an argument.
func (e *engine) checkRegexpReplace(c *sobek.FunctionCall) {
	if len(c.Arguments) == 0 {
		return
	}
	same := sobek.FunctionCall{This: c.Arguments[0], Arguments: append([]sobek.Value{c.This}, c.Arguments[1:]...)}
	e.checkReplace(&same)
	c.Arguments = append([]sobek.Value{same.This}, same.Arguments[1:]...)
}

// join is Array.prototype.join, which counts what it makes.
func (e *engine) join(c sobek.FunctionCall) sobek.Value {
	o := c.This.ToObject(e.vm)
	separator, _ := e.vm.ToValue(",").(sobek.String)
	if a := argument(&c, 0); !sobek.IsUndefined(*a) {
		separator = e.string(a)
	}
	for _, outer := range e.joining {
		if outer == o {
			return e.vm.ToValue("")
		}
	}
	e.joining = append(e.joining, o)
	defer func() { e.joining = e.joining[:len(e.joining)-1] }()
	var b sobek.StringBuilder
	size := 0
	for i := range int(e.length(o)) {
		if i > 0 {
			b.WriteString(separator)
			size += separator.Length()
		}
		if v := o.Get(strconv.Itoa(i)); defined(v) {
			s := e.string(&v)
			b.WriteString(s)
			size += s.Length()
		}
		e.atMost(float64(size), maxText)
	}
	return b.String()
}

// sort is Array.prototype.sort. It sorts a copy, since the engine's own goes by the length that an array had at the beginning, also
// where the comparing function has made it shorter.
func (e *engine) sort(array *sobek.Object) native {
	own, slice := array.Get("sort").Export().(native), array.Get("slice").Export().(native)
	return func(c sobek.FunctionCall) sobek.Value {
		o := c.This.ToObject(e.vm)
		n := int(e.length(o))
		if o.ClassName() != "Array" {
			return own(c)
		}
		sorted, _ := slice(sobek.FunctionCall{This: o}).(*sobek.Object)
		own(sobek.FunctionCall{This: sorted, Arguments: c.Arguments})
		for i := range n {
			name := strconv.Itoa(i)
			v, err := sorted.Get(name), error(nil)
			if v != nil {
				err = o.Set(name, v)
			} else {
				err = o.Delete(name)
			}
			if err != nil {
				panic(err)
			}
		}
		return o
	}
}
