// Command scenarios is the executor for Go of the table of scenarios (tests/scenarios): it reads orders from standard
// input, carries them out, and says in a line what came out.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"math"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// An order is a word, and names with values.
type order struct {
	word  string
	pairs [][2]string
}

func parse(line string) order {
	words := strings.Fields(line)
	o := order{word: words[0]}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		decoded, err := url.PathUnescape(value)
		if err != nil {
			log.Fatal(err)
		}
		o.pairs = append(o.pairs, [2]string{name, decoded})
	}
	return o
}

// text is empty when the name is not given.
func (o order) text(name string) string {
	for _, pair := range o.pairs {
		if pair[0] == name {
			return pair[1]
		}
	}
	return ""
}

// all are the values of a name that may come several times.
func (o order) all(name string) (values []string) {
	for _, pair := range o.pairs {
		if pair[0] == name {
			values = append(values, pair[1])
		}
	}
	return values
}

// The words of the table.
var words = map[string]int64{
	"":         0,
	"auto":     oss.PartSizeAuto,
	"restart":  int64(oss.RestartOnFileChange),
	"fail":     int64(oss.FailOnFileChange),
	"in-doubt": int64(oss.VerifyInDoubt),
	"always":   int64(oss.VerifyAlways),
	"never":    int64(oss.VerifyNever),

	"all":          int64(oss.BatchAll),
	"changed":      int64(oss.BatchChanged),
	"retry_failed": int64(oss.BatchRetryFailed),
	"verify":       int64(oss.BatchVerify),
	"verify_full":  int64(oss.BatchVerifyFull),
	"follow":       int64(oss.SymlinksFollow),
	"skip":         int64(oss.SymlinksSkip),
	"percent":      int64(oss.KeyPercent),
}

// What is another number for another option.
var wordsOf = map[string]map[string]int64{
	"symlinks":     {"refuse": int64(oss.SymlinksRefuse)},
	"key_encoding": {"refuse": int64(oss.KeyRefuse)},
}

// PartSizeAuto and RoutinesAuto are both "auto".
const _ = uint(oss.PartSizeAuto-oss.RoutinesAuto) + uint(oss.RoutinesAuto-oss.PartSizeAuto)

func (o order) number(name string) int64 {
	value := o.text(name)
	for _, words := range []map[string]int64{wordsOf[name], words} {
		if number, isWord := words[value]; isWord {
			return number
		}
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return number
}

func (o order) milliseconds(name string) time.Duration {
	return time.Duration(o.number(name)) * time.Millisecond
}

// named are headers, or metadata.
func (o order) named(kind string) map[string]string {
	var named map[string]string
	for _, pair := range o.pairs {
		if pair[0] == kind {
			if named == nil {
				named = make(map[string]string)
			}
			name, value, _ := strings.Cut(pair[1], ":")
			named[name] = value
		}
	}
	return named
}

func (o order) clientOptions() (options oss.ClientOptions) {
	o.read(&options)
	return options
}

func (o order) uploadOptions() *oss.UploadOptions {
	options := &oss.UploadOptions{Key: o.text("object_key"), Headers: o.named("header"), Metadata: o.named("metadata")}
	o.read(options)
	return options
}

func (o order) batchOptions() *oss.BatchOptions {
	options := &oss.BatchOptions{Prefix: o.text("key_prefix"), Headers: o.named("header"), Metadata: o.named("metadata")}
	o.read(options)
	return options
}

// read sets the fields whose names are those of C: CAFile is ca_file, ConnectTimeout is connect_timeout_ms.
func (o order) read(options any) {
	fields := reflect.ValueOf(options).Elem()
	for _, pair := range o.pairs {
		if notOptions[pair[0]] {
			continue
		}
		name := strings.ReplaceAll(strings.TrimSuffix(pair[0], "_ms"), "_", "")
		field := fields.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
		if !field.IsValid() {
			log.Fatalf("%T has no %s", options, pair[0])
		}
		switch field.Interface().(type) {
		case string:
			field.SetString(pair[1])
		case []string:
			field.Set(reflect.ValueOf(strings.Split(pair[1], "\n")))
		case bool:
			field.SetBool(pair[1] == "1")
		case time.Duration:
			field.SetInt(int64(o.milliseconds(pair[0])))
		default:
			field.SetInt(o.number(pair[0]))
		}
	}
}

// What an order has beside options, and what Go calls otherwise or has as an argument.
var notOptions = map[string]bool{
	"file_path": true, "object_key": true, "header": true, "metadata": true, "stop": true, "at_parts": true,
	"content": true, "piece": true, "take": true, "finish": true, "key_prefix": true, "pair": true, "at_outcomes": true,
	"call": true, "token": true, "first": true, "last": true, "fragment": true,
}

// A response is a line of names with values.
type response struct{ strings.Builder }

func (a *response) tell(name string, value any) {
	if on, isBool := value.(bool); isBool {
		value = 0
		if on {
			value = 1
		}
	}
	fmt.Fprintf(a, " %s=%s", name, url.PathEscape(fmt.Sprint(value)))
}

// What errors.Is may find.
var sentinels = map[string]error{
	"ErrInvalidArgument":  oss.ErrInvalidArgument,
	"ErrIO":               oss.ErrIO,
	"ErrNetwork":          oss.ErrNetwork,
	"ErrTimeout":          oss.ErrTimeout,
	"ErrService":          oss.ErrService,
	"ErrCredentials":      oss.ErrCredentials,
	"ErrFileChanged":      oss.ErrFileChanged,
	"ErrChecksumMismatch": oss.ErrChecksumMismatch,
	"ErrCheckpoint":       oss.ErrCheckpoint,
	"ErrCheckpointBusy":   oss.ErrCheckpointBusy,
	"ErrPaused":           oss.ErrPaused,
	"ErrCancelled":        oss.ErrCancelled,
	"ErrCallbackFailed":   oss.ErrCallbackFailed,
	"ErrUnsupported":      oss.ErrUnsupported,
	"ErrResources":        oss.ErrResources,
	"ErrFilesFailed":      oss.ErrFilesFailed,
	"ErrInternal":         oss.ErrInternal,
	"fs.ErrNotExist":      fs.ErrNotExist,
}

func (a *response) end(err error) {
	if err == nil {
		a.tell("status", "OSS_OK")
		return
	}
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			a.tell("raised", name)
		}
	}
	var e *oss.Error
	if !errors.As(err, &e) {
		log.Fatalf("%v (%T) is not an *oss.Error", err, err)
	}
	a.tell("status", e.Status)
	a.tell("http_status", e.HTTPStatus)
	a.tell("os_errno", int(e.OSErrno))
	a.tell("part_number", e.PartNumber)
	a.tell("retryable", e.Retryable)
	a.tell("message", e.Message)
	var said *oss.ServiceError
	if !errors.As(err, &said) {
		a.tell("service_code", e.Code)
		a.tell("ec", e.EC)
		a.tell("request_id", e.RequestID)
		return
	}
	a.tell("raised", "ServiceError")
	a.tell("service_code", said.Code)
	a.tell("ec", said.EC)
	a.tell("request_id", said.RequestID)
	if said.StatusCode != e.HTTPStatus || said.Code != e.Code || said.EC != e.EC || said.RequestID != e.RequestID {
		log.Fatalf("%#v is not what %#v says", *said, e)
	}
}

func (a *response) result(r *oss.Result) {
	a.tell("result.crc64", r.CRC64)
	a.tell("result.size", r.Size)
	a.tell("result.part_size", r.PartSize)
	a.tell("result.bytes_sent", r.BytesSent)
	a.tell("result.bytes_resumed", r.BytesResumed)
	a.tell("result.elapsed_ms", r.Elapsed.Milliseconds())
	a.tell("result.parts", r.Parts)
	a.tell("result.parts_resumed", r.PartsResumed)
	a.tell("result.attempts", r.Attempts)
	a.tell("result.part_size_raised", r.PartSizeRaised)
	a.tell("result.etag", r.ETag)
	a.tell("result.version_id", r.VersionID)
	a.tell("result.request_id", r.RequestID)
	a.tell("result.upload_id", r.UploadID)
	a.tell("result.restart_reason", r.RestartReason)
	a.tell("result.callback_response_size", len(r.CallbackResponse))
	a.tell("callback_response", string(r.CallbackResponse))
}

func (a *response) progress(p oss.Progress) {
	a.tell("progress.phase", p.Phase)
	a.tell("progress.total_bytes", p.TotalBytes)
	a.tell("progress.done_bytes", p.DoneBytes)
	a.tell("progress.resumed_bytes", p.ResumedBytes)
	a.tell("progress.sent_bytes", p.SentBytes)
	a.tell("progress.parts_total", p.PartsTotal)
	a.tell("progress.parts_done", p.PartsDone)
	a.tell("progress.retries", p.Retries)
	a.tell("progress.bytes_per_second", p.BytesPerSecond)
	a.tell("progress.eta_known", p.ETA != oss.ETAUnknown)
}

func (a *response) event(e oss.Event) {
	a.tell("event", strings.Join([]string{
		e.Kind.String(), fmt.Sprint(e.Upload), e.Key, e.Operation, fmt.Sprint(e.PartNumber), fmt.Sprint(e.Attempt),
		fmt.Sprint(e.HTTPStatus), e.Code, fmt.Sprint(e.Bytes), fmt.Sprint(e.Concurrency), fmt.Sprint(e.Dropped),
		fmt.Sprint(e.At.Milliseconds()), fmt.Sprint(e.Elapsed.Milliseconds()), e.Message,
	}, "|"))
	a.tell("event.request_id", e.RequestID)
}

func (a *response) outcome(o oss.Outcome) {
	failed := ""
	var e *oss.Error
	if errors.As(o.Err, &e) {
		failed = fmt.Sprintf("%v: %s", e.Status, e.Message)
	}
	resumed := map[bool]string{false: "0", true: "1"}[o.Resumed]
	a.tell("outcome", strings.Join([]string{
		o.Status.String(), resumed, fmt.Sprint(o.Size), fmt.Sprint(o.CRC64), fmt.Sprint(o.Attempts), o.Key, o.ETag,
		o.VersionID, o.RequestID, o.Path, o.Rule, failed,
	}, "|"))
}

func (a *response) batch(r *oss.BatchResult, p oss.BatchProgress) {
	a.tell("batch.files_stored", r.FilesStored)
	a.tell("batch.files_resumed", r.FilesResumed)
	a.tell("batch.files_unchanged", r.FilesUnchanged)
	a.tell("batch.files_skipped", r.FilesSkipped)
	a.tell("batch.files_failed", r.FilesFailed)
	a.tell("batch.files_planned", r.FilesPlanned)
	a.tell("batch.bytes_stored", r.BytesStored)
	a.tell("batch.bytes_sent", r.BytesSent)
	a.tell("batch.requests", r.Requests)
	a.tell("batch.manifest_lines_damaged", r.ManifestLinesDamaged)
	a.tell("batch.elapsed_ms", r.Elapsed.Milliseconds())
	a.tell("batch_progress.files_found", p.FilesFound)
	a.tell("batch_progress.bytes_found", p.BytesFound)
	a.tell("batch_progress.totals_known", p.TotalsKnown)
	a.tell("batch_progress.files_stored", p.FilesStored)
	a.tell("batch_progress.files_resumed", p.FilesResumed)
	a.tell("batch_progress.files_unchanged", p.FilesUnchanged)
	a.tell("batch_progress.files_skipped", p.FilesSkipped)
	a.tell("batch_progress.files_failed", p.FilesFailed)
	a.tell("batch_progress.bytes_done", p.BytesDone)
	a.tell("batch_progress.bytes_sent", p.BytesSent)
	a.tell("batch_progress.requests", p.Requests)
	a.tell("batch_progress.retries", p.Retries)
	a.tell("batch_progress.bytes_per_second", p.BytesPerSecond)
	a.tell("batch_progress.files_per_second", p.FilesPerSecond)
	a.tell("batch_progress.eta_known", p.ETA != oss.ETAUnknown)
	a.tell("batch_progress.current_path", p.CurrentPath)
	a.tell("batch_progress.current_done", p.CurrentDone)
	a.tell("batch_progress.current_size", p.CurrentSize)
	a.tell("batch_progress.ended", p.Ended)
}

// A session is what orders are about.
type session struct {
	client *oss.Client
	upload *oss.Upload
}

func (s *session) carryOut(o order, a *response) {
	var err error
	switch o.word {
	case "client":
		s.end()
		s.client, err = oss.NewClient(o.clientOptions())
		a.end(err)
	case "set_credentials":
		a.end(s.client.SetCredentials(o.text("access_key_id"), o.text("access_key_secret"), o.text("security_token")))
	case "upload_file", "upload_memory":
		s.uploadFile(o, a)
	case "stream":
		s.stream(o, a)
	case "shared":
		s.share(o, a)
	case "batch":
		s.batch(o, a)
	case "merge_manifests":
		a.end(oss.MergeManifests(o.text("out"), o.all("manifest")))
	case "start":
		s.free()
		s.upload, err = s.client.Start(o.text("file_path"), o.uploadOptions())
		a.end(err)
	case "wait":
		s.wait(o.milliseconds("timeout_ms"), a)
	case "pause":
		s.upload.Pause()
	case "cancel":
		s.upload.Cancel()
	case "free":
		s.free()
	case "events":
		for e, some := s.client.NextEvent(); some; e, some = s.client.NextEvent() {
			a.event(e)
		}
	case "end":
		s.end()
	default:
		log.Fatalf("an unknown order: %s", o.word)
	}
}

// thrown is what a progress function panics with.
type thrown struct{}

func (s *session) uploadFile(o order, a *response) {
	defer func() {
		switch panicked := recover().(type) {
		case nil:
		case thrown:
			a.Reset()
			a.tell("status", "THROWN")
		default:
			panic(panicked)
		}
	}()
	ctx, pause := context.WithCancel(context.Background())
	defer pause()
	var upload *oss.Upload
	var seen []oss.Progress
	options := o.uploadOptions()
	options.Progress = func(p oss.Progress) {
		seen = append(seen, p)
		if p.PartsDone < int(o.number("at_parts")) || p.Phase == oss.PhaseEnded {
			return
		}
		switch o.text("stop") {
		case "pause":
			pause()
		case "cancel":
			upload.Cancel()
		case "throw":
			panic(thrown{})
		}
	}
	var result *oss.Result
	var err error
	if o.word == "upload_memory" {
		result, err = s.client.UploadMemory(ctx, o.content(), options)
	} else if o.text("stop") == "cancel" {
		// UploadFile can be paused only, by its context.
		if upload, err = s.client.Start(o.text("file_path"), options); err == nil {
			defer upload.Close()
			result, err = upload.Wait(ctx)
		}
	} else {
		result, err = s.client.UploadFile(ctx, o.text("file_path"), options)
	}
	if paused := ctx.Err(); paused != nil && !errors.Is(err, paused) {
		log.Fatalf("%v does not match the context's %v", err, paused)
	}
	a.end(err)
	if result != nil {
		a.result(result)
	}
	a.watched(seen)
}

// content are the bytes of the file that it names.
func (o order) content() []byte {
	content, err := os.ReadFile(o.text("content"))
	if err != nil {
		log.Fatal(err)
	}
	return content
}

func (s *session) stream(o order, a *response) {
	content := o.content()
	if o.text("take") != "" {
		content = content[:min(int(o.number("take")), len(content))]
	}
	piece := int(o.number("piece"))
	if piece == 0 {
		piece = max(len(content), 1)
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	stream, err := s.client.OpenStream(ctx, o.uploadOptions())
	if err != nil {
		a.end(err)
		return
	}
	for rest := content; len(rest) > 0 && err == nil; {
		var written int
		written, err = stream.Write(rest[:min(piece, len(rest))])
		rest = rest[written:]
	}
	switch {
	case err != nil:
		a.end(err)
	case o.text("finish") == "free":
		a.tell("status", "OSS_OK")
	default:
		if o.text("finish") == "abort" {
			stream.Abort()
		}
		result, err := stream.Finish()
		a.end(err)
		a.result(result)
	}
	a.progress(stream.Progress())
	if o.text("finish") == "free" {
		stream.Leave()
		return
	}
	stream.Close()
}

// share carries out a step of a shared upload.
func (s *session) share(o order, a *response) {
	ctx, options, token := context.Background(), o.uploadOptions(), o.text("token")
	var seen []oss.Progress
	options.Progress = func(p oss.Progress) { seen = append(seen, p) }
	switch o.text("call") {
	case "begin":
		token, err := s.client.BeginSharedUpload(ctx, o.text("file_path"), options)
		a.end(err)
		if err == nil {
			count, err := oss.SharedUploadPartCount(token)
			if err != nil {
				log.Fatal(err)
			}
			a.tell("token", token)
			a.tell("part_count", count)
		}
	case "send_parts":
		first, last := int(o.number("first")), int(o.number("last"))
		fragment, err := s.client.SendParts(ctx, token, first, last, o.text("file_path"), options)
		a.end(err)
		if err == nil {
			a.tell("fragment", fragment)
		}
	case "finish":
		result, err := s.client.FinishSharedUpload(ctx, token, o.all("fragment"), o.text("file_path"), options)
		a.end(err)
		if err == nil {
			a.result(result)
			a.watched(seen)
		}
	case "abort":
		a.end(s.client.AbortSharedUpload(ctx, token, options))
	}
}

// batch is paused by its context.
func (s *session) batch(o order, a *response) {
	ctx, pause := context.WithCancel(context.Background())
	defer pause()
	b, err := s.client.StartBatch(ctx, o.batchOptions())
	if err != nil {
		a.end(err)
		return
	}
	defer b.Close()
	for _, pair := range o.pairs {
		if pair[0] != "pair" {
			continue
		}
		path, key, _ := strings.Cut(pair[1], "\t")
		if err := b.Add(ctx, path, key); err != nil {
			log.Fatal(err)
		}
	}
	if err := b.Seal(); err != nil {
		log.Fatal(err)
	}
	var last error
	count := int64(0)
	b.Outcomes()(func(outcome oss.Outcome, err error) bool {
		if err != nil {
			last = err
			return true
		}
		a.outcome(outcome)
		if count++; count == o.number("at_outcomes") {
			stop := map[string]func(){"pause": pause, "cancel": b.Cancel}[o.text("stop")]
			stop()
		}
		return true
	})
	result, err := b.Wait(context.Background())
	if !errors.Is(err, oss.ErrFilesFailed) && fmt.Sprint(last) != fmt.Sprint(err) {
		log.Fatalf("the outcomes end with %v, and the batch with %v", last, err)
	}
	if paused := ctx.Err(); paused != nil && !errors.Is(err, paused) {
		log.Fatalf("%v does not match the context's %v", err, paused)
	}
	a.end(err)
	a.batch(result, b.Progress())
}

func (a *response) watched(seen []oss.Progress) {
	if len(seen) == 0 {
		return
	}
	a.progress(seen[len(seen)-1])
	forward, phases := true, make(map[oss.Phase]bool)
	for i, p := range seen {
		phases[p.Phase] = true
		if i > 0 {
			before := seen[i-1]
			forward = forward && before.DoneBytes <= p.DoneBytes && before.SentBytes <= p.SentBytes &&
				before.Retries <= p.Retries
		}
	}
	a.tell("progress.runs_forward", forward)
	for phase := range phases {
		a.tell("progress.phases", phase)
	}
}

// wait waits for the end. A context that ends would pause the upload: whoever only wants to look asks for its progress.
func (s *session) wait(timeout time.Duration, a *response) {
	if timeout < time.Second {
		time.Sleep(timeout)
		if p := s.upload.Progress(); p.Phase != oss.PhaseEnded {
			a.tell("status", "OSS_PENDING")
			a.progress(p)
			return
		}
	}
	result, err := s.upload.Wait(context.Background())
	a.end(err)
	a.result(result)
	a.progress(s.upload.Progress())
}

func (s *session) free() {
	if s.upload != nil {
		s.upload.Close()
	}
	s.upload = nil
}

func (s *session) end() {
	s.free()
	if s.client != nil {
		s.client.Close()
	}
	s.client = nil
}

func main() {
	var s session
	orders := bufio.NewScanner(os.Stdin)
	orders.Buffer(nil, math.MaxInt32)
	for orders.Scan() {
		var a response
		s.carryOut(parse(orders.Text()), &a)
		fmt.Printf("=%s\n", a.String())
	}
}
