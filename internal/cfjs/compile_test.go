package cfjs

import (
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

// What CloudFront's runtime refuses is refused at Compile, with its place.
func TestCompileRefuses(t *testing.T) {
	const handler = "function handler(event) { return event.request; }\n"
	for name, tc := range map[string]struct{ code, want string }{
		"syntax error":         {"function handler(event) {\n  return event.;\n}", "function.js:2:16: "},
		"no handler":           {"function other() {}", `no function named "handler"`},
		"class":                {handler + "class A {}", "function.js:2:1: classes are not supported"},
		"private field":        {handler + "class A { #x = 1 }", "function.js:2:1: classes"},
		"for of":               {handler + "function f(a) { for (const x of a) {} }", "function.js:2:17: for…of"},
		"generator":            {handler + "function* g() { yield 1; }", "function.js:2:1: generators"},
		"object destructuring": {handler + "const {a} = {};", "function.js:2:7: destructuring"},
		"array destructuring":  {handler + "var [a] = [];", "function.js:2:5: destructuring"},
		"parameter pattern":    {"function handler({request}) { return request; }", "function.js:1:18: destructuring"},
		"spread call":          {handler + "Math.max(...[1]);", "function.js:2:10: spread"},
		"spread array":         {handler + "var a = [...[1]];", "function.js:2:10: spread"},
		"spread object":        {handler + "var a = {...{}};", "spread"},
		"default parameter":    {handler + "function f(a = 1) {}", "function.js:2:12: default parameters"},
		"arrow default":        {handler + "var f = (a = 1) => a;", "default parameters"},
		"optional chaining":    {"function handler(event) {\n  return event?.request;\n}", "function.js:2:10: optional chaining"},
		"optional call":        {"function handler(event) {\n  return event.x?.();\n}", "optional chaining"},
		"logical assignment":   {handler + "var a; a ||= 1;", "||= is not supported"},
		"nullish assignment":   {handler + "var a; a ??= 1;", "??= is not supported"},
		"catch without var":    {handler + "try {} catch {}", "catch without a variable"},
		"big integer":          {handler + "var a = 1n;", "BigInt"},
		"regexp flag":          {handler + "var a = /x/s;", `flag "s"`},
		"new.target":           {handler + "function f() { return new.target; }", "new.target"},
		"import()":             {handler + "function f() { return import('crypto'); }", "import() is not supported"},
		"unknown module":       {"import fs from 'fs';\n" + handler, `function.js:1:1: there is no module "fs"`},
		"named import":         {"import {createHash} from 'crypto';\n" + handler, "only default imports"},
		"namespace import":     {"import * as cf from 'cloudfront';\n" + handler, "only default imports"},
		"name":                 {handler + "var ä = 1;", "function.js:2:5: the name ä has a letter that is not ASCII"},
		"name of a property":   {handler + "var o = {}; o.ä = 1;", "function.js:2:15: the name ä"},
		"name in an object":    {handler + "var o = {ä: 1};", "the name ä"},
		"name of a parameter":  {handler + "function f(ä) {}", "the name ä"},
		"label":                {handler + "ä: for (;;) { break ä; }", "the name ä"},
		"export":               {"export " + handler, "function.js:1:1: export is not supported"},
		"export default":       {"export default " + handler, "export is not supported"},
		"top-level await":      {"import cf from 'cloudfront';\nconst v = await cf.kvs().get('a');\n" + handler, "function.js:2:11: await is only supported inside async functions"},
		"with":                 {handler + "with ({}) {}", "function.js:2:"},
		"octal":                {handler + "var a = 017;", "function.js:2:"},
		"super":                {handler + "var o = {f() { return super.x; }};", "super"},
		"too long":             {handler + "//" + strings.Repeat("x", MaxCode), "CloudFront takes at most 10240"},
		"several at once":      {handler + "class A {}\nvar a = [...[1]];", "(and 1 more)"},
		"source map":           {handler + "class A {}\n//# sourceMappingURL=/etc/passwd", "function.js:2:1: classes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile("function.js", tc.code, Options{})
			if err == nil {
				t.Fatal("compiled")
			}
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "function.js:") {
				t.Errorf("got %q (%v), want %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}

func TestCompileRuntime1(t *testing.T) {
	for name, tc := range map[string]struct{ code, want string }{
		"const":    {"const a = 1; function handler(event) { return event.request; }", "const needs the runtime"},
		"let":      {"function handler(event) { for (let i = 0; i < 1; i++) {} return event.request; }", "let needs the runtime"},
		"for in":   {"function handler(event) { for (const i in {}) {} return event.request; }", "let and const needs the runtime"},
		"async":    {"async function handler(event) { return event.request; }", "async functions need the runtime"},
		"import":   {"import cf from 'cloudfront'; function handler(event) { return event.request; }", "import needs the runtime"},
		"plain":    {"function handler(event) { var r = event.request; return r; }", ""},
		"arrow":    {"var f = a => `${a}`; function handler(event) { return event.request; }", ""},
		"rest":     {"function f(...a) { return a; } function handler(event) { return event.request; }", ""},
		"exponent": {"var a = 2 ** 3; function handler(event) { return event.request; }", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile("function.js", tc.code, Options{Runtime: Runtime1})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Compile("f.js", "function handler() {}", Options{Runtime: "nodejs20.x"}); fault.KindOf(err) != fault.Usage {
		t.Errorf("unknown runtime: %v", err)
	}
}

// What runs on CloudFront although its list does not have it must compile too.
func TestCompileAccepts(t *testing.T) {
	for name, code := range map[string]string{
		"function expression": "var handler = function (event) { return event.request; };",
		"arrow":               "const handler = (event) => event.request;",
		"async arrow":         "const handler = async (event) => event.request;",
		"double quotes":       "import cf from \"cloudfront\"\nasync function handler(event) { return event.request; }",
		"import after":        "function handler(event) { return event.request; }\nimport cf from 'cloudfront';",
		"import on one line":  "import cf from 'cloudfront'; import crypto from 'crypto'; function handler(event) { return event.request; }",
		"import in lines":     "import\n  cf\n  from\n  'cloudfront';\nfunction handler(event) { return event.request; }",
		"trailing comment":    "function handler(event) { return event.request; } // end",
		"computed and short":  "function handler(event) { var uri = 1; return {uri, ['a' + 1]: 2, f() { return 1; }, get g() { return 1; }} && event.request; }",
		"labels":              "function handler(event) { a: for (;;) { break a; } return event.request; }",
		"named groups":        "function handler(event) { /(?<y>a)(?=b)/.exec('ab').groups.y; return event.request; }",
		"numeric separators":  "var n = 1_000; function handler(event) { return event.request; }",
		"letters in strings":  "function handler(event) { var o = {'ä': `ö`, \"ü\": /ß/}; /* é */ return event.request; }",
		"use strict":          "'use strict'; function handler(event) { return event.request; }",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Compile("function.js", code, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Run(t.Context(), event("/"), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	f := compile(t, "async function handler(event) {\n  console.error('a');\n  console.log('a', 'b');\n  const f = async () => null ?? 1;\n  return event.request;\n}", Options{})
	var got []string
	for _, w := range f.Warnings() {
		got = append(got, w.String())
	}
	for _, want := range []string{"function.js:2:3: CloudFront documents console.log only", "function.js:3:3: CloudFront's console.log takes one",
		"function.js:4:13: CloudFront does not support async functions inside", "?? is not in CloudFront's list"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("no warning %q in %q", want, got)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{upstreamShape, "function handler(e){return e.request}", "import cf from 'cloudfront'", "class A{#x}", "(((", "`${", "/(/",
		"import a from 'crypto';import b from 'buffer';const handler=()=>{}", "export{a as b}", "a?.b", "x=1n", "'\\u{110000}'", "handler:for(;;){}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		_, err := Compile("f.js", code, Options{})
		if err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("not a usage fault: %v", err)
		}
	})
}
