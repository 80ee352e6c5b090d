package publish

import (
	"bytes"
	"strings"
	"testing"
)

func TestPack(t *testing.T) {
	small, large := []byte(`{"format":1}`), []byte(`{"files":"`+strings.Repeat("0123456789abcdef", packedFrom/16)+`"}`)
	for name, data := range map[string][]byte{"small": small, "large": large} {
		packed := pack(data)
		if got, err := unpack(packed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v, or it is not the same", name, err)
		}
		if packs := len(packed) < len(data); packs != (name == "large") || !bytes.Equal(packed, pack(data)) {
			t.Errorf("%s: %d bytes became %d", name, len(data), len(packed))
		}
		if _, err := unpack(packed[:len(packed)/2]); name == "large" && err == nil {
			t.Error("half of it unpacks")
		}
	}
}
