package cfjs

import (
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/grafana/sobek"
)

//go:embed buffer.js
var bufferSource string

var bufferProgram = sync.OnceValue(func() *sobek.Program { return sobek.MustCompile("buffer.js", bufferSource, true) })

// setUpBuffer defines the global Buffer and returns the module buffer.
func (e *engine) setUpBuffer() (sobek.Value, error) {
	vm := e.vm
	v, err := vm.RunProgram(bufferProgram())
	if err != nil {
		return nil, err
	}
	makeBuffer, _ := sobek.AssertFunction(v)
	encode := e.function("encode", func(c sobek.FunctionCall) sobek.Value {
		b, _ := bytesOf(c.Argument(0))
		return e.encode(b, c.Argument(1).String())
	})
	decode := e.function("decode", func(c sobek.FunctionCall) sobek.Value {
		b, _ := decodeText(c.Argument(0).String(), c.Argument(1).String())
		return vm.ToValue(vm.NewArrayBuffer(b))
	})
	class, err := makeBuffer(sobek.Undefined(), encode, decode)
	if err != nil {
		return nil, err
	}
	if err := vm.Set("Buffer", class); err != nil {
		return nil, err
	}
	construct, _ := sobek.AssertConstructor(class)
	e.newBuffer = func(b []byte) sobek.Value {
		o, err := construct(nil, vm.ToValue(vm.NewArrayBuffer(b)))
		if err != nil {
			panic(err)
		}
		return o
	}
	module := vm.NewObject()
	return module, module.Set("Buffer", class)
}

// bytesOf returns the bytes of a buffer, a view of one, or a string in UTF-8. They are not to be changed.
func bytesOf(v sobek.Value) ([]byte, bool) {
	if s, ok := v.(sobek.String); ok {
		return []byte(s.String()), true
	}
	if b, ok := exported[[]byte](v); ok {
		return b, true
	}
	if b, ok := exported[sobek.ArrayBuffer](v); ok {
		return b.Bytes(), true
	}
	o, ok := v.(*sobek.Object)
	if !ok {
		return nil, false
	}
	buffer, ok := exported[sobek.ArrayBuffer](o.Get("buffer"))
	if !ok {
		return nil, false
	}
	from, _ := numeric(o.Get("byteOffset"))
	n, _ := numeric(o.Get("byteLength"))
	whole := buffer.Bytes()
	if from < 0 || n < 0 || int(from+n) > len(whole) {
		return nil, false
	}
	return whole[int(from):int(from+n)], true
}

// encode is the text of bytes in one of the encodings that CloudFront knows.
func (e *engine) encode(b []byte, encoding string) sobek.Value {
	if len(b) > maxText {
		e.exceed()
	}
	switch encoding {
	case "hex":
		return e.vm.ToValue(hex.EncodeToString(b))
	case "base64":
		return e.vm.ToValue(base64.StdEncoding.EncodeToString(b))
	case "base64url":
		return e.vm.ToValue(base64.RawURLEncoding.EncodeToString(b))
	}
	return e.vm.ToValue(string(b2utf8(b)))
}

// b2utf8 replaces what is not UTF-8 by U+FFFD, each wrong byte by one.
func b2utf8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}

// decodeText is the bytes of a text. As in Node.js, what does not belong to the encoding ends (hex) or is left out (base64).
func decodeText(s, encoding string) ([]byte, bool) {
	switch encoding {
	case "hex":
		n := 0
		for n+1 < len(s) && isHex(s[n]) && isHex(s[n+1]) {
			n += 2
		}
		b, err := hex.DecodeString(s[:n])
		return b, err == nil
	case "base64", "base64url":
		s, _, _ = strings.Cut(s, "=")
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '-':
				return '+'
			case r == '_':
				return '/'
			case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '+', r == '/':
				return r
			}
			return -1
		}, s)
		if len(s)%4 == 1 {
			s = s[:len(s)-1]
		}
		b, err := base64.RawStdEncoding.DecodeString(s)
		return b, err == nil
	}
	return []byte(s), true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// setUpText defines TextEncoder and TextDecoder (UTF-8 only).
func (e *engine) setUpText() {
	vm := e.vm
	_ = vm.Set("TextEncoder", func(c sobek.ConstructorCall) *sobek.Object {
		_ = c.This.Set("encoding", "utf-8")
		_ = c.This.Set("encode", e.function("encode", func(c sobek.FunctionCall) sobek.Value {
			text := ""
			if a := c.Argument(0); !sobek.IsUndefined(a) {
				text = a.String()
			}
			return e.newUint8Array([]byte(text))
		}))
		_ = c.This.Set("encodeInto", e.function("encodeInto", func(c sobek.FunctionCall) sobek.Value {
			into, _ := exported[[]byte](c.Argument(1))
			return e.encodeInto(c.Argument(0).String(), into)
		}))
		return nil
	})
	_ = vm.Set("TextDecoder", func(c sobek.ConstructorCall) *sobek.Object {
		if a := c.Argument(0); !sobek.IsUndefined(a) && !strings.EqualFold(a.String(), "utf-8") && !strings.EqualFold(a.String(), "utf8") {
			panic(vm.NewTypeError("The \"" + clip(a.String()) + "\" encoding is not supported"))
		}
		option := func(name string) bool {
			o, ok := c.Argument(1).(*sobek.Object)
			return ok && o.Get(name) != nil && o.Get(name).ToBoolean()
		}
		fatal, ignoreBOM := option("fatal"), option("ignoreBOM")
		_ = c.This.Set("encoding", "utf-8")
		_ = c.This.Set("fatal", fatal)
		_ = c.This.Set("ignoreBOM", ignoreBOM)
		_ = c.This.Set("decode", e.function("decode", func(c sobek.FunctionCall) sobek.Value {
			b, ok := bytesOf(c.Argument(0))
			if !ok && !sobek.IsUndefined(c.Argument(0)) {
				panic(vm.NewTypeError("TypedArray or ArrayBuffer expected"))
			}
			if fatal && !utf8.Valid(b) {
				panic(vm.NewTypeError("The encoded data was not valid"))
			}
			text := string(b2utf8(b))
			if !ignoreBOM {
				text = strings.TrimPrefix(text, "\ufeff")
			}
			return vm.ToValue(text)
		}))
		return nil
	})
}

func (e *engine) newUint8Array(b []byte) sobek.Value {
	o, err := e.vm.New(e.vm.GlobalObject().Get("Uint8Array"), e.vm.ToValue(e.vm.NewArrayBuffer(b)))
	if err != nil {
		panic(err)
	}
	return o
}

func (e *engine) encodeInto(text string, into []byte) sobek.Value {
	read, written := 0, 0
	for _, r := range text {
		n := utf8.RuneLen(r)
		if written+n > len(into) {
			break
		}
		utf8.EncodeRune(into[written:], r)
		written += n
		if read++; r > 0xffff {
			read++
		}
	}
	o := e.vm.NewObject()
	_ = o.Set("read", read)
	_ = o.Set("written", written)
	return o
}
