package oss_test

import (
	"fmt"
	"log"
	"os"

	oss "github.com/oss-upload/liboss_upload/bindings/go/ossv1"
)

// The examples run against the project's local OSS: TestMain sets OSS_ENDPOINT, OSS_REGION, OSS_ACCESS_KEY_ID and
// OSS_ACCESS_KEY_SECRET, and makes the bucket.

// A program that was written for Alibaba Cloud's Go SDK v1.
func ExampleBucket_UploadFile() {
	provider, err := oss.NewEnvironmentVariableCredentialsProvider()
	if err != nil {
		log.Fatal(err)
	}
	client, err := oss.New(os.Getenv("OSS_ENDPOINT"), "", "",
		oss.SetCredentialsProvider(&provider), oss.Region(os.Getenv("OSS_REGION")), oss.AuthVersion(oss.AuthV4))
	if err != nil {
		log.Fatal(err)
	}
	bucket, err := client.Bucket("my-bucket")
	if err != nil {
		log.Fatal(err)
	}
	err = bucket.UploadFile("hello.txt", "../oss/testdata/hello.txt", 100*1024, oss.Routines(3), oss.Checkpoint(true, ""))
	if refused, ok := err.(oss.ServiceError); ok {
		log.Fatal("OSS said no: ", refused.Code, " ", refused.RequestID)
	}
	fmt.Println(err)
	// Output: <nil>
}

// percent is a listener as Alibaba Cloud's Go SDK v1 has them.
type percent struct{}

func (percent) ProgressChanged(event *oss.ProgressEvent) {
	switch event.EventType {
	case oss.TransferStartedEvent:
		fmt.Println("started")
	case oss.TransferCompletedEvent:
		fmt.Printf("%d %%\n", 100*event.ConsumedBytes/event.TotalBytes)
	}
}

func ExampleProgress() {
	client, err := oss.New(os.Getenv("OSS_ENDPOINT"), os.Getenv("OSS_ACCESS_KEY_ID"), os.Getenv("OSS_ACCESS_KEY_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	bucket, err := client.Bucket("my-bucket")
	if err != nil {
		log.Fatal(err)
	}
	if err := bucket.UploadFile("hello.txt", "../oss/testdata/hello.txt", 100*1024, oss.Progress(percent{})); err != nil {
		log.Fatal(err)
	}
	// Output:
	// started
	// 100 %
}
