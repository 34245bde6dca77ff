//go:build race

package osstest

// RaceDetector says that its own memory grows beside ours.
const RaceDetector = true
