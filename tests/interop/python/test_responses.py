"""Responses of an unusual kind: an application server's, and XML with a namespace."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import alibabacloud_oss_v2 as v2
import oss2
import pytest

import sdks
from library import Uploader, UploadFailed
from local_oss import BUCKET, LocalOss, local_oss
from sdks import Oss2, Sdk


class Application(http.server.BaseHTTPRequestHandler):
    """Answers a callback with what it was told."""

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["Content-Length"])).decode()
        body = json.dumps(dict(urllib.parse.parse_qsl(told))).encode()
        self.send_response(200 if self.path == "/good" else 500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def application() -> Iterator[str]:
    """The URL of an application server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def callback_to(url: str) -> dict[str, str]:
    """The headers that ask for a callback."""
    body = "bucket=${bucket}&object=${object}&size=${size}&etag=${etag}&mine=${x:mine}"
    values = {"x-oss-callback": {"callbackUrl": url, "callbackBody": body}, "x-oss-callback-var": {"x:mine": "a b"}}
    return {name: base64.b64encode(json.dumps(value).encode()).decode() for name, value in values.items()}


def store(sdk: Sdk, way: str, url: str) -> tuple[int, str]:
    """Stores an object with a callback: status and body of the response."""
    callback, variables = callback_to(url).values()
    upload_id = "" if way == "put" else sdk.initiate("dir/ü +")
    parts = [] if way == "put" else [sdk.upload_part("dir/ü +", upload_id, 1, b"content")]
    if isinstance(sdk, Oss2):
        headers = callback_to(url)
        if way == "put":
            result = sdk.bucket.put_object("dir/ü +", b"content", headers=headers)
        else:
            infos = [oss2.models.PartInfo(part.number, part.etag, part.size) for part in parts]
            result = sdk.bucket.complete_multipart_upload("dir/ü +", upload_id, infos, headers=headers)
        return result.status, result.resp.read().decode()
    fields = {"bucket": sdk.where.bucket, "key": "dir/ü +", "callback": callback, "callback_var": variables}
    if way == "put":
        result = sdk.client.put_object(v2.PutObjectRequest(body=b"content", **fields))
    else:
        listed = v2.CompleteMultipartUpload(parts=[v2.UploadPart(part_number=1, etag=parts[0].etag)])
        request = v2.CompleteMultipartUploadRequest(upload_id=upload_id, complete_multipart_upload=listed, **fields)
        result = sdk.client.complete_multipart_upload(request)
    return result.status_code, result.callback_result


@pytest.mark.parametrize("way", ["put", "complete"])
def test_an_sdk_gets_the_response_of_the_application(sdk: Sdk, application: str, way: str) -> None:
    status, response = store(sdk, way, f"{application}/good")
    told = json.loads(response)
    assert status == 200
    assert told.pop("etag").strip('"') == sdk.head("dir/ü +").etag
    assert told == {"bucket": BUCKET, "object": "dir/ü +", "size": "7", "mine": "a b"}


@pytest.mark.parametrize("way", ["put", "complete"])
def test_a_callback_that_fails_leaves_the_object(sdk: Sdk, application: str, way: str) -> None:
    # To both SDKs 203 is a success like any other; who wants to know must look at the status.
    status, response = store(sdk, way, f"{application}/bad")
    assert (status, ElementTree.fromstring(response).findtext("Code")) == (203, "CallbackFailed")
    assert sdk.get("dir/ü +") == b"content"


@pytest.mark.parametrize("size", [7, 300_000], ids=["put", "complete"])
def test_callbacks_of_this_library(
    sdk: Sdk, server: LocalOss, application: str, upload: Uploader, tmp_path: Path, size: int
) -> None:
    content = b"c" * size
    (tmp_path / "file").write_bytes(content)
    files = {"dir/ü +": tmp_path / "file"}
    upload(server, files, callback_to(f"{application}/good"), signature_version=sdk.version)
    assert sdk.get("dir/ü +") == content
    sdk.delete("dir/ü +")
    with pytest.raises(UploadFailed, match="OSS_CALLBACK_FAILED"):
        upload(server, files, callback_to(f"{application}/bad"), signature_version=sdk.version)
    assert sdk.get("dir/ü +") == content


def reads_lists(sdk: Sdk) -> bool:
    """Whether an SDK understands what the server answers."""
    try:
        return sdk.list_objects("", "", 10) == (["object"], [])
    except Exception:
        return False


@pytest.mark.parametrize("quirk", ["no-part-crc", "ignore-encoding-type", "blanks", "xmlns"])
def test_shapes_of_xml(kind: tuple[type[Sdk], int], quirk: str) -> None:
    """Why blanks and namespaces are quirks, not how the local OSS answers, whatever OSS's documentation shows.

    Neither SDK for Python can read them, so OSS cannot be sending them.
    """
    with local_oss("--quirk", quirk) as server:
        sdk = sdks.connect(kind, server)
        sdk.put("object", b"content")
        assert reads_lists(sdk) == (quirk in ("no-part-crc", "ignore-encoding-type"))
