package oss

import (
	"fmt"
	"strings"
	"time"
)

// EventKind is what happened. A newer library may tell kinds that are not listed here.
type EventKind int

const (
	// EventRequest: a request has been answered, or has failed.
	EventRequest EventKind = iota + 1
	// EventRetry: a request will be tried again, after [Event].Elapsed; the message says why.
	EventRetry
	// EventPartDone: the server has a part.
	EventPartDone
	// EventPartResumed: the server has a part that an earlier call sent.
	EventPartResumed
	// EventConcurrencyChanged: more or fewer parts may be in flight.
	EventConcurrencyChanged
	// EventCredentialsChanged: a source has given the first credentials, or others sign from now on; the message names
	// the access key id and the source.
	EventCredentialsChanged
	// EventCheckpointWritten: the checkpoint was made safe on disk.
	EventCheckpointWritten
	// EventRestarted: all parts are sent again; the message says why.
	EventRestarted
	// EventEnded: the upload has ended; the message is "stored" or the error's.
	EventEnded
)

// String is the kind's name in lower case, such as "part done".
func (k EventKind) String() string {
	names := [...]string{
		"request", "retry", "part done", "part resumed", "concurrency changed", "credentials changed",
		"checkpoint written", "restarted", "ended",
	}
	if k < EventRequest || int(k) > len(names) {
		return fmt.Sprintf("event %d", int(k))
	}
	return names[k-1]
}

// Event is something that happened to an upload. What does not concern the kind is zero. No secret is in it.
type Event struct {
	// Kind is what happened.
	Kind EventKind
	// Upload is which one of the client, from 1 in the order of starting; 0 for what concerns the client.
	Upload int64
	// At is the time since the upload was started.
	At time.Duration
	// Key is the name of the object, cut when it is longer than 255 bytes.
	Key string
	// Operation is the API call, such as "UploadPart".
	Operation string
	// PartNumber is the part, from 1.
	PartNumber int
	// Attempt is which try of the request, from 1.
	Attempt int
	// HTTPStatus of the response; 0 when there was none.
	HTTPStatus int
	// Code is OSS's error code.
	Code string
	// RequestID of the response.
	RequestID string
	// Elapsed is the time that the request took; for a retry, that is waited.
	Elapsed time.Duration
	// Bytes of the request's body, or of the part.
	Bytes int64
	// Concurrency is how many parts may be in flight now.
	Concurrency int
	// Message says why, in one line.
	Message string
	// Dropped counts events that were lost right before this one, since nobody took them out in time.
	Dropped int64
}

// String is what is known, as a line for a log.
func (e Event) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "[%d] %.3f %v", e.Upload, e.At.Seconds(), e.Kind)
	word := func(format string, value any, known bool) {
		if known {
			fmt.Fprintf(&line, format, value)
		}
	}
	word(" %s", e.Operation, e.Operation != "")
	word(" %q", e.Key, e.Key != "")
	word(" part=%d", e.PartNumber, e.PartNumber != 0)
	word(" attempt=%d", e.Attempt, e.Attempt != 0)
	word(" status=%d", e.HTTPStatus, e.HTTPStatus != 0)
	word(" code=%s", e.Code, e.Code != "")
	word(" request_id=%s", e.RequestID, e.RequestID != "")
	word(" elapsed=%v", e.Elapsed, e.Elapsed != 0)
	word(" bytes=%d", e.Bytes, e.Bytes != 0)
	word(" concurrency=%d", e.Concurrency, e.Concurrency != 0)
	word(" dropped=%d", e.Dropped, e.Dropped != 0)
	word(": %s", e.Message, e.Message != "")
	return line.String()
}

// NextEvent takes the oldest event of the client's uploads that waits to be taken out. It does not wait for one: false
// says that there is none, or that the client is closed.
//
// The first call opens the queue: make it before the first upload to miss nothing. 1024 events are kept, then the oldest
// are dropped, and the next one counts them. A program that never asks pays nothing. Goroutines share the queue: each
// event goes to one of them.
func (c *Client) NextEvent() (Event, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return Event{}, false
	}
	return nextClientEvent(c.handle)
}

// NextEvent takes the oldest event of this upload that waits to be taken out. It does not wait for one: false says that
// there is none, or that the upload is closed. Events can be taken after the end, until Close.
//
// The first call opens the upload's own queue, which is not the client's: what happened before is not in it, so
// [Client.NextEvent] is the one that misses nothing.
func (u *Upload) NextEvent() (Event, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.handle == nil {
		return Event{}, false
	}
	return nextUploadEvent(u.handle)
}
