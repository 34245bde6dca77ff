package osstest

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// Usage is what this process holds.
type Usage struct{ goroutines, files, threads, memory int }

// Use measures what this process holds now.
func Use(t *testing.T) Usage {
	t.Helper()
	return Usage{runtime.NumGoroutine(), entries(t, "fd"), entries(t, "task"), anonymousMemory(t)}
}

// ExpectNoMore fails unless the process soon holds no more than before, but for some threads: Go's runtime keeps those
// that once waited in C, so that their number settles rather than returns. Memory may grow by so many bytes; the race
// detector's own grows in any case.
func (before Usage) ExpectNoMore(t *testing.T, threads, memory int) {
	t.Helper()
	var now Usage
	defer func() { t.Logf("goroutines, files, threads, bytes: %v before, %v now", before, now) }()
	Eventually(t, "threads, files, goroutines or memory are left over", func() bool {
		now = Use(t)
		return now.goroutines <= before.goroutines && now.files <= before.files &&
			now.threads <= before.threads+threads && (now.memory < before.memory+memory || RaceDetector)
	})
}

// entries counts what a directory of /proc/self lists.
func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/" + dir)
	Check(t, err)
	return len(list)
}

// anonymousMemory is what this process holds of memory that no file stands behind, Go's and C's, in bytes.
func anonymousMemory(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	Check(t, err)
	_, rest, found := strings.Cut(string(status), "RssAnon:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); !found || err != nil {
		t.Fatalf("no RssAnon: %v", err)
	}
	return kilobytes << 10
}
