"""The two vendor SDKs for Python behind one face, so that one test asks the same of both, in both signature versions.

Nothing here replaces a part of an SDK: every call below is a call of the SDK's public interface.
"""

from __future__ import annotations

import datetime
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import alibabacloud_oss_v2 as v2
import oss2

from local_oss import BUCKET, LocalOss

Key = tuple[str, str, "str | None"]


@dataclass(frozen=True)
class Head:
    """What an SDK says about an object without reading it. Header names are in lower case."""

    size: int
    etag: str
    crc64: int
    headers: dict[str, str]


@dataclass(frozen=True)
class Part:
    """A part of an upload, as the client holds it or as the server lists it."""

    number: int
    etag: str
    size: int = 0
    crc64: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of a list of objects, second version."""

    keys: list[str]
    prefixes: list[str]
    owners: list[str]
    token: str


@dataclass(frozen=True)
class Where:
    """How to reach a bucket."""

    endpoint: str
    region: str
    key: Key
    bucket: str = BUCKET
    cname: bool = False
    path_style: bool = False


class Sdk(ABC):
    """One SDK with one signature version."""

    name: ClassVar[str]
    corrects_the_clock: ClassVar[bool] = False

    def __init__(self, version: int, where: Where) -> None:
        self.version = version
        self.where = where

    @abstractmethod
    def put(self, key: str, data: bytes, headers: dict[str, str] | None = None) -> Head: ...
    @abstractmethod
    def get(self, key: str, first: int | None = None, last: int | None = None) -> bytes: ...
    @abstractmethod
    def get_if(self, key: str, etag: str) -> bytes: ...
    @abstractmethod
    def head(self, key: str) -> Head: ...
    @abstractmethod
    def meta(self, key: str) -> Head: ...
    @abstractmethod
    def acl(self, key: str) -> str: ...
    @abstractmethod
    def tags(self, key: str) -> dict[str, str]: ...
    @abstractmethod
    def delete(self, key: str) -> None: ...
    @abstractmethod
    def exists(self, key: str) -> bool: ...
    @abstractmethod
    def copy(self, source: str, key: str) -> None: ...
    @abstractmethod
    def append(self, key: str, position: int, data: bytes) -> int: ...
    @abstractmethod
    def initiate(self, key: str, headers: dict[str, str] | None = None) -> str: ...
    @abstractmethod
    def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> Part: ...
    @abstractmethod
    def complete(
        self, key: str, upload_id: str, parts: Iterable[Part], headers: dict[str, str] | None = None
    ) -> Head: ...
    @abstractmethod
    def abort(self, key: str, upload_id: str) -> None: ...
    @abstractmethod
    def list_parts(self, key: str, upload_id: str, page: int) -> list[Part]: ...
    @abstractmethod
    def list_uploads(self, prefix: str, page: int) -> list[tuple[str, str]]: ...
    @abstractmethod
    def list_objects(self, prefix: str, delimiter: str, page: int) -> tuple[list[str], list[str]]: ...
    @abstractmethod
    def list_page(
        self, size: int, *, delimiter: str = "", after: str = "", token: str = "", owner: bool = False
    ) -> Page: ...
    @abstractmethod
    def upload_file(
        self, key: str, path: str, part_size: int, threads: int, checkpoints: str, headers: dict[str, str] | None = None
    ) -> None: ...
    @abstractmethod
    def download_file(self, key: str, path: str, part_size: int, threads: int, checkpoints: str) -> None: ...
    @abstractmethod
    def presign(
        self, method: str, key: str, headers: dict[str, str] | None = None, seconds: int = 60
    ) -> tuple[str, dict[str, str]]:
        """A URL, and the headers that must be sent with it."""


class Oss2(Sdk):
    """PyPI oss2."""

    name = "oss2"

    def __init__(self, version: int, where: Where) -> None:
        super().__init__(version, where)
        identity, secret, token = where.key
        if token is not None:
            names = {1: oss2.AUTH_VERSION_1, 4: oss2.AUTH_VERSION_4}
            auth = oss2.StsAuth(identity, secret, token, names[version])
        else:
            auth = {1: oss2.Auth, 4: oss2.AuthV4}[version](identity, secret)
        self.bucket = oss2.Bucket(
            auth,
            where.endpoint,
            where.bucket,
            region=where.region,
            is_cname=where.cname,
            is_path_style=where.path_style,
        )

    def put(self, key, data, headers=None):
        result = self.bucket.put_object(key, data, headers=headers)
        return Head(len(data), result.etag, result.crc, _lower(result.headers))

    def get(self, key, first=None, last=None):
        whole = first is None and last is None
        return self.bucket.get_object(key, byte_range=None if whole else (first, last)).read()

    def get_if(self, key, etag):
        return self.bucket.get_object(key, headers={"If-Match": etag}).read()

    def head(self, key):
        return self._head(self.bucket.head_object(key))

    def meta(self, key):
        return self._head(self.bucket.get_object_meta(key))

    @staticmethod
    def _head(result: Any) -> Head:
        headers = _lower(result.headers)
        return Head(result.content_length, result.etag, int(headers["x-oss-hash-crc64ecma"]), headers)

    def acl(self, key):
        return self.bucket.get_object_acl(key).acl

    def tags(self, key):
        return dict(self.bucket.get_object_tagging(key).tag_set.tagging_rule)

    def delete(self, key):
        self.bucket.delete_object(key)

    def exists(self, key):
        return self.bucket.object_exists(key)

    def copy(self, source, key):
        self.bucket.copy_object(self.where.bucket, source, key)

    def append(self, key, position, data):
        return self.bucket.append_object(key, position, data).next_position

    def initiate(self, key, headers=None):
        return self.bucket.init_multipart_upload(key, headers=headers).upload_id

    def upload_part(self, key, upload_id, number, data):
        result = self.bucket.upload_part(key, upload_id, number, data)
        return Part(number, result.etag, len(data), result.crc)

    def complete(self, key, upload_id, parts, headers=None):
        infos = [oss2.models.PartInfo(part.number, part.etag, part.size, part_crc=part.crc64) for part in parts]
        result = self.bucket.complete_multipart_upload(key, upload_id, infos, headers=headers)
        return Head(sum(info.size for info in infos), result.etag, result.crc, _lower(result.headers))

    def abort(self, key, upload_id):
        self.bucket.abort_multipart_upload(key, upload_id)

    def list_parts(self, key, upload_id, page):
        parts = oss2.PartIterator(self.bucket, key, upload_id, max_parts=page)
        return [Part(part.part_number, part.etag, part.size, part.part_crc) for part in parts]

    def list_uploads(self, prefix, page):
        found = oss2.MultipartUploadIterator(self.bucket, prefix=prefix, max_uploads=page)
        return [(upload.key, upload.upload_id) for upload in found]

    def list_objects(self, prefix, delimiter, page):
        keys, prefixes = [], []
        for iterator in (oss2.ObjectIterator, oss2.ObjectIteratorV2):
            found = list(iterator(self.bucket, prefix=prefix, delimiter=delimiter, max_keys=page))
            keys.append([item.key for item in found if not item.is_prefix()])
            prefixes.append([item.key for item in found if item.is_prefix()])
        assert keys[0] == keys[1] and prefixes[0] == prefixes[1], "the two versions of the list differ"
        return keys[0], prefixes[0]

    def list_page(self, size, *, delimiter="", after="", token="", owner=False):
        page = self.bucket.list_objects_v2("", delimiter, token, after, owner, max_keys=size)
        owners = [item.owner.id for item in page.object_list if item.owner]
        return Page([item.key for item in page.object_list], page.prefix_list, owners, page.next_continuation_token)

    def upload_file(self, key, path, part_size, threads, checkpoints, headers=None):
        store = oss2.ResumableStore(root=checkpoints)
        oss2.resumable_upload(
            self.bucket,
            key,
            path,
            store=store,
            headers=headers,
            multipart_threshold=part_size,
            part_size=part_size,
            num_threads=threads,
        )

    def download_file(self, key, path, part_size, threads, checkpoints):
        store = oss2.ResumableDownloadStore(root=checkpoints)
        oss2.resumable_download(
            self.bucket, key, path, multiget_threshold=1, part_size=part_size, num_threads=threads, store=store
        )

    def presign(self, method, key, headers=None, seconds=60):
        return self.bucket.sign_url(method, key, seconds, headers=headers), dict(headers or {})


class V2(Sdk):
    """PyPI alibabacloud-oss-v2."""

    name = "alibabacloud-oss-v2"

    def __init__(self, version: int, where: Where) -> None:
        super().__init__(version, where)
        config = v2.config.load_default()
        config.credentials_provider = v2.credentials.StaticCredentialsProvider(*where.key)
        config.region = where.region
        config.endpoint = where.endpoint
        config.signature_version = f"v{version}"
        config.use_cname = where.cname
        config.use_path_style = where.path_style
        self.client = v2.Client(config)

    def _of(self, request: type, key: str | None = None, **fields: Any) -> Any:
        if key is not None:
            fields["key"] = key
        return request(bucket=self.where.bucket, **fields)

    def put(self, key, data, headers=None):
        result = self.client.put_object(self._of(v2.PutObjectRequest, key, body=data, **_fields(headers)))
        return Head(len(data), result.etag.strip('"'), int(result.hash_crc64), _lower(result.headers))

    def get(self, key, first=None, last=None):
        fields = {}
        if first is not None or last is not None:
            fields["range_header"] = f"bytes={'' if first is None else first}-{'' if last is None else last}"
        return self._content(self._of(v2.GetObjectRequest, key, **fields))

    def get_if(self, key, etag):
        return self._content(self._of(v2.GetObjectRequest, key, if_match=etag))

    def _content(self, request: Any) -> bytes:
        with self.client.get_object(request).body as body:
            return b"".join(body.iter_bytes(block_size=1 << 18))

    def head(self, key):
        return self._head(self.client.head_object(self._of(v2.HeadObjectRequest, key)))

    def meta(self, key):
        return self._head(self.client.get_object_meta(self._of(v2.GetObjectMetaRequest, key)))

    @staticmethod
    def _head(result: Any) -> Head:
        return Head(result.content_length, result.etag.strip('"'), int(result.hash_crc64), _lower(result.headers))

    def acl(self, key):
        return self.client.get_object_acl(self._of(v2.GetObjectAclRequest, key)).acl

    def tags(self, key):
        found = self.client.get_object_tagging(self._of(v2.GetObjectTaggingRequest, key)).tag_set.tags or []
        return {tag.key: tag.value for tag in found}

    def delete(self, key):
        self.client.delete_object(self._of(v2.DeleteObjectRequest, key))

    def exists(self, key):
        return self.client.is_object_exist(self.where.bucket, key)

    def copy(self, source, key):
        self.client.copy_object(self._of(v2.CopyObjectRequest, key, source_bucket=self.where.bucket, source_key=source))

    def append(self, key, position, data):
        return self.client.append_object(
            self._of(v2.AppendObjectRequest, key, position=position, body=data)
        ).next_position

    def initiate(self, key, headers=None):
        request = self._of(v2.InitiateMultipartUploadRequest, key, **_fields(headers))
        return self.client.initiate_multipart_upload(request).upload_id

    def upload_part(self, key, upload_id, number, data):
        request = self._of(v2.UploadPartRequest, key, upload_id=upload_id, part_number=number, body=data)
        result = self.client.upload_part(request)
        return Part(number, result.etag.strip('"'), len(data), int(result.hash_crc64))

    def complete(self, key, upload_id, parts, headers=None):
        parts = list(parts)
        body = v2.CompleteMultipartUpload(
            parts=[v2.UploadPart(part_number=part.number, etag=part.etag) for part in parts]
        )
        request = self._of(
            v2.CompleteMultipartUploadRequest,
            key,
            upload_id=upload_id,
            complete_multipart_upload=body,
            **_fields(headers),
        )
        result = self.client.complete_multipart_upload(request)
        assert (result.bucket, result.key) == (self.where.bucket, key)
        size = sum(part.size for part in parts)
        return Head(size, result.etag.strip('"'), int(result.hash_crc64), _lower(result.headers))

    def abort(self, key, upload_id):
        self.client.abort_multipart_upload(self._of(v2.AbortMultipartUploadRequest, key, upload_id=upload_id))

    def list_parts(self, key, upload_id, page):
        request = self._of(v2.ListPartsRequest, key, upload_id=upload_id)
        pages = self.client.list_parts_paginator(limit=page).iter_page(request)
        found = [part for page in pages for part in page.parts or []]
        return [Part(part.part_number, part.etag.strip('"'), part.size, int(part.hash_crc64)) for part in found]

    def list_uploads(self, prefix, page):
        request = self._of(v2.ListMultipartUploadsRequest, prefix=prefix)
        pages = self.client.list_multipart_uploads_paginator(limit=page).iter_page(request)
        return [(upload.key, upload.upload_id) for page in pages for upload in page.uploads or []]

    def list_objects(self, prefix, delimiter, page):
        lists = [
            (self.client.list_objects_paginator, v2.ListObjectsRequest),
            (self.client.list_objects_v2_paginator, v2.ListObjectsV2Request),
        ]
        keys, prefixes = [], []
        for paginator, request in lists:
            request = self._of(request, prefix=prefix, delimiter=delimiter)
            pages = list(paginator(limit=page).iter_page(request))
            keys.append([item.key for page in pages for item in page.contents or []])
            prefixes.append([item.prefix for page in pages for item in page.common_prefixes or []])
        assert keys[0] == keys[1] and prefixes[0] == prefixes[1], "the two versions of the list differ"
        return keys[0], prefixes[0]

    def list_page(self, size, *, delimiter="", after="", token="", owner=False):
        fields = {"delimiter": delimiter, "start_after": after, "continuation_token": token, "max_keys": size}
        request = self._of(v2.ListObjectsV2Request, fetch_owner=owner, encoding_type="url", **fields)
        page = self.client.list_objects_v2(request)
        contents, prefixes = page.contents or [], page.common_prefixes or []
        assert page.key_count == len(contents) + len(prefixes) and page.is_truncated == bool(
            page.next_continuation_token
        )
        owners = [item.owner.id for item in contents if item.owner]
        token = page.next_continuation_token or ""
        return Page([item.key for item in contents], [item.prefix for item in prefixes], owners, token)

    def upload_file(self, key, path, part_size, threads, checkpoints, headers=None):
        self.client.uploader().upload_file(
            self._of(v2.PutObjectRequest, key, **_fields(headers)),
            path,
            part_size=part_size,
            parallel_num=threads,
            enable_checkpoint=True,
            checkpoint_dir=checkpoints + os.sep,
        )

    def download_file(self, key, path, part_size, threads, checkpoints):
        self.client.downloader().download_file(
            self._of(v2.GetObjectRequest, key),
            path,
            part_size=part_size,
            parallel_num=threads,
            enable_checkpoint=True,
            checkpoint_dir=checkpoints + os.sep,
        )

    def presign(self, method, key, headers=None, seconds=60):
        request = {"GET": v2.GetObjectRequest, "HEAD": v2.HeadObjectRequest, "PUT": v2.PutObjectRequest}[method]
        result = self.client.presign(
            self._of(request, key, **_fields(headers)), expires=datetime.timedelta(seconds=seconds)
        )
        return result.url, dict(result.signed_headers)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fields(headers: dict[str, str] | None) -> dict[str, Any]:
    """Headers as the fields that alibabacloud-oss-v2 has for them."""
    names = {
        "content-type": "content_type",
        "content-md5": "content_md5",
        "cache-control": "cache_control",
        "content-disposition": "content_disposition",
        "content-encoding": "content_encoding",
        "expires": "expires",
        "x-oss-object-acl": "acl",
        "x-oss-storage-class": "storage_class",
        "x-oss-tagging": "tagging",
        "x-oss-server-side-encryption": "server_side_encryption",
        "x-oss-forbid-overwrite": "forbid_overwrite",
    }
    prefix = "x-oss-meta-"
    fields: dict[str, Any] = {}
    for name, value in (headers or {}).items():
        name = name.lower()
        if name.startswith(prefix):
            fields.setdefault("metadata", {})[name[len(prefix) :]] = value
        else:
            fields[names[name]] = value == "true" if name == "x-oss-forbid-overwrite" else value
    return fields


ALL = [(Oss2, 1), (Oss2, 4), (V2, 1), (V2, 4)]


def connect(sdk: tuple[type[Sdk], int], server: LocalOss, host: str = "127.0.0.1", **changes: Any) -> Sdk:
    """An SDK that talks to the server; changes replace fields of Where."""
    kind, version = sdk
    fields = {"endpoint": server.endpoint(host), "region": server.region, "key": server.key, **changes}
    return kind(version, Where(**fields))


def refusal(error: BaseException) -> tuple[int, str]:
    """HTTP status and OSS's error code in what an SDK raised."""
    while not isinstance(error, (oss2.exceptions.ServerError, v2.exceptions.ServiceError)):
        assert isinstance(error, v2.exceptions.BaseError), f"no response of the server: {error!r}"
        error = error.unwrap()
    assert error.request_id and error.ec, f"a response without request id or EC: {error}"
    return (error.status if isinstance(error, oss2.exceptions.ServerError) else error.status_code), error.code
