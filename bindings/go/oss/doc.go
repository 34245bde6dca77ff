// Package oss uploads local files to Alibaba Cloud Object Storage Service (OSS), resumably and verified.
//
// It wraps liboss_upload, a shared library with a C ABI. A [Client] knows the server and who signs; it is made once and
// shared. [Client.UploadFile] uploads one file and returns when the object is stored:
//
//	client, err := oss.NewClient(oss.ClientOptions{Endpoint: "oss-cn-hangzhou.aliyuncs.com"})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	result, err := client.UploadFile(ctx, "/data/a.mp4", &oss.UploadOptions{
//		Bucket:     "my-bucket",
//		Key:        "videos/a.mp4",
//		Checkpoint: true,
//	})
//
// The object appears whole or not at all, and only when the CRC-64 that the server computed equals that of the file.
//
// Programs that were written for Alibaba Cloud's Go SDK v1 use package ossv1 beside this one.
//
// # Resume
//
// With a checkpoint (see [UploadOptions]), an upload that failed, was paused or whose process died goes on where it
// stopped when the same call is made again. The checkpoint file is deleted when the object is stored. Without a
// checkpoint, an upload that does not succeed leaves nothing behind on the server.
//
// # Stopping
//
// When the context given to UploadFile ends, the upload is paused: what was sent is kept if there is a checkpoint. For
// more control, [Client.Start] returns an [Upload] that any goroutine may watch, pause or cancel.
//
// # Errors
//
// What the library reports is an [*Error]. It matches one sentinel, such as [ErrPaused] or [ErrService]; what the server
// said is a [*ServiceError] for [errors.As]; a failure of the local file is a [syscall.Errno], so that
// errors.Is(err, fs.ErrNotExist) holds where it should.
//
// # Events
//
// [Client.NextEvent] takes out what happens inside, requests, retries and parts, for logs and metrics. Its first call
// opens the queue: before it, nothing is kept.
//
// # Goroutines and threads
//
// All types of this package may be used by many goroutines at the same time. No callback comes from C:
// [UploadOptions.Progress] runs in the goroutine that waits for the upload. A waiting goroutine holds an operating
// system's thread, about 0.1 s at a time.
//
// # Linking
//
// The C header lies beside this package, so that `go mod vendor` takes it along. The library itself is searched for where
// the build tags say. By default it is that of the checkout that this package is a part of: target/release/, after
// `cargo build --release`. With the build tag oss_upload_static, it is that checkout's static archive, and programs need
// no shared library. With the build tag oss_upload_pkgconfig, pkg-config says where an installed one is. Elsewhere,
// CGO_LDFLAGS=-L/path/to/lib names its folder.
package oss
