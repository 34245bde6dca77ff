package interop

import "testing"

func TestStrangersAreNotLetIn(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		connect := func(id, secret, token string) sdk {
			w := connection(s)
			w.key = key{id, secret, token}
			return k.connect(t, w)
		}
		wrong := connect(s.AccessKeyID, "not-the-secret", "")
		refused(t, wrong.put("object", []byte("x"), nil), "SignatureDoesNotMatch", 403)
		// A HEAD has no body: the error comes in x-oss-err.
		_, err := wrong.head("object")
		refused(t, err, "SignatureDoesNotMatch", 403)
		refused(t, connect("nobody", "x", "").put("object", []byte("x"), nil), "InvalidAccessKeyId", 403)
		refused(t, connect(temporary.id, temporary.secret, "other").put("object", []byte("x"), nil),
			"InvalidSecurityToken", 403)
		refused(t, connect(temporary.id, temporary.secret, "").put("object", []byte("x"), nil),
			"InvalidAccessKeyId", 403)
	})
}

func TestASessionToken(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		w := connection(s)
		w.key = temporary
		o := k.connect(t, w)
		check(t, o.put("object", []byte("content"), nil))
		holds(t, o, "object", []byte("content"))
		uploadID, parts := send(t, o, "parts", nil, one, end)
		check(t, o.complete("parts", uploadID, parts, nil))
		holds(t, o, "parts", joined(one, end))
	})
}

func TestAWrongRegionMattersToVersion4Only(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		w := connection(s)
		w.region = "cn-shanghai"
		err := k.connect(t, w).put("object", []byte("content"), nil)
		if k.version == 1 {
			check(t, err)
		} else {
			refused(t, err, "InvalidArgument", 400)
		}
	})
}

func TestAClockThatIsWrong(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		for _, offset := range []int{3600, -3600} {
			// A new one each time: when Go v2 corrects a clock once more, it takes the time that it corrected before for that
			// of the machine (postSendHttpRequestOnce in its client.go), and swings to and fro.
			o := k.connect(t, connection(s))
			s.clockAhead(offset)
			err := o.put("object", []byte("content"), nil)
			if !k.correctsTheClock {
				refused(t, err, "RequestTimeTooSkewed", 403)
				continue
			}
			check(t, err)
			holds(t, o, "object", []byte("content"))
			uploadID, parts := send(t, o, "parts", nil, one, end)
			check(t, o.complete("parts", uploadID, parts, nil))
		}
	})
}

func TestAClockThatIsWrongFromTheStart(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			err := k.connect(t, connection(newServer(t, "http", "--clock-offset", "1200"))).put("object", nil, nil)
			if k.correctsTheClock {
				check(t, err)
			} else {
				refused(t, err, "RequestTimeTooSkewed", 403)
			}
		})
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	forAll(t, func(t *testing.T, s *server, k kind) {
		w := connection(s)
		w.bucket = "no-such-bucket"
		elsewhere := k.connect(t, w)
		refused(t, elsewhere.put("object", []byte("x"), nil), "NoSuchBucket", 404)
		_, err := elsewhere.initiate("object", nil)
		refused(t, err, "NoSuchBucket", 404)
		_, _, err = elsewhere.listObjects("", "", 10)
		refused(t, err, "NoSuchBucket", 404)
		_, err = k.connect(t, connection(s)).uploadPart("object", "0004B9894A22E5B1888A1E29F8236E2D", 1, one)
		refused(t, err, "NoSuchUpload", 404)
	})
}
