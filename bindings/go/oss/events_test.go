package oss_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// heard takes out all events that wait.
func heard(next func() (oss.Event, bool)) (events []oss.Event) {
	for event, ok := next(); ok; event, ok = next() {
		events = append(events, event)
	}
	return events
}

func ofKind(events []oss.Event, kind oss.EventKind) (found []oss.Event) {
	for _, event := range events {
		if event.Kind == kind {
			found = append(found, event)
		}
	}
	return found
}

func TestRetriesAndPartsAreHeard(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "UploadPart", "part": 2, "times": 1},
		"action": {"type": "status", "status": 503, "code": "SlowDown"}}]`)
	path, _ := file(t, 3*partSize)
	client := s.client()
	if event, ok := client.NextEvent(); ok {
		t.Fatalf("before anything happened: %v", event)
	}
	result, err := client.UploadFile(context.Background(), path, s.upload("some/key", func(o *oss.UploadOptions) {
		o.Checkpoint = true
	}))
	check(t, err)
	events := heard(client.NextEvent)
	if n := len(ofKind(events, oss.EventRequest)); n != result.Attempts {
		t.Errorf("%d requests are heard of %d", n, result.Attempts)
	}
	parts := ofKind(events, oss.EventPartDone)
	for i, part := range parts {
		if part.PartNumber != i+1 || part.Bytes != partSize {
			t.Errorf("%v", part)
		}
	}
	if len(parts) != 3 || len(ofKind(events, oss.EventCheckpointWritten)) == 0 {
		t.Errorf("%v", events)
	}
	retries := ofKind(events, oss.EventRetry)
	if len(retries) != 1 {
		t.Fatalf("the retries are %v", retries)
	}
	if r := retries[0]; r.Operation != "UploadPart" || r.PartNumber != 2 || r.Attempt != 1 || r.HTTPStatus != 503 ||
		r.Code != "SlowDown" || r.RequestID == "" || r.Message == "" || r.Elapsed < 0 || r.Elapsed > time.Minute {
		t.Errorf("%v", r)
	}
	var before time.Duration
	for _, event := range events {
		if event.Upload != 1 || event.Key != "some/key" || event.Dropped != 0 || event.At < before {
			t.Errorf("%v", event)
		}
		before = event.At
	}
	if last := events[len(events)-1]; last.Kind != oss.EventEnded || last.Message != "stored" {
		t.Errorf("the last one is %v", last)
	}

	_, err = client.UploadFile(context.Background(), path, &oss.UploadOptions{Bucket: "no-such-bucket", Key: "k"})
	expectIs(t, err, oss.ErrService)
	ended := ofKind(heard(client.NextEvent), oss.EventEnded)
	if len(ended) != 1 || ended[0].Upload != 2 || "oss: "+ended[0].Message != err.Error() {
		t.Errorf("after %v: %v", err, ended)
	}
}

func TestNothingIsKeptBeforeSomebodyAsks(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 100)
	client := s.client()
	for i := int64(1); i <= 2; i++ {
		_, err := client.UploadFile(context.Background(), path, s.upload("k"))
		check(t, err)
		events := heard(client.NextEvent)
		if i == 1 && len(events) != 0 || i == 2 && (len(events) == 0 || events[0].Upload != 2) {
			t.Errorf("after upload %d: %v", i, events)
		}
	}
}

func TestEventsOfOneUpload(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 10*partSize)
	client := s.client(limited(1 << 20))
	client.NextEvent()
	u, err := client.Start(path, s.upload("mine"))
	check(t, err)
	defer u.Close()
	events := heard(u.NextEvent)
	_, err = client.UploadFile(context.Background(), path, s.upload("other"))
	check(t, err)
	_, err = u.Wait(context.Background())
	check(t, err)
	events = append(events, heard(u.NextEvent)...)
	for _, event := range events {
		if event.Upload != 1 || event.Key != "mine" {
			t.Errorf("%v", event)
		}
	}
	if len(events) == 0 || events[len(events)-1].Kind != oss.EventEnded {
		t.Errorf("%v", events)
	}
	// The client has a queue of its own.
	if n := len(ofKind(heard(client.NextEvent), oss.EventEnded)); n != 2 {
		t.Errorf("the client hears of %d ends", n)
	}
}

func TestResumedPartsAreHeard(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 20*partSize)
	options := s.upload("k", func(o *oss.UploadOptions) { o.Checkpoint = true })
	u, err := s.client(limited(1<<20)).Start(path, options)
	check(t, err)
	eventually(t, "no part is done", func() bool { return u.Progress().PartsDone >= 2 })
	u.Pause()
	_, err = u.Wait(context.Background())
	expectIs(t, err, oss.ErrPaused)
	check(t, u.Close())
	client := s.client()
	client.NextEvent()
	result, err := client.UploadFile(context.Background(), path, options)
	check(t, err)
	if n := len(ofKind(heard(client.NextEvent), oss.EventPartResumed)); n < 2 || n != result.PartsResumed {
		t.Errorf("%d resumed parts are heard of %d", n, result.PartsResumed)
	}
}

func TestOldestEventsAreDroppedAndCounted(t *testing.T) {
	const capacity, more = 1024, 7
	s := newServer(t)
	client := s.client()
	client.NextEvent()
	change := func(times int) {
		for i := 0; i < times; i++ {
			check(t, client.SetCredentials(fmt.Sprintf("id-%d", i), s.AccessKeySecret, ""))
		}
	}
	change(capacity + more)
	events := heard(client.NextEvent)
	if len(events) != capacity {
		t.Fatalf("%d events", len(events))
	}
	first := events[0]
	if first.Kind != oss.EventCredentialsChanged || first.Upload != 0 || first.Dropped != more ||
		!strings.Contains(first.Message, "id-7") {
		t.Errorf("the first is %v", first)
	}
	for _, event := range events[1:] {
		if event.Dropped != 0 {
			t.Fatalf("%v", event)
		}
	}

	// Each event goes to one goroutine.
	change(capacity)
	var group sync.WaitGroup
	var counts [4]int
	for i := range counts {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			counts[i] = len(heard(client.NextEvent))
		}(i)
	}
	group.Wait()
	if total := counts[0] + counts[1] + counts[2] + counts[3]; total != capacity {
		t.Errorf("%v are %d", counts, total)
	}
}

func TestEventsOfClosedHandles(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 100)
	client := s.client()
	client.NextEvent()
	u, err := client.Start(path, s.upload("k"))
	check(t, err)
	_, err = u.Wait(context.Background())
	check(t, err)
	check(t, u.Close())
	check(t, client.Close())
	for _, next := range []func() (oss.Event, bool){client.NextEvent, u.NextEvent} {
		if event, ok := next(); ok || event != (oss.Event{}) {
			t.Errorf("%v", event)
		}
	}
}

func TestNoSecretIsInEvents(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "PutObject", "times": 1}, "action": {"type": "status", "status": 503}}]`)
	path, _ := file(t, 100)
	client := s.client(func(o *oss.ClientOptions) { o.SecurityToken = "hush-token" })
	client.NextEvent()
	options := s.upload("k", func(o *oss.UploadOptions) { o.Metadata = map[string]string{"owner": "hush-owner"} })
	_, err := client.UploadFile(context.Background(), path, options)
	expectIs(t, err, oss.ErrService)
	check(t, client.SetCredentials(s.AccessKeyID, s.AccessKeySecret, ""))
	_, err = client.UploadFile(context.Background(), path, options)
	check(t, err)
	events := heard(client.NextEvent)
	if len(ofKind(events, oss.EventEnded)) != 2 || len(ofKind(events, oss.EventCredentialsChanged)) != 1 {
		t.Errorf("%v", events)
	}
	for _, event := range events {
		type fields oss.Event // all of them, without String
		if shown := fmt.Sprintf("%+v", fields(event)); strings.Contains(shown, "hush") || strings.Contains(shown, s.AccessKeySecret) {
			t.Error(shown)
		}
	}
}

func TestPrintedEvents(t *testing.T) {
	kinds := map[oss.EventKind]string{
		oss.EventRequest: "request", oss.EventPartDone: "part done", oss.EventEnded: "ended", 0: "event 0", 10: "event 10", -1: "event -1",
	}
	for kind, want := range kinds {
		if kind.String() != want {
			t.Errorf("%d is %q, not %q", int(kind), kind, want)
		}
	}
	event := oss.Event{
		Kind: oss.EventRetry, Upload: 3, At: 1500 * time.Millisecond, Key: "a b", Operation: "UploadPart", PartNumber: 7,
		Attempt: 1, HTTPStatus: 503, Code: "SlowDown", RequestID: "5C3D", Elapsed: 250 * time.Millisecond, Bytes: 102400,
		Concurrency: 4, Message: "busy", Dropped: 5,
	}
	want := `[3] 1.500 retry UploadPart "a b" part=7 attempt=1 status=503 code=SlowDown request_id=5C3D elapsed=250ms ` +
		`bytes=102400 concurrency=4 dropped=5: busy`
	if event.String() != want {
		t.Errorf("%s", event)
	}
	if shown := (oss.Event{Kind: 77}).String(); shown != "[0] 0.000 event 77" {
		t.Error(shown)
	}
}
