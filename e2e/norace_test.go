//go:build !race

package e2e

// slow divides loads and repetitions where the race detector runs; see race_test.go.
const slow = 1
