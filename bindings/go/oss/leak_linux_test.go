package oss_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/osstest"
	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

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

			many := &oss.BatchOptions{Bucket: s.Buckets[0], Prefix: "batch/", OnOutcome: func(oss.Outcome) {}}
			_, err = client.UploadMany(context.Background(), func(yield func(path, key string) bool) { yield(path, "a") }, many)
			check(t, err)
			b, err := client.StartBatch(context.Background(), many)
			check(t, err)
			b.Close()
		}
	}
	round(20) // what is made once and stays
	before := osstest.Use(t)
	for i := 0; i < 5; i++ {
		round(40)
	}
	before.ExpectNoMore(t, 8, 64<<20)
}

const (
	uploads = 10_000
	workers = 8
	// More than memory wanders by, and less than 1 KiB for each upload would come to.
	allowance = 9 << 20
)

func TestTenThousandUploadsLeaveNothing(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 1000)
	run := func(n int) {
		client := s.client()
		defer client.Close()
		var group sync.WaitGroup
		for worker := 0; worker < workers; worker++ {
			group.Add(1)
			go func(worker int) {
				defer group.Done()
				for i := 0; i < n/workers && !t.Failed(); i++ {
					options := s.upload(fmt.Sprint(worker), func(o *oss.UploadOptions) {
						o.CheckpointPath = fmt.Sprint(path, worker)
						o.Metadata = map[string]string{"worker": fmt.Sprint(worker)}
					})
					if _, err := client.UploadFile(context.Background(), path, options); err != nil {
						t.Error(err)
					}
				}
			}(worker)
		}
		group.Wait()
	}
	run(1000) // what is made once and stays
	before := osstest.Use(t)
	run(uploads)
	before.ExpectNoMore(t, workers, allowance)
	s.ExpectObject("0", content)
}
