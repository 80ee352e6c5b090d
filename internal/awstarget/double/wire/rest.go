package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// invalidBatch is the one error of Route 53 that has a form of its own (Amazon Route 53 API Reference,
// ChangeResourceRecordSets).
const invalidBatch = "InvalidChangeBatch"

// decodeREST reads the operation and its input from the path, the query and the body.
func (m *Model) decodeREST(r *http.Request, body []byte) (*Request, error) {
	for _, op := range m.Operations {
		if op.HTTP.Method != r.Method {
			continue
		}
		if labels, ok := match(op.HTTP.RequestURI, r.URL.Path); ok {
			return m.inputOf(op, labels, r.URL.Query(), body)
		}
	}
	return nil, fmt.Errorf("the double has no operation %s %s", r.Method, r.URL.Path)
}

// match compares a path with a pattern, and returns what stands for the labels.
func match(pattern, path string) (map[string]string, bool) {
	want, given := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(given) {
		return nil, false
	}
	labels := map[string]string{}
	for i, w := range want {
		if name, ok := strings.CutPrefix(w, "{"); ok {
			labels[strings.TrimSuffix(name, "}")] = given[i]
		} else if w != given[i] {
			return nil, false
		}
	}
	return labels, true
}

func (m *Model) inputOf(op *Operation, labels map[string]string, query url.Values, body []byte) (*Request, error) {
	req := &Request{op, map[string]any{}}
	if op.Input == nil {
		return req, nil
	}
	members := m.Shapes[op.Input.Shape].Members
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	for name, ref := range members {
		at := ref.LocationName
		if at == "" {
			at = name
		}
		var v any
		switch ref.Location {
		case "uri":
			v = labels[at]
		case "querystring":
			if !query.Has(at) {
				continue
			}
			v, err = scalar(m.Shapes[ref.Shape], query.Get(at))
			query.Del(at)
		case "header":
			continue
		default:
			child := root.child(at)
			if child == nil {
				continue
			}
			v, err = m.fromXML(ref.Shape, child)
		}
		if err != nil {
			return nil, err
		}
		req.Input[name] = v
	}
	if len(query) > 0 {
		return nil, fmt.Errorf("%s has no parameters %v", op.Name, query)
	}
	return req, nil
}

// element is one element of a document.
type element struct {
	name     string
	text     string
	children []*element
}

func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	if i := slices.IndexFunc(e.children, func(c *element) bool { return c.name == name }); i >= 0 {
		return e.children[i]
	}
	return nil
}

// parse reads a document; nil if there is none.
func parse(body []byte) (*element, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	top := &element{}
	open := []*element{top}
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return top.children[0], nil
		}
		if err != nil {
			return nil, err
		}
		current := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local}
			current.children = append(current.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			current.text += string(t)
		}
	}
}

// fromXML takes the value of a shape out of an element. What the shape does not have is an error.
func (m *Model) fromXML(shape string, e *element) (any, error) {
	s := m.Shapes[shape]
	switch s.Type {
	case "structure":
		fields := map[string]any{}
		for _, c := range e.children {
			ref := s.Members[c.name]
			if ref == nil {
				return nil, fmt.Errorf("%s has no %s", shape, c.name)
			}
			v, err := m.fromXML(ref.Shape, c)
			if err != nil {
				return nil, err
			}
			fields[c.name] = v
		}
		return fields, nil
	case "list":
		items := []any{}
		for _, c := range e.children {
			v, err := m.fromXML(s.Member.Shape, c)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		return items, nil
	}
	return scalar(s, e.text)
}

// writeREST writes the payload, or else every other member, as the body, and what belongs there into the headers.
func (m *Model) writeREST(w http.ResponseWriter, op *Operation, out map[string]any) {
	s := m.Shapes[op.Output.Shape]
	body, shape := any(out), op.Output.Shape
	for name, ref := range s.Members {
		if text, ok := out[name].(string); ok && ref.Location == "header" {
			w.Header().Set(ref.LocationName, text)
			delete(out, name)
		}
	}
	if s.Payload != "" {
		body, shape = out[s.Payload], s.Members[s.Payload].Shape
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0"?><%s>`, shape)
	m.writeXML(&b, shape, body)
	fmt.Fprintf(&b, "</%s>", shape)
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(b.Bytes())
}

// encodeBatchError writes Route 53's own form of an error.
func encodeBatchError(w http.ResponseWriter, status int, message string) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0"?><InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>`)
	_ = xml.EscapeText(&b, []byte(message))
	b.WriteString("</Message></Messages><RequestId>11111111-2222-3333-4444-555555555555</RequestId></InvalidChangeBatch>")
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
