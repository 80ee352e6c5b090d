package template

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// maxParameterBytes is how long a parameter's value may be (CloudFormation User Guide, "Understand quotas").
const maxParameterBytes = 4096

// pseudo are the pseudo parameters' values where there is no account. The region has no name that AWS uses.
var pseudo = map[string]string{
	"AWS::AccountId": "000000000000", "AWS::Partition": "aws", "AWS::Region": "local", "AWS::StackName": "local",
	"AWS::StackId": "local", "AWS::URLSuffix": "amazonaws.com",
}

// parameterValues gives every declared and every pseudo parameter its value: the given one, or the default.
func parameterValues(doc *document, given Parameters) (map[string]string, error) {
	values := maps.Clone(pseudo)
	for _, e := range doc.parameters {
		value, err := parameterValue(e, given)
		if err != nil {
			return nil, err
		}
		values[e.name] = value
	}
	for _, name := range given.Names() {
		if _, ok := values[name]; !ok {
			return nil, fault.New(fault.Usage, "", "template: there is no parameter %s", name)
		}
		values[name] = given[name]
	}
	return values, nil
}

func parameterValue(e entry, given Parameters) (string, error) {
	path := join("Parameters", e.name)
	declared := entries(e.value)
	fallback := lookup(declared, "Default")
	value, ok := given[e.name]
	switch {
	case ok:
	case fallback == nil:
		return "", errorAt(e.key, path, "has no default, and no value is given")
	case fallback.Kind != yaml.ScalarNode:
		return "", errorAt(fallback, path, "a default is text or a number")
	default:
		value = fallback.Value
	}
	if len(value) > maxParameterBytes {
		return "", errorAt(e.key, path, "a value has at most %d bytes", maxParameterBytes)
	}
	for _, c := range declared {
		if err := constraint(c, value, declared, path); err != nil {
			return "", err
		}
	}
	return value, nil
}

// constraint checks a value against one key of its parameter's declaration.
func constraint(c entry, value string, declared []entry, path string) error {
	length := len([]rune(value))
	limit := func() int { n, _ := strconv.Atoi(c.value.Value); return n }
	holds := true
	switch c.name {
	case "Default", "Description", "ConstraintDescription", "NoEcho":
	case "Type":
		switch c.value.Value {
		case "String":
		case "Number":
			_, err := strconv.ParseFloat(value, 64)
			holds = err == nil
		default:
			return errorAt(c.value, path, "type %s is not modelled", c.value.Value)
		}
	case "AllowedValues":
		holds = slices.ContainsFunc(c.value.Content, func(n *yaml.Node) bool { return n.Value == value })
	case "AllowedPattern":
		pattern, err := regexp.Compile(`\A(?:` + c.value.Value + `)\z`)
		if err != nil {
			return errorAt(c.value, path, "AllowedPattern: %w", err)
		}
		holds = pattern.MatchString(value)
	case "MinLength":
		holds = length >= limit()
	case "MaxLength":
		holds = length <= limit()
	case "MinValue", "MaxValue":
		n, err := strconv.ParseFloat(value, 64)
		holds = err == nil && (c.name == "MinValue" && n >= float64(limit()) || c.name == "MaxValue" && n <= float64(limit()))
	default:
		return errorAt(c.key, path, "%s is not modelled", c.name)
	}
	if holds {
		return nil
	}
	if why := lookup(declared, "ConstraintDescription"); why != nil {
		return errorAt(c.value, path, "%q: %s", value, why.Value)
	}
	return errorAt(c.value, path, "%q does not satisfy %s", value, c.name)
}
