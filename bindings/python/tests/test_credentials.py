"""Credentials that come from a source, and uploads that wait for them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server, wait_until

from oss_upload import Client, CredentialsError, InvalidArgument, Phase, ServiceError


def source(server: Server, credentials: str, **options: Any) -> Client:
    return server.client(access_key_id=None, access_key_secret=None, credentials=credentials, **options)


def test_a_process_has_a_key(server: Server, make_file: Callable[[int], Path], tmp_path: Path) -> None:
    key = {"AccessKeyId": server.access_key_id, "AccessKeySecret": server.access_key_secret}
    printed = tmp_path / "key.json"
    printed.write_text(json.dumps(key))
    with source(server, f"process:cat {shlex.quote(str(printed))}") as client:
        client.upload_file(make_file(5), server.bucket, "k")
    assert server.objects()["k"]["size"] == 5


def test_a_source_that_fails_is_named(server: Server, make_file: Callable[[int], Path]) -> None:
    with source(server, "process:echo very-secret; exit 3", max_attempts=1) as client:
        with pytest.raises(CredentialsError, match="process: the command ended with status 3") as caught:
            client.upload_file(make_file(5), server.bucket, "k")
        assert "very-secret" not in repr(caught.value) + repr(client)
    with pytest.raises(InvalidArgument, match="vault"):
        source(server, "vault")


def test_an_upload_waits_for_other_credentials(server: Server, make_file: Callable[[int], Path]) -> None:
    with server.client(access_key_id="unknown", credentials_wait=600) as client:
        upload = client.start(make_file(5), server.bucket, "k")
        wait_until(lambda: upload.progress.phase is Phase.WAITING, "it waits for credentials")
        client.set_credentials(server.access_key_id, server.access_key_secret)
        assert upload.wait().size == 5
    with server.client(access_key_id="unknown", credentials_wait=0.05) as client:
        with pytest.raises(ServiceError, match="waited 50ms") as caught:
            client.upload_file(make_file(5), server.bucket, "k")
    assert caught.value.retryable
