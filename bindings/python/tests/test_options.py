"""Arguments on their way to C: what C could not see is refused here, the rest by the library."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any, cast

import pytest

from oss_upload import (
    BatchOptions,
    Client,
    ClientOptions,
    CredentialsError,
    InvalidArgument,
    LocalFileError,
    OSSUploadError,
    Upload,
    UploadOptions,
    _ffi,
    _options,
)

KEYS: dict[str, Any] = {"access_key_id": "id", "access_key_secret": "very-secret"}
ENDPOINT = "http://127.0.0.1:9"


def upload_options(path: Any = "f", bucket: Any = "b", key: Any = "k", **options: Any) -> _ffi.UploadOptions:
    return _options.upload_options(path, bucket, key, cast("UploadOptions", options))


def headers_of(options: _ffi.UploadOptions) -> list[tuple[bytes, bytes]]:
    return [(options.headers[i].name, options.headers[i].value) for i in range(options.header_count)]


def test_defaults_are_zero() -> None:
    options = upload_options()
    for field in options._fields_[4:]:
        value = getattr(options, field[0])
        assert not value, field[0]


@pytest.mark.parametrize(
    ("path", "encoded"),
    [("a/ü", "a/ü".encode()), (b"\xff\xfe", b"\xff\xfe"), (Path("a"), b"a"), ("a\udcff", b"a\xff")],
)
def test_paths(path: Any, encoded: bytes) -> None:
    options = upload_options(path, checkpoint=path, checkpoint_dir=path)
    assert (options.file_path, options.checkpoint_path, options.checkpoint_dir) == (encoded, encoded, encoded)
    assert options.checkpoint == 1


def test_checkpoint_without_a_path() -> None:
    options = upload_options(checkpoint=True)
    assert (options.checkpoint, options.checkpoint_path) == (1, None)


def test_auto() -> None:
    options = upload_options(part_size="auto", routines="auto")
    assert (options.part_size, options.routines) == (_ffi.PART_SIZE_AUTO, _ffi.ROUTINES_AUTO)


def test_words_become_numbers() -> None:
    options = upload_options(on_file_change="fail", verify_resume="never", content_md5=True)
    assert (options.on_file_change, options.verify_resume, options.content_md5) == (1, 2, 1)


def test_headers_and_metadata() -> None:
    expected = [(b"Content-Type", b"text/plain"), (b"Content-Language", b"de")]
    assert headers_of(upload_options(headers={"Content-Type": "text/plain", "Content-Language": "de"})) == expected
    assert (
        headers_of(upload_options(headers=iter([("Content-Type", "text/plain"), ("Content-Language", "de")])))
        == expected
    )
    assert headers_of(upload_options(metadata={"author": "me"})) == [(b"x-oss-meta-author", b"me")]


def test_system_and_env_are_words_of_the_library() -> None:
    with Client(ENDPOINT, ca_file="system", proxy="env", **KEYS):
        pass


def test_timeouts_become_milliseconds_and_never_zero() -> None:
    with Client(ENDPOINT, connect_timeout=0.0001, stall_timeout=1, **KEYS):
        pass
    assert _options._milliseconds("t", 0.0001) == 1
    assert _options._milliseconds("t", 1.5) == 1500
    assert _options._milliseconds("t", None) == 0


INVALID_UPLOADS: list[tuple[dict[str, Any], str]] = [
    ({"part_size": -1}, "part_size is -1"),
    ({"part_size": 2**64 - 1}, "part_size is 18446744073709551615"),
    ({"part_size": 2**64}, "part_size"),
    ({"part_size": 102_399}, "part_size is 102399"),
    ({"part_size": 5 * 2**30 + 1}, "part_size"),
    ({"part_size": "big"}, "part_size is 'big'"),
    ({"routines": -1}, "routines is -1"),
    ({"routines": 2**32 - 1}, "routines is 4294967295"),
    ({"routines": 2**32 + 1}, "routines"),
    ({"routines": 101}, "routines is 101"),
    ({"routines": "many"}, "routines is 'many'"),
    ({"path": "a\0b"}, "path has a NUL"),
    ({"path": b"a\0b"}, "path has a NUL"),
    ({"path": ""}, "path is empty"),
    ({"checkpoint": "a\0b"}, "checkpoint has a NUL"),
    ({"checkpoint": ""}, "checkpoint is empty"),
    ({"checkpoint_dir": "a\0b"}, "checkpoint_dir has a NUL"),
    ({"checkpoint_dir": ""}, "checkpoint_dir is empty"),
    ({"checkpoint": "a", "checkpoint_dir": "b"}, "checkpoint_path or checkpoint_dir"),
    ({"bucket": "a\0b"}, "bucket has a NUL"),
    ({"bucket": "No_Bucket"}, "bucket"),
    ({"bucket": ""}, "bucket"),
    ({"key": ""}, "key"),
    ({"key": "a\0b"}, "key has a NUL"),
    ({"key": "/a"}, "key"),
    ({"key": "k" * 1024}, "key"),
    ({"key": "\ud800"}, "key is not valid Unicode"),
    ({"headers": {"a\0": "b"}}, "headers has a NUL"),
    ({"headers": {"a": "b\0"}}, "has a NUL"),
    ({"headers": {"Cache-Control": "a\r\nHost: b"}}, "(?i)cache-control"),
    ({"headers": {"Authorization": "a"}}, "(?i)authorization"),
    ({"metadata": {"author": "Jürgen\n"}}, "x-oss-meta-author"),
    ({"on_file_change": "ignore"}, "on_file_change is 'ignore'"),
    ({"verify_resume": "sometimes"}, "verify_resume is 'sometimes'"),
]


@pytest.mark.parametrize(("arguments", "message"), INVALID_UPLOADS)
@pytest.mark.parametrize("call", [Client.start, Client.upload_file])
def test_invalid_arguments_of_uploads(call: Any, arguments: dict[str, Any], message: str) -> None:
    with Client(ENDPOINT, **KEYS) as client, pytest.raises(InvalidArgument, match=message) as caught:
        call(client, **{"path": "file", "bucket": "bucket", "key": "key", **arguments})
    assert isinstance(caught.value, ValueError)
    assert (caught.value.status, caught.value.status_name) == (-1, "OSS_INVALID_ARGUMENT")
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"part_size": 1.5}, "part_size must be an int, not float"),
        ({"part_size": True}, "part_size must be an int, not bool"),
        ({"routines": b"auto"}, "routines must be an int, not bytes"),
        ({"path": 3}, "path must be a str, bytes or os.PathLike, not int"),
        ({"checkpoint": 1}, "checkpoint must be"),
        ({"checkpoint": None}, "checkpoint must be"),
        ({"checkpoint_dir": False}, "checkpoint_dir must be"),
        ({"bucket": b"bucket"}, "bucket must be a str, not bytes"),
        ({"key": None}, "key must be a str, not NoneType"),
        ({"headers": "Content-Type: text/plain"}, "headers must be a mapping or pairs of str, not str"),
        ({"headers": {"Content-Length": 5}}, r"headers\['Content-Length'\] must be a str, not int"),
        ({"metadata": {1: "a"}}, "a name in metadata must be a str, not int"),
        ({"content_md5": 1}, "content_md5 must be a bool, not int"),
        ({"content_sha": True}, "unexpected keyword argument 'content_sha'"),
        ({"progress": 1}, "unexpected keyword|progress must be callable or a progress bar, not int"),
    ],
)
@pytest.mark.parametrize("call", [Client.start, Client.upload_file])
def test_wrong_types_of_uploads(call: Any, arguments: dict[str, Any], message: str) -> None:
    with Client(ENDPOINT, **KEYS) as client, pytest.raises(TypeError, match=message):
        call(client, **{"path": "file", "bucket": "bucket", "key": "key", **arguments})


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"endpoint": None}, InvalidArgument, "endpoint"),
        ({"endpoint": "ftp://host"}, InvalidArgument, "endpoint"),
        ({"endpoint": "a\0b"}, InvalidArgument, "endpoint has a NUL"),
        ({"signature_version": 2}, InvalidArgument, "signature_version is 2"),
        ({"signature_version": -1}, InvalidArgument, "signature_version is -1"),
        ({"signature_version": 4, "region": None}, InvalidArgument, "region"),
        ({"connect_timeout": 0}, InvalidArgument, "connect_timeout is 0"),
        ({"connect_timeout": -1.5}, InvalidArgument, "connect_timeout is -1.5"),
        ({"stall_timeout": float("nan")}, InvalidArgument, "stall_timeout is nan"),
        ({"stall_timeout": float("inf")}, InvalidArgument, "stall_timeout is inf"),
        ({"stall_timeout": 2**32}, InvalidArgument, "stall_timeout"),
        ({"max_attempts": -1}, InvalidArgument, "max_attempts is -1"),
        ({"max_attempts": 1001}, InvalidArgument, "max_attempts is 1001"),
        ({"max_attempts": 2**32 + 1}, InvalidArgument, "max_attempts"),
        ({"max_bytes_per_second": 1023}, InvalidArgument, "max_bytes_per_second is 1023"),
        ({"max_bytes_per_second": 2**64}, InvalidArgument, "max_bytes_per_second"),
        ({"user_agent": "Jürgen"}, InvalidArgument, "user_agent"),
        ({"user_agent": "a\r\nb"}, InvalidArgument, "user_agent"),
        ({"proxy": "nonsense://"}, OSSUploadError, "proxy"),
        ({"ca_file": "/does/not/exist.pem"}, LocalFileError, "exist.pem"),
        ({"ca_file": ""}, InvalidArgument, "ca_file is empty"),
        ({"access_key_secret": None}, InvalidArgument, "access_key_secret"),
        ({"access_key_secret": "very-secret\0"}, InvalidArgument, "access_key_secret has a NUL"),
        ({"access_key_secret": "very-secret\ud800"}, InvalidArgument, "access_key_secret is not valid Unicode"),
        ({"access_key_id": None, "access_key_secret": None, "credentials": "env"}, CredentialsError, "ACCESS_KEY_ID"),
        ({"access_key_id": None, "access_key_secret": None, "security_token": "t"}, InvalidArgument, "security_token"),
        ({"access_key_id": None, "access_key_secret": None, "credentials": "?"}, InvalidArgument, "credentials"),
        ({"credentials": "env"}, InvalidArgument, "credentials"),
        ({"cname": 1}, TypeError, "cname must be a bool"),
        ({"path_style": "no"}, TypeError, "path_style must be a bool"),
        ({"insecure_skip_verify": "no"}, TypeError, "insecure_skip_verify must be a bool"),
        ({"credentials_wait": "1"}, TypeError, "credentials_wait must be a number of seconds"),
        ({"connect_timeout": "1"}, TypeError, "connect_timeout must be a number of seconds"),
        ({"max_attempts": 1.0}, TypeError, "max_attempts must be an int"),
        ({"region": b"cn"}, TypeError, "region must be a str"),
        ({"regoin": "cn"}, TypeError, "unexpected keyword argument 'regoin'"),
    ],
)
def test_invalid_arguments_of_clients(arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        Client(**{"endpoint": ENDPOINT, **KEYS, **arguments})
    assert "very-secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_lone_surrogate_in_a_secret_is_in_no_traceback() -> None:
    with pytest.raises(InvalidArgument) as caught:
        Client(ENDPOINT, access_key_id="id", access_key_secret="very-secret\ud800")
    assert caught.value.__suppress_context__


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "very-secret")
    with Client(ENDPOINT) as client:
        assert "very-secret" not in repr(client)
    with Client(ENDPOINT, credentials="env"):
        pass


def test_anonymous_needs_no_credentials() -> None:
    with Client(ENDPOINT, credentials="anonymous"):
        pass


def test_credentials_that_are_pushed_are_checked() -> None:
    with Client(ENDPOINT, **KEYS) as client:
        client.set_credentials("id", "other-secret", "token")
        with pytest.raises(OSSUploadError):
            client.set_credentials("id", "")
        with pytest.raises(TypeError, match="access_key_id must be a str"):
            client.set_credentials(None, "a")  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="security_token has a NUL"):
            client.set_credentials("id", "other-secret", "a\0")


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (Client.__init__, ClientOptions),
        (Client.upload_file, UploadOptions),
        (Client.upload_directory, BatchOptions),
        (Client.upload_many, BatchOptions),
        (Client.start_batch, BatchOptions),
    ],
)
def test_help_explains_every_option(function: Any, options: type) -> None:
    documentation = inspect.getdoc(function) or ""
    explained = re.findall(r"^ {4}(\w+): ", documentation, re.MULTILINE)
    assert set(options.__annotations__) <= set(explained)
    assert len(explained) == len(set(explained))
    assert "**options" not in documentation


def test_every_option_has_a_converter() -> None:
    assert {*_options._converters(_options.CLIENT)} == {*ClientOptions.__annotations__}
    by_hand = {"checkpoint", "headers", "metadata"}
    assert {*_options._converters(_options.UPLOAD), *by_hand} == {*UploadOptions.__annotations__}
    by_hand = {"manifest", "headers", "metadata"}
    known = {*BatchOptions.__annotations__, *_options.Source.__annotations__}
    assert {*_options._converters(_options.BATCH), *by_hand} == known


def test_repr_has_no_secrets() -> None:
    client = Client(
        ENDPOINT,
        region="cn-hangzhou",
        security_token="very-secret",
        proxy="http://user:very-secret@127.0.0.1:9",
        **KEYS,
    )
    with client:
        assert repr(client) == "<oss_upload.Client endpoint='http://127.0.0.1:9' region='cn-hangzhou'>"
        with client.start(os.devnull, "bucket", "some/key") as upload:
            assert "'bucket/some/key'" in repr(upload)
            assert "very-secret" not in repr(upload)
    assert repr(client).endswith("closed>")
    assert isinstance(upload, Upload)


def test_a_closed_client_is_refused() -> None:
    client = Client(ENDPOINT, **KEYS)
    client.close()
    client.close()
    with pytest.raises(ValueError, match="the client is closed"):
        client.upload_file("f", "bucket", "key")
    with pytest.raises(ValueError, match="the client is closed"):
        client.set_credentials("id", "other-secret")
