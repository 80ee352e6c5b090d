package s3server

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// stored returns the headers of a request that are kept with an object.
func stored(r *http.Request) http.Header {
	kept := http.Header{}
	for name, values := range r.Header {
		if name == "Content-Type" || name == "Cache-Control" || strings.HasPrefix(name, "X-Amz-Meta-") || name == "X-Amz-Checksum-Sha256" {
			kept[name] = values
		}
	}
	return kept
}

// free checks the condition of a write.
func (b *bucket) free(r *http.Request, key string) error {
	if r.Header.Get("If-None-Match") == "*" && b.objects[key] != nil {
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

func (m *Memory) put(w http.ResponseWriter, r *http.Request, name string, b *bucket, key string, body []byte) error {
	if err := b.free(r, key); err != nil {
		return err
	}
	o := &object{body: body, header: stored(r), modified: time.Now()}
	from := r.Header.Get("X-Amz-Copy-Source")
	if from != "" {
		source, err := m.source(r, from)
		if err != nil {
			return err
		}
		o.body = source.body
		if r.Header.Get("X-Amz-Metadata-Directive") != "REPLACE" {
			o.header = source.header
		} else if sum := source.header.Get("X-Amz-Checksum-Sha256"); sum != "" {
			o.header.Set("X-Amz-Checksum-Sha256", sum)
		}
	}
	o.etag = etagOf(o.body)
	m.store(name, b, key, o)
	w.Header().Set("ETag", o.etag)
	if from == "" {
		return nil
	}
	return writeXML(w, http.StatusOK, copied("CopyObjectResult", o))
}

// copied is the answer to a copy, with the checksum if the source has been stored with one.
func copied(name string, o *object) any {
	return struct {
		XMLName        xml.Name
		ETag           string
		LastModified   string
		ChecksumSHA256 string `xml:",omitempty"`
	}{xml.Name{Local: name}, o.etag, o.modified.UTC().Format(time.RFC3339), o.header.Get("X-Amz-Checksum-Sha256")}
}

// source finds what a copy copies, under its condition.
func (m *Memory) source(r *http.Request, from string) (*object, error) {
	path, err := url.PathUnescape(strings.TrimPrefix(from, "/"))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "InvalidArgument", "copy source %q", from)
	}
	name, key, _ := strings.Cut(path, "/")
	b := m.buckets[name]
	if b == nil || b.objects[key] == nil {
		return nil, fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	if want := r.Header.Get("X-Amz-Copy-Source-If-Match"); want != "" && want != b.objects[key].etag {
		return nil, fail(http.StatusPreconditionFailed, "PreconditionFailed", "copy source")
	}
	return b.objects[key], nil
}

// serve answers a request for the object.
func (o *object) serve(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), o.header)
	if r.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" || r.Header.Get("Range") != "" {
		w.Header().Del("X-Amz-Checksum-Sha256")
	}
	w.Header().Set("ETag", o.etag)
	http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.body))
}

// list answers ListObjectsV2.
func (m *Memory) list(w http.ResponseWriter, name string, b *bucket, query url.Values) error {
	type entry struct {
		Key, LastModified, ETag string
		Size                    int
		StorageClass            string
	}
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name, Prefix          string
		KeyCount, MaxKeys     int
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []entry
	}{Name: name, Prefix: query.Get("prefix"), MaxKeys: 1000}
	if m.PageSize > 0 {
		page.MaxKeys = m.PageSize
	}
	if query.Has("delimiter") {
		return fail(http.StatusNotImplemented, "NotImplemented", "delimiter")
	}
	after, err := base64.RawURLEncoding.DecodeString(query.Get("continuation-token"))
	if err != nil {
		return fail(http.StatusBadRequest, "InvalidArgument", "continuation token")
	}
	if len(after) == 0 {
		after = []byte(query.Get("start-after"))
	}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, page.Prefix) || key <= string(after) {
			continue
		}
		if len(page.Contents) == page.MaxKeys {
			page.IsTruncated = true
			page.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(page.Contents[len(page.Contents)-1].Key))
			break
		}
		o := b.objects[key]
		page.Contents = append(page.Contents, entry{key, o.modified.UTC().Format("2006-01-02T15:04:05.000Z"), o.etag, len(o.body), "STANDARD"})
	}
	page.KeyCount = len(page.Contents)
	return writeXML(w, http.StatusOK, page)
}

// deleteMany answers DeleteObjects.
func (m *Memory) deleteMany(w http.ResponseWriter, r *http.Request, b *bucket, body []byte) error {
	if !slices.ContainsFunc([]string{"Content-Md5", "X-Amz-Checksum-Crc32", "X-Amz-Checksum-Sha256"}, func(h string) bool { return r.Header.Get(h) != "" }) {
		return fail(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var wanted struct {
		Object []struct{ Key, VersionId string }
		Quiet  bool
	}
	if err := xml.Unmarshal(body, &wanted); err != nil || len(wanted.Object) == 0 || len(wanted.Object) > 1000 {
		return fail(http.StatusBadRequest, "MalformedXML", "%d objects, %v", len(wanted.Object), err)
	}
	type deleted struct {
		Key, VersionId string `xml:",omitempty"`
	}
	type kept struct {
		Key           string
		VersionId     string `xml:",omitempty"`
		Code, Message string
	}
	result := struct {
		XMLName xml.Name  `xml:"DeleteResult"`
		Deleted []deleted `xml:",omitempty"`
		Error   []kept    `xml:",omitempty"`
	}{}
	for _, o := range wanted.Object {
		if m.Keep != nil {
			if code := m.Keep(o.Key); code != "" {
				result.Error = append(result.Error, kept{o.Key, o.VersionId, code, "as the test wants it"})
				continue
			}
		}
		m.remove(b, o.Key, o.VersionId)
		if !wanted.Quiet {
			result.Deleted = append(result.Deleted, deleted{o.Key, o.VersionId})
		}
	}
	return writeXML(w, http.StatusOK, result)
}
