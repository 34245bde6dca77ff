// github.com/aliyun/aliyun-oss-go-sdk: Bucket.UploadFile.
package main

import (
	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"github.com/oss-upload/liboss_upload/benches/peers/go/command"
)

// This SDK has no default part size. These are the numbers of the example in its manual.
const (
	manualPartSize = 100 * 1024
	manualRoutines = 3
)

type uploader struct{ client *oss.Client }

func (u uploader) File(bucketName, key, path string, partSize int64, routines int) error {
	bucket, err := u.client.Bucket(bucketName)
	if err != nil {
		return err
	}
	if partSize == 0 {
		partSize, routines = manualPartSize, manualRoutines
	}
	return bucket.UploadFile(key, path, partSize, oss.Routines(routines), oss.Checkpoint(true, path+".go-v1"))
}

func (u uploader) Small(bucketName, key, path string) error {
	bucket, err := u.client.Bucket(bucketName)
	if err != nil {
		return err
	}
	return bucket.PutObjectFromFile(key, path)
}

func main() {
	command.Run(func(endpoint string, key command.Key) (command.Uploader, error) {
		client, err := oss.New(endpoint, key.ID, key.Secret, oss.AuthVersion(oss.AuthV4), oss.Region(key.Region))
		return uploader{client}, err
	})
}
