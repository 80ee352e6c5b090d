package cfjs

import (
	_ "embed"
	"errors"
	"strings"
	"sync"

	"github.com/grafana/sobek"
)

// What the runtime has, by object. The lists are CloudFront's (functions-javascript-runtime-20) with what ECMAScript 5.1 and
// njs have besides; anything else of the engine is removed, so that code which runs here finds the same there.
const (
	globalNames = "globalThis Object String Symbol Math Number Function RegExp Promise Array ArrayBuffer JSON Error Boolean Date " +
		"DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array " +
		"EvalError InternalError MemoryError RangeError ReferenceError SyntaxError TypeError URIError AggregateError " +
		"decodeURI decodeURIComponent encodeURI encodeURIComponent isFinite isNaN parseFloat parseInt atob btoa " +
		"NaN Infinity undefined eval console require Buffer TextDecoder TextEncoder"
	objectNames = "length name prototype assign create defineProperties defineProperty entries freeze getOwnPropertyDescriptor " +
		"getOwnPropertyDescriptors getOwnPropertyNames getOwnPropertySymbols getPrototypeOf is isExtensible isFrozen isSealed keys " +
		"preventExtensions seal setPrototypeOf values"
	objectPrototypeNames = "__proto__ constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toString valueOf"
	arrayNames           = "length name prototype isArray of"
	arrayPrototypeNames  = "constructor length concat copyWithin entries every fill filter find findIndex forEach includes indexOf join " +
		"keys lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toString unshift values"
	stringNames          = "length name prototype fromCharCode fromCodePoint"
	stringPrototypeNames = "constructor length charAt charCodeAt codePointAt concat endsWith includes indexOf lastIndexOf match padEnd " +
		"padStart repeat replace replaceAll search slice split startsWith substr substring toLowerCase toString toUpperCase trim " +
		"trimEnd trimStart valueOf"
	numberPrototypeNames = "constructor toExponential toFixed toPrecision toString valueOf"
	promiseNames         = "length name prototype all allSettled any race reject resolve"
	arrayBufferNames     = "constructor byteLength slice"
	typedPrototypeNames  = "constructor buffer byteLength byteOffset length copyWithin every fill filter find findIndex forEach includes " +
		"indexOf join lastIndexOf map reduce reduceRight reverse set slice some sort subarray toString"
)

var allowedGlobals = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(globalNames) {
		m[n] = true
	}
	return m
}()

//go:embed realm.js
var realmSource string

var realmProgram = sync.OnceValue(func() *sobek.Program { return sobek.MustCompile("realm.js", realmSource, true) })

// setUpRealm turns the engine's bare realm into CloudFront's. It runs after the engine's own globals are in place, so that
// they are frozen too.
func (e *engine) setUpRealm(freeze bool) error {
	vm := e.vm
	global := vm.GlobalObject()
	thrower := vm.ToValue(func(sobek.ConstructorCall) *sobek.Object {
		panic(vm.NewTypeError("code cannot be made at run time: eval and Function are not supported"))
	})
	v, err := vm.RunProgram(realmProgram())
	if err != nil {
		return err
	}
	setUp, _ := sobek.AssertFunction(v)
	allowed := vm.NewObject()
	for name, list := range map[string]string{
		"global": globalNames, "Object": objectNames, "ObjectPrototype": objectPrototypeNames,
		"Array": arrayNames, "ArrayPrototype": arrayPrototypeNames, "String": stringNames,
		"StringPrototype": stringPrototypeNames, "NumberPrototype": numberPrototypeNames, "Promise": promiseNames,
		"ArrayBufferPrototype": arrayBufferNames, "TypedArrayPrototype": typedPrototypeNames,
	} {
		names := list
		if e.f.opts.Runtime == Runtime1 {
			names = runtime1Names(name, list)
		}
		if err := allowed.Set(name, names); err != nil {
			return err
		}
	}
	var unconfined error
	confine := vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
		unconfined = errors.Join(unconfined, e.confine(c.Argument(0), nil))
		return sobek.Undefined()
	})
	shared := vm.NewArray(e.shared...)
	open, err := setUp(global, allowed, thrower, vm.ToValue(freeze), shared, confine)
	if err == nil && !freeze {
		err = e.confineAll(open, shared)
	}
	return errors.Join(err, unconfined)
}

// runtime1Names is a list as runtime 1.0 has it (functions-javascript-runtime-10).
func runtime1Names(object, list string) string {
	var missing, added []string
	switch object {
	case "global":
		missing = []string{"atob", "btoa", "Buffer", "TextDecoder", "TextEncoder", "DataView"}
	case "StringPrototype":
		missing = []string{"replaceAll"}
		added = []string{"fromBytes", "fromUTF8", "toBytes", "toUTF8"}
	case "String":
		added = []string{"bytesFrom"}
	case "Promise":
		missing = []string{"all", "allSettled", "any", "race"}
	}
	padded := " " + list + " "
	for _, n := range missing {
		padded = strings.Replace(padded, " "+n+" ", " ", 1)
	}
	return strings.TrimSpace(padded) + strings.TrimRight(" "+strings.Join(added, " "), " ")
}
