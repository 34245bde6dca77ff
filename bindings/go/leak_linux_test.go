package oss_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	oss "github.com/oss-upload/liboss_upload/bindings/go"
)

// entries counts what a directory of /proc/self lists.
func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/" + dir)
	check(t, err)
	return len(list)
}

func TestNothingLeaks(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 3*partSize)
	round := func(n int) {
		client := s.client()
		defer client.Close()
		for i := 0; i < n; i++ {
			options := s.upload(fmt.Sprint(i%10), func(o *oss.UploadOptions) { o.Routines = 3 })
			_, err := client.UploadFile(context.Background(), path, options)
			check(t, err)

			options.Bucket = "no-such-bucket"
			_, err = client.UploadFile(context.Background(), path, options)
			expectIs(t, err, oss.ErrService)

			options.Bucket = s.Buckets[0]
			u, err := client.Start(path, options)
			check(t, err)
			u.Cancel()
			u.Close()
		}
	}
	round(20) // what is made once and stays
	goroutines, files, threads := runtime.NumGoroutine(), entries(t, "fd"), entries(t, "task")
	for i := 0; i < 5; i++ {
		round(40)
	}
	// Go's runtime keeps threads that once waited in C, so their number settles rather than returns.
	var left [3]int
	defer func() {
		if t.Failed() {
			t.Logf("more than before: %v goroutines, files, threads", left)
		}
	}()
	eventually(t, "threads, files or goroutines are left over", func() bool {
		left = [3]int{runtime.NumGoroutine() - goroutines, entries(t, "fd") - files, entries(t, "task") - threads}
		return left[0] <= 0 && left[1] <= 0 && left[2] <= 8
	})
}

// anonymousMemory is what this process holds of memory that no file stands behind, Go's and C's, in bytes.
func anonymousMemory(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	check(t, err)
	_, rest, found := strings.Cut(string(status), "RssAnon:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); !found || err != nil {
		t.Fatalf("no RssAnon: %v", err)
	}
	return kilobytes << 10
}

func TestTenThousandUploadsLeaveNothing(t *testing.T) {
	const (
		uploads = 10_000
		workers = 8
		// More than memory wanders by, and less than 1 KiB for each upload would come to.
		allowance = 9 << 20
	)
	s := newServer(t)
	path, content := file(t, 1000)
	provider := &rotating{id: s.AccessKeyID, secret: s.AccessKeySecret}
	one := func(bucket *oss.Bucket, client *oss.Client, worker, i int) error {
		key := fmt.Sprint(worker)
		if i%2 == 0 {
			return bucket.UploadFile(key, path, partSize, oss.Checkpoint(true, fmt.Sprint(path, worker)), oss.Progress(&recorder{}))
		}
		_, err := client.UploadFile(context.Background(), path, s.upload(key))
		return err
	}
	run := func(n int) {
		bucket, client := s.bucket(oss.SetCredentialsProvider(provider)), s.client()
		defer client.Close()
		defer bucket.Client.Close()
		var group sync.WaitGroup
		for worker := 0; worker < workers; worker++ {
			group.Add(1)
			go func(worker int) {
				defer group.Done()
				for i := 0; i < n/workers && !t.Failed(); i++ {
					if err := one(bucket, client, worker, i); err != nil {
						t.Error(err)
					}
				}
			}(worker)
		}
		group.Wait()
	}
	run(1000) // what is made once and stays
	goroutines, files, threads := runtime.NumGoroutine(), entries(t, "fd"), entries(t, "task")
	memory := anonymousMemory(t)
	run(uploads)
	var more [3]int
	var grown int
	defer func() {
		t.Logf("more than before: %v goroutines, files, threads, %d KiB of memory", more, grown>>10)
	}()
	eventually(t, "threads, files or goroutines are left over", func() bool {
		more = [3]int{runtime.NumGoroutine() - goroutines, entries(t, "fd") - files, entries(t, "task") - threads}
		return more[0] <= 0 && more[1] <= 0 && more[2] <= workers
	})
	eventually(t, "memory is left over", func() bool {
		grown = anonymousMemory(t) - memory
		return grown < allowance || raceDetector
	})
	s.expectObject("0", content)
}
