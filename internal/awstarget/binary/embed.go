//go:build embed

package binary

import "embed"

// packed are the Linux programs, compressed with gzip: make build writes them before it builds with the tag embed.
//
//go:embed packed/linux-amd64.gz packed/linux-arm64.gz
var packed embed.FS

// embedded returns the compressed program for a processor.
func embedded(arch string) []byte {
	data, err := packed.ReadFile("packed/linux-" + arch + ".gz")
	if err != nil {
		return nil
	}
	return data
}
