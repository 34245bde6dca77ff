//go:build !race

package oss_test

const raceDetector = false
