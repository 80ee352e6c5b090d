// The module buffer of runtime 2.0 (functions-javascript-runtime-20, "Buffer"): the methods that CloudFront documents.
// encode(bytes, encoding) and decode(text, encoding) are the engine's; decode returns an ArrayBuffer.
(function (encode, decode) {
  'use strict';
  var encodings = { 'utf8': 1, 'utf-8': 1, 'hex': 1, 'base64': 1, 'base64url': 1 };

  function encodingOf(name) {
    if (name === undefined || name === null) return 'utf8';
    var lower = String(name).toLowerCase();
    if (!encodings[lower]) throw new TypeError('"' + name + '" encoding is not supported');
    return lower === 'utf-8' ? 'utf8' : lower;
  }

  function checkOffset(buffer, offset, size) {
    if (typeof offset !== 'number' || offset % 1 !== 0 || offset < 0 || offset + size > buffer.length) {
      throw new RangeError('index ' + offset + ' is outside of the bounds of the Buffer');
    }
  }

  function checkSize(size) {
    if (typeof size !== 'number' || size < 0) throw new RangeError('invalid size');
  }

  function isBytes(v) { return v instanceof Uint8Array; }

  class Buffer extends Uint8Array {
    static alloc(size, fill, encoding) {
      checkSize(size);
      var b = new Buffer(size);
      return fill === undefined ? b : b.fill(fill, 0, size, encoding);
    }
    static allocUnsafe(size) { checkSize(size); return new Buffer(size); }
    static byteLength(value, encoding) {
      if (typeof value === 'string') return decode(value, encodingOf(encoding)).byteLength;
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
      throw new TypeError('first argument is not a string or a Buffer-like object');
    }
    static compare(a, b) {
      if (!isBytes(a) || !isBytes(b)) throw new TypeError('arguments must be Buffers');
      var n = Math.min(a.length, b.length);
      for (var i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
      return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
    }
    static concat(list, total) {
      if (!Array.isArray(list)) throw new TypeError('"list" argument must be an array of Buffers');
      var length = 0;
      list.forEach(function (b) {
        if (!isBytes(b)) throw new TypeError('"list" argument must be an array of Buffers');
        length += b.length;
      });
      if (total !== undefined) length = total;
      var out = Buffer.alloc(length), at = 0;
      list.forEach(function (b) {
        if (at >= length) return;
        var part = at + b.length > length ? b.subarray(0, length - at) : b;
        out.set(part, at);
        at += part.length;
      });
      return out;
    }
    static from(value, offset, length) {
      if (typeof value === 'string') return new Buffer(decode(value, encodingOf(offset)));
      if (value instanceof ArrayBuffer) return new Buffer(value, offset, length);
      if (value !== null && typeof value === 'object') {
        if (value.type === 'Buffer' && Array.isArray(value.data)) value = value.data;
        if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
          var primitive = value.valueOf();
          if (primitive !== value) return Buffer.from(primitive, offset, length);
        }
        var n = value.length >>> 0, b = Buffer.alloc(n);
        for (var i = 0; i < n; i++) b[i] = value[i];
        return b;
      }
      throw new TypeError('first argument is not a string, an array or a Buffer-like object');
    }
    static isBuffer(v) { return v instanceof Buffer; }
    static isEncoding(name) { return typeof name === 'string' && encodings[name.toLowerCase()] === 1; }

    compare(target, targetStart, targetEnd, start, end) {
      if (!isBytes(target)) throw new TypeError('target must be a Buffer');
      return Buffer.compare(this.subarray(start, end), target.subarray(targetStart, targetEnd));
    }
    copy(target, targetStart, start, end) {
      targetStart = targetStart || 0;
      var part = this.subarray(start || 0, end);
      var room = target.length - targetStart;
      if (room <= 0) return 0;
      if (part.length > room) part = part.subarray(0, room);
      target.set(part, targetStart);
      return part.length;
    }
    equals(other) { return Buffer.compare(this, typeof other === 'string' ? Buffer.from(other) : other) === 0; }
    fill(value, offset, end, encoding) {
      if (typeof offset === 'string') { encoding = offset; offset = undefined; }
      if (typeof end === 'string') { encoding = end; end = undefined; }
      offset = offset === undefined ? 0 : offset;
      end = end === undefined ? this.length : Math.min(end, this.length);
      if (typeof value === 'string') value = Buffer.from(value, encoding);
      if (!isBytes(value)) return super.fill(value & 255, offset, end);
      if (value.length === 0) return super.fill(0, offset, end);
      for (var i = offset; i < end; i++) this[i] = value[(i - offset) % value.length];
      return this;
    }
    indexOf(value, offset, encoding) { return find(this, value, offset, encoding, false); }
    lastIndexOf(value, offset, encoding) { return find(this, value, offset, encoding, true); }
    includes(value, offset, encoding) { return this.indexOf(value, offset, encoding) !== -1; }
    slice(start, end) { return this.subarray(start, end); }
    swap16() { return swap(this, 2); }
    swap32() { return swap(this, 4); }
    swap64() { return swap(this, 8); }
    toJSON() { return { type: 'Buffer', data: Array.prototype.slice.call(this) }; }
    toString(encoding, start, end) {
      return encode(start === undefined && end === undefined ? this : this.subarray(start, end), encodingOf(encoding));
    }
    write(text, offset, length, encoding) {
      if (typeof offset === 'string') { encoding = offset; offset = undefined; }
      if (typeof length === 'string') { encoding = length; length = undefined; }
      offset = offset === undefined ? 0 : offset;
      var part = new Uint8Array(decode(String(text), encodingOf(encoding)));
      var room = Math.min(this.length - offset, length === undefined ? Infinity : length);
      if (offset < 0 || room < 0) throw new RangeError('offset is outside of the bounds of the Buffer');
      if (part.length > room) part = part.subarray(0, room);
      this.set(part, offset);
      return part.length;
    }
  }

  function find(buffer, value, offset, encoding, backward) {
    if (typeof offset === 'string') { encoding = offset; offset = undefined; }
    if (typeof value === 'number') value = [value & 255];
    else if (typeof value === 'string') value = Buffer.from(value, encoding);
    var last = buffer.length - value.length;
    var at = offset === undefined ? (backward ? last : 0) : offset < 0 ? buffer.length + offset : offset;
    at = backward ? Math.min(at, last) : Math.max(at, 0);
    for (; at >= 0 && at <= last; at += backward ? -1 : 1) {
      var i = 0;
      while (i < value.length && buffer[at + i] === value[i]) i++;
      if (i === value.length) return at;
    }
    return -1;
  }

  function swap(buffer, size) {
    if (buffer.length % size !== 0) throw new RangeError('Buffer size must be a multiple of ' + size * 8 + '-bits');
    for (var i = 0; i < buffer.length; i += size) {
      for (var j = 0; j < size / 2; j++) {
        var b = buffer[i + j];
        buffer[i + j] = buffer[i + size - 1 - j];
        buffer[i + size - 1 - j] = b;
      }
    }
    return buffer;
  }

  function method(name, f) {
    Object.defineProperty(Buffer.prototype, name, { value: f, writable: true, configurable: true });
  }

  function checkWidth(width) {
    if (typeof width !== 'number' || width % 1 !== 0 || width < 1 || width > 6) throw new RangeError('"byteLength" must be 1 to 6');
  }

  function readUnsigned(buffer, offset, width, little) {
    checkOffset(buffer, offset, width);
    var n = 0;
    for (var i = 0; i < width; i++) n = n * 256 + buffer[offset + (little ? width - 1 - i : i)];
    return n;
  }

  function readSigned(buffer, offset, width, little) {
    var n = readUnsigned(buffer, offset, width, little), top = Math.pow(256, width);
    return n >= top / 2 ? n - top : n;
  }

  function writeInteger(buffer, value, offset, width, little, signed) {
    checkOffset(buffer, offset, width);
    var top = Math.pow(256, width), low = signed ? -top / 2 : 0, high = signed ? top / 2 - 1 : top - 1;
    value = Number(value);
    if (!(value >= low && value <= high)) throw new RangeError('the value of "value" is out of range');
    var n = Math.trunc(value);
    if (n < 0) n += top;
    for (var i = 0; i < width; i++) {
      buffer[offset + (little ? i : width - 1 - i)] = n % 256;
      n = Math.floor(n / 256);
    }
    return offset + width;
  }

  [['Int', readSigned, true], ['UInt', readUnsigned, false]].forEach(function (type) {
    var name = type[0], read = type[1], signed = type[2];
    method('read' + name + '8', function (offset) { return read(this, offset === undefined ? 0 : offset, 1, false); });
    method('write' + name + '8', function (value, offset) { return writeInteger(this, value, offset === undefined ? 0 : offset, 1, false, signed); });
    ['BE', 'LE'].forEach(function (order) {
      var little = order === 'LE';
      [16, 32].forEach(function (bits) {
        method('read' + name + bits + order, function (offset) { return read(this, offset === undefined ? 0 : offset, bits / 8, little); });
        method('write' + name + bits + order, function (value, offset) {
          return writeInteger(this, value, offset === undefined ? 0 : offset, bits / 8, little, signed);
        });
      });
      method('read' + name + order, function (offset, width) { checkWidth(width); return read(this, offset, width, little); });
      method('write' + name + order, function (value, offset, width) {
        checkWidth(width);
        return writeInteger(this, value, offset, width, little, signed);
      });
    });
  });

  [['Float', 4, 'Float32'], ['Double', 8, 'Float64']].forEach(function (type) {
    ['BE', 'LE'].forEach(function (order) {
      var little = order === 'LE';
      method('read' + type[0] + order, function (offset) {
        offset = offset === undefined ? 0 : offset;
        checkOffset(this, offset, type[1]);
        return new DataView(this.buffer, this.byteOffset)['get' + type[2]](offset, little);
      });
      method('write' + type[0] + order, function (value, offset) {
        offset = offset === undefined ? 0 : offset;
        checkOffset(this, offset, type[1]);
        new DataView(this.buffer, this.byteOffset)['set' + type[2]](offset, value, little);
        return offset + type[1];
      });
    });
  });

  return Buffer;
})
