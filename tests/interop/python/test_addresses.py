"""The ways in which a bucket is addressed: as a host, as a domain of its own, in the path."""

from __future__ import annotations

import certifi
import pytest

import sdks
from local_oss import BUCKET, CUSTOM_DOMAIN, DOMAIN, LocalOss
from test_presigned import fetch

STYLES = {
    "virtual-hosted": (DOMAIN, {}, f"{BUCKET}.{DOMAIN}"),
    "custom-domain": (CUSTOM_DOMAIN, {"cname": True}, CUSTOM_DOMAIN),
    "address": ("127.0.0.1", {}, "127.0.0.1"),
    "path": ("localhost", {"path_style": True}, "localhost"),
}


@pytest.mark.parametrize("style", STYLES)
def test_every_style_reaches_the_same_bucket(kind, server: LocalOss, style: str) -> None:
    host, changes, wanted = STYLES[style]
    sdk = sdks.connect(kind, server, host, **changes)
    key = "dir/目录 +%.txt"
    put = sdk.put(key, b"content", {"x-oss-meta-a": "b"})
    upload_id = sdk.initiate("parts")
    part = sdk.upload_part("parts", upload_id, 1, b"part")
    assert sdk.list_uploads("", 10) == [("parts", upload_id)]
    assert [found.etag for found in sdk.list_parts("parts", upload_id, 10)] == [part.etag]
    sdk.complete("parts", upload_id, [part])
    assert sdk.list_objects("", "", 10) == ([key, "parts"], [])
    assert {entry["headers"]["host"] for entry in server.log()} == {f"{wanted}:{server.port}"}
    reader = sdks.connect(kind, server)
    assert reader.get(key) == b"content" and reader.get("parts") == b"part"
    assert reader.head(key).etag == put.etag


def test_path_style_is_refused_below_a_domain(kind, server: LocalOss, refused) -> None:
    sdk = sdks.connect(kind, server, DOMAIN, path_style=True)
    with refused("SecondLevelDomainForbidden", 403):
        sdk.put("object", b"content")


@pytest.mark.parametrize("style", STYLES)
def test_presigned_urls_in_every_style(kind, server: LocalOss, style: str) -> None:
    host, changes, wanted = STYLES[style]
    sdk = sdks.connect(kind, server, host, **changes)
    sdk.put("dir/object", b"content")
    url, headers = sdk.presign("GET", "dir/object")
    assert f"//{wanted}:{server.port}/" in url
    assert fetch(server, "GET", url, headers) == (200, b"content")


def test_a_server_without_its_authority_is_not_trusted(kind, secure: LocalOss, monkeypatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        sdks.connect(kind, secure).put("object", b"content")
