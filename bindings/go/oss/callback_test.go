package oss_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

func TestCallbackResponse(t *testing.T) {
	s := newServer(t)
	const response = `{"Status": "OK"}`
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(response)))
		io.WriteString(w, response)
	}))
	defer application.Close()
	callback := base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":"` + application.URL + `","callbackBody":"a=b"}`))
	path, _ := file(t, 2*partSize)

	client := s.client()
	for _, wanted := range []string{response, ""} {
		options := s.upload("k2")
		if wanted != "" {
			options.Headers = map[string]string{"x-oss-callback": callback}
		}
		result, err := client.UploadFile(context.Background(), path, options)
		check(t, err)
		if string(result.CallbackResponse) != wanted {
			t.Errorf("CallbackResponse: %q, not %q", result.CallbackResponse, wanted)
		}
	}
}
