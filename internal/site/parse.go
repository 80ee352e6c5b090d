package site

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Parse reads a configuration. It is strict: an unknown key, a key given twice, a value of the wrong type or outside its
// range, and anything after the object are errors. All of them are reported at once, one a line, each as
// "file:line:column: what". The error is a fault.Usage. file is used in messages only.
func Parse(file string, data []byte) (Config, error) {
	d := document{file: file, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	if len(d.data) != len(data) {
		d.bom = true
	}
	if err := d.checkSyntax(); err != nil {
		return Config{}, err
	}
	var c Config
	d.decode(&c)
	if len(d.problems) == 0 {
		for _, p := range c.problems(d.has) {
			d.report(d.locate(p.key), p.text, p.hint)
		}
	}
	if err := d.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate checks a configuration that was not read from a file. The error is a fault.Usage with one line a problem.
func (c Config) Validate() error {
	problems := c.problems(func(string) bool { return false })
	if len(problems) == 0 {
		return nil
	}
	var lines, hints []string
	for _, p := range problems {
		lines = append(lines, p.text)
		hints = append(hints, p.hint)
	}
	return fault.New(fault.Usage, cmp.Or(hints...), "%s", strings.Join(lines, "\n"))
}

// Marshal returns the configuration as init writes it: indented, keys in a fixed order, a newline at the end. Parse reads
// it back as it was.
func (c Config) Marshal() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil { // strings, numbers, booleans and lists only: there is nothing that could fail
		panic(err)
	}
	return b.Bytes()
}

// document is a configuration file while it is read.
type document struct {
	file     string
	data     []byte
	bom      bool
	at       map[string]int // key → offset of its value
	problems []located
}

type located struct {
	offset     int
	text, hint string
}

func (d *document) has(key string) bool { _, ok := d.at[key]; return ok }

// locate is where a key's value is, or, if it was not written, what it would stand in.
func (d *document) locate(key string) int {
	if at := strings.LastIndexByte(key, '.'); at >= 0 && !d.has(key) {
		return d.at[key[:at]]
	}
	return d.at[key]
}

func (d *document) report(offset int, text, hint string) {
	d.problems = append(d.problems, located{offset, text, hint})
}

func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b located) int { return a.offset - b.offset })
	var lines, hints []string
	for _, p := range d.problems {
		lines = append(lines, d.where(p.offset)+": "+p.text)
		hints = append(hints, p.hint)
	}
	return fault.New(fault.Usage, cmp.Or(hints...), "%s", strings.Join(lines, "\n"))
}

// where is "file:line:column" of an offset; the column counts characters.
func (d *document) where(offset int) string {
	offset = min(max(offset, 0), len(d.data))
	before := d.data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	if line == 1 && d.bom {
		column++
	}
	return fmt.Sprintf("%s:%d:%d", d.file, line, column)
}

func (d *document) fail(offset int, hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, "%s: %s", d.where(offset), fmt.Sprintf(format, args...))
}

// checkSyntax returns an error unless the document is one JSON object in UTF-8.
func (d *document) checkSyntax() error {
	switch {
	case len(d.data) > maxFile:
		return fault.New(fault.Usage, "is this the right file?", "%s is larger than %d KiB", d.file, maxFile>>10)
	case bytes.HasPrefix(d.data, []byte("\xff\xfe")), bytes.HasPrefix(d.data, []byte("\xfe\xff")):
		return d.fail(0, "save the file as UTF-8", "the file is UTF-16, JSON is UTF-8")
	case !utf8.Valid(d.data):
		return d.fail(invalidUTF8(d.data), "save the file as UTF-8", "the text is not valid UTF-8")
	case len(bytes.TrimSpace(d.data)) == 0:
		return d.fail(0, "run: cloudfront-hosting-toolkit init", "the file is empty, expected a JSON object {…}")
	}
	var raw json.RawMessage
	err := json.Unmarshal(d.data, &raw)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset := int(syntax.Offset)
		if strings.HasPrefix(syntax.Error(), "invalid character") {
			offset--
		}
		return d.fail(offset, d.syntaxHint(offset), "invalid JSON: %s", syntax)
	}
	if err != nil {
		return d.fail(0, "", "invalid JSON: %v", err)
	}
	if start := d.skip(0, " \t\r\n"); d.data[start] != '{' {
		return d.fail(start, "", "expected an object {…}, found %s", kindOf(firstToken(d.data[start:])))
	}
	return nil
}

// syntaxHint recognises what people coming from JavaScript write.
func (d *document) syntaxHint(offset int) string {
	rest := d.data[min(offset, len(d.data)):]
	before := bytes.TrimRight(d.data[:min(offset, len(d.data))], " \t\r\n")
	switch {
	case bytes.HasPrefix(rest, []byte("/")):
		return "JSON has no comments: remove them"
	case bytes.HasPrefix(rest, []byte("'")):
		return `JSON strings are written with double quotes (")`
	case bytes.HasSuffix(before, []byte(",")) && (bytes.HasPrefix(rest, []byte("}")) || bytes.HasPrefix(rest, []byte("]"))):
		return "remove the comma before it"
	case bytes.HasPrefix(rest, []byte(`"`)):
		return "is a comma missing before it?"
	}
	return ""
}

// decode fills c from the object; the syntax is known to be right.
func (d *document) decode(c *Config) {
	d.at = map[string]int{}
	d.object(0, reflect.ValueOf(c).Elem(), "")
}

// object fills a struct from the object that begins at an offset. The keys of objects inside have a prefix, such as
// "behaviours[0].".
func (d *document) object(start int, into reflect.Value, prefix string) {
	fields := fieldsOf(into)
	dec := json.NewDecoder(bytes.NewReader(d.data[start:]))
	dec.UseNumber()
	_, _ = dec.Token()
	for dec.More() {
		keyAt := d.skip(start+int(dec.InputOffset()), " \t\r\n,")
		token, _ := dec.Token()
		key := token.(string)
		valueAt := d.skip(start+int(dec.InputOffset()), " \t\r\n:")
		var raw json.RawMessage
		_ = dec.Decode(&raw)
		field, known := fields[key]
		switch {
		case !known:
			d.report(keyAt, unknownKey(key, keysOf(into.Type())), "")
		case d.has(prefix + key):
			d.report(keyAt, fmt.Sprintf("key %q is given twice", key), "remove one of them")
		default:
			d.at[prefix+key] = valueAt
			if expected := d.assign(field, raw, valueAt, prefix+key); expected != "" {
				d.report(valueAt, fmt.Sprintf("%q: expected %s, found %s", prefix+key, expected, kindOf(firstToken(raw))), "")
			}
		}
	}
}

// objects fills a list of structs from the list that begins at an offset.
func (d *document) objects(start int, into reflect.Value, key string) {
	dec := json.NewDecoder(bytes.NewReader(d.data[start:]))
	_, _ = dec.Token()
	for i := 0; dec.More(); i++ {
		at := d.skip(start+int(dec.InputOffset()), " \t\r\n,")
		var raw json.RawMessage
		_ = dec.Decode(&raw)
		name := fmt.Sprintf("%s[%d]", key, i)
		d.at[name] = at
		item := reflect.New(into.Type().Elem()).Elem()
		if raw[0] == '{' {
			d.object(at, item, name+".")
		} else {
			d.report(at, fmt.Sprintf("%q: expected an object {…}, found %s", name, kindOf(firstToken(raw))), "")
		}
		into.Set(reflect.Append(into, item))
	}
}

func (d *document) skip(from int, chars string) int {
	for from < len(d.data)-1 && strings.IndexByte(chars, d.data[from]) >= 0 {
		from++
	}
	return from
}

// assign sets a field from the JSON value at an offset, or returns what it expected.
func (d *document) assign(field reflect.Value, raw json.RawMessage, at int, key string) string {
	switch field.Kind() {
	case reflect.Pointer:
		var b bool
		if raw[0] == 'n' || json.Unmarshal(raw, &b) != nil {
			return "true or false"
		}
		field.Set(reflect.ValueOf(&b))
	case reflect.Int:
		n, err := strconv.Atoi(string(raw))
		if err != nil {
			return "a whole number"
		}
		field.SetInt(int64(n))
	case reflect.Slice:
		if field.Type().Elem().Kind() == reflect.Struct {
			if raw[0] != '[' {
				return "a list of objects"
			}
			d.objects(at, field, key)
			return ""
		}
		var list []string
		if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
			return "a list of strings"
		}
		field.Set(reflect.ValueOf(list))
	default:
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return "a string"
		}
		field.SetString(s)
	}
	return ""
}

// fieldsOf are the fields of a struct by their JSON keys.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i, key := range keysOf(v.Type()) {
		fields[key] = v.Field(i)
	}
	return fields
}

// keysOf are the JSON keys of a struct, in the order in which they are written.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return keys
}

func unknownKey(key string, keys []string) string {
	if near := fault.Nearest(key, keys); near != "" {
		return fmt.Sprintf("unknown key %q, did you mean %q?", key, near)
	}
	return fmt.Sprintf("unknown key %q, the keys are %s", key, strings.Join(keys, ", "))
}

// firstToken is the beginning of a JSON value, enough to name its kind.
func firstToken(raw []byte) string {
	s := string(raw)
	if len(s) > 0 && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') {
		return s[:len(s)-len(strings.TrimLeft(s, "-+.eE0123456789"))]
	}
	return s
}

// kindOf names a JSON value for a message.
func kindOf(raw string) string {
	switch {
	case raw == "":
		return "nothing"
	case raw[0] == '"':
		return "a string"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case raw[0] == 't', raw[0] == 'f':
		return "a boolean"
	case raw[0] == 'n':
		return "null"
	}
	return "the number " + raw
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return 0
}
