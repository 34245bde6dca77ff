package interop

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// send opens an upload and sends its parts.
func send(t testing.TB, o sdk, key string, h headers, contents ...[]byte) (string, []part) {
	t.Helper()
	uploadID := must(o.initiate(key, h))(t)
	var parts []part
	for i, content := range contents {
		parts = append(parts, must(o.uploadPart(key, uploadID, i+1, content))(t))
	}
	return uploadID, parts
}

var one, two, end = noise(smallest), noise(smallest + 7), []byte("end")

func joined(contents ...[]byte) (all []byte) {
	for _, content := range contents {
		all = append(all, content...)
	}
	return all
}

func TestAnUploadInPartsBecomesOneObject(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		described := headers{
			"Content-Type": "video/mp4", "Cache-Control": "no-cache", "x-oss-meta-author": "bob",
			"x-oss-storage-class": "IA",
		}
		uploadID, parts := send(t, o, "dir/目录 +", described, one, two, end)
		for _, page := range []int{1, 2, 1000} {
			equal(t, must(o.listParts("dir/目录 +", uploadID, page))(t), parts)
		}
		check(t, o.complete("dir/目录 +", uploadID, parts, headers{"x-oss-object-acl": "private"}))
		holds(t, o, "dir/目录 +", joined(one, two, end))
		h := must(o.head("dir/目录 +"))(t)
		has(t, h, described)
		has(t, h, headers{"x-oss-object-type": "Multipart"})
		equal(t, must(o.acl("dir/目录 +"))(t), "private")
		_, err := o.listParts("dir/目录 +", uploadID, 10)
		refused(t, err, "NoSuchUpload", 404)
	})
}

func TestListsOfUploads(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		var opened []pending
		keys := []string{"a", "a", "b +%&", "dir/1", "dir/2", "目录\x02"}
		if _, old := o.(sdkV1); old {
			// Its InitiateMultipartUpload() does not ask for encoding-type=url, so it could not read the key in the response.
			keys[5] = "目录"
		}
		for _, key := range keys {
			opened = append(opened, pending{key, must(o.initiate(key, nil))(t)})
		}
		ordered := func(list []pending) []pending {
			sort.Slice(list, func(i, j int) bool {
				return list[i].key+list[i].uploadID < list[j].key+list[j].uploadID
			})
			return list
		}
		for _, page := range []int{1, 2, 1000} {
			equal(t, ordered(must(o.listUploads("", page))(t)), ordered(opened))
			equal(t, len(must(o.listUploads("dir/", page))(t)), 2)
		}
		for _, upload := range opened {
			check(t, o.abort(upload.key, upload.uploadID))
		}
		equal(t, len(must(o.listUploads("", 10))(t)), 0)
	})
}

func TestAnAbortedUploadIsGone(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		uploadID, parts := send(t, o, "object", nil, one)
		check(t, o.abort("object", uploadID))
		_, err := o.uploadPart("object", uploadID, 2, one)
		refused(t, err, "NoSuchUpload", 404)
		refused(t, o.complete("object", uploadID, parts, nil), "NoSuchUpload", 404)
		refused(t, o.abort("object", uploadID), "NoSuchUpload", 404)
	})
}

func TestWhatDoesNotMakeAnObject(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		uploadID, parts := send(t, o, "object", nil, one, two, end)
		complete := func(parts ...part) error { return o.complete("object", uploadID, parts, nil) }
		refused(t, complete(part{number: 1, etag: parts[1].etag}, parts[1]), "InvalidPart", 400)
		refused(t, complete(parts[0], part{number: 4, etag: parts[0].etag}), "InvalidPart", 400)
		// Neither SDK for Go can be made to send a list in the wrong order: both sort it by number before they send it.
		small := must(o.uploadPart("object", uploadID, 4, end))(t)
		last := must(o.uploadPart("object", uploadID, 5, end))(t)
		refused(t, complete(parts[0], small, last), "EntityTooSmall", 400)
		refused(t, complete(), "MalformedXML", 400)
		_, err := o.uploadPart("object", uploadID, 10_001, one)
		refused(t, err, "InvalidArgument", 400)
		check(t, complete(parts...))
		holds(t, o, "object", joined(one, two, end))
	})
}

func TestUploadersGoUpAndComeDown(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		for _, routines := range []int{1, 4} {
			content := noise(10*smallest + 321)
			source := filepath.Join(t.TempDir(), "source.mp4")
			check(t, os.WriteFile(source, content, 0o600))
			checkpoints := t.TempDir()
			described := headers{"Content-Type": "video/x-interop", "x-oss-meta-a": "b", "x-oss-object-acl": "public-read"}
			check(t, o.uploadFile("videos/ü +.mp4", source, smallest, routines, checkpoints, described))
			h := must(o.head("videos/ü +.mp4"))(t)
			has(t, h, headers{"Content-Type": "video/x-interop", "x-oss-meta-a": "b"})
			equal(t, strings.HasSuffix(h.etag, "-11"), true)
			equal(t, must(o.acl("videos/ü +.mp4"))(t), "public-read")
			copied := filepath.Join(t.TempDir(), "copy.mp4")
			check(t, o.downloadFile("videos/ü +.mp4", copied, smallest, routines, checkpoints))
			equal(t, must(os.ReadFile(copied))(t), content)
			equal(t, len(must(os.ReadDir(checkpoints))(t)), 0)
			equal(t, len(must(o.listUploads("", 10))(t)), 0)
		}
	})
}

func TestABrokenUploadGoesOnWhereItWas(t *testing.T) {
	forAllConnected(t, func(t *testing.T, s *server, o sdk) {
		content := noise(10*smallest + 321)
		source := filepath.Join(t.TempDir(), "source.mp4")
		check(t, os.WriteFile(source, content, 0o600))
		checkpoints := t.TempDir()
		s.refusePart(6)
		refused(t, o.uploadFile("object", source, smallest, 1, checkpoints, nil), "AccessDenied", 403)
		equal(t, len(must(os.ReadDir(checkpoints))(t)), 1)
		equal(t, len(must(o.listUploads("", 10))(t)), 1)
		s.refusePart(0)
		before, kept := len(s.log()), 5
		if _, old := o.(sdkV1); old {
			// It asks its own record, not the server; and when a part fails, it forgets those that it has not yet recorded.
			kept = 1
		}
		check(t, o.uploadFile("object", source, smallest, 1, checkpoints, nil))
		for _, entry := range s.log()[before:] {
			if entry.Operation == "UploadPart" && entry.PartNumber <= kept {
				t.Errorf("part %d went again", entry.PartNumber)
			}
		}
		holds(t, o, "object", content)
		equal(t, len(must(os.ReadDir(checkpoints))(t)), 0)
	})
}
