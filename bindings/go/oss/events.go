package oss

import (
	"fmt"
	"strings"
	"time"
)

// EventKind is the kind of an event. A newer library may report kinds that are not listed here.
type EventKind int

const (
	// EventRequest: a request received a response, or failed.
	EventRequest EventKind = iota + 1
	// EventRetry: a request will be retried after [Event].Elapsed; the message says why.
	EventRetry
	// EventPartDone: a part has reached the server.
	EventPartDone
	// EventPartResumed: a part sent by an earlier call is on the server.
	EventPartResumed
	// EventConcurrencyChanged: the number of parts that may be in flight changed.
	EventConcurrencyChanged
	// EventCredentialsChanged: a source returned the first credentials, or the credentials changed; the message names the
	// AccessKey ID and the source.
	EventCredentialsChanged
	// EventCheckpointWritten: the checkpoint was synced to disk.
	EventCheckpointWritten
	// EventRestarted: the upload starts over and sends all parts again; the message says why.
	EventRestarted
	// EventEnded: the upload has ended; the message is "stored" or the error message.
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

// Event is an event of an upload. Fields that do not apply to its kind are zero. It contains no secrets.
type Event struct {
	// Kind of the event.
	Kind EventKind
	// Upload is the number of the upload within the client, from 1 in the order of starting; 0 for events of the client
	// itself.
	Upload int64
	// At is the time since the upload started.
	At time.Duration
	// Key is the name of the object, truncated if it is longer than 255 bytes.
	Key string
	// Operation is the API operation, such as "UploadPart".
	Operation string
	// PartNumber is the number of the part, from 1.
	PartNumber int
	// Attempt is the number of the attempt, from 1.
	Attempt int
	// HTTPStatus of the response; 0 when there was none.
	HTTPStatus int
	// Code is the OSS error code.
	Code string
	// RequestID of the response.
	RequestID string
	// Elapsed is the time that the request took; for a retry, the wait before it.
	Elapsed time.Duration
	// Bytes in the body of the request, or in the part.
	Bytes int64
	// Concurrency is the number of parts that may now be in flight.
	Concurrency int
	// Message is the reason, in one line.
	Message string
	// Dropped is the number of events lost immediately before this one because they were not retrieved in time.
	Dropped int64
}

// String returns what is known as a line for a log.
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

// NextEvent retrieves the oldest pending event of the client's uploads. It does not wait for one: it returns false if
// there is none, or if the client is closed.
//
// The first call opens the queue: make it before the first upload to receive every event. Up to 1024 events are kept;
// after that, the oldest are dropped, and the next one counts them. Nothing is recorded until the first call.
// Goroutines share the queue: each event goes to one of them.
func (c *Client) NextEvent() (Event, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return Event{}, false
	}
	return nextClientEvent(c.handle)
}

// NextEvent retrieves the oldest pending event of this upload. It does not wait for one: it returns false if there is
// none, or if the upload is closed. It works after the upload has ended, until Close.
//
// The first call opens the upload's own queue, which is separate from the client's and has no earlier events. To
// receive every event, use [Client.NextEvent].
func (u *Upload) NextEvent() (Event, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.handle == nil {
		return Event{}, false
	}
	return nextUploadEvent(u.handle)
}
