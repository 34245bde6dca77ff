package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// A service answers POST /uploads and GET /uploads.
type service struct {
	client                    *oss.Client
	bucket, root, checkpoints string

	mu      sync.Mutex
	running map[*oss.Upload]string // and their keys
}

// job is the body of POST /uploads.
type job struct {
	File string `json:"file"` // below the root
	Key  string `json:"key"`
}

// stored is the response when the object is stored.
type stored struct {
	ETag         string `json:"etag"`
	CRC64        string `json:"crc64"` // as text: JavaScript's numbers are too small
	Size         int64  `json:"size"`
	BytesResumed int64  `json:"bytes_resumed"`
}

// failed is the response when it is not.
type failed struct {
	Error     string `json:"error"`
	Code      string `json:"code,omitempty"` // OSS's
	RequestID string `json:"request_id,omitempty"`
}

// state is one of the responses of GET /uploads.
type state struct {
	Key        string `json:"key"`
	Phase      string `json:"phase"`
	DoneBytes  int64  `json:"done_bytes"`
	TotalBytes int64  `json:"total_bytes"`
	PartsDone  int    `json:"parts_done"`
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/uploads":
		response(w, http.StatusNotFound, failed{Error: "there is /uploads only"})
	case r.Method == http.MethodGet:
		response(w, http.StatusOK, s.states())
	case r.Method == http.MethodPost:
		s.upload(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		response(w, http.StatusMethodNotAllowed, failed{Error: "GET or POST"})
	}
}

func (s *service) upload(w http.ResponseWriter, r *http.Request) {
	// The whole body is read: only then does the server notice when the client goes away.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		response(w, http.StatusBadRequest, failed{Error: err.Error()})
		return
	}
	var wanted job
	if err := json.Unmarshal(body, &wanted); err != nil {
		response(w, http.StatusBadRequest, failed{Error: err.Error()})
		return
	}
	if !filepath.IsLocal(wanted.File) {
		response(w, http.StatusBadRequest, failed{Error: "file must be a path below the root"})
		return
	}
	upload, err := s.client.Start(filepath.Join(s.root, wanted.File), &oss.UploadOptions{
		Bucket:        s.bucket,
		Key:           wanted.Key,
		PartSize:      1 << 20,
		Routines:      4,
		CheckpointDir: s.checkpoints,
	})
	if err != nil {
		refuse(w, err)
		return
	}
	defer upload.Close()
	s.track(upload, wanted.Key)
	defer s.forget(upload)

	// When the client goes away, or the service shuts down, the context ends, and Wait pauses the upload.
	result, err := upload.Wait(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	response(w, http.StatusCreated, stored{
		ETag: result.ETag, CRC64: strconv.FormatUint(result.CRC64, 10), Size: result.Size, BytesResumed: result.BytesResumed,
	})
}

func (s *service) track(upload *oss.Upload, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[upload] = key
}

func (s *service) forget(upload *oss.Upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, upload)
}

func (s *service) states() []state {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]state, 0, len(s.running))
	for upload, key := range s.running {
		p := upload.Progress()
		states = append(states, state{key, p.Phase.String(), p.DoneBytes, p.TotalBytes, p.PartsDone})
	}
	return states
}

// refuse answers with an error, and the HTTP status that fits.
func refuse(w http.ResponseWriter, err error) {
	said := failed{Error: err.Error()}
	status := http.StatusInternalServerError
	var refused *oss.ServiceError
	var failure *oss.Error
	switch {
	case errors.Is(err, oss.ErrPaused):
		status = http.StatusServiceUnavailable
	case errors.Is(err, oss.ErrInvalidArgument):
		status = http.StatusBadRequest
	case errors.Is(err, oss.ErrCheckpointBusy):
		status = http.StatusConflict
	case errors.Is(err, oss.ErrIO) && errors.Is(err, fs.ErrNotExist):
		status = http.StatusNotFound
	case errors.As(err, &refused):
		status = http.StatusBadGateway
		said.Code, said.RequestID = refused.Code, refused.RequestID
	case errors.As(err, &failure) && failure.Retryable:
		status = http.StatusServiceUnavailable
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	response(w, status, said)
}

func response(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails when the client is gone, who then needs no response
}
