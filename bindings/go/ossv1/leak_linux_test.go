package oss_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/osstest"
	oss "github.com/oss-upload/liboss_upload/bindings/go/ossv1"
)

const (
	uploads = 10_000
	workers = 8
	// More than memory wanders by, and less than 1 KiB for each upload would come to.
	allowance = 9 << 20
)

func TestTenThousandUploadsLeaveNothing(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 1000)
	provider := &rotating{id: s.AccessKeyID, secret: s.AccessKeySecret}
	run := func(n int) {
		bucket := s.bucket(oss.SetCredentialsProvider(provider))
		defer bucket.Client.Close()
		var group sync.WaitGroup
		for worker := 0; worker < workers; worker++ {
			group.Add(1)
			go func(worker int) {
				defer group.Done()
				for i := 0; i < n/workers && !t.Failed(); i++ {
					err := bucket.UploadFile(fmt.Sprint(worker), path, partSize,
						oss.Checkpoint(true, fmt.Sprint(path, worker)), oss.Progress(&recorder{}))
					if err != nil {
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
