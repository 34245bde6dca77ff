//go:build !race

package osstest

// RaceDetector says whether the race detector runs.
const RaceDetector = false
