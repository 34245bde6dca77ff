// This program uploads a file: linking_linux_test.go builds it outside of the checkout, in every way to link.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func main() {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Args[1], Region: os.Args[2]})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	result, err := client.UploadFile(context.Background(), os.Args[3], &oss.UploadOptions{Bucket: os.Args[4], Key: os.Args[5]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(oss.Version(), result.Size)
}
