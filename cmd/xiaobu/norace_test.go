//go:build !race

package main

// slow is what shortens the demo's week where the race detector runs; see race_test.go.
const slow = 1
