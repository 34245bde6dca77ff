package oss_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
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
