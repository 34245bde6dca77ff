package oss_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// The examples run against the project's local OSS: TestMain sets OSS_ENDPOINT, OSS_REGION, OSS_ACCESS_KEY_ID and
// OSS_ACCESS_KEY_SECRET, and makes the bucket.

func Example() {
	// The key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	result, err := client.UploadFile(context.Background(), "testdata/hello.txt", &oss.UploadOptions{
		Bucket: "my-bucket",
		Key:    "texts/hello.txt",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Size, "bytes, ETag", result.ETag)
	// Output: 14 bytes, ETag 910C8BC73110B0CD1BC5D2BCAE782511
}

// With a checkpoint, an upload that Ctrl-C or a deadline has stopped resumes when it is started again.
func ExampleClient_UploadFile_resumable() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var last oss.Progress
	_, err = client.UploadFile(ctx, "testdata/hello.txt", &oss.UploadOptions{
		Bucket:     "my-bucket",
		Key:        "texts/hello.txt",
		PartSize:   oss.PartSizeAuto,
		Routines:   oss.RoutinesAuto,
		Checkpoint: true,
		Progress:   func(p oss.Progress) { last = p }, // about ten times a second
	})
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Println("stopped; run again to resume")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Printf("%d of %d bytes, %v\n", last.DoneBytes, last.TotalBytes, last.Phase)
	// Output: 14 of 14 bytes, ended
}

func ExampleClient_UploadFile_errors() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	upload := func(bucket, path string) {
		_, err := client.UploadFile(context.Background(), path, &oss.UploadOptions{Bucket: bucket, Key: "hello.txt"})
		var refused *oss.ServiceError
		var failure *oss.Error
		switch {
		case err == nil:
			fmt.Println("stored")
		case errors.Is(err, fs.ErrNotExist):
			fmt.Println("there is no such file")
		case errors.As(err, &refused):
			fmt.Println("OSS said no:", refused.StatusCode, refused.Code) // and refused.RequestID, for Alibaba Cloud's support
		case errors.As(err, &failure) && failure.Retryable:
			fmt.Println("try again later:", err)
		default:
			fmt.Println(err)
		}
	}
	upload("my-bucket", "testdata/hello.txt")
	upload("my-bucket", "testdata/missing.txt")
	upload("bucket-of-nobody", "testdata/hello.txt")
	// Output:
	// stored
	// there is no such file
	// OSS said no: 404 NoSuchBucket
}

func ExampleClient_Start() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	upload, err := client.Start("testdata/hello.txt", &oss.UploadOptions{
		Bucket: "my-bucket", Key: "hello.txt", Checkpoint: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer upload.Close()

	// When the night is over: keep what was sent, and go on tomorrow.
	timer := time.AfterFunc(8*time.Hour, upload.Pause)
	defer timer.Stop()
	_, err = upload.Wait(context.Background())
	fmt.Println(errors.Is(err, oss.ErrPaused), upload.Progress().DoneBytes)
	// Output: false 14
}

// Events are for logs and metrics.
func ExampleClient_NextEvent() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	client.NextEvent() // opens the queue
	options := &oss.UploadOptions{Bucket: "my-bucket", Key: "hello.txt"}
	if _, err := client.UploadFile(context.Background(), "testdata/hello.txt", options); err != nil {
		log.Fatal(err)
	}
	for event, ok := client.NextEvent(); ok; event, ok = client.NextEvent() {
		if event.Kind == oss.EventRequest {
			fmt.Println(event.Operation, event.HTTPStatus, event.Bytes)
		}
	}
	// Output: PutObject 200 14
}
