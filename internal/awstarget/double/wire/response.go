package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Encode writes the answer to an operation. It returns what is wrong with it by the model; it is written all the same.
func (m *Model) Encode(w http.ResponseWriter, op *Operation, out map[string]any) []string {
	var wrong []string
	if out == nil {
		out = map[string]any{}
	}
	if op.Output != nil {
		wrong = m.Check(op.Output.Shape, out)
	} else if len(out) > 0 {
		wrong = []string{op.Name + " has no output"}
	}
	w.Header().Set("X-Amzn-Requestid", "11111111-2222-3333-4444-555555555555")
	switch m.Metadata.Protocol {
	case "json":
		body := any(map[string]any{})
		if op.Output != nil {
			body = m.toJSON(op.Output.Shape, out)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-"+m.Metadata.JSONVersion)
		_ = json.NewEncoder(w).Encode(body)
	case "query":
		m.writeQuery(w, op, out)
	default:
		m.writeREST(w, op, out)
	}
	return wrong
}

// EncodeError writes an error of a service.
func (m *Model) EncodeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Requestid", "11111111-2222-3333-4444-555555555555")
	if m.Metadata.Protocol == "json" {
		w.Header().Set("Content-Type", "application/x-amz-json-"+m.Metadata.JSONVersion)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
		return
	}
	if code == invalidBatch {
		encodeBatchError(w, status, message)
		return
	}
	var b bytes.Buffer
	b.WriteString("<ErrorResponse><Error><Type>Sender</Type><Code>")
	_ = xml.EscapeText(&b, []byte(code))
	b.WriteString("</Code><Message>")
	_ = xml.EscapeText(&b, []byte(message))
	b.WriteString("</Message></Error><RequestId>11111111-2222-3333-4444-555555555555</RequestId></ErrorResponse>")
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// toJSON gives times their form in JSON: seconds since 1970.
func (m *Model) toJSON(shape string, v any) any {
	s := m.Shapes[shape]
	switch value := v.(type) {
	case time.Time:
		return float64(value.UnixMilli()) / 1000
	case map[string]any:
		out := map[string]any{}
		for name, field := range value {
			switch {
			case s.Type == "map":
				out[name] = m.toJSON(s.Value.Shape, field)
			case s.Members[name] != nil:
				out[name] = m.toJSON(s.Members[name].Shape, field)
			}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = m.toJSON(s.Member.Shape, item)
		}
		return out
	}
	return v
}

func (m *Model) writeQuery(w http.ResponseWriter, op *Operation, out map[string]any) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%sResponse xmlns=%q>", op.Name, m.Metadata.XMLNamespace)
	if op.Output != nil {
		wrapper := op.Output.ResultWrapper
		fmt.Fprintf(&b, "<%s>", wrapper)
		m.writeXML(&b, op.Output.Shape, out)
		fmt.Fprintf(&b, "</%s>", wrapper)
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></%sResponse>", op.Name)
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(b.Bytes())
}

// writeXML writes the content of an element.
func (m *Model) writeXML(b *bytes.Buffer, shape string, v any) {
	s := m.Shapes[shape]
	switch value := v.(type) {
	case map[string]any:
		for _, name := range sorted(value) {
			ref := s.Members[name]
			if ref == nil {
				continue
			}
			element := name
			if ref.LocationName != "" {
				element = ref.LocationName
			}
			fmt.Fprintf(b, "<%s>", element)
			m.writeXML(b, ref.Shape, value[name])
			fmt.Fprintf(b, "</%s>", element)
		}
	case []any:
		element := "member"
		if s.Member.LocationName != "" {
			element = s.Member.LocationName
		}
		for _, item := range value {
			fmt.Fprintf(b, "<%s>", element)
			m.writeXML(b, s.Member.Shape, item)
			fmt.Fprintf(b, "</%s>", element)
		}
	case time.Time:
		b.WriteString(value.UTC().Format("2006-01-02T15:04:05.000Z"))
	case bool:
		b.WriteString(strconv.FormatBool(value))
	case string:
		_ = xml.EscapeText(b, []byte(value))
	default:
		b.WriteString(strings.TrimSpace(fmt.Sprint(value)))
	}
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
