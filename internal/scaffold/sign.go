package scaffold

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// A file that init writes begins with a line that holds a checksum of the rest. As long as the checksum is right nobody has
// edited the file, whichever version of the tool wrote it and for whatever configuration: it may be replaced. A person who
// edits the file need not touch the line; one who removes it has edited the file.
const signature = `%s Written by "cloudfront-hosting-toolkit init" [%s]. Edit it as you like: init keeps edited files.` + "\n"

var signed = regexp.MustCompile(`^(?:#|//) Written by "cloudfront-hosting-toolkit init" \[([0-9a-f]{12})\][^\n]*\n`)

// sign puts the line on top; comment begins a comment in the file's language.
func sign(comment string, text []byte) []byte {
	return append(fmt.Appendf(nil, signature, comment, checksum(text)), text...)
}

// unsigned is the text without the line, if it has one.
func unsigned(text []byte) []byte {
	if m := signed.FindIndex(text); m != nil {
		return text[m[1]:]
	}
	return text
}

// unedited reports whether a file is as init wrote it. Line endings do not count: git may have changed them.
func unedited(text []byte) bool {
	text = unixLines(text)
	m := signed.FindSubmatchIndex(text)
	return m != nil && bytes.Equal(text[m[2]:m[3]], []byte(checksum(text[m[1]:])))
}

func checksum(text []byte) string {
	sum := sha256.Sum256(unixLines(text))
	return hex.EncodeToString(sum[:6])
}
