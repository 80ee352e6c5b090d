package site

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// zipPrefix is what the ids of releases of zip files begin with.
const zipPrefix = "zip-"

// ZipRelease is the id of the release of one version of a zip file in S3. Its beginning may be there already, as hosting.yaml
// puts it there. A version is any text of up to 1,024 bytes that a URL may hold (Amazon S3 User Guide, "How S3 Versioning
// works"); one that cannot be in an id, or is too long, is replaced by its digest. So every version has a valid id, always
// the same one, and no two have the same.
func ZipRelease(version string) string {
	version = strings.TrimPrefix(version, zipPrefix)
	if id := zipPrefix + version; version != "" && ValidRelease(id) == nil {
		return id
	}
	sum := sha256.Sum256([]byte(version))
	return zipPrefix + hex.EncodeToString(sum[:16])
}

// IsZipRelease reports whether an id is one that hosting.yaml gives to releases of zip files.
func IsZipRelease(id string) bool { return strings.HasPrefix(id, zipPrefix) }
