"""Objects that Alibaba Cloud's SDKs store and read."""

from __future__ import annotations

import base64
import hashlib

import pytest

from sdks import Oss2, Sdk

CONTENT = bytes(range(256)) * 1000
HEADERS = {
    "Content-Type": "text/x-interop",
    "Cache-Control": "max-age=60, public",
    "Content-Disposition": 'attachment; filename="a b.txt"',
    "Content-Encoding": "identity",
    "Expires": "Wed, 21 Oct 2026 07:28:00 GMT",
    "x-oss-meta-author": "alice",
    "x-oss-meta-two-words": "a  b",
}


def described(head: dict[str, str]) -> dict[str, str]:
    """Those of the response's headers that came with the object."""
    return {name: head[name.lower()] for name in HEADERS}


@pytest.mark.parametrize("size", [0, 1, 102_400, len(CONTENT)])
def test_an_object_is_read_back_as_it_was_put(sdk: Sdk, size: int) -> None:
    content = CONTENT[:size]
    put = sdk.put("object", content)
    assert put.etag == hashlib.md5(content).hexdigest().upper()
    assert put.headers["content-md5"] == base64.b64encode(hashlib.md5(content).digest()).decode()
    head = sdk.head("object")
    assert (head.size, head.etag, head.crc64) == (size, put.etag, put.crc64)
    assert head.headers["x-oss-object-type"] == "Normal"
    assert head.headers["x-oss-storage-class"] == "Standard"
    assert sdk.get("object") == content
    meta = sdk.meta("object")
    assert (meta.size, meta.etag, meta.crc64) == (size, put.etag, put.crc64)


def test_headers_that_describe_an_object_come_back(sdk: Sdk) -> None:
    sdk.put("object", CONTENT, HEADERS)
    assert described(sdk.head("object").headers) == HEADERS


def test_acl_class_tags_and_encryption_are_kept(sdk: Sdk) -> None:
    headers = {
        "x-oss-object-acl": "public-read",
        "x-oss-storage-class": "IA",
        "x-oss-tagging": "a=1&b%20c=%2B%26",
        "x-oss-server-side-encryption": "AES256",
    }
    sdk.put("object", CONTENT, headers)
    head = sdk.head("object").headers
    assert head["x-oss-storage-class"] == "IA"
    assert head["x-oss-tagging-count"] == "2"
    assert head["x-oss-server-side-encryption"] == "AES256"
    assert sdk.acl("object") == "public-read"
    assert sdk.tags("object") == {"a": "1", "b c": "+&"}


def test_a_plain_object_has_the_acl_of_its_bucket_and_no_tags(sdk: Sdk) -> None:
    sdk.put("object", CONTENT)
    assert sdk.acl("object") == "default"
    assert sdk.tags("object") == {}


def test_ranges(sdk: Sdk) -> None:
    sdk.put("object", CONTENT)
    assert sdk.get("object", 0, 0) == CONTENT[:1]
    assert sdk.get("object", 100, 199) == CONTENT[100:200]
    assert sdk.get("object", len(CONTENT) - 5, None) == CONTENT[-5:]
    assert sdk.get("object", None, 7) == CONTENT[-7:]


@pytest.mark.parametrize("first, last", [(0, len(CONTENT)), (len(CONTENT), None)])
def test_a_range_that_does_not_fit_is_ignored(sdk: Sdk, first: int, last: int | None) -> None:
    sdk.put("object", CONTENT)
    assert sdk.get("object", first, last) == CONTENT


def test_conditions(sdk: Sdk, refused) -> None:
    etag = sdk.put("object", CONTENT).etag
    assert sdk.get_if("object", f'"{etag}"') == CONTENT
    with refused("PreconditionFailed", 412):
        sdk.get_if("object", '"00000000000000000000000000000000"')


def test_an_object_is_replaced_deleted_and_gone(sdk: Sdk, refused) -> None:
    sdk.put("object", b"first")
    sdk.put("object", b"second")
    assert sdk.get("object") == b"second"
    assert sdk.exists("object")
    sdk.delete("object")
    assert not sdk.exists("object")
    with refused("NoSuchKey", 404):
        sdk.get("object")
    with refused("NoSuchKey", 404):
        sdk.head("object")
    sdk.delete("object")


def test_a_copy_has_content_and_headers(sdk: Sdk) -> None:
    sdk.put("one +%/目录", CONTENT, HEADERS)
    sdk.copy("one +%/目录", "two")
    assert sdk.get("two") == CONTENT
    assert described(sdk.head("two").headers) == HEADERS


def test_appends(sdk: Sdk, refused) -> None:
    position = sdk.append("log", 0, b"one,")
    assert sdk.append("log", position, b"two") == 7
    assert sdk.get("log") == b"one,two"
    assert sdk.head("log").headers["x-oss-object-type"] == "Appendable"
    with refused("PositionNotEqualToLength", 409):
        sdk.append("log", 3, b"three")


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_lists_of_objects(sdk: Sdk, page: int) -> None:
    keys = [
        "a",
        "a/1",
        "a/2/x",
        "a/2/y",
        "b",
        "目录/测试 +%&<>",
        "control\x01\r",
        "line\nfeed",
        "100%",
        "%41",
        "b+b",
        "b b",
    ]
    for key in keys:
        sdk.put(key, b"content")
    ordered = sorted(keys, key=lambda key: key.encode())
    assert sdk.list_objects("", "", page) == (ordered, [])
    assert sdk.list_objects("a/", "/", page) == (["a/1"], ["a/2/"])
    # oss2 sorts what it gets by key, prefixes among the rest; the server's order within each kind is the same.
    flat = [key for key in ordered if "/" not in key]
    assert sdk.list_objects("", "/", page) == (flat, ["a/", "目录/"])
    assert sdk.list_objects("b+", "", page) == (["b+b"], [])
    assert sdk.list_objects("nothing", "", page) == ([], [])


def test_pages_of_the_second_version(sdk: Sdk, refused) -> None:
    for key in ["a+b c", "d/%", "d/line\n", "d/目\x01", "e"]:
        sdk.put(key, b"content")
    first = sdk.list_page(2)
    assert first.keys == ["a+b c", "d/%"] and first.token not in ("", "d/%") and not first.owners
    second = sdk.list_page(2, token=first.token)
    assert second.keys == ["d/line\n", "d/目\x01"]
    # A token says more than start-after.
    assert sdk.list_page(2, token=second.token, after="a").keys == ["e"]
    assert sdk.list_page(9, after="d/line\n").keys == ["d/目\x01", "e"]
    assert sdk.list_page(9, after="d/line").keys == ["d/line\n", "d/目\x01", "e"]
    grouped = sdk.list_page(2, delimiter="/", owner=True)
    assert (grouped.keys, grouped.prefixes, len(grouped.owners)) == (["a+b c"], ["d/"], 1)
    assert sdk.list_page(2, delimiter="/", token=grouped.token).keys == ["e"]
    with refused("InvalidArgument", 400):
        sdk.list_page(1001)
    with refused("InvalidArgument", 400):
        sdk.list_page(1, token="2")


def test_a_list_tells_about_each_object(sdk: Sdk) -> None:
    put = sdk.put("object", CONTENT, {"x-oss-storage-class": "IA"})
    if isinstance(sdk, Oss2):
        [found] = sdk.bucket.list_objects().object_list
        told = (found.key, found.size, found.etag, found.storage_class, found.type)
        assert found.last_modified > 0
    else:
        import alibabacloud_oss_v2 as v2

        [found] = sdk.client.list_objects_v2(v2.ListObjectsV2Request(bucket=sdk.where.bucket)).contents
        told = (found.key, found.size, found.etag.strip('"'), found.storage_class, found.object_type)
        assert found.last_modified.tzinfo is not None
    assert told == ("object", len(CONTENT), put.etag, "IA", "Normal")


def test_forbid_overwrite(sdk: Sdk, refused) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    sdk.put("object", b"first", forbid)
    with refused("FileAlreadyExists", 409):
        sdk.put("object", b"second", forbid)
    sdk.put("object", b"third", {"x-oss-forbid-overwrite": "false"})
    assert sdk.get("object") == b"third"


def test_the_md5_that_was_announced_is_compared(sdk: Sdk, refused) -> None:
    right = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    sdk.put("object", CONTENT, {"Content-MD5": right})
    with refused("InvalidDigest", 400):
        sdk.put("object", CONTENT[1:], {"Content-MD5": right})
    with refused("InvalidDigest", 400):
        sdk.put("object", CONTENT, {"Content-MD5": "no digest"})


@pytest.mark.parametrize(
    "headers, code",
    [
        ({"x-oss-storage-class": "Cold"}, "InvalidArgument"),
        ({"x-oss-object-acl": "secret"}, "InvalidArgument"),
        ({"x-oss-tagging": "&".join(f"k{n}=v" for n in range(11))}, "InvalidArgument"),
        ({"x-oss-meta-a": "b" * 9000}, "InvalidArgument"),
        ({"x-oss-server-side-encryption": "ROT13"}, "InvalidEncryptionAlgorithmError"),
    ],
)
def test_headers_that_are_refused(sdk: Sdk, refused, headers: dict[str, str], code: str) -> None:
    with refused(code, 400):
        sdk.put("object", CONTENT, headers)
    assert not sdk.exists("object")
