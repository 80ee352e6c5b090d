package cfjs

import (
	"fmt"
	"strings"

	"github.com/grafana/sobek"
)

// setUpNamedGroups adds what the engine lacks of named capture groups: the property groups of a match, $<name> in a
// replacement, and the last argument of a replacing function. It is only done for code that has such groups, because
// regular expressions are slower with it.
func (e *engine) setUpNamedGroups() {
	vm := e.vm
	names := map[string][]string{}
	namesOf := func(v sobek.Value) []string {
		o, ok := v.(*sobek.Object)
		if !ok || o.ClassName() != "RegExp" {
			return nil
		}
		source := o.Get("source").String()
		list, known := names[source]
		if !known {
			if len(names) > 1000 {
				clear(names)
			}
			list = groupNames(source)
			names[source] = list
		}
		return list
	}
	proto := vm.GlobalObject().Get("RegExp").ToObject(vm).Get("prototype").ToObject(vm)
	exec, ok := proto.Get("exec").Export().(native)
	if !ok {
		return
	}
	define := func(o *sobek.Object, name string, f native) {
		_ = o.DefineDataProperty(name, e.function(name, f), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_FALSE)
	}
	define(proto, "exec", func(c sobek.FunctionCall) sobek.Value {
		result := exec(c)
		if match, ok := result.(*sobek.Object); ok {
			if list := namesOf(c.This); list != nil {
				_ = match.Set("groups", e.groups(list, func(i int) sobek.Value { return match.Get(fmt.Sprint(i)) }))
			}
		}
		return result
	})
	str := vm.GlobalObject().Get("String").ToObject(vm).Get("prototype").ToObject(vm)
	for _, name := range []string{"replace", "replaceAll"} {
		replace, ok := str.Get(name).Export().(native)
		if !ok {
			continue
		}
		define(str, name, func(c sobek.FunctionCall) sobek.Value {
			if list := namesOf(c.Argument(0)); list != nil && len(c.Arguments) > 1 {
				c.Arguments = []sobek.Value{c.Argument(0), e.replacement(list, c.Argument(1))}
			}
			return replace(c)
		})
	}
}

// groups is an object with the named groups of a match; at returns the group with a number.
func (e *engine) groups(names []string, at func(i int) sobek.Value) sobek.Value {
	o := e.vm.NewObject()
	_ = o.SetPrototype(nil)
	for i, name := range names {
		if name != "" {
			_ = o.Set(name, at(i))
		}
	}
	return o
}

// replacement is a replacement whose named groups are numbered ones.
func (e *engine) replacement(names []string, v sobek.Value) sobek.Value {
	if f, ok := sobek.AssertFunction(v); ok {
		return e.vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
			args := append(c.Arguments[:len(c.Arguments):len(c.Arguments)], e.groups(names, c.Argument))
			result, err := f(sobek.Undefined(), args...)
			if err != nil {
				panic(err)
			}
			return result
		})
	}
	text := v.String()
	for i, name := range names {
		if name != "" {
			text = strings.ReplaceAll(text, "$<"+name+">", fmt.Sprintf("$%02d", i))
		}
	}
	return e.vm.ToValue(text)
}

// groupNames lists the capture groups of a pattern by number, with "" for one without a name; nil if none has a name.
func groupNames(pattern string) []string {
	names, named, inClass := []string{""}, false, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
		case c == '(' && !strings.HasPrefix(pattern[i:], "(?"):
			names = append(names, "")
		case c == '(' && strings.HasPrefix(pattern[i:], "(?<") && !strings.HasPrefix(pattern[i:], "(?<=") && !strings.HasPrefix(pattern[i:], "(?<!"):
			name, _, _ := strings.Cut(pattern[i+3:], ">")
			names, named = append(names, name), true
		}
	}
	if !named {
		return nil
	}
	return names
}
