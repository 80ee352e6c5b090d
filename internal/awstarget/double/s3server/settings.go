package s3server

import (
	"encoding/xml"
	"net/http"
	"net/url"
)

// Elsewhere is where a bucket is that is not of this server's account and region.
type Elsewhere struct {
	// Account is another one than that of whoever asks; Region is another one. Empty ones are this server's.
	Account, Region string
}

// Move makes a bucket one of another account, or in another region.
func (m *Memory) Move(bucket string, to Elsewhere) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buckets[bucket].elsewhere = to
}

// Configure gives a bucket settings, as its owner would: whether it is versioned, and its notifications, in S3's XML.
func (m *Memory) Configure(bucket string, versioned bool, notifications string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buckets[bucket].versioned, m.buckets[bucket].notifications = versioned, notifications
}

// Notifications is the notification configuration of a bucket, in S3's XML; empty if it has none.
func (m *Memory) Notifications(bucket string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[bucket].notifications
}

// Versioned reports whether a bucket is.
func (m *Memory) Versioned(bucket string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[bucket].versioned
}

// Version returns the content of one version of an object, and whether it is there.
func (m *Memory) Version(bucket, key, id string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[bucket]
	if b == nil {
		return nil, false
	}
	if o := b.at(key, id); o != nil {
		return o.body, true
	}
	return nil, false
}

// at is a version of an object, the current one if id is empty; nil if it is not there.
func (b *bucket) at(key, id string) *object {
	if id == "" || id == null && len(b.versions[key]) == 0 {
		return b.objects[key]
	}
	for _, v := range b.versions[key] {
		if v.id == id && !v.marker {
			return v.object
		}
	}
	return nil
}

// Current is the id of the current version of an object; empty in a bucket without versions.
func (m *Memory) Current(bucket, key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[bucket].current(key)
}

func (b *bucket) current(key string) string {
	if list := b.versions[key]; len(list) > 0 && !list[0].marker {
		return list[0].id
	}
	if b.versioned && b.objects[key] != nil {
		return null
	}
	return ""
}

// null is the version of what was stored before a bucket was versioned (Amazon S3 User Guide, "How S3 Versioning works").
const null = "null"

// tellsEventBridge reports whether the bucket's notifications go to EventBridge.
func (b *bucket) tellsEventBridge() bool {
	var c struct{ EventBridgeConfiguration *struct{} }
	return xml.Unmarshal([]byte(b.notifications), &c) == nil && c.EventBridgeConfiguration != nil
}

// settle answers a question about, or a change of, a bucket's settings; done is false if it is neither.
func (b *bucket) settle(w http.ResponseWriter, r *http.Request, query url.Values, body []byte) (done bool, err error) {
	write := func(v any) (bool, error) { return true, writeXML(w, http.StatusOK, v) }
	switch {
	case query.Has("versioning") && r.Method == http.MethodGet:
		answer := struct {
			XMLName xml.Name `xml:"VersioningConfiguration"`
			Status  string   `xml:",omitempty"`
		}{}
		if b.versioned {
			answer.Status = "Enabled"
		}
		return write(answer)
	case query.Has("versioning") && r.Method == http.MethodPut:
		b.versioned = true
		return true, nil
	case query.Has("notification") && r.Method == http.MethodGet:
		text := b.notifications
		if text == "" {
			text = "<NotificationConfiguration/>"
		}
		w.Header().Set("Content-Type", "application/xml")
		_, err := w.Write([]byte(xml.Header + text))
		return true, err
	case query.Has("notification") && r.Method == http.MethodPut:
		if err := xml.Unmarshal(body, &struct{}{}); err != nil {
			return true, fail(http.StatusBadRequest, "MalformedXML", "%v", err)
		}
		b.notifications = string(body)
		return true, nil
	}
	return false, nil
}

// owned refuses whoever expects another owner, or asks in another region.
func (b *bucket) owned(w http.ResponseWriter, r *http.Request) error {
	switch {
	case b.elsewhere.Region != "":
		w.Header().Set("X-Amz-Bucket-Region", b.elsewhere.Region)
		return fail(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
	case b.elsewhere.Account != "" && r.Header.Get("X-Amz-Expected-Bucket-Owner") != b.elsewhere.Account:
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return nil
}
