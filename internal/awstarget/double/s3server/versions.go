package s3server

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// version is one version of an object, or the mark of a deletion.
type version struct {
	id string
	*object
	marker bool
}

// store puts an object into a bucket: over the one that is there, or before its older versions.
func (m *Memory) store(name string, b *bucket, key string, o *object) {
	b.objects[key] = o
	if b.versioned {
		m.serial++
		b.add(key, &version{id: fmt.Sprintf("v%08d", m.serial), object: o})
	}
	if m.Created != nil && b.tellsEventBridge() {
		m.Created(name, key, b.current(key))
	}
}

func (b *bucket) add(key string, v *version) {
	if b.versions == nil {
		b.versions = map[string][]*version{}
	}
	b.versions[key] = append([]*version{v}, b.versions[key]...)
}

// remove deletes an object, or one version of it. In a versioned bucket an object that is deleted gets a marker, and all of
// its versions stay (Amazon S3 User Guide, "Working with delete markers").
func (m *Memory) remove(b *bucket, key, id string) {
	switch {
	case id == "" && !b.versioned || id == "null":
		delete(b.objects, key)
		return
	case id == "":
		m.serial++
		b.add(key, &version{id: fmt.Sprintf("v%08d", m.serial), object: &object{}, marker: true})
		delete(b.objects, key)
		return
	}
	left := slices.DeleteFunc(b.versions[key], func(v *version) bool { return v.id == id })
	delete(b.objects, key)
	if len(left) == 0 {
		delete(b.versions, key)
		return
	}
	b.versions[key] = left
	if !left[0].marker {
		b.objects[key] = left[0].object
	}
}

// entries is how many objects, versions and markers keep a bucket from being deleted.
func (b *bucket) entries() int { return len(b.objects) + len(b.versions) }

// Entries is how many keys a bucket has, those counted that only have older versions or markers; -1 if there is no bucket.
func (m *Memory) Entries(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[name]
	if b == nil {
		return -1
	}
	n := len(b.objects)
	for key := range b.versions {
		if b.objects[key] == nil {
			n++
		}
	}
	return n
}

// Begin leaves an unfinished upload in a bucket, as a program that was ended does.
func (m *Memory) Begin(bucket, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial++
	m.uploads[fmt.Sprintf("upload-%d", m.serial)] = &upload{bucket: bucket, key: key, header: http.Header{}, parts: map[int]*object{}}
}

// listVersions answers ListObjectVersions.
func (m *Memory) listVersions(w http.ResponseWriter, name string, b *bucket, query url.Values) error {
	type entry struct {
		XMLName                      xml.Name
		Key, VersionId, LastModified string
		IsLatest                     bool
		Size                         int
	}
	page := struct {
		XMLName                            xml.Name `xml:"ListVersionsResult"`
		Name, Prefix                       string
		MaxKeys                            int
		IsTruncated                        bool
		NextKeyMarker, NextVersionIdMarker string `xml:",omitempty"`
		Entries                            []entry
	}{Name: name, Prefix: query.Get("prefix"), MaxKeys: 1000}
	if m.PageSize > 0 {
		page.MaxKeys = m.PageSize
	}
	afterKey, afterVersion := query.Get("key-marker"), query.Get("version-id-marker")
	add := func(key, id string, v *version, latest bool) bool {
		if len(page.Entries) == page.MaxKeys {
			last := page.Entries[len(page.Entries)-1]
			page.IsTruncated, page.NextKeyMarker, page.NextVersionIdMarker = true, last.Key, last.VersionId
			return false
		}
		kind := "Version"
		if v.marker {
			kind = "DeleteMarker"
		}
		page.Entries = append(page.Entries, entry{xml.Name{Local: kind}, key, id, v.modified.UTC().Format("2006-01-02T15:04:05.000Z"), latest, len(v.body)})
		return true
	}
	for _, key := range b.keys(page.Prefix) {
		versions := b.versions[key]
		if len(versions) == 0 {
			versions = []*version{{id: "null", object: b.objects[key]}}
		}
		for i, v := range versions {
			// Newer versions have greater ids and come first.
			if key < afterKey || key == afterKey && (afterVersion == "" || v.id >= afterVersion) {
				continue
			}
			if !add(key, v.id, v, i == 0) {
				return writeXML(w, http.StatusOK, page)
			}
		}
	}
	return writeXML(w, http.StatusOK, page)
}

// keys are the keys of a bucket, in order, those counted that have versions only.
func (b *bucket) keys(prefix string) []string {
	all := map[string]bool{}
	for key := range b.objects {
		all[key] = true
	}
	for key := range b.versions {
		all[key] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(key string) bool { return !strings.HasPrefix(key, prefix) })
}

// listUploads answers ListMultipartUploads.
func (m *Memory) listUploads(w http.ResponseWriter, name string, query url.Values) error {
	type entry struct{ Key, UploadId string }
	page := struct {
		XMLName                           xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket                            string
		IsTruncated                       bool
		NextKeyMarker, NextUploadIdMarker string  `xml:",omitempty"`
		Upload                            []entry `xml:",omitempty"`
	}{Bucket: name}
	limit := 1000
	if m.PageSize > 0 {
		limit = m.PageSize
	}
	var all []entry
	for id, u := range m.uploads {
		if u.bucket == name {
			all = append(all, entry{u.key, id})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.Key+"\x00"+a.UploadId, b.Key+"\x00"+b.UploadId) })
	after := query.Get("key-marker") + "\x00" + query.Get("upload-id-marker")
	for _, u := range all {
		if query.Has("key-marker") && u.Key+"\x00"+u.UploadId <= after {
			continue
		}
		if len(page.Upload) == limit {
			last := page.Upload[len(page.Upload)-1]
			page.IsTruncated, page.NextKeyMarker, page.NextUploadIdMarker = true, last.Key, last.UploadId
			break
		}
		page.Upload = append(page.Upload, u)
	}
	return writeXML(w, http.StatusOK, page)
}

// listBuckets answers ListBuckets: the account's buckets of every region, or of the one that is asked for (Amazon S3 API
// Reference, "bucket-region").
func (m *Memory) listBuckets(w http.ResponseWriter, query url.Values) error {
	type entry struct {
		Name, CreationDate string
		BucketRegion       string `xml:",omitempty"`
	}
	page := struct {
		XMLName           xml.Name `xml:"ListAllMyBucketsResult"`
		Buckets           struct{ Bucket []entry }
		ContinuationToken string `xml:",omitempty"`
	}{}
	most := m.PageSize
	if most == 0 {
		most = 10_000
	}
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		b := m.buckets[name]
		if !strings.HasPrefix(name, query.Get("prefix")) || name <= query.Get("continuation-token") || b.elsewhere.Account != "" ||
			query.Has("bucket-region") && b.elsewhere.Region != "" {
			continue
		}
		if len(page.Buckets.Bucket) == most {
			page.ContinuationToken = page.Buckets.Bucket[most-1].Name
			break
		}
		page.Buckets.Bucket = append(page.Buckets.Bucket, entry{name, "2026-11-01T00:00:00.000Z", b.elsewhere.Region})
	}
	return writeXML(w, http.StatusOK, page)
}

// Remove deletes an object of a bucket, as another program would.
func (m *Memory) Remove(bucket, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(m.buckets[bucket], key, "")
}

// Add makes an empty bucket, as another program would.
func (m *Memory) Add(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buckets[name] = &bucket{objects: map[string]*object{}}
}
