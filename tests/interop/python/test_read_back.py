"""What this library uploads, Alibaba Cloud's SDKs read back: every byte, and every header."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

import sdks
from keys import AWKWARD, reachable
from library import Uploader, UploadFailed, build
from local_oss import BUCKET, CHECKOUT, CUSTOM_DOMAIN, DOMAIN, TEMPORARY, LocalOss, local_oss
from sdks import Sdk
from tunnel import tunnel

SMALLEST = 100 << 10
BIG = 100 << 20
HEADERS = {
    "Content-Type": "video/x-interop",
    "Cache-Control": "max-age=60, public",
    "Content-Disposition": 'attachment; filename="a b.txt"',
    "Content-Encoding": "identity",
    "Content-Language": "de, zh-CN",
    "Expires": "Wed, 21 Oct 2026 07:28:00 GMT",
    "x-oss-meta-author": "alice",
    "X-Oss-Meta-Two-Words": "a  b, c",
    "x-oss-storage-class": "IA",
    "x-oss-tagging": "a=1&b%20c=%2B%26",
    "x-oss-object-acl": "public-read",
    "x-oss-server-side-encryption": "AES256",
}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A file of each size, whose content nobody can guess."""
    folder = tmp_path_factory.mktemp("sources")
    made = {}
    for size in (0, 1, SMALLEST, SMALLEST + 1, 1_000_000, BIG):
        made[size] = folder / f"{size}.mp4"
        made[size].write_bytes(random.Random(size).randbytes(size))
    return made


@pytest.fixture(params=[1, 4], ids=["v1", "v4"])
def version(request: pytest.FixtureRequest) -> int:
    """The signature version of the library."""
    return request.param


def readers(server: LocalOss) -> list[Sdk]:
    """Both SDKs, in both versions."""
    return [sdks.connect(kind, server) for kind in sdks.ALL]


def both(server: LocalOss) -> list[Sdk]:
    """Both SDKs, once."""
    return [sdks.connect(kind, server) for kind in (sdks.ALL[0], sdks.ALL[3])]


@pytest.mark.parametrize("size", [0, 1, SMALLEST, SMALLEST + 1])
def test_small_files(server: LocalOss, upload: Uploader, files: dict[int, Path], version: int, size: int) -> None:
    [stored] = upload(server, {"object": files[size]}, signature_version=version)
    assert (stored.size, stored.parts) == (size, 2 if size > SMALLEST else 1)
    for reader in readers(server):
        assert reader.get("object") == files[size].read_bytes()
        head = reader.head("object")
        assert (head.size, head.crc64, head.etag) == (size, stored.crc64, stored.etag)
        assert head.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize("routines, part_size", [(1, 8 << 20), (3, 1 << 20), (16, SMALLEST)])
def test_big_files(
    server: LocalOss, upload: Uploader, files: dict[int, Path], version: int, routines: int, part_size: int
) -> None:
    options = {"signature_version": version, "routines": routines, "part_size": part_size}
    [stored] = upload(server, {"big": files[BIG]}, **options)
    assert (stored.size, stored.parts) == (BIG, -(-BIG // part_size))
    content = files[BIG].read_bytes()
    for reader in both(server):
        head = reader.head("big")
        assert (head.size, head.crc64, head.etag) == (BIG, stored.crc64, stored.etag)
        # Not as an argument of assert, which would try to print it.
        same = reader.get("big") == content
        assert same, reader.name
    server.reset()


@pytest.mark.parametrize("size", [1, SMALLEST + 1], ids=["in one piece", "in parts"])
def test_awkward_keys(
    server: LocalOss, upload: Uploader, files: dict[int, Path], tmp_path: Path, version: int, size: int
) -> None:
    sources = {}
    for number, key in enumerate(AWKWARD):
        sources[key] = tmp_path / str(number)
        sources[key].write_bytes(key.encode() + files[size].read_bytes())
    assert len(upload(server, sources, signature_version=version)) == len(AWKWARD)
    read = set()
    for reader in readers(server):
        assert reader.list_objects("", "", 1000) == (sorted(AWKWARD, key=lambda key: key.encode()), [])
        for key in AWKWARD:
            if reachable(reader, key):
                assert reader.get(key) == sources[key].read_bytes(), (reader.name, reader.version, key)
                read.add(key)
            else:
                # If this fails, the SDK or urllib3 has learned to name such keys: then change reachable().
                with pytest.raises(Exception) as caught:
                    reader.get(key)
                assert sdks.refusal(caught.value)[0] in (400, 403, 404)
    assert set(AWKWARD) - read == {".", ".."}  # These two are for the SDKs for Go.


@pytest.mark.parametrize("size", [1, SMALLEST + 1], ids=["in one piece", "in parts"])
def test_encryption_with_a_key_of_the_key_management_service(
    server: LocalOss, upload: Uploader, files: dict[int, Path], version: int, size: int
) -> None:
    encryption = {
        "x-oss-server-side-encryption": "KMS",
        "x-oss-server-side-encryption-key-id": "9468da86-3509-4f8d-a61e-6eab1eac0001",
        "x-oss-server-side-data-encryption": "SM4",
    }
    upload(server, {"object": files[size]}, encryption, signature_version=version)
    for reader in readers(server):
        head = reader.head("object").headers
        assert {name: head[name] for name in encryption} == encryption, reader.name


@pytest.mark.parametrize("size", [1, SMALLEST + 1], ids=["in one piece", "in parts"])
@pytest.mark.parametrize("content_md5", [0, 1], ids=["", "md5"])
def test_headers(
    server: LocalOss, upload: Uploader, files: dict[int, Path], version: int, size: int, content_md5: int
) -> None:
    upload(server, {"object": files[size]}, HEADERS, signature_version=version, content_md5=content_md5)
    for reader in readers(server):
        head = reader.head("object").headers
        for name, value in HEADERS.items():
            if name not in ("x-oss-tagging", "x-oss-object-acl"):
                assert head[name.lower()] == value, (reader.name, name)
        assert reader.acl("object") == "public-read"
        assert reader.tags("object") == {"a": "1", "b c": "+&"}
        assert reader.get("object") == files[size].read_bytes()


@pytest.mark.parametrize("host, cname", [(DOMAIN, 0), (CUSTOM_DOMAIN, 1)], ids=["virtual-hosted", "custom-domain"])
def test_styles_of_addresses(
    server: LocalOss, upload: Uploader, files: dict[int, Path], version: int, host: str, cname: int
) -> None:
    with tunnel(server.port) as (proxy, asked):
        sources = {"dir/目录 +%.txt": files[1], "a/../b": files[1_000_000]}
        upload(server, sources, host=host, cname=cname, proxy=proxy, signature_version=version, routines=3)
    wanted = f"{host if cname else f'{BUCKET}.{host}'}:{server.port}"
    assert asked and all(wanted in target for target in asked)
    assert {entry["headers"]["host"] for entry in server.log()} == {wanted}
    for reader in readers(server):
        for key, path in sources.items():
            if reachable(reader, key):
                assert reader.get(key) == path.read_bytes()
    assert reachable(readers(server)[0], "a/../b")


def test_a_session_token(server: LocalOss, upload: Uploader, files: dict[int, Path], version: int) -> None:
    sources = {"one": files[1], "parts": files[1_000_000]}
    upload(server, sources, key=TEMPORARY, signature_version=version)
    for reader in readers(server):
        assert [reader.get(key) for key in sources] == [path.read_bytes() for path in sources.values()]
    with pytest.raises(UploadFailed, match="InvalidAccessKeyId"):
        upload(server, sources, key=(*TEMPORARY[:2], None), signature_version=version)


@pytest.mark.parametrize("offset", [3600, -3600])
def test_a_clock_that_is_wrong(upload: Uploader, files: dict[int, Path], version: int, offset: int) -> None:
    with local_oss("--clock-offset", str(offset)) as server:
        sources = {"one": files[1], "parts": files[1_000_000]}
        upload(server, sources, signature_version=version, routines=3)
        server.tell("clock", {"offset": 0})
        for reader in readers(server):
            assert [reader.get(key) for key in sources] == [path.read_bytes() for path in sources.values()]


def test_what_an_sdk_stored_is_not_overwritten_when_forbidden(
    sdk: Sdk, server: LocalOss, upload: Uploader, files: dict[int, Path]
) -> None:
    sdk.put("object", b"mine")
    for size in (1, 1_000_000):
        with pytest.raises(UploadFailed, match="FileAlreadyExists"):
            upload(server, {"object": files[size]}, {"x-oss-forbid-overwrite": "true"})
    assert sdk.get("object") == b"mine"
    assert sdk.list_uploads("", 10) == []


def test_an_sdk_sees_the_parts_of_an_unfinished_upload(
    sdk: Sdk, server: LocalOss, upload: Uploader, files: dict[int, Path], tmp_path: Path
) -> None:
    refusal = {"type": "status", "status": 403, "code": "AccessDenied"}
    server.tell("faults", [{"match": {"operation": "UploadPart", "part": 6}, "action": refusal}])
    options = {"checkpoint_dir": tmp_path, "signature_version": sdk.version}
    with pytest.raises(UploadFailed, match="AccessDenied"):
        upload(server, {"dir/object": files[1_000_000]}, HEADERS, **options)
    [(key, upload_id)] = sdk.list_uploads("", 10)
    assert key == "dir/object"
    parts = sdk.list_parts(key, upload_id, 2)
    assert [(part.number, part.size) for part in parts] == [(number, SMALLEST) for number in range(1, 6)]
    server.tell("faults", [])
    upload(server, {"dir/object": files[1_000_000]}, HEADERS, **options)
    assert sdk.get(key) == files[1_000_000].read_bytes()
    assert sdk.list_uploads("", 10) == []
    sent = [entry["part_number"] for entry in server.log() if entry["operation"] == "UploadPart" and entry["stored"]]
    assert sorted(sent) == list(range(1, 11))


def test_the_example(plain: LocalOss, files: dict[int, Path], tmp_path: Path) -> None:
    """examples/upload.c as a user builds it."""
    plain.reset()
    program = build(tmp_path, CHECKOUT / "examples/upload.c").program
    keys = {"OSS_ACCESS_KEY_ID": plain.access_key_id, "OSS_ACCESS_KEY_SECRET": plain.access_key_secret}
    source = tmp_path / "a.mp4"
    source.write_bytes(files[1_000_000].read_bytes())
    command = [program, plain.endpoint(), BUCKET, "videos/a.mp4", source]
    environment = {**keys, "OSS_REGION": plain.region, "PART_SIZE": "204800"}
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    assert run.stdout.startswith("stored 1000000 bytes, CRC-64 ") and "5 parts of 204800 bytes" in run.stdout
    for reader in readers(plain):
        assert reader.get("videos/a.mp4") == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".cp"] == []
