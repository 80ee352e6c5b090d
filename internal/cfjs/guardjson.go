package cfjs

import (
	"strconv"

	"github.com/grafana/sobek"
)

// maxNesting is how deep objects and arrays may be nested in JSON, as in njs.
const maxNesting = 31

// checkParse bounds the text of JSON.parse, which calls itself for each bracket.
func (e *engine) checkParse(c *sobek.FunctionCall) {
	text := e.string(argument(c, 0))
	if text == nil {
		return
	}
	e.atMost(float64(text.Length()), maxText)
	depth, quoted, escaped := 0, false, false
	for _, r := range text.String() {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '{':
			if depth++; depth > maxNesting {
				panic(e.thrown("SyntaxError", "Nested too deep"))
			}
		case r == ']' || r == '}':
			depth--
		}
	}
}

// thrown is an error of one of the language's own kinds.
func (e *engine) thrown(kind, message string) sobek.Value {
	o, err := e.vm.New(e.vm.GlobalObject().Get(kind), e.vm.ToValue(message))
	if err != nil {
		panic(err)
	}
	return o
}

// tally counts what one call of JSON.stringify walks: it would walk `a = []; a.length = 4e9` to its end.
type tally struct {
	count, size int
	// holders are the objects that the walk is in.
	holders []*sobek.Object
}

// guardStringify gives JSON.stringify a replacer that counts. The script's own is called by it; a list of names is first walked by
// a replacer that does the same, since the engine knows lists by themselves only.
func (e *engine) guardStringify(json *sobek.Object) error {
	stringify := json.Get("stringify").Export().(native)
	err := e.confine(json.Get("stringify"), func(c *sobek.FunctionCall) {
		args := []sobek.Value{*argument(c, 0), sobek.Undefined(), *argument(c, 2)}
		replacer := *argument(c, 1)
		own, isFunction := sobek.AssertFunction(replacer)
		list, isObject := replacer.(*sobek.Object)
		switch {
		case isFunction:
			args[1] = e.counter(nil, own)
		case isObject && list.ClassName() == "Array":
			args[1] = e.counter(e.namesIn(list), nil)
			stringify(sobek.FunctionCall{This: c.This, Arguments: args})
			args[1] = replacer
		default:
			args[1] = e.counter(nil, nil)
		}
		c.Arguments = args
	})
	e.parseJSON = json.Get("parse").Export().(native)
	e.stringify = json.Get("stringify").Export().(native)
	return err
}

// namesIn are the names of a replacer that is a list.
func (e *engine) namesIn(list *sobek.Object) map[string]bool {
	names := map[string]bool{}
	for i := range int(e.length(list)) {
		if v := list.Get(strconv.Itoa(i)); defined(v) {
			names[e.string(&v).String()] = true
		}
	}
	return names
}

// counter is a replacer that leaves everything as it is, but what is not among the names, if there are any, and what a replacer of
// the script's own replaces.
func (e *engine) counter(names map[string]bool, own sobek.Callable) sobek.Value {
	t := &tally{}
	return e.vm.ToValue(func(c sobek.FunctionCall) sobek.Value {
		e.enter()
		defer e.leave()
		key, v := c.Argument(0), c.Argument(1)
		holder, _ := c.This.(*sobek.Object)
		for len(t.holders) > 0 && t.holders[len(t.holders)-1] != holder {
			t.holders = t.holders[:len(t.holders)-1]
		}
		if own != nil {
			var err error
			if v, err = own(c.This, key, v); err != nil {
				panic(err)
			}
		} else if names != nil && t.count > 0 && holder != nil && holder.ClassName() != "Array" && !names[key.String()] {
			return sobek.Undefined()
		}
		if s, ok := v.(sobek.String); ok {
			t.size += s.Length()
		}
		if t.count++; t.count > maxElements || t.size > maxText {
			e.exceed()
		}
		if o, ok := v.(*sobek.Object); ok {
			if len(t.holders) >= maxNesting {
				panic(e.thrown("TypeError", "Nested too deep or a cyclic structure"))
			}
			t.holders = append(t.holders, o)
		}
		return v
	})
}
