package osstest

import (
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// PartSize is the least size of a part.
const PartSize = 100 << 10

// File makes a local file of random bytes.
func File(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	path = filepath.Join(t.TempDir(), "source.bin")
	Check(t, os.WriteFile(path, content, 0o600))
	return path, content
}

// Check fails when there is an error.
func Check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ExpectIs fails unless err matches all targets.
func ExpectIs(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("the error is %v (%T), not %v", err, err, target)
		}
	}
}

// Eventually fails unless the condition holds within some seconds.
func Eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// Exists says whether there is such a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
