// Package watch tells that something in folders may have changed, as soon as the file system reports it.
//
// Not all file systems do, and there are limits on how much they report: who has to know looks from time to time as well.
package watch

import "github.com/fsnotify/fsnotify"

// Watcher watches folders, not what is in their subfolders.
type Watcher struct {
	// C gets a value when something may have changed since the last one was taken; several changes are one value.
	C <-chan struct{}

	notify *fsnotify.Watcher // nil if there is none to be had
}

// New returns a Watcher without folders. It tells only of changes of files for which concerns is true, of all if it is nil; concerns
// is called by another goroutine.
func New(concerns func(name string) bool) *Watcher {
	changed := make(chan struct{}, 1)
	w := &Watcher{C: changed}
	var err error
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		w.notify = nil
		return w
	}
	go tell(w.notify, changed, concerns)
	return w
}

// tell takes whatever comes, until the watcher is closed. It must never wait: fsnotify may hold its lock while it waits for a taker,
// and whoever adds a folder, or closes the watcher, waits for that lock.
func tell(notify *fsnotify.Watcher, changed chan<- struct{}, concerns func(name string) bool) {
	for {
		select {
		case e, ok := <-notify.Events:
			if !ok {
				return
			}
			if concerns != nil && !concerns(e.Name) {
				continue
			}
		case _, ok := <-notify.Errors: // more has happened than was reported
			if !ok {
				return
			}
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// Add watches another folder. One that is watched already is not watched twice; one that is missing, or beyond the system's limits, is
// not watched, and can be added again later.
func (w *Watcher) Add(dir string) {
	if w.notify != nil {
		_ = w.notify.Add(dir)
	}
}

// Close ends the watching. C gets no more values.
func (w *Watcher) Close() {
	if w.notify != nil {
		_ = w.notify.Close()
	}
}
