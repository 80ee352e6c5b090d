package cfjs

import (
	"fmt"
	"time"

	"github.com/grafana/sobek"
)

// newCloudFront makes the module cloudfront (functions-custom-methods, helper-functions-origin-modification).
func (e *engine) newCloudFront() *sobek.Object {
	store := e.object(map[string]native{"get": e.kvsGet, "exists": e.kvsExists, "meta": e.kvsMeta})
	cf := e.object(map[string]native{
		// The id is not compared: the store that is associated with the function is the only one that it can reach.
		"kvs": func(sobek.FunctionCall) sobek.Value {
			if e.inv.kv == nil {
				panic(e.newError("KVSNamespaceNotFound"))
			}
			return store
		},
		"updateRequestOrigin":      e.updateRequestOrigin,
		"selectRequestOriginById":  e.selectRequestOriginByID,
		"createRequestOriginGroup": e.createRequestOriginGroup,
	})
	at := e.f.opts.EdgeLocation
	location := e.vm.NewObject()
	_ = location.Set("name", at.Name)
	_ = location.Set("serverIp", at.ServerIP)
	_ = location.Set("region", at.Region)
	none := e.vm.NewObject()
	_ = cf.DefineAccessorProperty("edgeLocation", e.vm.ToValue(func(sobek.FunctionCall) sobek.Value {
		if e.inv.event != nil && e.inv.event.Type == ViewerResponse {
			return none
		}
		return location
	}), nil, sobek.FLAG_FALSE, sobek.FLAG_TRUE)
	e.shared = append(e.shared, store, location, none)
	return cf
}

func (e *engine) resolved(v sobek.Value) sobek.Value {
	return e.resolve(sobek.FunctionCall{This: e.promise, Arguments: []sobek.Value{v}})
}

func (e *engine) rejected(message string) sobek.Value {
	return e.reject(sobek.FunctionCall{This: e.promise, Arguments: []sobek.Value{e.newError(message)}})
}

func (e *engine) read(key string) (string, bool) {
	value, ok := e.inv.kv.Get(key)
	if len(e.inv.reads) < maxElements {
		e.inv.reads = append(e.inv.reads, Read{Key: key, Value: value, OK: ok})
	}
	return value, ok
}

// kvsGet is get(key, {format}). A missing key rejects with "KeyNotFound", as CloudFront does.
func (e *engine) kvsGet(c sobek.FunctionCall) sobek.Value {
	format := "string"
	if o, ok := c.Argument(1).(*sobek.Object); ok {
		if f := o.Get("format"); defined(f) {
			format = f.String()
		}
	}
	value, ok := e.read(c.Argument(0).String())
	if !ok {
		return e.rejected("KeyNotFound")
	}
	switch format {
	case "string":
		return e.resolved(e.text(value))
	case "json":
		parsed, err := e.parse(value)
		if err != nil {
			return e.rejected(fmt.Sprintf("the value is not JSON: %v", err))
		}
		return e.resolved(parsed)
	case "bytes":
		if e.newBuffer == nil {
			return e.rejected("the format bytes needs the module buffer")
		}
		return e.resolved(e.newBuffer([]byte(value)))
	}
	return e.rejected(fmt.Sprintf("unknown format %q", clip(format)))
}

// parse is JSON.parse; a syntax error comes back as an error instead of being thrown.
func (e *engine) parse(text string) (_ sobek.Value, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("%v", x)
		}
	}()
	return e.parseJSON(sobek.FunctionCall{Arguments: []sobek.Value{e.text(text)}}), nil
}

func (e *engine) kvsExists(c sobek.FunctionCall) sobek.Value {
	_, ok := e.read(c.Argument(0).String())
	return e.resolved(e.vm.ToValue(ok))
}

func (e *engine) kvsMeta(sobek.FunctionCall) sobek.Value {
	e.inv.used.Meta = true
	meta := e.inv.kv.Meta()
	o := e.vm.NewObject()
	_ = o.Set("creationDateTime", isoTime(meta.Created))
	_ = o.Set("lastUpdatedDateTime", isoTime(meta.Updated))
	_ = o.Set("keyCount", meta.Keys)
	return e.resolved(o)
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (e *engine) updateRequestOrigin(c sobek.FunctionCall) sobek.Value {
	var update OriginUpdate
	if e.originArgument("updateRequestOrigin", c.Argument(0), &update, update.validate) {
		e.inv.origin = &Origin{Update: &update}
	}
	return sobek.Undefined()
}

func (e *engine) selectRequestOriginByID(c sobek.FunctionCall) sobek.Value {
	id, ok := c.Argument(0).(sobek.String)
	if !ok || id.Length() == 0 {
		e.inv.invalid = "selectRequestOriginById: the origin id must be a string"
		return sobek.Undefined()
	}
	origin := &Origin{ID: id.String()}
	if defined(c.Argument(1)) {
		origin.Overrides = &OriginOverrides{}
		if !e.originArgument("selectRequestOriginById", c.Argument(1), origin.Overrides, origin.Overrides.validate) {
			return sobek.Undefined()
		}
	} else if !e.viewerRequest("selectRequestOriginById") {
		return sobek.Undefined()
	}
	e.inv.origin = origin
	return sobek.Undefined()
}

func (e *engine) createRequestOriginGroup(c sobek.FunctionCall) sobek.Value {
	var group OriginGroup
	if e.originArgument("createRequestOriginGroup", c.Argument(0), &group, group.validate) {
		e.inv.origin = &Origin{Group: &group}
	}
	return sobek.Undefined()
}

func (e *engine) viewerRequest(helper string) bool {
	if e.inv.event.Type == ViewerResponse {
		e.inv.invalid = helper + " is for viewer-request functions only"
		return false
	}
	return true
}

// originArgument reads a helper's argument. What is wrong with it makes the result invalid, a 502, and not an exception:
// CloudFront checks these values after the function has run.
func (e *engine) originArgument(helper string, v sobek.Value, into any, validate func() error) bool {
	if !e.viewerRequest(helper) {
		return false
	}
	text := e.stringify(sobek.FunctionCall{Arguments: []sobek.Value{v}})
	if !defined(text) {
		e.inv.invalid = helper + " takes an object"
		return false
	}
	err := decodeOrigin(text.String(), into)
	if err == nil {
		err = validate()
	}
	if err != nil {
		e.inv.invalid = fmt.Sprintf("%s: %v", helper, err)
		return false
	}
	return true
}
