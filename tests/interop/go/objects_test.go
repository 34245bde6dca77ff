package interop

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"math/rand"
	"reflect"
	"sort"
	"strings"
	"testing"
)

const smallest = 100 << 10

// noise makes content that nobody can guess.
func noise(size int) []byte {
	content := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	return content
}

// holds demands that an object has this content.
func holds(t testing.TB, s sdk, key string, content []byte) {
	t.Helper()
	found, err := s.get(key, "")
	check(t, err)
	if !bytes.Equal(found, content) {
		t.Fatalf("%q holds %d bytes that are not the %d that were sent", key, len(found), len(content))
	}
}

// equal demands that two values are the same.
func equal(t testing.TB, found, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Fatalf("found %#v, wanted %#v", found, wanted)
	}
}

// has demands headers of an object.
func has(t testing.TB, h head, wanted headers) {
	t.Helper()
	for name, value := range wanted {
		if h.Get(name) != value {
			t.Errorf("%s: found %q, wanted %q", name, h.Get(name), value)
		}
	}
}

func TestAnObjectIsReadBackAsItWasPut(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		for _, size := range []int{0, 1, smallest, 300_000} {
			content := noise(size)
			check(t, o.put("object", content, nil))
			holds(t, o, "object", content)
			h := must(o.head("object"))(t)
			equal(t, h.size, int64(size))
			equal(t, h.etag, fmt.Sprintf("%X", md5.Sum(content)))
			has(t, h, headers{"x-oss-object-type": "Normal", "x-oss-storage-class": "Standard"})
		}
	})
}

func TestHeadersComeBack(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		described := headers{
			"Content-Type": "text/x-interop", "Cache-Control": "max-age=60, public",
			"Content-Disposition": `attachment; filename="a b.txt"`, "Content-Encoding": "identity",
			"Expires": "Wed, 21 Oct 2026 07:28:00 GMT", "x-oss-meta-author": "alice", "x-oss-meta-two-words": "a  b",
			"x-oss-storage-class": "IA", "x-oss-server-side-encryption": "AES256",
		}
		sent := headers{"x-oss-object-acl": "public-read", "x-oss-tagging": "a=1&b%20c=%2B%26"}
		for name, value := range described {
			sent[name] = value
		}
		check(t, o.put("object", []byte("content"), sent))
		h := must(o.head("object"))(t)
		has(t, h, described)
		has(t, h, headers{"x-oss-tagging-count": "2"})
		equal(t, must(o.acl("object"))(t), "public-read")
		equal(t, must(o.tags("object"))(t), map[string]string{"a": "1", "b c": "+&"})
	})
}

func TestRanges(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		content := noise(1000)
		check(t, o.put("object", content, nil))
		equal(t, must(o.get("object", "0-0"))(t), content[:1])
		equal(t, must(o.get("object", "100-199"))(t), content[100:200])
		equal(t, must(o.get("object", "900-"))(t), content[900:])
		equal(t, must(o.get("object", "-7"))(t), content[993:])
		equal(t, must(o.get("object", "900-2000"))(t), content)
	})
}

func TestAnObjectIsDeletedAndGone(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		check(t, o.put("object", []byte("content"), nil))
		check(t, o.remove("object"))
		_, err := o.get("object", "")
		refused(t, err, "NoSuchKey", 404)
		_, err = o.head("object")
		refused(t, err, "NoSuchKey", 404)
		check(t, o.remove("object"))
	})
}

func TestListsOfObjects(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		keys := []string{"a", "a/1", "a/2/x", "a/2/y", "b", "b b", "b+b", "100%", "%41", "line\nfeed", "control\x01\r", "目录/测试 +%&<>"}
		for _, key := range keys {
			check(t, o.put(key, []byte("content"), nil))
		}
		sort.Strings(keys)
		for _, page := range []int{1, 3, 1000} {
			found, prefixes, err := o.listObjects("", "", page)
			check(t, err)
			equal(t, found, keys)
			equal(t, len(prefixes), 0)
			found, prefixes, err = o.listObjects("", "/", page)
			check(t, err)
			equal(t, found, []string{"%41", "100%", "a", "b", "b b", "b+b", "control\x01\r", "line\nfeed"})
			equal(t, prefixes, []string{"a/", "目录/"})
			found, prefixes, err = o.listObjects("a/", "/", page)
			check(t, err)
			equal(t, found, []string{"a/1"})
			equal(t, prefixes, []string{"a/2/"})
		}
	})
}

func TestPagesOfTheSecondVersion(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		for _, key := range []string{"a+b c", "d/%", "d/line\n", "d/目\x01", "e"} {
			check(t, o.put(key, []byte("content"), nil))
		}
		lists := func(size int, after, token string, keys ...string) string {
			t.Helper()
			found, next, err := o.listPage(size, after, token)
			check(t, err)
			equal(t, found, keys)
			return next
		}
		token := lists(2, "", "", "a+b c", "d/%")
		token = lists(2, "", token, "d/line\n", "d/目\x01")
		// A token says more than start-after.
		equal(t, lists(2, "a", token, "e"), "")
		lists(9, "d/line\n", "", "d/目\x01", "e")
		_, _, err := o.listPage(1001, "", "")
		refused(t, err, "InvalidArgument", 400)
		_, _, err = o.listPage(1, "", "2")
		refused(t, err, "InvalidArgument", 400)
	})
}

func TestForbidOverwrite(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		forbid := headers{"x-oss-forbid-overwrite": "true"}
		check(t, o.put("object", []byte("first"), forbid))
		refused(t, o.put("object", []byte("second"), forbid), "FileAlreadyExists", 409)
		_, err := o.initiate("object", forbid)
		refused(t, err, "FileAlreadyExists", 409)
		holds(t, o, "object", []byte("first"))
	})
}

func TestDigestsAreCompared(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		content := noise(1000)
		sum := md5.Sum(content)
		digest := headers{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}
		check(t, o.put("object", content, digest))
		refused(t, o.put("object", content[1:], digest), "InvalidDigest", 400)
	})
}

func TestHeadersThatAreRefused(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		put := func(name, value string) error { return o.put("object", []byte("x"), headers{name: value}) }
		refused(t, put("x-oss-storage-class", "Cold"), "InvalidArgument", 400)
		refused(t, put("x-oss-object-acl", "secret"), "InvalidArgument", 400)
		refused(t, put("x-oss-meta-a", strings.Repeat("b", 9000)), "InvalidArgument", 400)
		refused(t, put("x-oss-server-side-encryption", "ROT13"), "InvalidEncryptionAlgorithmError", 400)
	})
}
