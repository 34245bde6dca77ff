package oss_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func TestSeveralHostsMakeOneObject(t *testing.T) {
	s := newServer(t)
	client, ctx := s.client(), context.Background()
	path, content := file(t, 5*partSize)
	token, err := client.BeginSharedUpload(ctx, path, s.upload("key"))
	check(t, err)
	count, err := oss.SharedUploadPartCount(token)
	check(t, err)
	if count != 5 {
		t.Fatalf("%d parts", count)
	}
	var fragments []string
	for _, parts := range [][2]int{{4, 5}, {1, 4}} {
		fragment, err := s.client().SendParts(ctx, token, parts[0], parts[1], path, s.upload("key"))
		check(t, err)
		fragments = append(fragments, fragment)
	}
	result, err := client.FinishSharedUpload(ctx, token, fragments, "", s.upload("key"))
	check(t, err)
	if result.Parts != 5 || result.PartsResumed != 5 {
		t.Errorf("%+v", result)
	}
	s.ExpectObject("key", content)
}

// What was sent stays for the next one.
func TestAContextStopsASharedStep(t *testing.T) {
	s := newServer(t)
	client := s.client()
	path, content := file(t, 40*partSize)
	token, err := client.BeginSharedUpload(context.Background(), path, s.upload("key"))
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	slowly := s.upload("key", func(o *oss.UploadOptions) {
		o.Progress = func(p oss.Progress) {
			if p.PartsDone > 0 {
				stop()
			}
		}
	})
	_, err = s.client(limited(20*partSize)).SendParts(ctx, token, 1, 40, path, slowly)
	expectIs(t, err, context.Canceled)
	if _, err := client.BeginSharedUpload(ctx, path, s.upload("key")); err != context.Canceled {
		t.Errorf("%v", err)
	}
	if s.OpenUploads() != 1 {
		t.Errorf("%d uploads are open", s.OpenUploads())
	}
	fragment, err := client.SendParts(context.Background(), token, 1, 40, path, s.upload("key"))
	check(t, err)
	_, err = client.FinishSharedUpload(context.Background(), token, []string{fragment}, path, s.upload("key"))
	check(t, err)
	s.ExpectObject("key", content)
}

func TestWrongArgumentsOfSharedUploads(t *testing.T) {
	s := newServer(t)
	client, ctx := s.client(), context.Background()
	path, _ := file(t, partSize)
	token, err := client.BeginSharedUpload(ctx, path, s.upload("key"))
	check(t, err)
	_, noPath := client.BeginSharedUpload(ctx, "", s.upload("key"))
	_, noPathToSend := client.SendParts(ctx, token, 1, 1, "", s.upload("key"))
	_, noOptions := client.SendParts(ctx, token, 1, 1, path, nil)
	_, range_ := client.SendParts(ctx, token, -1, 1, path, s.upload("key"))
	_, nul := client.FinishSharedUpload(ctx, token, []string{"a\x00b"}, "", s.upload("key"))
	_, noToken := oss.SharedUploadPartCount("no token")
	_, nulToken := oss.SharedUploadPartCount("a\x00b")
	for _, err := range []error{noPath, noPathToSend, noOptions, range_, nul, noToken, nulToken} {
		expectIs(t, err, oss.ErrInvalidArgument)
	}
	check(t, client.AbortSharedUpload(ctx, token, s.upload("key")))
	if s.OpenUploads() != 0 {
		t.Errorf("%d uploads are open", s.OpenUploads())
	}
	client.Close()
	expectIs(t, client.AbortSharedUpload(ctx, token, s.upload("key")), oss.ErrClosed)
}

func TestManifestsThatCannotBeMerged(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	for err, wanted := range map[error]error{
		oss.MergeManifests(out, nil):                        oss.ErrInvalidArgument,
		oss.MergeManifests("", nil):                         oss.ErrInvalidArgument,
		oss.MergeManifests(out, []string{"a\x00b"}):         oss.ErrInvalidArgument,
		oss.MergeManifests(out, []string{out + "-missing"}): oss.ErrCheckpoint,
	} {
		expectIs(t, err, wanted)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
}
