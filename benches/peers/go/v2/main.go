// github.com/aliyun/alibabacloud-oss-go-sdk-v2: Uploader.UploadFile.
package main

import (
	"context"
	"path/filepath"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"github.com/oss-upload/liboss_upload/benches/peers/go/command"
)

type uploader struct{ client *oss.Client }

func (u uploader) File(bucket, key, path string, partSize int64, routines int) error {
	to := &oss.PutObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)}
	_, err := u.client.NewUploader().UploadFile(context.Background(), to, path, func(options *oss.UploaderOptions) {
		options.EnableCheckpoint = true
		options.CheckpointDir = filepath.Dir(path)
		if partSize != 0 {
			options.PartSize, options.ParallelNum = partSize, routines
		}
	})
	return err
}

func (u uploader) Small(bucket, key, path string) error {
	to := &oss.PutObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)}
	_, err := u.client.PutObjectFromFile(context.Background(), to, path)
	return err
}

func main() {
	command.Run(func(endpoint string, key command.Key) (command.Uploader, error) {
		config := oss.LoadDefaultConfig().WithEndpoint(endpoint).WithRegion(key.Region).
			WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key.ID, key.Secret))
		return uploader{oss.NewClient(config)}, nil
	})
}
