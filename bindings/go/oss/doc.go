// Package oss provides resumable, verified uploads of local files to Alibaba Cloud Object Storage Service (OSS).
//
// It wraps liboss_upload, a shared library with a C ABI. A [Client] has the server and the credentials; create one and
// share it. [Client.UploadFile] uploads one file and returns when the object is stored:
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
// The object appears complete or not at all, and only if the CRC-64 that the server computed equals that of the file.
//
// Programs written for Alibaba Cloud's Go SDK v1 can use package ossv1, next to this one.
//
// # Many files
//
// [Client.UploadDirectory] uploads a folder with all that is in it, and [Client.UploadMany] the files of an iterator.
// [Client.StartBatch] does not wait: it returns a [Batch]. One file that fails stops nothing: every file has an [Outcome].
// With a manifest (see [BatchOptions]), the same call again uploads what is missing or has changed.
//
// # Resume
//
// With a checkpoint (see [UploadOptions]), an upload that failed, was paused or whose process died resumes where it
// stopped when the same call is made again. The checkpoint file is deleted when the object is stored. Without a
// checkpoint, an upload that does not succeed leaves nothing behind on the server.
//
// # Stopping
//
// When the context given to UploadFile ends, the upload is paused: the data already sent is kept if there is a
// checkpoint. For more control, [Client.Start] returns an [Upload] that any goroutine may watch, pause or cancel.
//
// # Errors
//
// The library reports failures as an [*Error]. It matches one sentinel, such as [ErrPaused] or [ErrService]. The
// server's error is a [*ServiceError] for [errors.As]. A failure of the local file is a [syscall.Errno], so that
// errors.Is(err, fs.ErrNotExist) works as expected.
//
// # Events
//
// [Client.NextEvent] retrieves events (requests, retries, parts) for logs and metrics. Its first call opens the queue:
// before it, nothing is recorded.
//
// # Goroutines and threads
//
// All types of this package may be used by many goroutines at the same time. No callback comes from C:
// [UploadOptions.Progress] runs in the goroutine that waits for the upload. A waiting goroutine holds an operating
// system thread, about 0.1 s at a time.
//
// # Linking
//
// The C header is next to this package, so that `go mod vendor` includes it. The published module brings a static
// archive for each platform, and with the build tag musl those for musl. In a checkout, build tags select the library. By
// default, it is taken from the checkout that contains this package: target/release/, after `cargo build --release`.
// With the build tag oss_upload_static, it is that checkout's static archive, and programs need no shared library.
// With the build tag oss_upload_pkgconfig, pkg-config locates an installed library. For any other place, set
// CGO_LDFLAGS=-L/path/to/lib.
package oss
