//go:build race

package main

// slow is how much slower the race detector makes everything here. The demo then lives two
// days of its story; the whole week is that of the run without it.
const slow = 10
