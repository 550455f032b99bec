//go:build race

package e2e

// slow is how much slower the race detector makes everything here; loads and repetitions
// are divided by it. The full ones are those of the run without it.
const slow = 10
