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

	oss "github.com/oss-upload/liboss_upload/bindings/go"
)

// The examples are compiled with the tests, not run: they need a bucket.

func Example() {
	// The key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: "oss-cn-hangzhou.aliyuncs.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	result, err := client.UploadFile(context.Background(), "/data/a.mp4", &oss.UploadOptions{
		Bucket: "my-bucket",
		Key:    "videos/a.mp4",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.ETag, result.Size)
}

// With a checkpoint, an upload that Ctrl-C or a deadline has stopped goes on where it was when it is started again.
func ExampleClient_UploadFile_resumable() {
	client, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, err = client.UploadFile(ctx, "/data/a.mp4", &oss.UploadOptions{
		Bucket:     "my-bucket",
		Key:        "videos/a.mp4",
		PartSize:   oss.PartSizeAuto,
		Routines:   oss.RoutinesAuto,
		Checkpoint: true,
		Progress: func(p oss.UploadProgress) {
			fmt.Printf("\r%d of %d bytes, %v left", p.DoneBytes, p.TotalBytes, p.ETA)
		},
	})
	if errors.Is(err, context.Canceled) {
		fmt.Println("stopped; run again to go on")
	}
}

func ExampleClient_UploadFile_errors() {
	client, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.UploadFile(context.Background(), "/data/a.mp4", &oss.UploadOptions{Bucket: "my-bucket", Key: "a.mp4"})
	var refused *oss.ServiceError
	var failure *oss.Error
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		fmt.Println("there is no such file")
	case errors.As(err, &refused):
		fmt.Println("OSS said no:", refused.Code, "request", refused.RequestID)
	case errors.As(err, &failure) && failure.Retryable:
		fmt.Println("try again later:", err)
	default:
		fmt.Println(err)
	}
}

func ExampleClient_Start() {
	client, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	upload, err := client.Start("/data/a.mp4", &oss.UploadOptions{Bucket: "my-bucket", Key: "a.mp4", Checkpoint: true})
	if err != nil {
		log.Fatal(err)
	}
	defer upload.Close()

	// Night is over: keep what was sent, and go on tomorrow.
	timer := time.AfterFunc(8*time.Hour, upload.Pause)
	defer timer.Stop()
	if _, err := upload.Wait(context.Background()); errors.Is(err, oss.ErrPaused) {
		fmt.Println("so far:", upload.Progress().DoneBytes)
	}
}

// Events are for logs and metrics.
func ExampleClient_NextEvent() {
	client, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	client.NextEvent() // opens the queue
	upload, err := client.Start("/data/a.mp4", &oss.UploadOptions{Bucket: "my-bucket", Key: "a.mp4"})
	if err != nil {
		log.Fatal(err)
	}
	defer upload.Close()
	go func() {
		for range time.Tick(time.Second) {
			for event, ok := client.NextEvent(); ok; event, ok = client.NextEvent() {
				if event.Kind == oss.EventRetry || event.Dropped > 0 {
					log.Println(event)
				}
			}
		}
	}()
	upload.Wait(context.Background())
}
