package functiontest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// Case is one event with what is expected of the function.
type Case struct {
	// Name is the file's name, and the case's own behind it where a file has several.
	Name string
	// Function is the case's own; its Code is empty for the function that is under test.
	Function Function
	Event    *cfjs.Event
	// Store is nil for the store that the caller chooses.
	Store Store
	// Now is zero for the time of the run.
	Now      time.Time
	Expected Expected
}

// Expected is what is compared with an outcome; what it leaves out is not looked at. In objects, members that it does not
// name may be there, and null stands for one that must not be.
type Expected struct {
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
	// Error is a part of the message of a function that fails, Status what the viewer gets for it: 502 or 503.
	Error  *string `json:"error"`
	Status int     `json:"status"`
	// Logs are all lines that were logged, Reads all keys that were read, in order.
	Logs  *[]string `json:"logs"`
	Reads *[]string `json:"reads"`
	// Refused is a part of the message with which the code is refused when it is published.
	Refused *string `json:"refused"`
}

// caseFile is the JSON of a case.
type caseFile struct {
	Name    string            `json:"name"`
	Event   json.RawMessage   `json:"event"`
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	KVS     Store             `json:"kvs"`
	Now     *float64          `json:"now"`
	Runtime string            `json:"runtime"`
	// Code is for a case that has a function of its own.
	Code     string           `json:"code"`
	Expected *json.RawMessage `json:"expected"`
}

const caseHint = `a case is {"url": "/about", "kvs": {"path": "r1"}, "expected": {"request": {"uri": "/r1/about/index.html"}}}; see docs/functions.md`

// Load reads the cases of a file, or of all files below a folder: .json files with a case or a list of cases, .txtar
// archives. The error is a fault.Usage if there are none, or if one is not understood.
func Load(path string) ([]Case, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.New(fault.Usage, caseHint, "read cases: %w", err)
	}
	if !info.IsDir() {
		return loadFile(path, filepath.Base(path))
	}
	var cases []Case
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".json", ".txtar"}, filepath.Ext(file)) {
			return err
		}
		name, err := filepath.Rel(path, file)
		if err != nil {
			return err
		}
		some, err := loadFile(file, filepath.ToSlash(name))
		cases = append(cases, some...)
		return err
	})
	if err == nil && len(cases) == 0 {
		err = fault.New(fault.Usage, caseHint, "there are no cases in %s: no .json and no .txtar files", path)
	}
	return cases, err
}

func loadFile(file, name string) ([]Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	if filepath.Ext(file) == ".txtar" {
		return parseArchive(file, name, data)
	}
	var list []caseFile
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '[' {
		err = decodeStrictly(data, &list)
	} else {
		list = make([]caseFile, 1)
		err = decodeStrictly(data, &list[0])
	}
	if err != nil {
		return nil, fault.New(fault.Usage, caseHint, "%s: %w", file, err)
	}
	var cases []Case
	for i, in := range list {
		c, err := in.toCase(file)
		if err != nil {
			return nil, err
		}
		c.Name = name
		if len(list) > 1 || in.Name != "" {
			c.Name += "/" + cmp.Or(in.Name, fmt.Sprint(i+1))
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// parseArchive reads an archive. Either it is one case, whose parts are function.js and kvs.json, which may be left out,
// event.json or case.json, and expected.json; or every other .json file in it is a case, and function.js and kvs.json are
// for all of them. What stands before the first file is for people.
func parseArchive(file, name string, data []byte) ([]Case, error) {
	var single caseFile
	var code string
	var cases []Case
	var names []string
	var list []caseFile
	for _, f := range txtar.Parse(data).Files {
		var err error
		switch {
		case f.Name == "function.js":
			code = string(f.Data)
		case f.Name == "event.json":
			single.Event = f.Data
		case f.Name == "kvs.json":
			single.KVS, err = ParseStore(file+": kvs.json", f.Data)
		case f.Name == "expected.json":
			raw := json.RawMessage(f.Data)
			single.Expected = &raw
		case f.Name == "case.json":
			err = decodeStrictly(f.Data, &single)
		case strings.HasSuffix(f.Name, ".json"):
			var in caseFile
			err = decodeStrictly(f.Data, &in)
			names, list = append(names, strings.TrimSuffix(f.Name, ".json")), append(list, in)
		default:
			err = errors.New("an archive has function.js, kvs.json, and a .json file for each case")
		}
		if err != nil {
			return nil, fault.New(fault.Usage, caseHint, "%s: %s: %w", file, f.Name, err)
		}
	}
	if list == nil {
		names, list = []string{""}, []caseFile{single}
	}
	for i, in := range list {
		if in.KVS == nil {
			in.KVS = single.KVS
		}
		if in.Code == "" {
			in.Code = code
		}
		c, err := in.toCase(file)
		if err != nil {
			return nil, err
		}
		c.Name = strings.TrimSuffix(name+"/"+names[i], "/")
		cases = append(cases, c)
	}
	return cases, nil
}

func (in *caseFile) toCase(file string) (Case, error) {
	c := Case{Store: in.KVS, Function: Function{Runtime: in.Runtime, Code: in.Code}}
	if in.Code != "" {
		c.Function.Name = "function.js"
	}
	if in.Now != nil {
		c.Now = Epoch(*in.Now)
	}
	var err error
	switch {
	case in.Event != nil && in.URL != "":
		err = fault.New(fault.Usage, caseHint, "%s: a case has either an event or a url", file)
	case in.Event != nil:
		c.Event, err = ParseEvent(file, in.Event)
	case in.URL != "":
		header := http.Header{}
		for name, value := range in.Headers {
			header.Add(name, value)
		}
		c.Event, err = URLEvent(in.Method, in.URL, header)
	default:
		err = fault.New(fault.Usage, caseHint, "%s: the case has neither an event nor a url", file)
	}
	if err != nil {
		return c, err
	}
	if in.Expected == nil {
		return c, fault.New(fault.Usage, caseHint, "%s: the case does not say what is expected", file)
	}
	if err := decodeStrictly(*in.Expected, &c.Expected); err != nil {
		return c, fault.New(fault.Usage, caseHint, "%s: expected: %w", file, err)
	}
	return c, nil
}

// Epoch is the time so many seconds after the beginning of 1970.
func Epoch(seconds float64) time.Time {
	return time.UnixMilli(int64(seconds * 1000))
}

// Check runs a case, with the function under test where it has none of its own, and with kv where it has no store. It
// returns what is not as expected, one line each; none if all is. The error is one that is not about the case.
func (c Case) Check(ctx context.Context, f Function, kv cfjs.KV) ([]string, error) {
	if c.Function.Code != "" {
		f.Name, f.Code = c.Function.Name, c.Function.Code
	}
	f.Runtime = cmp.Or(c.Function.Runtime, f.Runtime)
	if c.Store != nil {
		kv = c.Store
	}
	o, err := Run(ctx, f, c.Event, kv, c.Now)
	if refused := c.Expected.Refused; refused != nil {
		switch {
		case err == nil:
			return []string{fmt.Sprintf("want the code to be refused: %q; it runs: %s", *refused, o.Summary())}, nil
		case !strings.Contains(err.Error(), *refused):
			return []string{fmt.Sprintf("refused: want %q, got %q", *refused, err)}, nil
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Expected.compare(o), nil
}
