"""Servers that live as long as the session, and the SDKs that talk to them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import sdks
from library import Uploader, build
from local_oss import LocalOss, local_oss

# Both SDKs send with requests, which would ask the environment for proxies.
os.environ["NO_PROXY"] = "*"


@pytest.fixture(scope="session", autouse=True)
def names_below_localhost() -> Iterator[None]:
    """Every name below localhost is this machine (RFC 6761); many resolvers do not know that yet."""
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        here = isinstance(host, str) and host.endswith(".localhost")
        return ask("127.0.0.1" if here else host, *arguments, **options)

    socket.getaddrinfo = getaddrinfo
    yield
    socket.getaddrinfo = ask


@pytest.fixture(scope="session")
def plain() -> Iterator[LocalOss]:
    """A server that speaks HTTP."""
    with local_oss() as server:
        yield server


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOss]:
    """A server that speaks HTTPS. requests, and with it both SDKs, trusts the authority that the environment names."""
    ca_file = tmp_path_factory.mktemp("authority") / "ca.pem"
    with local_oss(ca_file=ca_file) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
        yield server


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, plain: LocalOss, secure: LocalOss) -> Iterator[LocalOss]:
    """Both servers, one after the other, empty."""
    server = plain if request.param == "http" else secure
    server.reset()
    yield server


@pytest.fixture(params=sdks.ALL, ids=[f"{kind.name}-v{version}" for kind, version in sdks.ALL])
def kind(request: pytest.FixtureRequest) -> tuple[type[sdks.Sdk], int]:
    """Every SDK in every signature version."""
    return request.param


@pytest.fixture
def sdk(kind: tuple[type[sdks.Sdk], int], server: LocalOss) -> sdks.Sdk:
    """Every SDK, connected to each server."""
    return sdks.connect(kind, server)


@pytest.fixture(scope="session")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Uploader:
    """The library."""
    return build(tmp_path_factory.mktemp("program"))


@pytest.fixture
def refused() -> Any:
    """A block in which the server must refuse, with this code and status."""

    @contextmanager
    def block(code: str, status: int) -> Iterator[None]:
        with pytest.raises(Exception) as caught:
            yield
        assert sdks.refusal(caught.value) == (status, code)

    return block
