// This program uploads a file as the samples for UploadFile of Alibaba Cloud's Go SDK v1 do. sample_test.go builds it twice:
// as it stands, and with another import path.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// listener tells of the first and the last event, and adds up what was moved.
type listener struct{ moved int64 }

func (l *listener) ProgressChanged(event *oss.ProgressEvent) {
	l.moved += event.RwBytes
	switch event.EventType {
	case oss.TransferStartedEvent:
		fmt.Println("started:", event.ConsumedBytes, "of", event.TotalBytes)
	case oss.TransferDataEvent:
	case oss.TransferCompletedEvent:
		fmt.Println("completed:", event.ConsumedBytes, "of", event.TotalBytes, "moved:", l.moved)
	case oss.TransferFailedEvent:
		fmt.Println("failed:", event.TotalBytes)
	default:
		fmt.Println("unknown:", event.EventType)
	}
}

func fatal(err error) {
	fmt.Println("Error:", err)
	os.Exit(-1)
}

func main() {
	endpoint, region := os.Getenv("OSS_ENDPOINT"), os.Getenv("OSS_REGION")
	name, prefix, file, checkpoints := os.Args[1], os.Args[2], os.Args[3], os.Args[4]

	provider, err := oss.NewEnvironmentVariableCredentialsProvider()
	if err != nil {
		fatal(err)
	}
	clientOptions := []oss.ClientOption{oss.SetCredentialsProvider(&provider)}
	clientOptions = append(clientOptions, oss.Region(region))
	clientOptions = append(clientOptions, oss.AuthVersion(oss.AuthV4))
	client, err := oss.New(endpoint, "", "", clientOptions...)
	if err != nil {
		fatal(err)
	}
	bucket, err := client.Bucket(name)
	if err != nil {
		fatal(err)
	}

	// The sample.
	if err := bucket.UploadFile(prefix+"sample.mp4", file, 100*1024, oss.Routines(3), oss.Checkpoint(true, "")); err != nil {
		fatal(err)
	}

	// What programs add to it.
	events := &listener{}
	options := []oss.Option{
		oss.Routines(5),
		oss.CheckpointDir(true, checkpoints),
		oss.Progress(events),
		oss.WithContext(context.Background()),
		oss.ContentType("application/x-own"),
		oss.CacheControl("no-cache"),
		oss.ContentDisposition("attachment"),
		oss.Expires(time.Date(2030, time.January, 10, 23, 0, 0, 0, time.UTC)),
		oss.Meta("author", "somebody"),
		oss.ObjectACL(oss.ACLPublicRead),
		oss.ObjectStorageClass(oss.StorageIA),
		oss.ServerSideEncryption("AES256"),
		oss.SetTagging(oss.Tagging{Tags: []oss.Tag{{Key: "key1", Value: "value 1"}, {Key: "key2", Value: "&"}}}),
		oss.ForbidOverWrite(true),
	}
	if err := bucket.UploadFile(prefix+"options", file, 200*1024, options...); err != nil {
		fatal(err)
	}

	// The same again is refused.
	err = bucket.UploadFile(prefix+"options", file, 200*1024, oss.ForbidOverWrite(true))
	if serviceError, ok := err.(oss.ServiceError); ok {
		fmt.Println("refused:", serviceError.StatusCode, serviceError.Code, serviceError.RequestID != "")
	} else {
		fmt.Printf("not refused: %T %v\n", err, err)
	}

	other, err := client.Bucket("no-such-bucket")
	if err != nil {
		fatal(err)
	}
	err = other.UploadFile(prefix+"lost", file, 100*1024)
	var serviceError oss.ServiceError
	if errors.As(err, &serviceError) {
		fmt.Println("refused:", serviceError.StatusCode, serviceError.Code, serviceError.RequestID != "")
	} else {
		fmt.Printf("not refused: %T %v\n", err, err)
	}

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	err = bucket.UploadFile(prefix+"cancelled", file, 100*1024, oss.WithContext(ended))
	fmt.Println("cancelled:", errors.Is(err, context.Canceled))

	err = bucket.UploadFile(prefix+"missing", file+".missing", 100*1024)
	fmt.Println("missing:", errors.Is(err, os.ErrNotExist))
	fmt.Println("part size:", bucket.UploadFile(prefix+"small", file, oss.MinPartSize-1) != nil)
}
