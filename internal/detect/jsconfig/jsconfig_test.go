package jsconfig_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/detect/jsconfig"
)

func TestPath(t *testing.T) {
	tests := map[string]struct{ src, keys, want string }{
		"default export":          {`export default { build: { outDir: 'www' } }`, "build.outDir", "www"},
		"CommonJS":                {`module.exports = { outDir: "www" };`, "outDir", "www"},
		"exports.default":         {`exports.default = { outDir: "www" };`, "outDir", "www"},
		"members of exports":      {`exports.a = 1; exports.build = { outDir: "www" }`, "build.outDir", "www"},
		"members of module":       {`module.exports.outDir = 'www'`, "outDir", "www"},
		"export =":                {`export = { outDir: 'www' }`, "outDir", "www"},
		"defineConfig":            {`import { defineConfig } from 'vite'; export default defineConfig({ build: { outDir: 'www' } })`, "build.outDir", "www"},
		"defineConfig, function":  {`export default defineConfig(({ mode }) => ({ plugins: [react()], build: { outDir: 'www' } }))`, "build.outDir", "www"},
		"defineConfig, block":     {`export default defineConfig(async ({ command }) => { const env = loadEnv('a'); return { build: { outDir: 'www' } } })`, "build.outDir", "www"},
		"a named constant":        {`const config = { outDir: 'www' }; export default config;`, "outDir", "www"},
		"with a type":             {`import type { NextConfig } from 'next'; const c: NextConfig = { distDir: 'www' }; export default c;`, "distDir", "www"},
		"with a generic type":     {`const c: Partial<Record<string, any>> = { distDir: 'www' }\nexport default c`, "distDir", "www"},
		"satisfies":               {`export default { outDir: 'www' } satisfies Config;`, "outDir", "www"},
		"as":                      {`export default { outDir: 'www' as const, a: 1 } as unknown as Config<{a: string}>;`, "outDir", "www"},
		"generic call":            {`export default defineConfig<Foo<Bar>>({ outDir: 'www' })`, "outDir", "www"},
		"a wrapper":               {`const nextConfig = { distDir: 'www' }; module.exports = withSentry(nextConfig, { org: 'x', distDir: 'no' })`, "distDir", "www"},
		"a curried wrapper":       {`module.exports = withMDX({ extension: /\.mdx?$/ })({ distDir: 'www' })`, "distDir", "www"},
		"wrappers in wrappers":    {`export default withA(withB({ x: 1 })(withC({ distDir: 'www' })))`, "distDir", "www"},
		"a function of the file":  {`function make(dir) { if (dir) { return undefined } return { outDir: 'www' } } module.exports = make()`, "outDir", "www"},
		"an exported function":    {`module.exports = function (api) { api.cache(true); return { outDir: "www" } }`, "outDir", "www"},
		"a named export default":  {`export default function config(phase) { return { outDir: "www" } }`, "outDir", "www"},
		"an inner function":       {`export default () => { const f = () => { return { outDir: 'no' } }; return { outDir: 'www' } }`, "outDir", "www"},
		"mergeConfig":             {`export default mergeConfig(base, defineConfig({ build: { outDir: 'www' } }))`, "build.outDir", "www"},
		"Object.assign":           {`module.exports = Object.assign({}, { outDir: 'no' }, { outDir: 'www' })`, "outDir", "www"},
		"spread, own key later":   {`const base = { outDir: 'no' }; export default { ...base, outDir: 'www' }`, "outDir", "www"},
		"spread, own key before":  {`const base = { outDir: 'www' }; export default { outDir: 'no', ...base }`, "outDir", "www"},
		"unknown spread":          {`export default { ...shared(), outDir: 'www' }`, "outDir", "www"},
		"shorthand":               {`const outDir = 'www'; export default { outDir }`, "outDir", "www"},
		"a constant's member":     {`const paths = { out: 'www' }; export default { outDir: paths.out }`, "outDir", "www"},
		"assigned later":          {`const config = { a: 1 }; config.output = 'www'; module.exports = config`, "output", "www"},
		"assigned member":         {`const config = {}; config.build = { outDir: 'www' }; module.exports = config`, "build.outDir", "www"},
		"assigned conditionally":  {"const c = {}\nif (process.env.CI) {\n  c.output = 'www'\n}\nmodule.exports = c", "output", "www"},
		"quoted keys":             {`module.exports = { "build": { 'outDir': "www" } }`, "build.outDir", "www"},
		"computed key":            {`module.exports = { ['outDir']: "www" }`, "outDir", "www"},
		"template literal":        {"export default { outDir: `www` }", "outDir", "www"},
		"template, __dirname":     {"module.exports = { outDir: `${__dirname}/www` }", "outDir", "www"},
		"template, constant":      {"const n = 'w'; module.exports = { outDir: `../${n}ww/` }", "outDir", "../www"},
		"path.resolve":            {`module.exports = { output: { path: path.resolve(__dirname, 'a', 'www') } }`, "output.path", "a/www"},
		"path.resolve, upwards":   {`module.exports = { out: path.resolve(__dirname, '..', './www/') }`, "out", "../www"},
		"path.resolve, absolute":  {`module.exports = { out: path.resolve(__dirname, '/srv/www') }`, "out", "/srv/www"},
		"path.join":               {`module.exports = { out: join(process.cwd(), 'www') }`, "out", "www"},
		"import.meta.dirname":     {`export default { out: resolve(import.meta.dirname, 'www') }`, "out", "www"},
		"fileURLToPath":           {`export default { out: fileURLToPath(new URL('./www', import.meta.url)) }`, "out", "www"},
		"URL pathname":            {`export default { out: new URL('./www', import.meta.url).pathname }`, "out", "www"},
		"dirname of a module":     {`const __dirname = path.dirname(fileURLToPath(import.meta.url)); export default { out: path.join(__dirname, 'www') }`, "out", "www"},
		"concatenation":           {`const d = 'w'; module.exports = { out: './' + d + 'ww' }`, "out", "www"},
		"environment or default":  {`module.exports = { out: process.env.OUT || 'www' }`, "out", "www"},
		"nullish default":         {`module.exports = { out: process.env.OUT ?? 'www' }`, "out", "www"},
		"condition":               {`module.exports = { out: isProd ? 'www' : 'tmp' }`, "out", "www"},
		"backslashes":             {`module.exports = { out: 'a\\www' }`, "out", "a/www"},
		"an array of configs":     {`module.exports = [{ out: 'www' }, { out: 'no' }]`, "0.out", "www"},
		"immediately called":      {`module.exports = (() => { return { out: 'www' } })()`, "out", "www"},
		"JSON":                    {"\ufeff// c\n{ /* x */ \"a\": { \"out\": \"www\", }, }", "a.out", "www"},
		"comments everywhere":     {"export /* a */ default // b\n { // 'out': 'no'\n /* out: 'no' */ out: /* c */ 'www' }", "out", "www"},
		"a regular expression":    {`const r = /['"{]/g, c = { test: /\/[}]\//, out: 'www' }; export default c`, "out", "www"},
		"division":                {`const n = a / b / c; export default { x: (1 + 2) / 3, out: 'www' }`, "out", "www"},
		"strings with braces":     {`export default { a: "}", b: '{', c: ` + "`}${ {a: '}'} }`" + `, out: 'www' }`, "out", "www"},
		"methods and accessors":   {`export default { async build() { return { out: 'no' } }, get x() { return 1 }, *gen() {}, async *g2() {}, out: 'www' }`, "out", "www"},
		"classes":                 {`class A extends B { out = 'no' } export default { plugin: new A({ out: 'no' }), out: 'www' }`, "out", "www"},
		"typed arrow functions":   {`export default { hook: async (a: string, b?: Foo<Bar>): Promise<void> => { x() }, f: (x): x is Y => x, out: 'www' }`, "out", "www"},
		"arrow with one argument": {`export default { map: x => x.out, out: 'www' }`, "out", "www"},
		"non-null and optional":   {`export default { a: foo!.bar?.[0]!, b: foo?.(1), out: 'www' }`, "out", "www"},
		"a hash-bang":             {"#!/usr/bin/env node\nmodule.exports = { out: 'www' }", "out", "www"},
		"JSX":                     {"export default { logo: <span>{'x'}</span>, out: 'www' }", "out", "www"},
		"enums and interfaces":    {"interface A { out: string }\nenum B { X = 'x' }\ntype C = { out: 'no' }\nexport default { out: 'www' }", "out", "www"},
		"several constants":       {`const a = 1, c = { out: 'www' }, d = 2; module.exports = c`, "out", "www"},
		"let without a value":     {"let a\nlet c = { out: 'www' }\nexport default c", "out", "www"},
		"await":                   {`export default await make({ out: 'www' })`, "out", "www"},
		"freeze":                  {`module.exports = Object.freeze({ out: 'www' })`, "out", "www"},
		"new":                     {`module.exports = new Config({ out: 'www' })`, "out", "www"},

		"not exported":          {`const config = { out: 'no' }`, "out", ""},
		"an unknown value":      {`export default { out: getDir() }`, "out", ""},
		"an environment value":  {`export default { out: process.env.OUT }`, "out", ""},
		"a commented key":       {"export default {\n // out: 'no'\n}", "out", ""},
		"in a string":           {`export default { a: "out: 'no'" }`, "out", ""},
		"in another object":     {`export default { server: { out: 'no' } }`, "out", ""},
		"a type":                {`type out = 'no'; export default {}`, "out", ""},
		"imported":              {`import config from './base'; export default config`, "out", ""},
		"circular":              {`const a = { ...b, ...b }; const b = { ...a, ...a }; export default a`, "out", ""},
		"refers to itself":      {`const a = a; export default a`, "out", ""},
		"not closed":            {`export default { out: 'no`, "x", ""},
		"nothing":               {``, "out", ""},
		"another file's values": {`export default { out: paths.out }`, "out", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			src := strings.ReplaceAll(tc.src, `\n`, "\n")
			m := jsconfig.Parse([]byte(src))
			if name == "JSON" {
				m = jsconfig.ParseJSON([]byte(src))
			}
			v := m.Default()
			keys := strings.Split(tc.keys, ".")
			if keys[0] == "0" {
				v, keys = v.Items()[0], keys[1:]
			}
			got, ok := v.Get(keys...).Path()
			if got != tc.want || ok != (tc.want != "") {
				t.Errorf("got %q, %t; want %q", got, ok, tc.want)
			}
		})
	}
}

func TestUnknownIsToldFromAbsent(t *testing.T) {
	v := jsconfig.Parse([]byte("export default {\n a: f(),\n b: true, c: !1, d: 'x', e: { f: 1 } }")).Default()
	if a := v.Get("a"); !a.Exists() || a.Line() != 2 {
		t.Errorf("a: exists %t, line %d", a.Exists(), a.Line())
	}
	if v.Get("z").Exists() || v.Get("z", "y").Exists() || v.Get("d", "y").Exists() {
		t.Error("what is not there exists")
	}
	if b, ok := v.Get("b").Bool(); !b || !ok {
		t.Error("b is not true")
	}
	if c, ok := v.Get("c").Bool(); c || !ok {
		t.Error("c is not false")
	}
	if _, ok := v.Get("d").Bool(); ok {
		t.Error("a string is a boolean")
	}
	if keys := strings.Join(v.Keys(), ""); keys != "abcde" {
		t.Errorf("keys %s", keys)
	}
}

func TestImportsAndCalls(t *testing.T) {
	m := jsconfig.Parse([]byte(`
import type { Config } from 'types'
import adapter, { a as b } from '@sveltejs/adapter-static';
import * as all from "everything"
const { vitePlugin: remix } = require('@remix-run/dev')
const other = require('other');
// adapterNode({ no: true })
export default { kit: { adapter: adapter({ pages: 'www' }) }, plugins: [remix({ ssr: false }), all.make()] }
config.setOutputDirectory('out')`))
	for local, want := range map[string]jsconfig.Import{
		"adapter": {From: "@sveltejs/adapter-static", Name: "default"}, "b": {From: "@sveltejs/adapter-static", Name: "a"},
		"all": {From: "everything", Name: "*"}, "remix": {From: "@remix-run/dev", Name: "vitePlugin"}, "other": {From: "other", Name: "default"},
	} {
		if got := m.Imports()[local]; got != want {
			t.Errorf("%s comes from %+v, want %+v", local, got, want)
		}
	}
	if !m.ImportsFrom("@remix-run/dev") || m.ImportsFrom("remix") {
		t.Error("ImportsFrom is wrong")
	}
	arg, ok := m.Call("@sveltejs/adapter-static")
	if got, _ := arg.Get("pages").Path(); !ok || got != "www" {
		t.Errorf("adapter's pages: %q, %t", got, ok)
	}
	arg, ok = m.Call("remix")
	if ssr, known := arg.Get("ssr").Bool(); !ok || ssr || !known {
		t.Errorf("remix's ssr: %t", ok)
	}
	if arg, ok := m.Call("config.setOutputDirectory"); !ok {
		t.Error("no call of a member")
	} else if got, _ := arg.Path(); got != "out" {
		t.Errorf("argument %q", got)
	}
	if _, ok := m.Call("adapterNode"); ok {
		t.Error("a comment calls")
	}
}

func TestHostileInput(t *testing.T) {
	start := time.Now()
	for _, src := range []string{
		strings.Repeat("(", 1<<17), strings.Repeat("[{", 1<<17), strings.Repeat("const a = {b: ", 1<<14), strings.Repeat("`${", 1<<14),
		strings.Repeat("a ? b : ", 1<<14), strings.Repeat("x => ", 1<<14), strings.Repeat("export default {...a, ", 1<<13),
		strings.Repeat("return {", 1<<13), strings.Repeat("-", 1<<17), strings.Repeat("await ", 1<<16), strings.Repeat("a<", 1<<14),
		"export default () => {" + strings.Repeat("return f({a: ", 1<<11),
	} {
		m := jsconfig.Parse([]byte(src))
		m.Default().Get("a", "b").Path()
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("export default defineConfig(({ mode }) => ({ build: { outDir: `${__dirname}/a` } }))")
	f.Add("const c: A<B> = { ...d, e: f ? 'g' : /h/, i(): j {} } satisfies K; module.exports = c")
	f.Fuzz(func(t *testing.T, src string) {
		m := jsconfig.Parse([]byte(src))
		v := m.Default()
		v.Get("build", "outDir").Path()
		v.Get("a").Bool()
		v.Keys()
		v.Items()
		m.Call("adapter")
		jsconfig.ParseJSON([]byte(src)).Default().Get("a").String()
	})
}
