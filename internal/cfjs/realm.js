// Makes a fresh engine what CloudFront's runtime is: it removes what the runtime does not have, and (with freeze) locks the
// objects that all invocations in one engine share, so that no request can change anything for another one. shared lists
// those of them that no global object leads to. confine is called with each function that is locked, once; without freeze, the
// objects are returned that lead to all functions.
(function (allowed, thrower, freeze, shared, confine) {
  'use strict';
  var global = globalThis;
  var ownNames = Object.getOwnPropertyNames;
  var ownSymbols = Object.getOwnPropertySymbols;
  var descriptor = Object.getOwnPropertyDescriptor;
  var define = Object.defineProperty;
  var protoOf = Object.getPrototypeOf;
  var freezeObject = Object.freeze;
  var functionPrototype = Function.prototype;
  var objectPrototype = Object.prototype;
  var WeakSeen = Set;

  function keepOnly(object, names) {
    if (!object) return;
    var keep = Object.create(null);
    names.split(' ').forEach(function (n) { keep[n] = true; });
    ownNames(object).forEach(function (n) {
      if (!keep[n] && descriptor(object, n).configurable) delete object[n];
    });
  }

  // Code made at run time: eval, Function and the constructors behind async functions and generators all throw.
  var asyncPrototype = protoOf(async function () {});
  var generatorPrototype = protoOf(function* () {});
  [functionPrototype, asyncPrototype, generatorPrototype].forEach(function (proto) {
    define(proto, 'constructor', { value: thrower, writable: false, enumerable: false, configurable: false });
  });
  define(thrower, 'prototype', { value: functionPrototype, writable: false });

  // Errors that the runtime has and ECMAScript has not.
  ['InternalError', 'MemoryError'].forEach(function (name) {
    function make(message) {
      var e = new Error(message);
      Object.setPrototypeOf(e, make.prototype);
      return e;
    }
    make.prototype = Object.create(Error.prototype, {
      constructor: { value: make, writable: true, configurable: true },
      name: { value: name, writable: true, configurable: true }
    });
    define(make, 'name', { value: name });
    define(global, name, { value: make, writable: true, configurable: true });
  });

  var typedArray = protoOf(Uint8Array);
  keepOnly(Object, allowed.Object);
  keepOnly(Array, allowed.Array);
  keepOnly(Array.prototype, allowed.ArrayPrototype);
  keepOnly(String, allowed.String);
  keepOnly(String.prototype, allowed.StringPrototype);
  keepOnly(Number.prototype, allowed.NumberPrototype);
  keepOnly(objectPrototype, allowed.ObjectPrototype);
  keepOnly(Promise, allowed.Promise);
  keepOnly(ArrayBuffer.prototype, allowed.ArrayBufferPrototype);
  keepOnly(typedArray, 'length name prototype from of');
  keepOnly(typedArray.prototype, allowed.TypedArrayPrototype);
  keepOnly(global, allowed.global);
  global.Function = thrower;
  global.eval = thrower;

  // An own property with the name of an inherited one can be assigned as usual although the inherited one is frozen:
  // the prototypes that ordinary objects and errors inherit from get accessors that define it on the receiver.
  var hidden = []; // what the accessors return, which no property leads to
  function assignable(proto) {
    ownNames(proto).forEach(function (name) {
      var d = descriptor(proto, name);
      if (!('value' in d) || !d.configurable) return;
      var value = d.value;
      hidden.push(value);
      define(proto, name, {
        get: function () { return value; },
        set: function (v) {
          if (this === proto) throw new TypeError("Cannot assign to read only property '" + name + "'");
          define(this, name, { value: v, writable: true, enumerable: true, configurable: true });
        },
        enumerable: false,
        configurable: false
      });
    });
  }
  if (!freeze) return [global, asyncPrototype, generatorPrototype, protoOf([][Symbol.iterator]()), protoOf(''[Symbol.iterator]())];

  assignable(objectPrototype);
  ['Error', 'EvalError', 'InternalError', 'MemoryError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError',
    'AggregateError'].forEach(function (n) { if (global[n]) assignable(global[n].prototype); });

  var seen = new WeakSeen();
  var has = objectPrototype.hasOwnProperty;
  function harden(value) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value);
    freezeObject(value);
    if (typeof value === 'function') confine(value);
    harden(protoOf(value));
    // A function that is no constructor has nothing but its name and length.
    if (typeof value === 'function' && value !== functionPrototype && !has.call(value, 'prototype')) return;
    ownNames(value).concat(ownSymbols(value)).forEach(function (key) {
      var d = descriptor(value, key);
      if ('value' in d) harden(d.value);
      harden(d.get);
      harden(d.set);
    });
  }
  harden(asyncPrototype);
  harden(generatorPrototype);
  harden(protoOf([][Symbol.iterator]()));
  harden(protoOf(''[Symbol.iterator]()));
  harden(global);
  hidden.forEach(harden);
  shared.forEach(harden);
})
