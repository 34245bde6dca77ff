"""URLs that Alibaba Cloud's SDKs sign and plain urllib fetches."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest

import sdks
from local_oss import TEMPORARY, LocalOss, tls_context
from sdks import Oss2, Sdk

KEYS = ["object", "dir/目录 +%?#&=.txt", "~'()*!"]


def fetch(
    server: LocalOss, method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, bytes]:
    """Status and body of a response, good or bad."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30, context=tls_context(server)) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def code(body: bytes) -> str | None:
    """The code in an error document."""
    return ElementTree.fromstring(body).findtext("Code")


@pytest.mark.parametrize("key", KEYS)
def test_get_head_and_put(sdk: Sdk, server: LocalOss, key: str) -> None:
    url, headers = sdk.presign("PUT", key, {"Content-Type": "text/x-interop", "x-oss-meta-a": "b c"})
    assert fetch(server, "PUT", url, headers, b"content")[0] == 200
    assert sdk.get(key) == b"content"
    head = sdk.head(key).headers
    assert (head["content-type"], head["x-oss-meta-a"]) == ("text/x-interop", "b c")
    assert fetch(server, "GET", *sdk.presign("GET", key)) == (200, b"content")
    assert fetch(server, "HEAD", *sdk.presign("HEAD", key)) == (200, b"")
    found = {entry["signature"] for entry in server.log()}
    assert f"v{sdk.version}-presigned" in found


def test_a_range_and_a_missing_object(sdk: Sdk, server: LocalOss) -> None:
    sdk.put("object", b"0123456789")
    url, _ = sdk.presign("GET", "object")
    assert fetch(server, "GET", url, {"Range": "bytes=2-4"}) == (206, b"234")
    status, body = fetch(server, "GET", sdk.presign("GET", "nothing")[0])
    assert (status, code(body)) == (404, "NoSuchKey")


def test_what_a_signature_does_not_cover(sdk: Sdk, server: LocalOss) -> None:
    sdk.put("object", b"content")
    url, _ = sdk.presign("GET", "object")
    path = urllib.parse.urlsplit(url).path
    for method, changed in [("PUT", url), ("GET", url.replace(path, path + "x"))]:
        status, body = fetch(server, method, changed, body=b"x" if method == "PUT" else None)
        assert (status, code(body)) == (403, "SignatureDoesNotMatch"), method
    put, headers = sdk.presign("PUT", "object", {"x-oss-meta-a": "b"})
    status, body = fetch(server, "PUT", put, {**headers, "x-oss-meta-a": "c"}, b"x")
    assert (status, code(body)) == (403, "SignatureDoesNotMatch")
    assert sdk.get("object") == b"content"


def test_a_url_expires(sdk: Sdk, server: LocalOss) -> None:
    sdk.put("object", b"content")
    url, _ = sdk.presign("GET", "object", seconds=60)
    server.tell("clock", {"offset": 50})
    assert fetch(server, "GET", url)[0] == 200
    server.tell("clock", {"offset": 65})
    status, body = fetch(server, "GET", url)
    assert (status, code(body)) == (403, "AccessDenied")


def test_a_url_with_a_session_token(kind, server: LocalOss) -> None:
    sdks.connect(kind, server).put("object", b"content")
    sdk = sdks.connect(kind, server, key=TEMPORARY)
    url, headers = sdk.presign("GET", "object")
    assert fetch(server, "GET", url, headers) == (200, b"content")
    other = url.replace("token", "nekot")
    assert other != url and fetch(server, "GET", other)[0] == 403


def test_a_url_of_a_stranger(kind, server: LocalOss) -> None:
    sdks.connect(kind, server).put("object", b"content")
    for key, expected in [
        (("test-id", "not-the-secret", None), "SignatureDoesNotMatch"),
        (("nobody", "test-secret", None), "InvalidAccessKeyId"),
    ]:
        url, _ = sdks.connect(kind, server, key=key).presign("GET", "object")
        status, body = fetch(server, "GET", url)
        assert (status, code(body)) == (403, expected)


def test_additional_headers_of_version_4(server: LocalOss) -> None:
    """Among the SDKs for Python only sign_url() of oss2 can sign further headers; alibabacloud-oss-v2 takes
    additional_headers in its Config, but never hands them to its signer."""
    sdk = sdks.connect((Oss2, 4), server)
    sdk.put("object", b"content")
    url = sdk.bucket.sign_url(
        "GET", "object", 60, headers={"X-Interop": "yes"}, additional_headers=["x-interop", "host"]
    )
    assert fetch(server, "GET", url, {"X-Interop": "yes"}) == (200, b"content")
    status, body = fetch(server, "GET", url, {"X-Interop": "no"})
    assert (status, code(body)) == (403, "SignatureDoesNotMatch")
