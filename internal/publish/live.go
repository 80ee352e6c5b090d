package publish

import (
	"fmt"
	"time"
)

// Keys returns the keys and values that a Pointer stores for l, and those that it must remove.
func (l Live) Keys() (put map[string]string, remove []string) {
	put = map[string]string{}
	set := func(key, value string) {
		if value == "" {
			remove = append(remove, key)
			return
		}
		put[key] = value
	}
	set(PathKey, l.Release)
	set(PreviousKey, l.Previous)
	set(StartedAtKey, formatTime(l.StartedAt))
	set(SwappedAtKey, formatTime(l.SwappedAt))
	return put, remove
}

// LiveOf reads what Keys wrote. A store of upstream's, which has only PathKey, is understood.
func LiveOf(get func(key string) (string, bool)) (Live, error) {
	var l Live
	l.Release, _ = get(PathKey)
	l.Previous, _ = get(PreviousKey)
	for key, t := range map[string]*time.Time{StartedAtKey: &l.StartedAt, SwappedAtKey: &l.SwappedAt} {
		s, ok := get(key)
		if !ok || s == "" {
			continue
		}
		var err error
		if *t, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return Live{}, fmt.Errorf("key %s: want a time such as 2026-01-02T15:04:05Z, not %q", key, s)
		}
	}
	return l, nil
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
