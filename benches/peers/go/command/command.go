// Package command is what the programs here have in common: arguments, environment, and many files at a time.
package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// Uploader is one SDK.
type Uploader interface {
	// File uploads one file with a checkpoint. Numbers that are 0 are left to the SDK.
	File(bucket, key, path string, partSize int64, routines int) error
	// Small uploads one small file with one request.
	Small(bucket, key, path string) error
}

// Key is the access key, with the region that signatures name.
type Key struct{ ID, Secret, Region string }

// Run does what the arguments say, and ends the process.
func Run(connect func(endpoint string, key Key) (Uploader, error)) {
	arguments := os.Args[1:]
	if len(arguments) < 5 {
		fail(fmt.Errorf("usage: %s file ENDPOINT BUCKET KEY FILE | many ENDPOINT BUCKET FOLDER COUNT AT_A_TIME", os.Args[0]))
	}
	key := Key{os.Getenv("OSS_ACCESS_KEY_ID"), os.Getenv("OSS_ACCESS_KEY_SECRET"), os.Getenv("OSS_REGION")}
	uploader, err := connect(arguments[1], key)
	fail(err)
	bucket := arguments[2]
	if arguments[0] == "file" {
		fail(uploader.File(bucket, arguments[3], arguments[4], int64(number(os.Getenv("PART_SIZE"))), number(os.Getenv("ROUTINES"))))
		return
	}
	many(uploader, bucket, arguments[3], number(arguments[4]), number(arguments[5]))
}

func many(uploader Uploader, bucket, folder string, count, atATime int) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range make([]struct{}, atATime) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				name := fmt.Sprintf("%05d", i)
				fail(uploader.Small(bucket, name, filepath.Join(folder, name)))
			}
		}()
	}
	all.Wait()
}

func number(text string) int {
	if text == "" {
		return 0
	}
	value, err := strconv.Atoi(text)
	fail(err)
	return value
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
