package edge

import (
	"strconv"
	"strings"
)

// maxRanges bounds the ranges of one request; one that asks for more gets the whole object.
const maxRanges = 64

// byteRange is n bytes from offset off.
type byteRange struct{ off, n int64 }

// after is the same bytes, counted from a later offset.
func (b byteRange) after(off int64) byteRange { return byteRange{b.off - off, b.n} }

func (b byteRange) contentRange(size int64) string {
	return "bytes " + strconv.FormatInt(b.off, 10) + "-" + strconv.FormatInt(b.off+b.n-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// parseRanges reads a Range header for an object of the given size, by the Developer Guide's rules (RangeGETs): a header
// that is not valid, whose ranges overlap or are not in ascending order, is ignored, and the whole object is sent. ok is
// false for that. No ranges and ok means that none can be satisfied: 416.
func parseRanges(header string, size int64) (ranges []byteRange, ok bool) {
	unit, list, found := strings.Cut(header, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return nil, false
	}
	specs := 0
	for spec := range strings.SplitSeq(list, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		if specs++; specs > maxRanges {
			return nil, false
		}
		r, satisfiable, valid := parseRange(spec, size)
		if !valid {
			return nil, false
		}
		if !satisfiable {
			continue
		}
		if n := len(ranges); n > 0 && r.off < ranges[n-1].off+ranges[n-1].n {
			return nil, false
		}
		ranges = append(ranges, r)
	}
	return ranges, specs > 0
}

func parseRange(spec string, size int64) (r byteRange, satisfiable, valid bool) {
	first, last, found := strings.Cut(spec, "-")
	if !found {
		return r, false, false
	}
	if first == "" {
		n, ok := parseDigits(last)
		if !ok {
			return r, false, false
		}
		n = min(n, size)
		return byteRange{size - n, n}, n > 0, true
	}
	off, ok := parseDigits(first)
	if !ok {
		return r, false, false
	}
	end := size - 1
	if last != "" {
		n, ok := parseDigits(last)
		if !ok || n < off {
			return r, false, false
		}
		end = min(end, n)
	}
	if off >= size {
		return r, false, true
	}
	return byteRange{off, end - off + 1}, true, true
}

// parseDigits reads a non-negative number of digits only. A number too large for an int64 is the largest one.
func parseDigits(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return int64(^uint64(0) >> 1), true
	}
	return n, true
}
