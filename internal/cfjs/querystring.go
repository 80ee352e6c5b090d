package cfjs

import (
	"strings"

	"github.com/grafana/sobek"
)

// newQuerystring makes the module querystring.
func (e *engine) newQuerystring() *sobek.Object {
	escape := func(c sobek.FunctionCall) sobek.Value { return e.vm.ToValue(queryEscape(c.Argument(0).String())) }
	unescape := func(c sobek.FunctionCall) sobek.Value { return e.vm.ToValue(queryUnescape(c.Argument(0).String())) }
	return e.object(map[string]native{
		"escape": escape, "unescape": unescape,
		"parse": e.queryParse, "decode": e.queryParse,
		"stringify": e.queryStringify, "encode": e.queryStringify,
	})
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"

func queryEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(unreserved, c) >= 0 {
			b.WriteByte(c)
		} else {
			const digits = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// queryUnescape decodes what can be decoded; what is not UTF-8 then becomes U+FFFD.
func queryUnescape(s string) string {
	if !strings.ContainsRune(s, '%') {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b, _ := decodeText(s[i+1:i+3], "hex")
			out = append(out, b...)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(b2utf8(out))
}

// option is a function among the options of parse and stringify, or nil.
func option(v sobek.Value, name string) sobek.Callable {
	o, ok := v.(*sobek.Object)
	if !ok {
		return nil
	}
	f, _ := sobek.AssertFunction(o.Get(name))
	return f
}

func (e *engine) convertWith(f sobek.Callable, plain func(string) string, s string) string {
	if f == nil {
		return plain(s)
	}
	v, err := f(sobek.Undefined(), e.vm.ToValue(s))
	if err != nil {
		panic(err)
	}
	return v.String()
}

func separators(c sobek.FunctionCall) (separator, equal string) {
	separator, equal = "&", "="
	if v := c.Argument(1); defined(v) && v.String() != "" {
		separator = v.String()
	}
	if v := c.Argument(2); defined(v) && v.String() != "" {
		equal = v.String()
	}
	return separator, equal
}

func (e *engine) queryParse(c sobek.FunctionCall) sobek.Value {
	out := e.vm.NewObject()
	text, ok := c.Argument(0).(sobek.String)
	if !ok || text.Length() == 0 {
		return out
	}
	separator, equal := separators(c)
	limit := 1000
	if o, ok := c.Argument(3).(*sobek.Object); ok {
		if n, isNumber := numeric(o.Get("maxKeys")); isNumber {
			limit = int(n)
		}
	}
	decode := option(c.Argument(3), "decodeURIComponent")
	plain := func(s string) string { return queryUnescape(strings.ReplaceAll(s, "+", " ")) }
	values := map[string][]any{}
	for i, pair := range strings.Split(text.String(), separator) {
		if limit > 0 && i >= limit {
			break
		}
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, equal)
		key, value = e.convertWith(decode, plain, key), e.convertWith(decode, plain, value)
		values[key] = append(values[key], value)
		if all := values[key]; len(all) == 1 {
			_ = out.Set(key, value)
		} else {
			_ = out.Set(key, e.vm.NewArray(all...))
		}
	}
	return out
}

func (e *engine) queryStringify(c sobek.FunctionCall) sobek.Value {
	o, ok := c.Argument(0).(*sobek.Object)
	if !ok {
		return e.vm.ToValue("")
	}
	separator, equal := separators(c)
	encode := option(c.Argument(3), "encodeURIComponent")
	var parts []string
	add := func(key string, v sobek.Value) {
		text := ""
		if _, isObject := v.(*sobek.Object); defined(v) && !isObject {
			text = v.String()
		}
		parts = append(parts, e.convertWith(encode, queryEscape, key)+equal+e.convertWith(encode, queryEscape, text))
	}
	for _, key := range o.Keys() {
		v := o.Get(key)
		if list, ok := v.(*sobek.Object); ok && list.ClassName() == "Array" {
			e.length(list)
			for _, i := range list.Keys() {
				add(key, list.Get(i))
			}
			continue
		}
		add(key, v)
	}
	return e.vm.ToValue(strings.Join(parts, separator))
}
