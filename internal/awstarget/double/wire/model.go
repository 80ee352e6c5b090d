// Package wire speaks the protocols of AWS services from the server's side, for tests. It is driven by botocore's models:
// requests are taken apart and checked against them, and an answer that does not fit its shape cannot be sent unnoticed.
//
// Values are map[string]any for structures and maps, []any for lists, string, bool, int64, float64 and time.Time.
package wire

import (
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

//go:embed testdata/*.json
var models embed.FS

// Model is the model of one service.
type Model struct {
	Metadata struct {
		APIVersion, Protocol, TargetPrefix, JSONVersion, XMLNamespace string
	}
	Operations map[string]*Operation
	Shapes     map[string]*Shape
}

// Operation is one operation of a service.
type Operation struct {
	Name string
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input, Output *Ref
	Errors        []Ref
}

// Ref is the use of a shape.
type Ref struct {
	Shape, Location, LocationName, ResultWrapper string
}

// Shape is the type of a value.
type Shape struct {
	Type            string
	Required        []string
	Members         map[string]*Ref
	Member          *Ref
	Key, Value      *Ref
	Enum            []string
	Pattern         string
	Min, Max        *float64
	Payload         string
	Flattened       bool
	TimestampFormat string
	Error           *struct {
		Code           string
		HTTPStatusCode int
	}
}

// loaded are the models that have been loaded, by the service, and patterns the regular expressions in them.
var loaded, patterns sync.Map

// Load returns the model of a service: the name is the file's in testdata. It is the same one each time, and not to be changed.
func Load(service string) *Model {
	m, ok := loaded.Load(service)
	if !ok {
		m, _ = loaded.LoadOrStore(service, load(service))
	}
	return m.(*Model)
}

func load(service string) *Model {
	data, err := models.ReadFile("testdata/" + service + ".json")
	m := &Model{}
	if err == nil {
		err = json.Unmarshal(data, m)
	}
	if err != nil {
		panic(err) // it is part of the program
	}
	if service == "cloudformation" {
		m.addDeploymentConfig()
	}
	return m
}

// addDeploymentConfig adds what botocore 1.43.11 does not know: DeploymentConfig (CloudFormation API Reference), and the
// status REVIEW_IN_PROGRESS that the first event of a stack has which a change set was made for.
func (m *Model) addDeploymentConfig() {
	m.Shapes["DeploymentConfigMode"] = &Shape{Type: "string", Enum: []string{"STANDARD", "EXPRESS"}}
	m.Shapes["DeploymentConfigRollback"] = &Shape{Type: "boolean"}
	m.Shapes["DeploymentConfig"] = &Shape{Type: "structure", Members: map[string]*Ref{
		"Mode": {Shape: "DeploymentConfigMode"}, "DisableRollback": {Shape: "DeploymentConfigRollback"},
	}}
	m.Shapes["ResourceStatus"].Enum = append(m.Shapes["ResourceStatus"].Enum, "REVIEW_IN_PROGRESS")
	m.Shapes["CreateChangeSetInput"].Members["DeploymentConfig"] = &Ref{Shape: "DeploymentConfig"}
}

// Check returns what is wrong with a value that is to have a shape: nil, or one sentence for each fault.
func (m *Model) Check(shape string, value any) []string { return m.check(shape, shape, value) }

func (m *Model) check(where, name string, value any) (wrong []string) {
	s := m.Shapes[name]
	say := func(format string, args ...any) {
		wrong = append(wrong, where+": "+fmt.Sprintf(format, args...))
	}
	switch s.Type {
	case "structure":
		fields, ok := value.(map[string]any)
		if !ok {
			say("%T is not a structure", value)
			return wrong
		}
		return append(wrong, m.checkFields(where, s, fields)...)
	case "map":
		fields, ok := value.(map[string]any)
		if !ok {
			say("%T is not a map", value)
		}
		for key, v := range fields {
			wrong = append(wrong, m.check(where+"["+key+"]", s.Value.Shape, v)...)
		}
	case "list":
		items, ok := value.([]any)
		if !ok {
			say("%T is not a list", value)
		}
		for i, v := range items {
			wrong = append(wrong, m.check(fmt.Sprintf("%s[%d]", where, i), s.Member.Shape, v)...)
		}
		wrong = append(wrong, s.within(where, float64(len(items)))...)
	case "string":
		text, ok := value.(string)
		if !ok {
			say("%T is not text", value)
			return wrong
		}
		wrong = append(wrong, s.checkText(where, text)...)
	case "boolean":
		if _, ok := value.(bool); !ok {
			say("%T is not a boolean", value)
		}
	case "integer", "long", "double", "float":
		n, ok := number(value)
		if !ok {
			say("%T is not a number", value)
		}
		wrong = append(wrong, s.within(where, n)...)
	case "timestamp":
		if _, ok := value.(time.Time); !ok {
			say("%T is not a time", value)
		}
	default:
		say("type %s is not known here", s.Type)
	}
	return wrong
}

func (m *Model) checkFields(where string, s *Shape, fields map[string]any) (wrong []string) {
	for _, name := range s.Required {
		if _, ok := fields[name]; !ok {
			wrong = append(wrong, where+"."+name+" is required")
		}
	}
	for name, v := range fields {
		ref := s.Members[name]
		if ref == nil {
			wrong = append(wrong, where+"."+name+" does not exist")
			continue
		}
		wrong = append(wrong, m.check(where+"."+name, ref.Shape, v)...)
	}
	return wrong
}

func (s *Shape) checkText(where, text string) (wrong []string) {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		wrong = append(wrong, fmt.Sprintf("%s: %q is not one of %q", where, text, s.Enum))
	}
	if s.Pattern != "" {
		if p := compiled(s.Pattern); p != nil && !p.MatchString(text) {
			wrong = append(wrong, fmt.Sprintf("%s: %q does not match %s", where, text, s.Pattern))
		}
	}
	return append(wrong, s.within(where, float64(utf8.RuneCountInString(text)))...)
}

// compiled is a pattern of a model; nil for one of the few that Go cannot read, because they are Java's.
func compiled(pattern string) *regexp.Regexp {
	p, ok := patterns.Load(pattern)
	if !ok {
		made, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
		if err != nil {
			made = nil
		}
		p, _ = patterns.LoadOrStore(pattern, made)
	}
	return p.(*regexp.Regexp)
}

func (s *Shape) within(where string, n float64) []string {
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		return []string{fmt.Sprintf("%s: %v is out of bounds", where, n)}
	}
	return nil
}

func number(value any) (float64, bool) {
	switch n := value.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
