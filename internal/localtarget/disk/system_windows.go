package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// notAFolder reports whether an error says that a part of a path is a file.
func notAFolder(err error) bool {
	return errors.Is(err, windows.ERROR_DIRECTORY) || errors.Is(err, windows.ERROR_PATH_NOT_FOUND) || errors.Is(err, windows.STATUS_NOT_A_DIRECTORY)
}

// checkSystemKey refuses keys that Windows would change or give another meaning.
func checkSystemKey(key string) error {
	for _, e := range strings.Split(key, "/") {
		if strings.ContainsAny(e, `<>:"\|?*`) || strings.HasSuffix(e, ".") || strings.HasSuffix(e, " ") {
			return fmt.Errorf("key %q cannot be a file name on Windows", key)
		}
	}
	return nil
}

// syncFolder does nothing: NTFS journals names by itself, and a folder cannot be flushed.
func syncFolder(*os.Root, string) error { return nil }

// identify is not known without opening the file.
func identify(fs.FileInfo) (id fileID, shared bool) { return fileID{}, false }
