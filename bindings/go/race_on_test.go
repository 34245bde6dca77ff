//go:build race

package oss_test

// raceDetector says that its own memory grows beside ours.
const raceDetector = true
