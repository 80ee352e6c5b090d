package cfjs

import (
	"reflect"
	"unsafe"

	"github.com/grafana/sobek"
)

// sizeOf estimates what a realm holds, in bytes: everything that its runtime leads to, objects, strings, and what the
// interrupted function had on its stack. It looks no further once it has found so much as the limit. Nothing may run in the
// realm meanwhile. It reads the engine's own structures by reflection, whatever they are called, and changes nothing; Go
// functions, and what only they lead to, are not counted.
func sizeOf(vm *sobek.Runtime, limit int) int {
	w := walk{seen: map[uintptr]struct{}{}, limit: limit, todo: []reflect.Value{reflect.ValueOf(vm)}}
	for len(w.todo) > 0 && w.size < limit {
		v := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.visit(v)
	}
	return w.size
}

type walk struct {
	seen        map[uintptr]struct{}
	size, limit int
	// todo are values whose own bytes are counted, and what they lead to is not yet.
	todo []reflect.Value
}

// first reports whether something at an address is seen for the first time.
func (w *walk) first(at uintptr) bool {
	if at == 0 {
		return false
	}
	_, seen := w.seen[at]
	w.seen[at] = struct{}{}
	return !seen
}

func (w *walk) visit(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if w.first(v.Pointer()) {
			w.size += int(v.Type().Elem().Size())
			w.push(v.Elem())
		}
	case reflect.Interface:
		if v = v.Elem(); v.IsValid() {
			w.size += int(v.Type().Size())
			w.push(v)
		}
	case reflect.String:
		if s := v.String(); w.first(uintptr(unsafe.Pointer(unsafe.StringData(s)))) {
			w.size += len(s)
		}
	case reflect.Slice:
		if !w.first(v.Pointer()) {
			return
		}
		w.size += v.Cap() * int(v.Type().Elem().Size())
		w.elements(v)
	case reflect.Array:
		w.elements(v)
	case reflect.Struct:
		for i := range v.NumField() {
			w.push(v.Field(i))
		}
	case reflect.Map:
		if !w.first(v.Pointer()) {
			return
		}
		for entries := v.MapRange(); entries.Next(); {
			key, value := entries.Key(), entries.Value()
			w.size += int(key.Type().Size() + value.Type().Size())
			w.push(key)
			w.push(value)
		}
	}
}

func (w *walk) elements(v reflect.Value) {
	if plain(v.Type().Elem().Kind()) {
		return
	}
	for i := 0; i < v.Len() && w.size < w.limit; i++ {
		w.push(v.Index(i))
	}
}

func (w *walk) push(v reflect.Value) {
	if !plain(v.Kind()) {
		w.todo = append(w.todo, v)
	}
}

// plain values lead to nothing else that can be counted.
func plain(k reflect.Kind) bool {
	return k <= reflect.Complex128 || k == reflect.Func || k == reflect.Chan || k == reflect.UnsafePointer
}
