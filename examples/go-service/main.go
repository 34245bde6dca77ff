// A service that uploads files of its machine when it is asked to by HTTP.
//
//	go run . -bucket my-bucket -root /data -checkpoints /var/lib/uploads
//	curl -d '{"file": "a.mp4", "key": "videos/a.mp4"}' localhost:8080/uploads    # uploads, and answers when it is stored
//	curl localhost:8080/uploads                                                  # what runs now, and how far it is
//
// An upload belongs to its request: when the client goes away, it is paused. SIGTERM and Ctrl-C pause them all, response
// their requests with 503, and end the service. The same request made again goes on where it stopped.
//
// OSS_ENDPOINT and OSS_REGION say where the bucket is; credentials come from the default chain.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to listen on")
	bucket := flag.String("bucket", "", "`name` of the bucket")
	root := flag.String("root", ".", "`directory` of the files that may be uploaded")
	checkpoints := flag.String("checkpoints", ".", "existing `directory` for checkpoints")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, &service{bucket: *bucket, root: *root, checkpoints: *checkpoints}); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends and what was running has been paused.
func run(ctx context.Context, address string, s *service) error {
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: os.Getenv("OSS_ENDPOINT"), Region: os.Getenv("OSS_REGION")})
	if err != nil {
		return err
	}
	defer client.Close()
	s.client, s.running = client, map[*oss.Upload]string{}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		// The contexts of all requests end with this one.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println("listening on", listener.Addr())

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("some uploads could not be paused in time: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
