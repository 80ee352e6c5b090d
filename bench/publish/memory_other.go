//go:build !linux

package main

import "os"

// maxResident is not measured here: the unit differs from system to system.
func maxResident(*os.ProcessState) int64 { return 0 }
