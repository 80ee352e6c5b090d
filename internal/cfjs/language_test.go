package cfjs

import (
	"strings"
	"testing"
	"time"
)

// Each case is an expression and what it gives as JSON, or "throws" and part of the error.
func TestLanguage(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"exponent":                  {`2 ** 10`, `1024`},
		"template":                  {"`a${1 + 1}`", `"a2"`},
		"named group":               {`/(?<y>\d+)-(?<m>\d+)/.exec('2026-11').groups.m`, `"11"`},
		"named group, lookahead":    {`'ab'.match(/(?<x>a)(?=b)/).groups.x`, `"a"`},
		"named group, not there":    {`typeof /(?<x>a)|b/.exec('b').groups.x`, `"undefined"`},
		"named group, replacement":  {`'ab'.replace(/(?<x>a)(?<z>b)/, '$<z>$<x>')`, `"ba"`},
		"named group, function":     {`'ab'.replace(/(?<x>a)/, function () { return arguments[arguments.length - 1].x + '!'; })`, `"a!b"`},
		"lookbehind":                {`'price: 42'.replace(/(?<=: )\d+/, 'x')`, `"price: x"`},
		"includes":                  {`['a'].includes('a') && 'abc'.includes('b')`, `true`},
		"padStart":                  {`'5'.padStart(3, '0')`, `"005"`},
		"replaceAll":                {`'a-b-c'.replaceAll('-', '+')`, `"a+b+c"`},
		"trimStart":                 {`' a '.trimStart() + ' b '.trimEnd()`, `"a  b"`},
		"codePointAt":               {`'😀'.codePointAt(0) === String.fromCodePoint(128512).codePointAt(0)`, `true`},
		"Object":                    {`[Object.entries({a: 1}), Object.values({a: 1}), Object.assign({}, {b: 2}), Object.keys({c: 1})]`, `[[["a",1]],[1],{"b":2},["c"]]`},
		"Array":                     {`[Array.of(1, 2), [3, 1, 2].sort(), [1, 2].find(x => x > 1), [1].fill(7), [1, 2, 3].copyWithin(0, 1)]`, `[[1,2],[1,2,3],2,[7],[2,3,3]]`},
		"Number":                    {`[Number.isInteger(1), Number.EPSILON > 0, (1.5).toFixed(2), Number.parseInt('7')]`, `[true,true,"1.50",7]`},
		"Math":                      {`[Math.trunc(1.5), Math.sign(-2), Math.hypot(3, 4), Math.clz32(1), Math.fround(1)]`, `[1,-1,5,31,1]`},
		"typed arrays":              {`[Array.prototype.slice.call(Uint8Array.of(1, 2)), Uint16Array.from([1, 2]).length, new DataView(new ArrayBuffer(4)).getInt16(0)]`, `[[1,2],2,0]`},
		"typed array methods":       {`Array.prototype.slice.call(new Uint8Array([3, 1]).map(x => x + 1).sort())`, `[2,4]`},
		"ArrayBuffer":               {`[ArrayBuffer.isView(new Uint8Array(1)), new ArrayBuffer(4).slice(1).byteLength]`, `[true,3]`},
		"Symbol":                    {`Symbol.keyFor(Symbol.for('a'))`, `"a"`},
		"JSON":                      {`JSON.parse(JSON.stringify({a: [1, {b: null}], c: undefined}))`, `{"a":[1,{"b":null}]}`},
		"JSON indent":               {`JSON.stringify({a: 1}, null, 1)`, `"{\n \"a\": 1\n}"`},
		"JSON replacer":             {`JSON.stringify({a: 1, b: 2}, ['a'])`, `"{\"a\":1}"`},
		"URI functions":             {`[encodeURIComponent('ä/'), decodeURIComponent('%C3%A4'), encodeURI('ä/'), decodeURI('%C3%A4')]`, `["%C3%A4%2F","ä","%C3%A4/","ä"]`},
		"atob":                      {`[atob('aGk='), atob('aGk'), btoa('hi'), btoa('ÿ')]`, `["hi","hi","aGk=","/w=="]`},
		"btoa of more than a byte":  {`btoa('€')`, `throws btoa`},
		"atob of other text":        {`atob('***')`, `throws atob`},
		"strict mode":               {`(function () { return this === undefined; })()`, `true`},
		"undeclared variable":       {`(function () { undeclared = 1; })()`, `throws ReferenceError`},
		"error types":               {`[EvalError, InternalError, MemoryError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(E => new E('m').name + (new E('m') instanceof Error))`, `["EvalErrortrue","InternalErrortrue","MemoryErrortrue","RangeErrortrue","ReferenceErrortrue","SyntaxErrortrue","TypeErrortrue","URIErrortrue"]`},
		"error name can be set":     {`(function () { var e = new Error('m'); e.name = 'Mine'; return String(e); })()`, `"Mine: m"`},
		"toString can be set":       {`(function () { var o = {}; o.toString = () => 'x'; o.constructor = 1; return '' + o + o.constructor; })()`, `"x1"`},
		"inheritance":               {`(function () { function A() { this.x = 1; } A.prototype.get = function () { return this.x; }; return new A().get(); })()`, `1`},
		"Date is UTC":               {`(function () { var d = new Date(0); d.setHours(1); return [d.getHours(), new Date(0).getDate(), d.getTimezoneOffset(), d.toISOString(), String(new Date(0)), new Date(0).toDateString()]; })()`, `[1,1,0,"1970-01-01T01:00:00.000Z","Thu Jan 01 1970 00:00:00 GMT+0000","Thu Jan 01 1970"]`},
		"invalid date":              {`String(new Date(NaN))`, `"Invalid Date"`},
		"TextEncoder":               {`Array.prototype.slice.call(new TextEncoder().encode('ä'))`, `[195,164]`},
		"TextEncoder into":          {`(function () { var b = new Uint8Array(3); return new TextEncoder().encodeInto('a€b', b); })()`, `{"read":1,"written":1}`},
		"TextDecoder":               {`[new TextDecoder().decode(new Uint8Array([195, 164])), new TextDecoder('utf-8', {fatal: true}).fatal]`, `["ä",true]`},
		"TextDecoder fatal":         {`new TextDecoder('utf-8', {fatal: true}).decode(new Uint8Array([195]))`, `throws not valid`},
		"Function.prototype":        {`[Math.max.apply(null, [1, 2]), Math.max.call(null, 3), Math.max.bind(null, 4)()]`, `[2,3,4]`},
		"eval":                      {`eval('1')`, `throws not supported`},
		"indirect eval":             {`(0, eval)('1')`, `throws not supported`},
		"Function constructor":      {`new Function('return 1')()`, `throws not supported`},
		"Function, hidden":          {`(function () {}).constructor('return 1')()`, `throws not supported`},
		"async Function, hidden":    {`(async function () {}).constructor('return 1')()`, `throws not supported`},
		"instanceof Function":       {`(function () {}) instanceof Function`, `true`},
		"no timers":                 {`[typeof setTimeout, typeof setImmediate, typeof clearTimeout, typeof setInterval]`, `["undefined","undefined","undefined","undefined"]`},
		"no network":                {`[typeof fetch, typeof XMLHttpRequest, typeof process]`, `["undefined","undefined","undefined"]`},
		"no later globals":          {`[typeof Map, typeof Set, typeof WeakMap, typeof Proxy, typeof Reflect, typeof BigInt, typeof WeakRef]`, `["undefined","undefined","undefined","undefined","undefined","undefined","undefined"]`},
		"no later methods":          {`[typeof Array.from, typeof Object.fromEntries, typeof [].flat, typeof [].at, typeof ''.matchAll, typeof ''.at, typeof Object.groupBy]`, `["undefined","undefined","undefined","undefined","undefined","undefined","undefined"]`},
		"require of another module": {`require('fs')`, `throws Cannot find module "fs"`},
		"require cloudfront":        {`require('cloudfront')`, `throws Cannot find module`},
		"unicode":                   {`'ä€😀'.length`, `4`},
		"lone surrogate":            {`'\ud800'.length`, `1`},
	} {
		t.Run(name, func(t *testing.T) { checkExpression(t, tc.expr, tc.want, Options{}) })
	}
}

// checkExpression runs a handler that logs the value of an expression as JSON.
func checkExpression(t *testing.T, expr, want string, opts Options) {
	t.Helper()
	code := "function handler(event) { var v; try { v = JSON.stringify(" + expr + "); } catch (e) { v = 'throws ' + e; } console.log(v); return event.request; }"
	if opts.Runtime != Runtime1 {
		code = strings.Replace(code, "function", "import crypto from 'crypto'; import querystring from 'querystring'; function", 1)
	}
	r, err := compile(t, code, opts).Run(t.Context(), event("/"), mapKV{})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(r.Logs, "\n")
	if part, ok := strings.CutPrefix(want, "throws "); ok && strings.HasPrefix(got, "throws ") && strings.Contains(got, part) {
		return
	}
	if got != want {
		t.Errorf("%s\n got %s\nwant %s", expr, got, want)
	}
}

func TestModules(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"md5":                      {`crypto.createHash('md5').update('hello').digest('hex')`, `"5d41402abc4b2a76b9719d911017c592"`},
		"sha1":                     {`crypto.createHash('sha1').update('hel').update('lo').digest('hex')`, `"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"`},
		"sha256 base64":            {`crypto.createHash('sha256').update('hello').digest('base64')`, `"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="`},
		"sha256 base64url":         {`crypto.createHash('sha256').update('hello').digest('base64url')`, `"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"`},
		"digest as buffer":         {`(function () { var d = crypto.createHash('md5').update('hello').digest(); return [Buffer.isBuffer(d), d.length, d[0], d.toString('hex')]; })()`, `[true,16,93,"5d41402abc4b2a76b9719d911017c592"]`},
		"hmac":                     {`crypto.createHmac('sha256', 'key').update('hello').digest('hex')`, `"9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b"`},
		"hmac with a buffer":       {`crypto.createHmac('sha256', Buffer.from('key')).update(Buffer.from('hello')).digest('hex')`, `"9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b"`},
		"require":                  {`require('crypto').createHash('md5').update('').digest('hex') + require('buffer').Buffer.from('a').toString('hex')`, `"d41d8cd98f00b204e9800998ecf8427e61"`},
		"other algorithm":          {`crypto.createHash('sha512')`, `throws not supported algorithm`},
		"other encoding":           {`crypto.createHash('md5').digest('latin1')`, `throws encoding`},
		"digest twice":             {`(function () { var h = crypto.createHash('md5'); h.digest('hex'); h.digest('hex'); })()`, `throws Digest already called`},
		"querystring.parse":        {`querystring.parse('name=value&abc=xyz&abc=123&e=&+a=%20b+%E4%')`, `{"name":"value","abc":["xyz","123"],"e":""," a":" b �%"}`},
		"querystring.parse max":    {`querystring.parse('a=1;b=2;c=3', ';', '=', {maxKeys: 2})`, `{"a":"1","b":"2"}`},
		"querystring.parse decode": {`querystring.parse('a=x', null, null, {decodeURIComponent: s => s + '!'})`, `{"a!":"x!"}`},
		"querystring.stringify":    {`querystring.stringify({name: 'value', abc: ['xyz', '123'], anotherName: '', 'ä b': true, n: 1, o: {}})`, `"name=value&abc=xyz&abc=123&anotherName=&%C3%A4%20b=true&n=1&o="`},
		"querystring.escape":       {`querystring.escape("a b*(')ü") + querystring.unescape('%C3%BC%zz')`, `"a%20b*(')%C3%BCü%zz"`},
		"querystring aliases":      {`[querystring.decode('a=1').a, querystring.encode({a: 1})]`, `["1","a=1"]`},
		"Buffer.from":              {`[Buffer.from('ä').length, Buffer.from('c3a4', 'hex').toString(), Buffer.from('w6Q', 'base64url').toString('base64'), Buffer.from([256, 1])[0]]`, `[2,"ä","w6Q=",0]`},
		"Buffer.alloc":             {`[Buffer.alloc(3, 'ab').toString(), Buffer.alloc(2, 1)[1], Buffer.allocUnsafe(2).length]`, `["aba",1,2]`},
		"Buffer.concat":            {`Buffer.concat([Buffer.from('ab'), Buffer.from('cd')], 3).toString()`, `"abc"`},
		"Buffer.compare":           {`[Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('a').equals(Buffer.from('a')), Buffer.byteLength('ä')]`, `[-1,true,2]`},
		"Buffer numbers":           {`(function () { var b = Buffer.alloc(8); b.writeUInt32BE(0xdeadbeef, 0); b.writeInt16LE(-2, 4); return [b.readUInt32BE(0), b.readInt16LE(4), b.readUIntBE(0, 3), b.toString('hex')]; })()`, `[3735928559,-2,14593470,"deadbeeffeff0000"]`},
		"Buffer floats":            {`(function () { var b = Buffer.alloc(8); b.writeDoubleBE(1.5); return [b.readDoubleBE(0), Buffer.from('3fc00000', 'hex').readFloatBE()]; })()`, `[1.5,1.5]`},
		"Buffer out of range":      {`Buffer.alloc(2).readUInt32BE(0)`, `throws RangeError`},
		"Buffer value range":       {`Buffer.alloc(2).writeUInt8(256, 0)`, `throws RangeError`},
		"Buffer search":            {`[Buffer.from('abcabc').indexOf('ca'), Buffer.from('abcabc').lastIndexOf('b'), Buffer.from('abc').includes(99), Buffer.from('abc').indexOf('x')]`, `[2,4,true,-1]`},
		"Buffer swap":              {`[Buffer.from('0102', 'hex').swap16().toString('hex'), Buffer.from('01020304', 'hex').swap32().toString('hex')]`, `["0201","04030201"]`},
		"Buffer json":              {`Buffer.from('a')`, `{"type":"Buffer","data":[97]}`},
		"Buffer subarray":          {`(function () { var b = Buffer.from('abc'), s = b.subarray(1); s[0] = 120; return [Buffer.isBuffer(s), b.toString(), b.toString('utf8', 1, 2)]; })()`, `[true,"axc","x"]`},
		"Buffer write and copy":    {`(function () { var b = Buffer.alloc(4); var n = b.write('abcdef', 1); Buffer.from('zz').copy(b, 3); return [n, b.toString('hex'), b.fill('q').toString()]; })()`, `[3,"0061627a","qqqq"]`},
		"Buffer encodings":         {`[Buffer.isEncoding('hex'), Buffer.isEncoding('latin1')]`, `[true,false]`},
		"Buffer unknown encoding":  {`Buffer.from('a', 'latin1')`, `throws not supported`},
		"modules are locked":       {`(function () { crypto.createHash = null; })()`, `throws TypeError`},
	} {
		t.Run(name, func(t *testing.T) { checkExpression(t, tc.expr, tc.want, Options{}) })
	}
}

func TestRuntime1(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"toUTF8":      {`'ä'.toUTF8().length`, `2`},
		"fromUTF8":    {`'\xc3\xa4'.fromUTF8()`, `"ä"`},
		"fromUTF8 no": {`'\xc3'.fromUTF8()`, `null`},
		"toBytes":     {`['ä'.toBytes().length, '€'.toBytes()]`, `[1,null]`},
		"bytesFrom":   {`[String.bytesFrom('6869', 'hex'), String.bytesFrom([104, 105]), String.bytesFrom('aGk', 'base64')]`, `["hi","hi","hi"]`},
		"digest":      {`require('crypto').createHash('md5').update('hello').digest().length`, `16`},
		"hex":         {`require('crypto').createHash('md5').update('hello').digest('hex')`, `"5d41402abc4b2a76b9719d911017c592"`},
		"querystring": {`require('querystring').parse('a=1')`, `{"a":"1"}`},
		"no buffer":   {`[typeof Buffer, typeof atob, typeof ''.replaceAll]`, `["undefined","undefined","undefined"]`},
		"no buffer 2": {`require('buffer')`, `throws Cannot find module`},
	} {
		t.Run(name, func(t *testing.T) { checkExpression(t, tc.expr, tc.want, Options{Runtime: Runtime1}) })
	}
	checkExpression(t, `typeof ''.toUTF8`, `"undefined"`, Options{})
}

// Date says when the invocation started, however long it runs.
func TestDateIsFrozen(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 123e6, time.FixedZone("x", 3600))
	opts := Options{Now: func() time.Time { now = now.Add(time.Second); return now }}
	f := compile(t, `function handler(event) { var a = Date.now(); for (var i = 0; i < 1000; i++) {} console.log(Date.now() - a);
		console.log(new Date().toISOString()); console.log(Date()); return event.request; }`, opts)
	r, err := f.Run(t.Context(), event("/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Logs[0] != "0" || r.Logs[1] != "2026-11-23T09:00:01.123Z" || r.Pure || !r.Used.Time {
		t.Errorf("logs %q, pure %v", r.Logs, r.Pure)
	}
}
