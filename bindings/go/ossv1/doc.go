// Package oss, at the import path ossv1, uploads files for programs that were written for Alibaba Cloud's Go SDK v1
// (github.com/aliyun/aliyun-oss-go-sdk/oss): they change their import path and nothing else.
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
// It is a thin layer over package bindings/go/oss, which new programs use: that one has contexts, results and options with
// fields. What cannot be carried out is an error, [ErrUnsupported]; nothing is ignored silently. docs/migrating-from-go.md
// tells what differs.
package oss
