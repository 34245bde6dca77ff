//go:build go1.23

package oss_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// A folder, and again: what has not changed is not sent.
func ExampleClient_UploadDirectory() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	manifest, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(manifest)
	options := &oss.BatchOptions{
		Bucket:       "my-bucket",
		Prefix:       "texts/",
		ManifestPath: manifest + "/texts.manifest",
		Mode:         oss.BatchChanged,
		Exclude:      []string{"program/"},
		OnOutcome:    func(o oss.Outcome) { fmt.Println(o.Path, o.Status) },
	}
	for range 2 {
		result, err := client.UploadDirectory(context.Background(), "testdata", options)
		if err != nil && !errors.Is(err, oss.ErrFilesFailed) {
			log.Fatal(err)
		}
		fmt.Println(result.FilesStored, "stored,", result.FilesFailed, "failed")
	}
	// Unordered output:
	// hello.txt stored
	// program skipped
	// 1 stored, 0 failed
	// hello.txt unchanged
	// program skipped
	// 0 stored, 0 failed
}

// Files from elsewhere, added while others are uploaded.
func ExampleBatch_Outcomes() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	batch, err := client.StartBatch(ctx, &oss.BatchOptions{Bucket: "my-bucket", Outcomes: true})
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	go func() {
		defer batch.Seal()
		for _, key := range []string{"a.txt", "b.txt"} {
			if err := batch.Add(ctx, "testdata/hello.txt", key); err != nil {
				log.Print(err)
			}
		}
	}()
	for outcome, err := range batch.Outcomes() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcome.Key, outcome.Size, outcome.Err)
	}
	// Unordered output:
	// a.txt 14 <nil>
	// b.txt 14 <nil>
}
