package oss

import native "github.com/oss-upload/liboss_upload/bindings/go/oss"

// ProgressEventType is the type of a [ProgressEvent].
type ProgressEventType int

const (
	// TransferStartedEvent is the first event: the sizes are known. ConsumedBytes were sent by an earlier call.
	TransferStartedEvent ProgressEventType = 1 + iota
	// TransferDataEvent reports that more bytes were sent.
	TransferDataEvent
	// TransferCompletedEvent is the last event of an upload that succeeded.
	TransferCompletedEvent
	// TransferFailedEvent is the last event of an upload that did not succeed.
	TransferFailedEvent
)

// ProgressEvent reports the progress of an upload, as in Alibaba Cloud's SDK v1.
type ProgressEvent struct {
	// ConsumedBytes are the bytes done, including those of earlier calls. They never decrease.
	ConsumedBytes int64
	// TotalBytes is the size of the file.
	TotalBytes int64
	// RwBytes were sent since the previous event.
	RwBytes int64
	// EventType is the type of this event.
	EventType ProgressEventType
}

// A ProgressListener receives the progress of an upload: see [Progress].
type ProgressListener interface {
	ProgressChanged(event *ProgressEvent)
}

// progressEvents turns an upload's progress into the events of Alibaba Cloud's SDK v1.
type progressEvents struct {
	listener ProgressListener
	latest   native.Progress
	started  bool
	consumed int64
	fresh    int64 // of the consumed bytes, those of this call
}

func (e *progressEvents) update(p native.Progress) {
	e.latest = p
	if e.started || (p.Phase != native.PhasePreparing && p.Phase != native.PhaseEnded && p.Phase != native.PhaseWaiting) {
		e.data()
	}
}

// end reports how the upload ended. A failure before the file was examined has no events.
func (e *progressEvents) end(err error) {
	last := TransferCompletedEvent
	if err != nil {
		last = TransferFailedEvent
	}
	if err != nil && !e.started && e.latest.TotalBytes == 0 {
		return
	}
	e.data()
	e.send(last, 0)
}

func (e *progressEvents) data() {
	if !e.started {
		e.started = true
		e.consumed = e.latest.ResumedBytes
		e.send(TransferStartedEvent, 0)
	}
	if e.latest.DoneBytes > e.consumed {
		e.consumed = e.latest.DoneBytes
		fresh := max(e.latest.DoneBytes-e.latest.ResumedBytes, e.fresh)
		rw := fresh - e.fresh
		e.fresh = fresh
		e.send(TransferDataEvent, rw)
	}
}

func (e *progressEvents) send(kind ProgressEventType, rw int64) {
	e.listener.ProgressChanged(&ProgressEvent{
		ConsumedBytes: e.consumed, TotalBytes: e.latest.TotalBytes, RwBytes: rw, EventType: kind,
	})
}
