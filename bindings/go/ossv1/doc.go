// Package oss, at the import path ossv1, uploads files for programs written for Alibaba Cloud's Go SDK v1
// (github.com/aliyun/aliyun-oss-go-sdk/oss): they only change their import path.
//
//	import "github.com/oss-upload/liboss_upload/bindings/go/ossv1"
//
//	client, err := oss.New("oss-cn-hangzhou.aliyuncs.com", id, secret)
//	if err != nil {
//		return err
//	}
//	bucket, err := client.Bucket("my-bucket")
//	if err != nil {
//		return err
//	}
//	err = bucket.UploadFile("videos/a.mp4", "/data/a.mp4", 100*1024, oss.Routines(3), oss.Checkpoint(true, ""))
//
// It is a thin layer over package bindings/go/oss, which new programs should use: that package has contexts, results
// and options with fields. An unsupported option is an error, [ErrUnsupported]; nothing is ignored silently.
// docs/migrating-from-go.md lists the differences.
package oss
