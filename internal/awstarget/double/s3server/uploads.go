package s3server

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// leastPart is the least size of any part but the last.
const leastPart = 5 << 20

func (m *Memory) create(w http.ResponseWriter, r *http.Request, bucket, key string) error {
	m.serial++
	id := fmt.Sprintf("upload-%d", m.serial)
	m.uploads[id] = &upload{bucket: bucket, key: key, header: stored(r), parts: map[int]*object{}}
	return writeXML(w, http.StatusOK, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: bucket, Key: key, UploadId: id})
}

func (m *Memory) part(w http.ResponseWriter, r *http.Request, query url.Values, body []byte) error {
	u := m.uploads[query.Get("uploadId")]
	number, err := strconv.Atoi(query.Get("partNumber"))
	if u == nil || err != nil || number < 1 || number > 10_000 {
		return fail(http.StatusNotFound, "NoSuchUpload", "%s part %s", query.Get("uploadId"), query.Get("partNumber"))
	}
	from := r.Header.Get("X-Amz-Copy-Source")
	if from != "" {
		source, err := m.source(r, from)
		if err != nil {
			return err
		}
		var first, last int
		if _, err := fmt.Sscanf(r.Header.Get("X-Amz-Copy-Source-Range"), "bytes=%d-%d", &first, &last); err != nil || last >= len(source.body) || first > last {
			return fail(http.StatusBadRequest, "InvalidRange", "%s", r.Header.Get("X-Amz-Copy-Source-Range"))
		}
		body = source.body[first : last+1]
	}
	o := &object{body: body, header: stored(r), etag: etagOf(body), modified: time.Now()}
	u.parts[number] = o
	w.Header().Set("ETag", o.etag)
	if from == "" {
		return nil
	}
	return writeXML(w, http.StatusOK, copied("CopyPartResult", o))
}

func (m *Memory) complete(w http.ResponseWriter, r *http.Request, b *bucket, key string, body []byte) error {
	id := r.URL.Query().Get("uploadId")
	u := m.uploads[id]
	if u == nil || u.key != key {
		return fail(http.StatusNotFound, "NoSuchUpload", "%s", id)
	}
	var wanted struct {
		Part []struct {
			PartNumber           int
			ETag, ChecksumSHA256 string
		}
	}
	if err := xml.Unmarshal(body, &wanted); err != nil || len(wanted.Part) == 0 {
		return fail(http.StatusBadRequest, "MalformedXML", "%v", err)
	}
	o := &object{header: u.header, modified: time.Now()}
	for i, p := range wanted.Part {
		part := u.parts[p.PartNumber]
		switch {
		case i > 0 && p.PartNumber <= wanted.Part[i-1].PartNumber:
			return fail(http.StatusBadRequest, "InvalidPartOrder", "part %d", p.PartNumber)
		case part == nil || p.ETag != part.etag || p.ChecksumSHA256 != part.header.Get("X-Amz-Checksum-Sha256"):
			return fail(http.StatusBadRequest, "InvalidPart", "part %d", p.PartNumber)
		case i < len(wanted.Part)-1 && len(part.body) < cmp.Or(m.LeastPart, leastPart):
			return fail(http.StatusBadRequest, "EntityTooSmall", "part %d has %d bytes", p.PartNumber, len(part.body))
		}
		o.body = append(o.body, part.body...)
	}
	if err := b.free(r, key); err != nil {
		return err
	}
	o.etag = fmt.Sprintf(`"%s-%d"`, etagOf(o.body)[1:33], len(wanted.Part))
	m.store(u.bucket, b, key, o)
	delete(m.uploads, id)
	return writeXML(w, http.StatusOK, struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
	}{Bucket: u.bucket, Key: key, ETag: o.etag})
}

// Uploads is how many multipart uploads are neither complete nor removed.
func (m *Memory) Uploads() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.uploads)
}
