package cfjs

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"

	"github.com/grafana/sobek"
)

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New}

// newCrypto makes the module crypto: hashes and HMACs.
func (e *engine) newCrypto() *sobek.Object {
	return e.object(map[string]native{
		"createHash": func(c sobek.FunctionCall) sobek.Value {
			return e.newHash(e.algorithm(c.Argument(0))())
		},
		"createHmac": func(c sobek.FunctionCall) sobek.Value {
			key, ok := bytesOf(c.Argument(1))
			if !ok {
				panic(e.vm.NewTypeError("key is not a string or a Buffer-like object"))
			}
			return e.newHash(hmac.New(e.algorithm(c.Argument(0)), key))
		},
	})
}

func (e *engine) algorithm(v sobek.Value) func() hash.Hash {
	make, ok := hashes[v.String()]
	if !ok {
		panic(e.vm.NewTypeError("not supported algorithm: \"" + clip(v.String()) + "\""))
	}
	return make
}

// newHash is an object with update and digest. After digest it is spent.
func (e *engine) newHash(h hash.Hash) *sobek.Object {
	done := false
	open := func() {
		if done {
			panic(e.newError("Digest already called"))
		}
	}
	return e.object(map[string]native{
		"update": func(c sobek.FunctionCall) sobek.Value {
			open()
			b, ok := bytesOf(c.Argument(0))
			if encoding := c.Argument(1); ok && defined(encoding) {
				if s, isString := c.Argument(0).(sobek.String); isString {
					b, _ = decodeText(s.String(), encoding.String())
				}
			}
			if !ok {
				panic(e.vm.NewTypeError("data is not a string or a Buffer-like object"))
			}
			h.Write(b)
			return c.This
		},
		"digest": func(c sobek.FunctionCall) sobek.Value {
			open()
			done = true
			sum := h.Sum(nil)
			if encoding := c.Argument(0); defined(encoding) {
				switch name := encoding.String(); name {
				case "hex", "base64", "base64url":
					return e.encode(sum, name)
				default:
					panic(e.vm.NewTypeError("Unknown digest encoding: \"" + clip(name) + "\""))
				}
			}
			if e.newBuffer == nil {
				return e.fromLatin1(sum)
			}
			return e.newBuffer(sum)
		},
	})
}
