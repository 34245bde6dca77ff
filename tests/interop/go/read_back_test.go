package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
)

// awkward are keys that are hard on someone on the way; tests/interop/python/keys.py has the same.
var awkward = []string{
	"a b", " leading and trailing ", "a+b", "100%", "%41", "%2F", "%2e%2e/a", "a?b=c", "?a", "a#b", "a&b=c;d",
	"目录/测试 文件+1.txt", "e\u0301 is not \u00e9", "🎬/🎞️.mp4", "\u00a0\u2028\ufeff", "a..b", "...", "a/...",
	".hidden",
	"a/../b", "a/./b", "../a", "./a", "a/..", "a/.", "..", ".", "a//b", "a/", "a//", "a///../b//./c", "~'()*!",
	`"quoted"`, `back\slash`, "<xml>&amp;]]>", "[a]{b}|^`", "a:b,c@d$e", "http://example.com/a", "tab\tline\nreturn\r",
	"\x01\x1f\x7f", "_server/state", strings.Repeat("k", 1023), strings.Repeat("字", 341),
}

var (
	building   sync.Once
	program    string
	buildError error
)

// uploadMany builds the C program, once, against the release build of the library.
func uploadMany(t testing.TB) string {
	t.Helper()
	building.Do(func() {
		libraries := os.Getenv("OSS_UPLOAD_LIB_DIR")
		if libraries == "" {
			libraries = filepath.Join(checkout(t), "target/release")
		}
		compiler := os.Getenv("CC")
		if compiler == "" {
			compiler = "cc"
		}
		program = filepath.Join(programs, "upload_many")
		command := exec.Command(compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I../../../include",
			"-L"+libraries, "-Wl,-rpath,"+libraries, "../upload_many.c", "-loss_upload", "-o", program)
		if output, err := command.CombinedOutput(); err != nil {
			buildError = fmt.Errorf("%w: %s", err, output)
		}
	})
	check(t, buildError)
	return program
}

var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "interop-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

// A stored object is what the library says of an upload that went well.
type stored struct {
	size  int64
	crc64 string
	parts int
	etag  string
}

// upload lets this library upload files to keys. Options are those of client and upload, and header=NAME:VALUE.
func upload(t testing.TB, s *server, files [][2]string, options ...string) (results []stored) {
	t.Helper()
	arguments := []string{
		"endpoint=" + s.endpoint("127.0.0.1"), "region=" + s.Region, "bucket=" + bucketName,
		"access_key_id=" + s.AccessKeyID, "access_key_secret=" + s.AccessKeySecret,
	}
	if s.caFile != "" {
		arguments = append(arguments, "ca_file="+s.caFile)
	}
	arguments = append(append(arguments, options...), "--")
	for _, file := range files {
		arguments = append(arguments, file[0], file[1])
	}
	command := exec.Command(uploadMany(t), arguments...)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("the library could not upload: %v: %s", err, complaints.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(string(output)), "\n") {
		var result stored
		_, err := fmt.Sscan(line, &result.size, &result.crc64, &result.parts, &result.etag)
		check(t, err)
		results = append(results, result)
	}
	equal(t, len(results), len(files))
	return results
}

// forBoth runs a test with the library in each signature version, over HTTP and HTTPS.
func forBoth(t *testing.T, test func(t *testing.T, s *server, version string)) {
	for _, scheme := range []string{"http", "https"} {
		for _, version := range []string{"1", "4"} {
			t.Run("v"+version+"-"+scheme, func(t *testing.T) {
				test(t, newServer(t, scheme), "signature_version="+version)
			})
		}
	}
}

func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestFilesAreReadBack(t *testing.T) {
	forBoth(t, func(t *testing.T, s *server, version string) {
		described := headers{
			"Content-Type": "video/x-interop", "Cache-Control": "max-age=60, public", "Content-Language": "de, zh-CN",
			"Content-Disposition": `attachment; filename="a b.txt"`, "Content-Encoding": "identity",
			"Expires": "Wed, 21 Oct 2026 07:28:00 GMT", "x-oss-meta-author": "alice", "X-Oss-Meta-Two-Words": "a  b, c",
			"x-oss-storage-class": "IA", "x-oss-server-side-encryption": "AES256",
		}
		options := []string{version, "header=x-oss-object-acl:public-read", "header=x-oss-tagging:a=1&b%20c=%2B%26"}
		for name, value := range described {
			options = append(options, "header="+name+":"+value)
		}
		for _, size := range []int{0, 1, smallest, smallest + 1, 3_000_000} {
			content := noise(size)
			result := upload(t, s, [][2]string{{"dir/object", file(t, "a.mp4", content)}}, options...)[0]
			for _, k := range kinds {
				o := k.connect(t, connection(s))
				holds(t, o, "dir/object", content)
				h := must(o.head("dir/object"))(t)
				equal(t, stored{h.size, h.crc64, result.parts, h.etag}, result)
				has(t, h, described)
				equal(t, must(o.acl("dir/object"))(t), "public-read")
				equal(t, must(o.tags("dir/object"))(t), map[string]string{"a": "1", "b c": "+&"})
			}
		}
	})
}

func TestBigFilesAreReadBack(t *testing.T) {
	content := noise(100 << 20)
	path := file(t, "big.bin", content)
	for scheme, setting := range map[string][]string{
		"http":  {"signature_version=4", "routines=16", "part_size=102400"},
		"https": {"signature_version=1", "routines=3", "part_size=4194304"},
	} {
		s := newServer(t, scheme)
		result := upload(t, s, [][2]string{{"big", path}}, setting...)[0]
		for _, k := range []kind{kinds[0], kinds[3]} {
			o := k.connect(t, connection(s))
			h := must(o.head("big"))(t)
			equal(t, stored{h.size, h.crc64, result.parts, h.etag}, result)
			holds(t, o, "big", content)
			// The SDKs' own downloaders read in ranges, and compare the CRC-64 of the whole.
			copied := filepath.Join(t.TempDir(), "copy")
			check(t, o.downloadFile("big", copied, 8<<20, 4, t.TempDir()))
			equal(t, string(must(os.ReadFile(copied))(t)) == string(content), true)
		}
	}
}

func TestAwkwardKeysAreReadBack(t *testing.T) {
	forBoth(t, func(t *testing.T, s *server, version string) {
		for _, size := range []int{1, smallest + 1} {
			var files [][2]string
			for i, key := range awkward {
				content := append([]byte(key), noise(size)...)
				files = append(files, [2]string{key, file(t, fmt.Sprint(i), content)})
			}
			upload(t, s, files, version)
			for _, k := range kinds {
				o := k.connect(t, connection(s))
				keys, _, err := o.listObjects("", "", 1000)
				check(t, err)
				wanted := append([]string{}, awkward...)
				sort.Strings(wanted)
				equal(t, keys, wanted)
				for i, key := range awkward {
					content := must(os.ReadFile(files[i][1]))(t)
					holds(t, o, key, content)
				}
			}
		}
	})
}
