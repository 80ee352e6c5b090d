//go:build !linux

package h1

// sending is what an answer on its way needs on Linux.
type sending struct{}

func (w *response) pace(p []byte) error { return w.paceByPieces(p) }
