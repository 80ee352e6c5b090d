package kvs

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// modelJSON is botocore's model of the service, without its texts: see testdata/README.md.
//
//go:embed testdata/service-2.json
var modelJSON []byte

// model is a service's model, as far as a REST-JSON service needs it.
type model struct {
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type operation struct {
	Name string
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input, Output *reference
	Errors        []reference
}

type reference struct {
	Shape                  string
	Location, LocationName string
}

type shape struct {
	Type     string
	Required []string
	Members  map[string]*reference
	Member   *reference
	Min, Max *int64
	Error    *struct{ HTTPStatusCode int }
}

func loadModel() *model {
	m := &model{}
	if err := json.Unmarshal(modelJSON, m); err != nil {
		panic(err) // it is part of the program
	}
	return m
}

// route finds the operation of a request and the values in its path.
func (m *model) route(r *http.Request) (*operation, map[string]string) {
	given := strings.Split(r.URL.EscapedPath(), "/")
	for _, op := range m.Operations {
		pattern := strings.Split(op.HTTP.RequestURI, "/")
		if op.HTTP.Method != r.Method || len(pattern) != len(given) {
			continue
		}
		values, fits := map[string]string{}, true
		for i, p := range pattern {
			if name, ok := strings.CutPrefix(p, "{"); ok {
				value, err := url.PathUnescape(given[i])
				values[strings.TrimSuffix(name, "}")] = value
				fits = fits && err == nil
			} else {
				fits = fits && p == given[i]
			}
		}
		if fits {
			return op, values
		}
	}
	return nil, nil
}

// message is a request or a response taken apart.
type message struct {
	path   map[string]string
	query  url.Values
	header http.Header
	body   []byte
}

// check returns what is wrong with a message that is to have a structure's shape, and its members.
func (m *model) check(name string, in message) (map[string]any, error) {
	structure := m.Shapes[name]
	body := map[string]any{}
	if len(in.body) > 0 {
		if err := json.Unmarshal(in.body, &body); err != nil {
			return nil, fmt.Errorf("%s: body: %w", name, err)
		}
	}
	values, problems := map[string]any{}, []error(nil)
	for member, ref := range structure.Members {
		text, ok := "", false
		switch ref.Location {
		case "uri":
			text, ok = in.path[ref.LocationName]
		case "querystring":
			text, ok = in.query.Get(ref.LocationName), in.query.Has(ref.LocationName)
			in.query.Del(ref.LocationName)
		case "header":
			text, ok = in.header.Get(ref.LocationName), in.header.Get(ref.LocationName) != ""
		default:
			if value, found := body[member]; found {
				values[member] = value
				delete(body, member)
			}
		}
		if ok {
			values[member] = m.typed(ref.Shape, text)
		}
		if value, found := values[member]; found {
			problems = append(problems, m.fits(name+"."+member, ref.Shape, value))
		}
	}
	for _, member := range structure.Required {
		if _, ok := values[member]; !ok {
			problems = append(problems, fmt.Errorf("%s.%s is required", name, member))
		}
	}
	for member := range body {
		problems = append(problems, fmt.Errorf("%s.%s does not exist", name, member))
	}
	for parameter := range in.query {
		problems = append(problems, fmt.Errorf("%s: there is no query parameter %s", name, parameter))
	}
	return values, errors.Join(problems...)
}

// typed gives text from outside the body the type that JSON would have given it.
func (m *model) typed(shape, text string) any {
	if kind := m.Shapes[shape].Type; kind == "integer" || kind == "long" {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}

// fits checks a value against its shape.
func (m *model) fits(where, name string, value any) error {
	s := m.Shapes[name]
	switch s.Type {
	case "string":
		text, ok := value.(string)
		if !ok || !utf8.ValidString(text) {
			return fmt.Errorf("%s: %v is not a string", where, value)
		}
		return s.within(where, int64(utf8.RuneCountInString(text)))
	case "integer", "long":
		n, ok := value.(float64)
		if !ok || n != math.Trunc(n) {
			return fmt.Errorf("%s: %v is not a whole number", where, value)
		}
		return s.within(where, int64(n))
	case "timestamp":
		// In a JSON body a time is a number of seconds.
		if n, ok := value.(float64); !ok || n < 1e9 || n > 1e10 {
			return fmt.Errorf("%s: %v is not a time", where, value)
		}
		return nil
	case "list":
		items, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s: %v is not a list", where, value)
		}
		var problems []error
		for i, item := range items {
			problems = append(problems, m.fits(fmt.Sprintf("%s[%d]", where, i), s.Member.Shape, item))
		}
		return errors.Join(append(problems, s.within(where, int64(len(items))))...)
	case "structure":
		fields, err := json.Marshal(value)
		if err != nil {
			return err
		}
		_, err = m.check(name, message{body: fields})
		return err
	}
	return fmt.Errorf("%s: type %s is not known here", where, s.Type)
}

func (s *shape) within(where string, n int64) error {
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		return fmt.Errorf("%s: %d is out of bounds", where, n)
	}
	return nil
}

// checkResponse returns what is wrong with the answer to an operation.
func (m *model) checkResponse(op *operation, status int, header http.Header, body []byte) error {
	if !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		return fmt.Errorf("%s: content type %q", op.Name, header.Get("Content-Type"))
	}
	name := op.Output.Shape
	if status != op.HTTP.ResponseCode {
		name = header.Get("X-Amzn-Errortype")
		if !slices.ContainsFunc(op.Errors, func(e reference) bool { return e.Shape == name }) {
			return fmt.Errorf("%s has no error %q", op.Name, name)
		}
		if want := m.Shapes[name].Error.HTTPStatusCode; status != want {
			return fmt.Errorf("%s: %s has status %d, want %d", op.Name, name, status, want)
		}
	}
	_, err := m.check(name, message{header: header, body: body})
	return err
}
