package cfjs

import (
	"github.com/grafana/sobek"
)

// kind is one of the objects of an event with fixed properties.
type kind int

const (
	eventKind kind = iota
	contextKind
	viewerKind
	requestKind
	responseKind
)

// The properties of each kind, in the order of the documentation (functions-event-structure).
var kindKeys = [...][]string{
	eventKind:    {"version", "context", "viewer", "request", "response"},
	contextKind:  {"distributionDomainName", "distributionId", "eventType", "requestId"},
	viewerKind:   {"ip"},
	requestKind:  {"method", "uri", "querystring", "headers", "cookies"},
	responseKind: {"statusCode", "statusDescription", "headers", "cookies", "body"},
}

// Indexes into a record's values.
const (
	atMethod, atURI, atQuery, atHeaders, atCookies = 0, 1, 2, 3, 4
	atStatus, atDescription, atResHead, atResCook  = 0, 1, 2, 3
	atBody, atResponse                             = 4, 4
)

// record is an object of the event whose properties are made when they are first read: most functions read few of them,
// and what they read is noted in Used.
type record struct {
	e    *engine
	kind kind
	// vals are the properties of kindKeys: nil as long as nobody read or wrote them.
	vals [5]sobek.Value
	// set and gone are bit sets over vals: assigned by the function, deleted by it (or not there from the start).
	set, gone uint8
	// more holds properties that the function added, in order.
	more []property
}

type property struct {
	name  string
	value sobek.Value
}

var _ sobek.DynamicObject = (*record)(nil)

func (e *engine) newRecord(k kind) (*record, *sobek.Object) {
	r := &record{e: e, kind: k}
	return r, e.vm.NewDynamicObject(r)
}

// newEvent returns the handler's argument.
func (e *engine) newEvent() sobek.Value {
	r, o := e.newRecord(eventKind)
	if e.inv.event.Response == nil {
		r.gone |= 1 << atResponse
	}
	return o
}

func (r *record) index(key string) int {
	for i, k := range kindKeys[r.kind] {
		if k == key {
			return i
		}
	}
	return -1
}

// Get returns a property, or nil.
func (r *record) Get(key string) sobek.Value {
	i := r.index(key)
	if i < 0 {
		for j := range r.more {
			if r.more[j].name == key {
				return r.more[j].value
			}
		}
		return nil
	}
	if r.gone&(1<<i) != 0 {
		return nil
	}
	if r.vals[i] == nil {
		r.vals[i] = r.e.load(r.kind, i)
	}
	return r.vals[i]
}

// Set assigns a property.
func (r *record) Set(key string, v sobek.Value) bool {
	if i := r.index(key); i >= 0 {
		r.vals[i] = v
		r.set |= 1 << i
		r.gone &^= 1 << i
		return true
	}
	for j := range r.more {
		if r.more[j].name == key {
			r.more[j].value = v
			return true
		}
	}
	if len(r.more) >= maxElements {
		r.e.exceed()
	}
	r.more = append(r.more, property{key, v})
	return true
}

// Has reports whether there is such a property.
func (r *record) Has(key string) bool {
	if i := r.index(key); i >= 0 {
		return r.gone&(1<<i) == 0
	}
	for j := range r.more {
		if r.more[j].name == key {
			return true
		}
	}
	return false
}

// Delete removes a property.
func (r *record) Delete(key string) bool {
	if i := r.index(key); i >= 0 {
		r.vals[i] = nil
		r.gone |= 1 << i
		r.set |= 1 << i
		return true
	}
	for j := range r.more {
		if r.more[j].name == key {
			r.more = append(r.more[:j], r.more[j+1:]...)
			break
		}
	}
	return true
}

// Keys lists the properties.
func (r *record) Keys() []string {
	var keys []string
	for i, k := range kindKeys[r.kind] {
		if r.gone&(1<<i) == 0 {
			keys = append(keys, k)
		}
	}
	for _, p := range r.more {
		keys = append(keys, p.name)
	}
	return keys
}

// own reports whether the property is still the event's own, and the function has not even looked at it.
func (r *record) own(i int) bool { return r.set&(1<<i) == 0 }

// load makes a property of the event.
func (e *engine) load(k kind, i int) sobek.Value {
	ev, used := e.inv.event, &e.inv.used
	switch k {
	case eventKind:
		return e.loadEvent(i)
	case contextKind:
		if i == 3 {
			used.RequestID = true
		}
		return e.text([...]string{ev.DistributionDomainName, ev.DistributionID, string(ev.Type), ev.RequestID}[i])
	case viewerKind:
		used.ViewerIP = true
		return e.text(ev.ViewerIP)
	case requestKind:
		return e.loadRequest(i)
	default:
		return e.loadResponse(i)
	}
}

func (e *engine) loadEvent(i int) sobek.Value {
	var o *sobek.Object
	switch i {
	case 0:
		return e.text("1.0")
	case 1:
		_, o = e.newRecord(contextKind)
	case 2:
		_, o = e.newRecord(viewerKind)
	case 3:
		e.inv.request, o = e.newRecord(requestKind)
		_ = o.SetPrototype(e.requestProto)
	default:
		e.inv.res, o = e.newRecord(responseKind)
		if e.inv.event.Response.Body == nil {
			e.inv.res.gone |= 1 << atBody
		}
	}
	return o
}

func (e *engine) loadRequest(i int) sobek.Value {
	req, used := &e.inv.event.Request, &e.inv.used
	var o *sobek.Object
	switch i {
	case atMethod:
		used.Method = true
		return e.text(req.Method)
	case atURI:
		used.URI = true
		return e.text(req.URI)
	case atQuery:
		e.inv.query, o = e.newEntries(req.Querystring, &used.Querystring, &used.AllQuerystring)
	case atHeaders:
		e.inv.headers, o = e.newEntries(req.Headers, &used.Headers, &used.AllHeaders)
	default:
		e.inv.cookies, o = e.newEntries(req.Cookies, &used.Cookies, &used.AllCookies)
	}
	return o
}

func (e *engine) loadResponse(i int) sobek.Value {
	e.inv.used.Response = true
	res := e.inv.event.Response
	var o *sobek.Object
	switch i {
	case atStatus:
		return e.vm.ToValue(res.StatusCode)
	case atDescription:
		return e.text(res.StatusDescription)
	case atResHead:
		e.inv.resHead, o = e.newEntries(res.Headers, nil, nil)
	case atResCook:
		e.inv.resCook, o = e.newEntries(res.Cookies, nil, nil)
	default:
		o = e.vm.NewObject()
		_ = o.Set("encoding", res.Body.Encoding)
		_ = o.Set("data", e.text(res.Body.Data))
	}
	return o
}

// text is a JavaScript string. What is not UTF-8 was ISO-8859-1 (edge-function-restrictions-all, "encoding").
func (e *engine) text(s string) sobek.Value { return e.vm.ToValue(utf8Text(s)) }
