package unzip

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"unicode/utf8"
)

// The systems that made an entry, as far as they matter here: the upper byte of "version made by" (APPNOTE 4.4.2).
const (
	madeOnFAT  = 0
	madeOnNTFS = 10
	madeOnVFAT = 14
)

const nameIsUTF8 = 0x800 // bit 11 of the general purpose flags (APPNOTE 4.4.4)

// unicodePath is the id of the extra field with a name in UTF-8, for programs that write the name itself in some code page
// (APPNOTE 4.6.9).
const unicodePath = 0x7075

// nameOf is the name of an entry as its author meant it: in UTF-8, and with slashes. Old programs for Windows, such as the
// Compress-Archive of PowerShell 5, write backslashes, which APPNOTE 4.4.17 does not allow; on Unix a backslash is a letter of
// a name. Windows Explorer writes names that fit into the machine's code page in that.
func nameOf(f *zip.File) (string, error) {
	name, err := decoded(f)
	if err != nil {
		return f.Name, err
	}
	if made := f.CreatorVersion >> 8; made == madeOnFAT || made == madeOnNTFS || made == madeOnVFAT {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	return name, nil
}

func decoded(f *zip.File) (string, error) {
	if ascii(f.Name) || f.Flags&nameIsUTF8 != 0 {
		if !utf8.ValidString(f.Name) {
			return "", errors.New("its name is not UTF-8, although it is said to be")
		}
		return f.Name, nil
	}
	if name, ok := extraName(f); ok {
		return name, nil
	}
	if utf8.ValidString(f.Name) {
		return f.Name, nil // zip on Linux and macOS do not always say so
	}
	if name, ok := oemName(f.Name); ok && f.CreatorVersion>>8 != 3 {
		return name, nil
	}
	return "", errors.New("its name is not UTF-8, and in a code page that is not known")
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// extraName is the name in the Unicode path extra field, if there is one and it is about this name.
func extraName(f *zip.File) (string, bool) {
	for rest := f.Extra; len(rest) >= 4; {
		id, size := binary.LittleEndian.Uint16(rest), int(binary.LittleEndian.Uint16(rest[2:]))
		if len(rest) < 4+size {
			return "", false
		}
		field := rest[4 : 4+size]
		rest = rest[4+size:]
		if id != unicodePath || size < 6 || field[0] != 1 || binary.LittleEndian.Uint32(field[1:]) != crc32.ChecksumIEEE([]byte(f.Name)) {
			continue
		}
		return string(field[5:]), utf8.Valid(field[5:])
	}
	return "", false
}

// oemLetters are the letters that code page 437, which APPNOTE D.1 names, and code page 850, which Windows has in Western
// Europe, both have, each at the byte given first. Where they differ nobody can tell which one was meant.
var oemLetters = func() map[byte]rune {
	letters := map[byte]rune{0xe1: 'ß', 0xe6: 'µ'}
	for from, run := range map[byte]string{0x80: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ", 0xa0: "áíóúñÑ"} {
		for i, r := range []rune(run) {
			letters[from+byte(i)] = r
		}
	}
	return letters
}()

// oemName decodes a name in the code page of a Western European Windows.
func oemName(raw string) (string, bool) {
	var b strings.Builder
	for i := range len(raw) {
		r, known := oemLetters[raw[i]]
		switch {
		case raw[i] < utf8.RuneSelf:
			b.WriteByte(raw[i])
		case known:
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return b.String(), true
}
