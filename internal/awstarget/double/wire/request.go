package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is a request as an operation sees it.
type Request struct {
	Operation *Operation
	Input     map[string]any
}

// Text returns a member of the input that is text, or "".
func (r *Request) Text(name string) string {
	text, _ := r.Input[name].(string)
	return text
}

// Decode takes a request apart. An error is about a request that is not the service's, or does not fit the model.
func (m *Model) Decode(r *http.Request) (*Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var req *Request
	switch m.Metadata.Protocol {
	case "json":
		req, err = m.decodeJSON(r, body)
	case "query":
		req, err = m.decodeQuery(body)
	default:
		req, err = m.decodeREST(r, body)
	}
	if err != nil {
		return nil, err
	}
	if req.Operation.Input == nil {
		return req, nil
	}
	if wrong := m.Check(req.Operation.Input.Shape, req.Input); len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "; "))
	}
	return req, nil
}

func (m *Model) decodeJSON(r *http.Request, body []byte) (*Request, error) {
	// Services take the prefix with and without the Java package before it; botocore's models and the Go SDK differ there.
	prefix := m.Metadata.TargetPrefix[strings.LastIndexByte(m.Metadata.TargetPrefix, '.')+1:]
	target := r.Header.Get("X-Amz-Target")
	name := target[strings.LastIndexByte(target, '.')+1:]
	op := m.Operations[name]
	if op == nil || !strings.HasSuffix(strings.TrimSuffix(target, "."+name), prefix) {
		return nil, fmt.Errorf("the double has no operation %s", target)
	}
	var raw map[string]any
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Request{op, raw}, nil
}

func (m *Model) decodeQuery(body []byte) (*Request, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	op := m.Operations[form.Get("Action")]
	if op == nil {
		return nil, fmt.Errorf("the double has no operation %s", form.Get("Action"))
	}
	if form.Get("Version") != m.Metadata.APIVersion {
		return nil, fmt.Errorf("version %s, want %s", form.Get("Version"), m.Metadata.APIVersion)
	}
	form.Del("Action")
	form.Del("Version")
	req := &Request{op, map[string]any{}}
	if op.Input != nil {
		v, err := m.fromForm(op.Input.Shape, "", form)
		if err != nil {
			return nil, err
		}
		if v != nil {
			req.Input = v.(map[string]any)
		}
	}
	if len(form) > 0 {
		return nil, fmt.Errorf("%s has no parameters %v", op.Name, form)
	}
	return req, nil
}

// fromForm takes the value of a shape out of a form; nil if there is none. What it reads is removed.
func (m *Model) fromForm(shape, prefix string, form url.Values) (any, error) {
	s := m.Shapes[shape]
	switch s.Type {
	case "structure":
		fields := map[string]any{}
		for name, ref := range s.Members {
			at := name
			if prefix != "" {
				at = prefix + "." + name
			}
			v, err := m.fromForm(ref.Shape, at, form)
			if err != nil {
				return nil, err
			}
			if v != nil {
				fields[name] = v
			}
		}
		if len(fields) == 0 && prefix != "" {
			return nil, nil
		}
		return fields, nil
	case "list":
		var items []any
		for i := 1; ; i++ {
			v, err := m.fromForm(s.Member.Shape, prefix+".member."+strconv.Itoa(i), form)
			if err != nil {
				return nil, err
			}
			if v == nil {
				break
			}
			items = append(items, v)
		}
		if items == nil && form.Has(prefix) && form.Get(prefix) == "" {
			form.Del(prefix) // how botocore sends an empty list
		}
		if items == nil {
			return nil, nil
		}
		return items, nil
	}
	if !form.Has(prefix) {
		return nil, nil
	}
	text := form.Get(prefix)
	form.Del(prefix)
	return scalar(s, text)
}

func scalar(s *Shape, text string) (any, error) {
	switch s.Type {
	case "boolean":
		return strconv.ParseBool(text)
	case "integer", "long", "double", "float":
		return strconv.ParseFloat(text, 64)
	case "timestamp":
		return time.Parse(time.RFC3339, text)
	}
	return text, nil
}

// common are error codes that every service may answer with (the API References' "Common Errors").
var common = []string{
	"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "Throttling",
	"ThrottlingException", "ValidationError", "ValidationException", "InternalFailure", "ServiceUnavailable",
}

// Knows reports whether an operation may answer with an error code.
func (m *Model) Knows(op *Operation, code string) bool {
	if slices.Contains(common, code) {
		return true
	}
	return slices.ContainsFunc(op.Errors, func(e Ref) bool {
		s := m.Shapes[e.Shape]
		return e.Shape == code || s.Error != nil && s.Error.Code == code
	})
}
