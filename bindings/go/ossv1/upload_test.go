package oss_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
	oss "github.com/oss-upload/liboss_upload/bindings/go/ossv1"
)

func TestUpload(t *testing.T) {
	s := newServer(t)
	t.Setenv("OSS_ACCESS_KEY_ID", s.AccessKeyID)
	t.Setenv("OSS_ACCESS_KEY_SECRET", s.AccessKeySecret)
	t.Setenv("OSS_SESSION_TOKEN", "")
	provider, err := oss.NewEnvironmentVariableCredentialsProvider()
	check(t, err)
	for _, version := range []oss.AuthVersionType{oss.AuthV1, oss.AuthV4} {
		client, err := oss.New(s.Endpoint, "", "", oss.SetCredentialsProvider(&provider), oss.Region(s.Region), oss.AuthVersion(version))
		check(t, err)
		bucket, err := client.Bucket(s.Buckets[0])
		check(t, err)
		path, content := file(t, 7*partSize+1)
		key := "a/" + string(version)
		check(t, bucket.UploadFile(key, path, 100*1024, oss.Routines(3), oss.Checkpoint(true, "")))
		s.ExpectObject(key, content)
		if exists(path + ".cp") {
			t.Error("the checkpoint is left")
		}
	}
}

func TestObjectOptions(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 3*partSize)
	var response http.Header
	check(t, s.bucket(oss.EnableMD5(true), oss.EnableCRC(true), oss.Timeout(0, 60), oss.UserAgent("mine/1")).UploadFile("k", path, partSize,
		nil,
		oss.ContentType("video/mp4"),
		oss.CacheControl("no-cache"),
		oss.ContentDisposition("attachment"),
		oss.ContentEncoding("br"),
		oss.ContentLanguage("en"),
		oss.Expires(time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))),
		oss.Meta("author", "somebody"),
		oss.ObjectACL(oss.ACLPrivate),
		oss.ObjectStorageClass(oss.StorageIA),
		oss.ServerSideEncryption(string(oss.AESAlgorithm)),
		oss.SetTagging(oss.Tagging{Tags: []oss.Tag{{Key: "a b", Value: "1"}, {Key: "c", Value: "&"}}}),
		oss.SetTagging(oss.Tagging{}),
		oss.ForbidOverWrite(true),
		oss.TrafficLimitHeader(838860800),
		oss.RequestPayer(oss.Requester),
		oss.SetHeader("x-oss-meta-number", 7),
		oss.GetResponseHeader(&response),
	))
	got := s.ExpectObject("k", content)
	for name, value := range map[string]string{
		"Content-Type": "video/mp4", "Cache-Control": "no-cache", "Content-Disposition": "attachment",
		"Content-Encoding": "br", "Content-Language": "en", "Expires": "Wed, 02 Jan 2030 02:04:05 GMT",
		"X-Oss-Meta-Author": "somebody", "X-Oss-Meta-Number": "7", "X-Oss-Storage-Class": "IA",
		"X-Oss-Server-Side-Encryption": "AES256", "X-Oss-Tagging-Count": "2",
	} {
		if got.Get(name) != value {
			t.Errorf("%s is %q, not %q", name, got.Get(name), value)
		}
	}
	for _, name := range []string{"Etag", "X-Oss-Hash-Crc64ecma"} {
		if response.Get(name) == "" || response.Get(name) != got.Get(name) {
			t.Errorf("%s is %q, not %q", name, response.Get(name), got.Get(name))
		}
	}
	if response.Get("X-Oss-Request-Id") == "" {
		t.Error("no request id")
	}
	err := s.bucket().UploadFile("k", path, partSize, oss.ForbidOverWrite(true))
	if refused, ok := err.(oss.ServiceError); !ok || refused.Code != "FileAlreadyExists" {
		t.Errorf("%T: %v", err, err)
	}
}

func TestErrorsAreFoundInEveryWay(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 3*partSize)
	var response http.Header
	bucket := s.bucket()
	bucket.BucketName = "no-such-bucket"
	err := bucket.UploadFile("k", path, partSize, oss.GetResponseHeader(&response))
	asserted, ok := err.(oss.ServiceError)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	var value oss.ServiceError
	var pointer *oss.ServiceError
	var failure *oss.Error
	if !errors.As(err, &value) || !errors.As(err, &pointer) || !errors.As(err, &failure) {
		t.Fatalf("%#v", err)
	}
	expectIs(t, err, oss.ErrService)
	if value != asserted || *pointer != asserted || asserted.Code != "NoSuchBucket" || asserted.StatusCode != 404 ||
		asserted.RequestID != failure.RequestID || asserted.RequestID == "" || asserted.Ec != failure.EC ||
		asserted.EC != failure.EC || asserted.Endpoint != s.Endpoint || asserted.Message == "" {
		t.Errorf("%#v", asserted)
	}
	if response.Get("X-Oss-Request-Id") != asserted.RequestID {
		t.Errorf("%v", response)
	}
	wrapped := fmt.Errorf("in my program: %w", err)
	var again oss.ServiceError
	if !errors.As(wrapped, &again) || again.Code != "NoSuchBucket" {
		t.Errorf("%v", wrapped)
	}
	var said *native.ServiceError
	if !errors.As(wrapped, &said) || said.Code != "NoSuchBucket" || said.RequestID != asserted.RequestID {
		t.Errorf("%v", wrapped)
	}
	err = bucket.UploadFile("k", filepath.Join(t.TempDir(), "missing"), partSize)
	expectIs(t, err, fs.ErrNotExist, oss.ErrIO)
}

func TestInvalidOptions(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 100)
	bucket := s.bucket()
	var noContext context.Context
	for name, options := range map[string][]oss.Option{
		"Meta":         {oss.Meta("", "x")},
		"line break":   {oss.ContentType("a\r\nb: c")},
		"ACL":          {oss.ObjectACL("everybody")},
		"class":        {oss.StorageClass("Cold")},
		"payer":        {oss.RequestPayer(oss.BucketOwner)},
		"limit":        {oss.TrafficLimitHeader(1)},
		"directory":    {oss.CheckpointDir(true, "")},
		"context":      {oss.WithContext(noContext)},
		"customer key": {oss.SetHeader("X-Oss-Server-Side-Encryption-Customer-Key", "x")},
	} {
		if err := bucket.UploadFile("k", path, partSize, options...); !errors.Is(err, oss.ErrInvalidArgument) && !errors.Is(err, oss.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, size := range []int64{1, 100<<10 - 1, 5<<30 + 1, -2} {
		expectIs(t, bucket.UploadFile("k", path, size), oss.ErrInvalidArgument)
	}
	for _, option := range []oss.Option{oss.ContentMD5("x"), oss.AddParam("a", "b"), oss.Sequential()} {
		expectIs(t, bucket.UploadFile("k", path, partSize, option), oss.ErrUnsupported)
	}
	expectIs(t, oss.Bucket{}.UploadFile("k", path, partSize), oss.ErrInvalidArgument)
	for _, name := range []string{"", "ab", "A_B", "-ab", "ab-", "a/b"} {
		_, err := bucket.Client.Bucket(name)
		expectIs(t, err, oss.ErrInvalidArgument)
	}
	s.ExpectNoObject("k")
}

// Options of Alibaba Cloud's SDK that have little to say here.
func TestOptionsWithoutEffect(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 1000)
	for name, strict := range map[string]bool{"?strict": true, "?lax": false} {
		client, err := oss.New(s.Endpoint, s.AccessKeyID, s.AccessKeySecret,
			oss.MD5ThresholdCalcInMemory(1), oss.Product("oss"), oss.VerifyObjectStrict(strict))
		check(t, err)
		defer client.Close()
		check(t, client.LimitUploadSpeed(0))
		expectIs(t, client.LimitUploadSpeed(100), oss.ErrUnsupported)
		bucket, err := client.Bucket(s.Buckets[0])
		check(t, err)
		if err = bucket.UploadFile(name, path, oss.MinPartSize); strict {
			expectIs(t, err, oss.ErrInvalidArgument)
		} else {
			check(t, err)
		}
	}
}

func TestInvalidClientOptions(t *testing.T) {
	tests := map[string]struct {
		option oss.ClientOption
		want   error
	}{
		"HTTPClient":       {oss.HTTPClient(http.DefaultClient), oss.ErrUnsupported},
		"MaxConns":         {oss.MaxConns(1, 2, 3), oss.ErrUnsupported},
		"EnableCRC":        {oss.EnableCRC(false), oss.ErrUnsupported},
		"AuthV2":           {oss.AuthVersion(oss.AuthV2), oss.ErrUnsupported},
		"RedirectEnabled":  {oss.RedirectEnabled(true), oss.ErrUnsupported},
		"SetLogLevel":      {oss.SetLogLevel(4), oss.ErrUnsupported},
		"SetLogger":        {oss.SetLogger(nil), oss.ErrUnsupported},
		"SetLocalAddr":     {oss.SetLocalAddr(nil), oss.ErrUnsupported},
		"Product":          {oss.Product("oss-cloudbox"), oss.ErrUnsupported},
		"Headers":          {oss.AdditionalHeaders([]string{"a"}), oss.ErrUnsupported},
		"CloudBoxId":       {oss.CloudBoxId("a"), oss.ErrUnsupported},
		"nil provider":     {oss.SetCredentialsProvider(nil), oss.ErrInvalidArgument},
		"Timeout":          {oss.Timeout(-1, 0), oss.ErrInvalidArgument},
		"Proxy":            {oss.Proxy("a b"), oss.ErrInvalidArgument},
		"UserAgent":        {oss.UserAgent("a\n"), oss.ErrInvalidArgument},
		"empty provider":   {oss.SetCredentialsProvider(&rotating{}), oss.ErrCredentials},
		"failing provider": {oss.SetCredentialsProvider(failing{}), errNoVault},
	}
	for name, test := range tests {
		client, err := oss.New("oss-cn-hangzhou.aliyuncs.com", "a", "b", test.option)
		if client != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, proxy := range []oss.ClientOption{oss.Proxy("127.0.0.1:1"), oss.AuthProxy("http://127.0.0.1:1", "u", "p@:/")} {
		client, err := oss.New("oss-cn-hangzhou.aliyuncs.com", "a", "b", proxy)
		check(t, err)
		client.Close()
	}
	t.Setenv("OSS_ACCESS_KEY_ID", "")
	_, err := oss.NewEnvironmentVariableCredentialsProvider()
	expectIs(t, err, oss.ErrCredentials)
}

// recorder is a listener without a lock: -race proves that it is called by the uploading goroutine.
type recorder struct {
	events []oss.ProgressEvent
	on     func(oss.ProgressEvent)
}

func (r *recorder) ProgressChanged(event *oss.ProgressEvent) {
	r.events = append(r.events, *event)
	if r.on != nil {
		r.on(*event)
	}
}

// expect fails unless the events make sense: begun, forward, ended as told.
func (r *recorder) expect(t *testing.T, last oss.ProgressEventType, resumed, total int64) {
	t.Helper()
	if len(r.events) < 2 {
		t.Fatalf("%+v", r.events)
	}
	first, end := r.events[0], r.events[len(r.events)-1]
	if first.EventType != oss.TransferStartedEvent || first.ConsumedBytes != resumed || first.TotalBytes != total {
		t.Errorf("the first event is %+v", first)
	}
	if end.EventType != last || (last == oss.TransferCompletedEvent && end.ConsumedBytes != total) {
		t.Errorf("the last event is %+v", end)
	}
	moved := int64(0)
	for i, event := range r.events[1:] {
		moved += event.RwBytes
		if event.ConsumedBytes < r.events[i].ConsumedBytes || event.RwBytes < 0 {
			t.Errorf("%+v after %+v", event, r.events[i])
		}
		if middle := i+1 < len(r.events)-1; middle != (event.EventType == oss.TransferDataEvent) {
			t.Errorf("event %d is %+v", i+1, event)
		}
	}
	if moved != end.ConsumedBytes-resumed {
		t.Errorf("%d bytes moved to %d", moved, end.ConsumedBytes)
	}
}

func TestProgressAndResume(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 12*partSize)
	total := int64(len(content))
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	paused := &recorder{on: func(event oss.ProgressEvent) {
		if event.ConsumedBytes > 3*partSize {
			cancel()
		}
	}}
	bucket := s.bucket()
	err := bucket.UploadFile("k", path, partSize, oss.CheckpointDir(true, dir), oss.WithContext(ctx), oss.Progress(paused),
		oss.TrafficLimitHeader(8*512<<10))
	expectIs(t, err, context.Canceled, oss.ErrPaused)
	paused.expect(t, oss.TransferFailedEvent, 0, total)

	resumed := &recorder{}
	check(t, bucket.UploadFile("k", path, partSize, oss.CheckpointDir(true, dir), oss.Progress(resumed)))
	s.ExpectObject("k", content)
	resumed.expect(t, oss.TransferCompletedEvent, resumed.events[0].ConsumedBytes, total)
	if resumed.events[0].ConsumedBytes < partSize {
		t.Errorf("nothing was resumed: %+v", resumed.events)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}

	empty, _ := file(t, 0)
	nothing := &recorder{}
	check(t, bucket.UploadFile("empty", empty, partSize, oss.Progress(nothing), oss.Routines(1000)))
	nothing.expect(t, oss.TransferCompletedEvent, 0, 0)

	missing := &recorder{}
	expectIs(t, bucket.UploadFile("k", path+".missing", partSize, oss.Progress(missing)), fs.ErrNotExist)
	if len(missing.events) != 0 {
		t.Errorf("%+v", missing.events)
	}
	expectIs(t, bucket.UploadFile("k", path, partSize, oss.WithContext(ctx)), context.Canceled)
}

var errNoVault = errors.New("the vault is closed")

type failing struct{}

func (failing) GetCredentials() oss.Credentials           { panic("not this one") }
func (failing) GetCredentialsE() (oss.Credentials, error) { return nil, errNoVault }

// rotating is a provider whose key changes.
type rotating struct {
	mu                sync.Mutex
	id, secret, token string
	asked             int
}

func (r *rotating) set(id, secret, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id, r.secret, r.token = id, secret, token
}

func (r *rotating) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *rotating) GetCredentials() oss.Credentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return key{r.id, r.secret, r.token}
}

type key struct{ id, secret, token string }

func (k key) GetAccessKeyID() string     { return k.id }
func (k key) GetAccessKeySecret() string { return k.secret }
func (k key) GetSecurityToken() string   { return k.token }

func TestProviderIsAskedAgain(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 12*partSize)
	provider := &rotating{id: "of-yesterday", secret: "x"}
	bucket := s.bucket(oss.SetCredentialsProvider(provider))
	provider.set(s.AccessKeyID, s.AccessKeySecret, "")
	check(t, bucket.UploadFile("before-the-start", path, partSize))
	s.ExpectObject("before-the-start", content)

	// The first key is refused, and the provider comes up with another one when it is asked again.
	provider.set("gone", "x", "")
	waits := &recorder{}
	asked := provider.times()
	go func() {
		for provider.times() < asked+2 {
			time.Sleep(time.Millisecond)
		}
		provider.set(s.AccessKeyID, s.AccessKeySecret, "")
	}()
	check(t, bucket.UploadFile("refused", path, partSize, oss.Routines(3), oss.Progress(waits)))
	s.ExpectObject("refused", content)

	provider.set("gone-for-good", "x", "")
	err := bucket.UploadFile("k", path, partSize)
	if refused, ok := err.(oss.ServiceError); !ok || refused.Code != "InvalidAccessKeyId" {
		t.Errorf("%T: %v", err, err)
	}
}

// moving is a provider that changes the working directory while it is asked, as another goroutine could.
type moving struct {
	key
	t   *testing.T
	dir string
}

func (m moving) GetCredentials() oss.Credentials {
	check(m.t, os.Chdir(m.dir))
	return m.key
}

func TestRelativePathMeansWhatItMeantAtTheCall(t *testing.T) {
	s := newServer(t)
	before, err := os.Getwd()
	check(t, err)
	here, there := t.TempDir(), t.TempDir()
	// Before they are removed: Windows refuses to remove the current directory.
	t.Cleanup(func() { check(t, os.Chdir(before)) })
	for _, dir := range []string{here, there} {
		check(t, os.WriteFile(filepath.Join(dir, "f"), bytes.Repeat([]byte(dir), partSize), 0o600))
	}
	bucket := s.bucket(oss.SetCredentialsProvider(moving{key{s.AccessKeyID, s.AccessKeySecret, ""}, t, there}))
	check(t, os.Chdir(here))
	check(t, bucket.UploadFile("k", "f", partSize, oss.Checkpoint(true, "k.cp")))
	s.ExpectObject("k", bytes.Repeat([]byte(here), partSize))
}

func TestShowsNoSecrets(t *testing.T) {
	t.Setenv("OSS_ACCESS_KEY_ID", "the-id")
	t.Setenv("OSS_ACCESS_KEY_SECRET", "hush-hush")
	t.Setenv("OSS_SESSION_TOKEN", "hush-token")
	provider, err := oss.NewEnvironmentVariableCredentialsProvider()
	check(t, err)
	client, err := oss.New("oss-cn-hangzhou.aliyuncs.com", "", "", oss.SetCredentialsProvider(&provider),
		oss.AuthProxy("127.0.0.1:1", "u", "hush-proxy"))
	check(t, err)
	defer client.Close()
	bucket, err := client.Bucket("bucket")
	check(t, err)
	for _, value := range []any{provider, &provider, provider.GetCredentials(), client, *bucket, bucket} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "hush") {
				t.Errorf("%T in %s: %s", value, verb, text)
			}
		}
	}
}

func TestCallbackFails(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 2*partSize)
	callback := base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"a=b"}`))
	err := s.bucket().UploadFile("k", path, partSize, oss.Callback(callback))
	expectIs(t, err, oss.ErrCallbackFailed)
	if refused, ok := err.(oss.ServiceError); !ok || refused.Code != "CallbackFailed" {
		t.Errorf("%T: %v", err, err)
	}
	s.ExpectObject("k", content)
}

// A checkpoint of Alibaba Cloud's SDK is left to it, which may go on with it.
func TestCheckpointOfSDKv1(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 3*partSize)
	theirs := `{"Magic":"FE8BB4EA-B593-4FAC-AD7A-2459A36E2E62","MD5":"x","FilePath":"/a","Parts":[]}`
	check(t, os.WriteFile(path+".cp", []byte(theirs), 0o600))
	err := s.bucket().UploadFile("k", path, partSize, oss.Checkpoint(true, ""))
	if !errors.Is(err, oss.ErrCheckpoint) {
		t.Errorf("%T: %v", err, err)
	}
	if kept, _ := os.ReadFile(path + ".cp"); string(kept) != theirs {
		t.Errorf("it is %q now", kept)
	}
	check(t, s.bucket().UploadFile("k", path, partSize, oss.Checkpoint(true, path+".ours.cp")))
	s.ExpectObject("k", content)
}

func TestCallbackResult(t *testing.T) {
	s := newServer(t)
	const response = `{"Status": "OK"}`
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(response)))
		io.WriteString(w, response)
	}))
	defer application.Close()
	callback := base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":"` + application.URL + `","callbackBody":"a=b"}`))
	path, content := file(t, 2*partSize)

	var body []byte
	check(t, s.bucket().UploadFile("k", path, partSize, oss.Callback(callback), oss.CallbackResult(&body)))
	if string(body) != response {
		t.Errorf("CallbackResult: %q", body)
	}
	s.ExpectObject("k", content)
}

// wanderer goes elsewhere when it is asked.
type wanderer struct {
	key
	directory string
}

func (w *wanderer) GetCredentials() oss.Credentials {
	if err := os.Chdir(w.directory); err != nil {
		panic(err)
	}
	return w.key
}

// A path means what it meant when the call was made.
func TestRelativePaths(t *testing.T) {
	s := newServer(t)
	before, err := os.Getwd()
	check(t, err)
	defer func() { check(t, os.Chdir(before)) }()
	here, elsewhere := t.TempDir(), t.TempDir()
	_, content := file(t, 5*partSize)
	for directory, content := range map[string][]byte{here: content, elsewhere: []byte("another")} {
		check(t, os.WriteFile(filepath.Join(directory, "f"), content, 0o600))
		check(t, os.Mkdir(filepath.Join(directory, "cps"), 0o700))
	}

	provider := &wanderer{key{s.AccessKeyID, s.AccessKeySecret, ""}, elsewhere}
	bucket := s.bucket(oss.SetCredentialsProvider(provider))
	check(t, os.Chdir(here))
	check(t, bucket.UploadFile("v1", "f", partSize, oss.CheckpointDir(true, "cps")))
	s.ExpectObject("v1", content)

	if runtime.GOOS == "windows" {
		return // It lets nobody remove the current directory.
	}
	gone := filepath.Join(elsewhere, "gone")
	check(t, os.Mkdir(gone, 0o700))
	check(t, os.Chdir(gone))
	check(t, os.Remove(gone))
	if err := bucket.UploadFile("k", "f", partSize); !errors.Is(err, oss.ErrIO) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%T: %v", err, err)
	}
}
