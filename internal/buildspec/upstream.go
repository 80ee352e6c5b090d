package buildspec

import (
	"bytes"
	"regexp"
)

// upstreamCopy is the line that ends the upstream toolkit's build files: a copy of the current folder into the hosting
// bucket. Its S3 variant names the folder $COMMITID.
var upstreamCopy = regexp.MustCompile(`aws\s+s3\s+(?:cp|sync)\s+\S+\s+["']?s3://\$\{?DEST_BUCKET_NAME\}?/\$\{?(?:CODEBUILD_RESOLVED_SOURCE_VERSION|COMMITID)\}?`)

// Upstream reports whether data looks like a build file of the upstream toolkit, which copies the site into the bucket
// itself instead of naming its artifacts. A copy that somebody has commented out does not count.
func Upstream(data []byte) bool {
	for line := range bytes.Lines(data) {
		if upstreamCopy.Match(line) && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			return true
		}
	}
	return false
}
