package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// maxVersions is how many versions of an object are described: the one whose body is there, and those that are about to
// replace it or have just been replaced.
const maxVersions = 3

// version describes one body that a key has or had. Replacing an object changes two files; because the metadata describes
// the old and the new body, whoever comes between the two finds the right description.
type version struct {
	Size int64 `json:"size"`
	// FileTime is the modification time of the body's file, in nanoseconds. Copies share it with their source.
	FileTime     int64     `json:"fileTime"`
	Modified     time.Time `json:"modified"`
	SHA256       string    `json:"sha256"`
	ContentType  string    `json:"contentType"`
	CacheControl string    `json:"cacheControl"`
}

func (v version) object(key string) publish.Object {
	return publish.Object{Key: key, Size: v.Size, Modified: v.Modified, SHA256: v.SHA256, ContentType: v.ContentType, CacheControl: v.CacheControl}
}

// described is what is remembered of a body that was described before.
type described struct {
	size, fileTime int64
	object         publish.Object
}

// errNoObject says that a file of the bucket is no object: it has no metadata, or is no file.
var errNoObject = errors.New("no object")

// versions returns the descriptions of a key, newest first; none if they cannot be read.
func (s *Store) versions(root *os.Root, key string) []version {
	data, err := root.ReadFile(s.sidecar(key))
	if err != nil {
		return nil
	}
	var v []version
	if json.Unmarshal(data, &v) != nil {
		return nil
	}
	return v
}

// describe returns the description of an open body. If none fits its size and time, because the state folder was
// copied or a file was changed by hand, the body is digested and described as it is. With remember set, an earlier answer
// for the same size and time is good enough.
func (s *Store) describe(root *os.Root, key string, f *os.File, remember bool) (publish.Object, error) {
	fi, err := f.Stat()
	if err != nil {
		return publish.Object{}, err
	}
	if !fi.Mode().IsRegular() {
		return publish.Object{}, errNoObject
	}
	size, fileTime := fi.Size(), fi.ModTime().UnixNano()
	if remember {
		if k, ok := s.known.Get(key); ok && k.size == size && k.fileTime == fileTime {
			return k.object, nil
		}
	}
	versions := s.versions(root, key)
	if len(versions) == 0 {
		return publish.Object{}, errNoObject
	}
	var fitting []version
	for _, v := range versions {
		if v.Size == size && v.FileTime == fileTime {
			fitting = append(fitting, v)
		}
	}
	if len(fitting) != 1 {
		v, err := digested(f, size, versions)
		if err != nil {
			return publish.Object{}, err
		}
		fitting = []version{v}
	}
	o := fitting[0].object(key)
	if remember {
		s.known.Add(key, described{size, fileTime, o})
	}
	return o, nil
}

// digested finds the description by the body's digest; failing that, it corrects the newest one.
func digested(f *os.File, size int64, versions []version) (version, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return version{}, err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	for _, v := range versions {
		if v.SHA256 == sum {
			return v, nil
		}
	}
	v := versions[0]
	v.Size, v.SHA256 = size, sum
	return v, nil
}
