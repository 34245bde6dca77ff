package interop

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

var styles = map[string]struct {
	host, wanted     string
	cname, pathStyle bool
}{
	"virtual-hosted": {domain, bucketName + "." + domain, false, false},
	"custom-domain":  {customDomain, customDomain, true, false},
	"address":        {"127.0.0.1", "127.0.0.1", false, false},
	"path":           {"localhost", "localhost", false, true},
}

func TestEveryStyleReachesTheSameBucket(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		for name, style := range styles {
			w := connection(s)
			w.endpoint, w.cname, w.pathStyle = s.endpoint(style.host), style.cname, style.pathStyle
			o := k.connect(t, w)
			before := len(s.log())
			check(t, o.put("dir/目录 +%.txt", []byte(name), nil))
			uploadID, parts := send(t, o, "parts", nil, one, end)
			equal(t, must(o.listParts("parts", uploadID, 10))(t), parts)
			equal(t, must(o.listUploads("", 10))(t), []pending{{"parts", uploadID}})
			check(t, o.complete("parts", uploadID, parts, nil))
			for _, entry := range s.log()[before:] {
				equal(t, entry.Headers["host"], fmt.Sprintf("%s:%d", style.wanted, s.Port))
			}
			holds(t, k.connect(t, connection(s)), "dir/目录 +%.txt", []byte(name))
		}
	})
}

func TestPathStyleIsRefusedBelowADomain(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		w := connection(s)
		w.endpoint, w.pathStyle = s.endpoint(domain), true
		refused(t, k.connect(t, w).put("object", []byte("x"), nil), "SecondLevelDomainForbidden", 403)
	})
}

func TestAdditionalHeadersAreSigned(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		if k.version == 1 {
			return // Version 1 has no such thing.
		}
		w := connection(s)
		w.additionalHeaders = []string{"User-Agent", "x-oss-meta-a", "absent"}
		o := k.connect(t, w)
		check(t, o.put("object", []byte("content"), headers{"x-oss-meta-a": "b"}))
		log := s.log()
		signed := " " + strings.Join(log[len(log)-1].SignedHeaders, " ") + " "
		equal(t, strings.Contains(signed, " user-agent ") && !strings.Contains(signed, " absent "), true)
		holds(t, o, "object", []byte("content"))
		_, _, err := o.listObjects("", "", 10)
		check(t, err)
	})
}

// fetch sends a presigned request as any client would.
func fetch(t testing.TB, s *server, method, url string, h headers, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	check(t, err)
	for name, value := range h {
		request.Header.Set(name, value)
	}
	response, err := s.http.Do(request)
	check(t, err)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body))(t))
}

func TestPresignedURLs(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		for _, key := range []string{"object", "dir/目录 +%?#&=.txt", "~'()*!"} {
			for name, style := range styles {
				w := connection(s)
				w.endpoint, w.cname, w.pathStyle = s.endpoint(style.host), style.cname, style.pathStyle
				if name == "virtual-hosted" {
					w.key = temporary
				}
				o := k.connect(t, w)
				address, signed, err := o.presign("PUT", key, headers{"Content-Type": "text/x-interop", "x-oss-meta-a": "b"}, 60)
				check(t, err)
				status, response := fetch(t, s, "PUT", address, signed, []byte("content"))
				if status != 200 {
					t.Fatalf("%s %q: %d %s", name, key, status, response)
				}
				has(t, must(o.head(key))(t), headers{"Content-Type": "text/x-interop", "x-oss-meta-a": "b"})
				address, signed, err = o.presign("GET", key, nil, 60)
				check(t, err)
				status, response = fetch(t, s, "GET", address, signed, nil)
				equal(t, fmt.Sprint(status, response), "200content")
				status, response = fetch(t, s, "DELETE", address, signed, nil)
				equal(t, status == 403 && strings.Contains(response, "SignatureDoesNotMatch"), true)
			}
		}
	})
}

func TestAPresignedURLExpires(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		check(t, o.put("object", []byte("content"), nil))
		address, signed, err := o.presign("GET", "object", nil, 60)
		check(t, err)
		s.clockAhead(65)
		status, response := fetch(t, s, "GET", address, signed, nil)
		equal(t, status == 403 && strings.Contains(response, "AccessDenied"), true)
	})
}
