package cfjs

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/grafana/sobek"
)

var errDepth = errors.New("the call stack is too deep")

// confine puts a look at the limits before every call of a built-in function. The engine looks at them between two instructions of
// a script only: built-ins that call each other (`a.map(”.repeat, 'x')`) would run on for hours, and ones that call themselves
// (`o.valueOf = Math.max.bind(null, o)`) would end the process, whose stack Go limits. check, if there is one, sees the call before
// it is made, and may put other arguments in place of those that are there.
//
// The function stays the object that it is, since the engine compares built-ins with those it knows: what it calls is replaced, by
// reflection. Other values are left alone.
func (e *engine) confine(v sobek.Value, check func(c *sobek.FunctionCall)) error {
	o, ok := v.(*sobek.Object)
	if !ok || e.confinedYet[o] {
		return nil
	}
	e.confinedYet[o] = true
	self := reflect.ValueOf(o).Elem().FieldByName("self")
	if !self.IsValid() || self.Kind() != reflect.Interface {
		return errors.New("confine: the engine's objects are not what they were")
	}
	inner := self.Elem().Elem()
	if name := inner.Type().Name(); name != "nativeFuncObject" && name != "templatedFuncObject" {
		return nil
	}
	call, okCall := fieldOf[native](inner, "f")
	construct, okConstruct := fieldOf[func([]sobek.Value, *sobek.Object) *sobek.Object](inner, "construct")
	if !okCall || !okConstruct {
		return fmt.Errorf("confine: a %s is not what it was", inner.Type())
	}
	if f := *call; f != nil {
		*call = e.confined(f, check)
	}
	if f := *construct; f != nil {
		*construct = func(args []sobek.Value, newTarget *sobek.Object) *sobek.Object {
			e.enter()
			defer e.leave()
			if check != nil {
				check(&sobek.FunctionCall{This: sobek.Undefined(), Arguments: args})
			}
			return f(args, newTarget)
		}
	}
	return nil
}

// confineAll confines every built-in that the objects lead to, by their properties, their accessors and their prototypes.
func (e *engine) confineAll(from ...sobek.Value) error {
	var failed error
	seen := map[*sobek.Object]bool{}
	for len(from) > 0 {
		o, ok := from[len(from)-1].(*sobek.Object)
		from = from[:len(from)-1]
		if !ok || seen[o] {
			continue
		}
		seen[o] = true
		failed = errors.Join(failed, e.confine(o, nil))
		if p := o.Prototype(); p != nil {
			from = append(from, p)
		}
		keys := e.ownKeys(o)
		if len(keys) <= 2 && o.ClassName() == "Function" {
			continue // its name and its length
		}
		for _, key := range keys {
			d, ok := e.descriptor(sobek.FunctionCall{This: sobek.Undefined(), Arguments: []sobek.Value{o, key}}).(*sobek.Object)
			if !ok {
				continue
			}
			for _, part := range []string{"value", "get", "set"} {
				if v, isObject := d.Get(part).(*sobek.Object); isObject {
					from = append(from, v)
				}
			}
		}
	}
	return failed
}

// ownKeys are the names and the symbols of an object's own properties.
func (e *engine) ownKeys(o *sobek.Object) []sobek.Value {
	var keys []sobek.Value
	for _, name := range o.GetOwnPropertyNames() {
		keys = append(keys, e.vm.ToValue(name))
	}
	for _, symbol := range o.Symbols() {
		keys = append(keys, symbol)
	}
	return keys
}

// confined is a built-in that looks at the limits first.
func (e *engine) confined(f native, check func(c *sobek.FunctionCall)) native {
	return func(c sobek.FunctionCall) sobek.Value {
		e.enter()
		defer e.leave()
		if check != nil {
			check(&c)
		}
		return f(c)
	}
}

func (e *engine) enter() {
	if e.watch.due.Load() != nil {
		panic(e.vm.ToValue("the function is being stopped"))
	}
	if e.depth++; e.depth > maxDepth {
		e.depth--
		e.stop(errDepth)
	}
}

func (e *engine) leave() { e.depth-- }

// stop ends the invocation: what comes next is not run, not even a catch block.
func (e *engine) stop(why error) {
	e.inv.stopped = why
	e.watch.due.Store(&why)
	e.vm.Interrupt(why)
	panic(e.vm.ToValue(why.Error()))
}

// fieldOf is a field of one of the engine's own structures, to be changed.
func fieldOf[T any](of reflect.Value, name string) (*T, bool) {
	f := of.FieldByName(name)
	if !f.IsValid() || !f.CanAddr() || f.Type() != reflect.TypeFor[T]() {
		return nil, false
	}
	return (*T)(unsafe.Pointer(f.UnsafeAddr())), true
}
