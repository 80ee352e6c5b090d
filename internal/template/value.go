package template

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a resolved part of a template: text, a list or an object, and where it stands.
type value struct {
	node *yaml.Node
	path string
	// text is the content of a scalar.
	text string
	// resource and attribute are set when the text stands for a resource: what Ref (attribute "") or GetAtt gave.
	resource, attribute string
	list                []*value
	fields              map[string]*value
	// keys are the names of fields, as they are ordered.
	keys []entry
	// none is AWS::NoValue: the property is as good as not there.
	none bool
}

func (v *value) scalar() bool { return v.list == nil && v.fields == nil && !v.none }

func (v *value) errorf(format string, args ...any) error {
	return errorAt(v.node, v.path, format, args...)
}

// object reads the properties of one object, each at most once. The first error stays, and the reads after it return
// zero values; done returns it, or an error for a property that nothing has asked for.
type object struct {
	v    *value
	seen map[string]bool
	err  error
}

// asObject returns the properties of v; of nothing, if v is nil.
func asObject(v *value) *object {
	o := &object{v: v, seen: map[string]bool{}}
	if v != nil && v.fields == nil {
		o.err = v.errorf("must be a mapping")
	}
	return o
}

// get returns a property, or nil if there is none.
func (o *object) get(name string) *value {
	o.seen[name] = true
	if o.v == nil || o.err != nil {
		return nil
	}
	if v := o.v.fields[name]; v != nil && !v.none {
		return v
	}
	return nil
}

// need returns a property that must be there.
func (o *object) need(name string) *value {
	v := o.get(name)
	if v == nil && o.err == nil && o.v != nil {
		o.err = o.v.errorf("%s is missing", name)
	}
	return v
}

// fail keeps the first error.
func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// without lists properties that mean nothing to the edge. The caller says why.
func (o *object) without(names ...string) {
	for _, name := range names {
		o.seen[name] = true
	}
}

// done returns the first error, or one for the first property that is not modelled.
func (o *object) done() error {
	if o.err != nil || o.v == nil {
		return o.err
	}
	for _, e := range o.v.keys {
		if v := o.v.fields[e.name]; !o.seen[e.name] && !v.none {
			return errorAt(e.key, v.path, "this property is not modelled")
		}
	}
	return nil
}

// text returns a property's text, or "".
func (o *object) text(name string) string { return o.scalar(o.get(name)) }

// needText returns the text of a property that must be there.
func (o *object) needText(name string) string { return o.scalar(o.need(name)) }

func (o *object) scalar(v *value) string {
	switch {
	case v == nil:
		return ""
	case !v.scalar():
		o.fail(v.errorf("must be text"))
		return ""
	}
	return v.text
}

// needOneOf returns the text of a property that must be there and be one of the choices.
func (o *object) needOneOf(name string, choices ...string) string {
	return o.choice(o.need(name), choices...)
}

func (o *object) choice(v *value, choices ...string) string {
	text := o.scalar(v)
	if v == nil || o.err != nil {
		return ""
	}
	for _, c := range choices {
		if text == c {
			return text
		}
	}
	o.fail(v.errorf("%q is not modelled; what is: %s", text, strings.Join(choices, ", ")))
	return ""
}

// boolean returns a property that is true or false, or false.
func (o *object) boolean(name string) bool {
	v := o.get(name)
	switch text := o.scalar(v); {
	case v == nil || o.err != nil || text == "false":
		return false
	case text == "true":
		return true
	default:
		o.fail(v.errorf("%q is neither true nor false", text))
		return false
	}
}

// number returns a property's number, or what is given for a property that is not there. It is not negative.
func (o *object) number(name string, absent int64) int64 {
	v := o.get(name)
	text := o.scalar(v)
	if v == nil || o.err != nil {
		return absent
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		o.fail(v.errorf("%q is not a whole number", text))
		return absent
	}
	return n
}

// items returns the elements of a property that is a list.
func (o *object) items(name string) []*value {
	v := o.get(name)
	if v == nil {
		return nil
	}
	if v.list == nil {
		o.fail(v.errorf("must be a list"))
	}
	return v.list
}

// texts returns a property that is a list of text.
func (o *object) texts(name string) []string {
	var texts []string
	for _, item := range o.items(name) {
		texts = append(texts, o.scalar(item))
	}
	return texts
}

// inner returns the properties of a property that is an object, or nil if it is not there.
func (o *object) inner(name string) *object {
	v := o.get(name)
	if v == nil {
		return nil
	}
	return asObject(v)
}
