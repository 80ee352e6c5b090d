package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	bigSize = 5_000_000
	// perFolder is how many files share a folder.
	perFolder = 100
)

// trees are the folders that are published.
type trees struct {
	// small has many small files, and changed is the same with one file in a hundred changed; big has a few big ones.
	small, changed, big  string
	smallBytes, bigBytes int64
}

// plant writes the folders. The same numbers make the same files.
func plant(work string, smallFiles, bigFiles int) (trees, error) {
	t := trees{small: filepath.Join(work, "small"), changed: filepath.Join(work, "changed"), big: filepath.Join(work, "big")}
	source := rand.NewChaCha8([32]byte{1})
	dice := rand.New(source)
	write := func(dir string, i int, body []byte) error {
		name := filepath.Join(dir, fmt.Sprintf("d%02d", i/perFolder), fmt.Sprintf("f%04d.js", i))
		if i == 0 {
			name = filepath.Join(dir, "index.html")
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, body, 0o644)
	}
	for i := range smallFiles {
		body := make([]byte, 2_000+dice.IntN(18_001))
		_, _ = source.Read(body)
		t.smallBytes += int64(len(body))
		if err := write(t.small, i, body); err != nil {
			return t, err
		}
		if i%100 == 50 {
			body[0]++
		}
		if err := write(t.changed, i, body); err != nil {
			return t, err
		}
	}
	for i := range bigFiles {
		body := make([]byte, bigSize)
		_, _ = source.Read(body)
		t.bigBytes += bigSize
		if err := write(t.big, i, body); err != nil {
			return t, err
		}
	}
	return t, nil
}
