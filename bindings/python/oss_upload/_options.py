"""From Python's values to the library's option structs.

Checked here is what C could not see: types, NULs, numbers that do not fit, words for numbers. Limits and combinations
are checked by the library, once for all languages.
"""

from __future__ import annotations

import ctypes
import math
import operator
import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from ctypes import POINTER, c_char_p, c_size_t, c_uint32, c_uint64
from typing import Any, Callable, Literal, TypedDict, TypeVar, Union, cast

from oss_upload import _ffi
from oss_upload.errors import InvalidArgument, LocalFileNotFound

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Headers = Union[Mapping[str, str], Iterable[tuple[str, str]]]
PartSize = Union[int, Literal["auto"], None]
Routines = Union[int, Literal["auto"], None]
Rules = Union[str, Iterable[str]]
OnFileChange = Literal["restart", "fail"]
VerifyResume = Literal["in-doubt", "always", "never"]
Mode = Literal["all", "changed", "retry_failed", "verify", "verify_full"]
Symlinks = Literal["follow", "skip", "refuse"]
KeyEncoding = Literal["refuse", "percent"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of `Client`, besides the endpoint.

    Args:
        region: Such as "cn-hangzhou". By default it is taken from the endpoint, if that names one. Required for
            signature V4.
        access_key_id: AccessKey ID, together with `access_key_secret`. None: see `credentials`.
        access_key_secret: AccessKey secret. It appears in no log, no error and no repr().
        security_token: Security token of temporary (STS) credentials.
        credentials: Source of the credentials if `access_key_id` is not set. "env": the environment
            (OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary credentials, OSS_SESSION_TOKEN).
            "profile[:NAME]": a profile in the files of the aliyun command line, the SDKs or ossutil.
            "process:COMMAND": the output of a command. "ecs-role[:NAME]": the RAM role of this ECS instance. "oidc":
            a RAM role for a Kubernetes service account. "uri[:URL]": the response to a GET of the URL. "anonymous":
            requests are not signed. None: the default chain: env, oidc, profile, ecs-role, uri. The first
            configured source is used; if it fails, no other is tried. Temporary credentials are renewed before
            they expire, also during an upload.
        signature_version: 0 (the default): V4 if the region is known, otherwise V1. 1: V1. 4: V4, which requires a
            region.
        cname: The endpoint is a custom domain bound to the bucket.
        path_style: Put the bucket in the path, as is always done for an IP address. OSS rejects it on its own domains.
        connect_timeout: Seconds to open a connection, including name resolution and TLS. Default 10.
        stall_timeout: Seconds without data transfer, or without a response, after which a request is abandoned and
            retried. Default 30.
        max_attempts: Attempts for each request, including the first, before the upload fails. Default 8, at most
            1000.
        max_bytes_per_second: Bytes per second for all uploads of this client together, at least 1024. No limit by
            default.
        proxy: "http://[user:password@]host:port"; "env" reads the environment. No proxy by default.
        ca_file: PEM file with the certificate authorities to trust instead of the built-in ones. "system" means
            those of the platform.
        insecure_skip_verify: Do not verify the server's certificate. For tests only: anyone on the way can then
            read and change the data.
        user_agent: Text to add to the User-Agent header, in visible ASCII.
        credentials_wait: Seconds that an upload waits for new credentials, from their source or from
            `set_credentials()`, if there are none or the server no longer accepts them. Meanwhile its phase is
            `Phase.WAITING`. By default it does not wait: it fails, and can be resumed if it has a checkpoint.
    """

    region: str | None
    access_key_id: str | None
    access_key_secret: str | None
    security_token: str | None
    credentials: str | None
    signature_version: Literal[0, 1, 4]
    cname: bool
    path_style: bool
    connect_timeout: float | None
    stall_timeout: float | None
    max_attempts: int | None
    max_bytes_per_second: int | None
    proxy: str | None
    ca_file: Path | None
    insecure_skip_verify: bool
    user_agent: str | None
    credentials_wait: float | None


class UploadOptions(TypedDict, total=False):
    """The keyword arguments of an upload. Those about files are rejected for memory and streams.

    For programs that keep them: `backup: UploadOptions = {"checkpoint": True, "part_size": "auto"}`, then
    `client.upload_file(path, bucket, key, **backup)`.

    Args:
        part_size: Bytes of a part: 102400 to 5368709120, or "auto", which chooses it from the file's size. Default
            102400. Raised if the file would need more than 10,000 parts; the result says so.
        routines: Number of parts sent at the same time, 1 to 100, or "auto", which lets the library choose: at most
            64 for all uploads of the client that use "auto" together. Default 1.
        checkpoint: Keep a checkpoint file, so that a later call resumes where this one stopped. True: where
            `checkpoint_dir` says. A path: in this file. An existing file that is not a checkpoint of this library,
            even an empty one, is left alone: CheckpointError.
        checkpoint_dir: Existing directory for the checkpoint file, which is then named after the source and the
            destination. Setting it enables the checkpoint. None: `<path>.cp`, next to the local file.
        headers: Headers of the object and of its upload, as a mapping or as pairs: Content-Type,
            Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires, x-oss-object-acl,
            x-oss-storage-class, x-oss-tagging, x-oss-server-side-encryption and its companions,
            x-oss-forbid-overwrite, x-oss-callback, x-oss-callback-var, x-oss-traffic-limit, x-oss-request-payer.
            Content-Type is guessed if it is not set.
        metadata: The object's own metadata: `{"author": "me"}` is the header x-oss-meta-author.
        on_file_change: What to do if the local file changes during the upload: "restart" (the default) sends all
            parts again, at most a few times; "fail" raises FileChanged.
        verify_resume: Whether to read parts that are on the server again from the local file before the object is
            created, and compare their CRC-64: "in-doubt" (the default: if an earlier call saw a different change
            time, device or inode of the file, and always if the file system may not keep its own change time: FAT,
            FUSE, NFS, ...), "always" (when an upload is resumed) or "never".
        content_md5: Send Content-MD5 with every body. CRC-64 is always checked; MD5 costs much more CPU time.
        max_memory: Streams only: maximum bytes of the stream in memory. Default 64 MiB. At least two parts must fit:
            a part has at most half of it, and a stream at most 10,000 times that.
        spool_dir: Streams only: existing directory for a spool file, which takes what does not fit into memory while
            the network is slower than the writer. The file has no name, and disappears when the process ends. None:
            the writer waits instead. Set `spool_limit`, too.
        spool_limit: Streams only: maximum bytes of the spool file; after that, the writer waits.
    """

    part_size: PartSize
    routines: Routines
    checkpoint: bool | Path
    checkpoint_dir: Path | None
    headers: Headers | None
    metadata: Mapping[str, str] | None
    on_file_change: OnFileChange
    verify_resume: VerifyResume
    content_md5: bool
    max_memory: int | None
    spool_dir: Path | None
    spool_limit: int | None


class BatchOptions(TypedDict, total=False):
    """The keyword arguments of a batch, whatever its source.

    For programs that keep them: `nightly: BatchOptions = {"manifest": "/var/lib/backup/photos", "mode": "changed"}`,
    then `client.upload_directory("/data/photos", bucket, "photos/", **nightly)`.

    Args:
        manifest: File that keeps what became of every file: the report of this batch, what a later call goes on from
            when this one is interrupted, and what the next batch compares with. Large files in work have checkpoints in
            the folder `<manifest>.parts`. None: none is kept, and an interrupted batch starts over.
        mode: "all" (the default): upload all files, but for those that an interrupted batch with this manifest has
            stored. "changed": upload the files that are not as the manifest says. "retry_failed": upload those that
            failed, by the manifest. "verify": upload nothing; compare the list of objects in the bucket with the
            manifest. "verify_full": upload nothing; compare the CRC-64 of every object, and of every file, with the
            manifest. All but "all" need `manifest`; for "changed", `compare_remote` will do.
        compare_remote: With "changed": ask the bucket about files that the manifest does not know, and upload those
            whose size or CRC-64 is another one there.
        exclude: Rules for files and folders to leave out, as in a .gitignore file: several of them, or one text with a
            rule a line. A later rule overrides an earlier one; "!" takes files back in. Of a folder's files only.
        include: Rules in the same form: only files that one of them names are uploaded. By default all are.
        ignore_files: Files named .ossignore have rules to leave files out, each for its folder and those below.
        symlinks: What to do with symbolic links in the folder: "follow" (the default) uploads what they lead to, "skip"
            leaves them out, with "refuse" they fail.
        key_encoding: What to do with names that cannot be keys, because they are not UTF-8 or begin with a backslash:
            with "refuse" (the default) they fail; with "percent", such bytes become "%XX", and every "%" in a name
            becomes "%25".
        headers: Headers of every object, as for `Client.upload_file()`.
        metadata: The objects' own metadata: `{"author": "me"}` is the header x-oss-meta-author.
        part_size: Bytes of a part of large files: 102400 to 5368709120, or "auto" (the default), which chooses it from
            the file's size. Files up to this size are sent with one request.
        connections: Number of requests at the same time, 1 to 100, or "auto" (the default), which lets the library
            choose: at most 64 for all uploads of the client for which it does so.
        max_requests_per_second: Limit on the requests per second. No limit by default.
        on_file_change: What to do if a file changes while it is uploaded: "restart" (the default) sends it again, at
            most a few times; with "fail" it fails.
        empty_directories: Store an empty folder as an empty object whose key ends with "/".
        keep_mtime: Store the modification time as x-oss-meta-mtime, in seconds since 1970 with a fraction.
        stop_on_error: End the batch with the first file that fails. Files that are being sent are finished first.
        dry_run: Upload nothing, and leave the manifest as it is: files that would be uploaded are
            `OutcomeStatus.PLANNED`.
        shard_index: Which shard of the files to upload, from 0: see `shard_count`.
        shard_count: Number of shards that the files are divided into, for as many processes or machines. A file is in
            the shard that the CRC-64/XZ of its key has as remainder when it is divided by this number.
    """

    manifest: Path | None
    mode: Mode
    compare_remote: bool
    exclude: Rules
    include: Rules
    ignore_files: bool
    symlinks: Symlinks
    key_encoding: KeyEncoding
    headers: Headers | None
    metadata: Mapping[str, str] | None
    part_size: PartSize
    connections: Routines
    max_requests_per_second: int | None
    on_file_change: OnFileChange
    empty_directories: bool
    keep_mtime: bool
    stop_on_error: bool
    dry_run: bool
    shard_index: int
    shard_count: int


class Source(TypedDict, total=False):
    """Where the files of a batch come from, and whether its outcomes are kept: see `Client.start_batch()`."""

    directory: Path | None
    list_path: Path | None
    list_null_separated: bool
    outcomes: bool


UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1


Options = TypeVar("Options", UploadOptions, BatchOptions)


def with_full_paths(options: Options) -> Options:
    """The same options for a later call: their paths mean what they mean now."""
    full: dict[str, Any] = {**options}
    converters: dict[str, Any] = {**_converters(UPLOAD), **_converters(BATCH)}
    for name in ("checkpoint", "manifest", *(name for name in converters if converters[name] is _optional_path)):
        if full.get(name) is not None and not isinstance(full[name], bool):
            full[name] = in_full(full[name])
    return cast("Options", full)


def in_full(path: Any) -> Any:  # noqa: ANN401
    """A path from the root on; `..` and links stay as they are. What is no path is refused when it is used."""
    try:
        encoded = os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        return path
    if not encoded or os.path.isabs(encoded):  # noqa: PTH117
        return path
    try:
        # Not a pathlib.Path: it would be text, and lose a "." or a "/" at the end, which the system minds.
        return os.path.join(os.getcwdb(), encoded)  # noqa: PTH109, PTH118
    except FileNotFoundError as error:
        name = os.fsdecode(encoded)
        message = (
            f"{name} is relative, and the current directory cannot be found; give a path that begins with /, or change "
            "to a directory that exists"
        )
        raise LocalFileNotFound(message, status=-2, os_errno=error.errno or 0, filename=os.fspath(path)) from None


def text(name: str, value: str | None) -> bytes | None:
    """UTF-8 without NUL, or None."""
    return None if value is None else required(name, value)


def required(name: str, value: str) -> bytes:
    """UTF-8 without NUL."""
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a str")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        # Not chained: that error holds the whole text, which may be a secret.
        raise InvalidArgument(f"{name} is not valid Unicode: it has a lone surrogate") from None
    return _without_nul(name, encoded)


def file_path(name: str, value: Path) -> bytes:
    """A path's bytes, as the system takes them."""
    try:
        encoded = os.fsencode(value)
    except TypeError:
        raise _wrong_type(name, value, "a str, bytes or os.PathLike") from None
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{name} cannot be encoded for the file system: {error}") from None
    if not encoded:
        raise InvalidArgument(f"{name} is empty")
    return _without_nul(name, encoded)


def strings(name: str, values: Iterable[Any], convert: Callable[[str, Any], bytes]) -> Any:  # noqa: ANN401 - an array
    """An array of C's strings, of values that `convert` makes of each."""
    if isinstance(values, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} must be several, not one {type(values).__name__}")
    texts = [convert(name, value) for value in values]
    return (c_char_p * len(texts))(*texts)


def part_number(name: str, value: int) -> int:
    """A number that the library compares with how many parts there are."""
    return _number(name, value, UINT32_MAX)


def _without_nul(name: str, value: bytes) -> bytes:
    if b"\0" in value:
        raise InvalidArgument(f"{name} has a NUL character in it")
    return value


def _switch(name: str, value: bool) -> bool:
    # No other truth values: insecure_skip_verify="no" must not mean yes.
    if not isinstance(value, bool):
        raise _wrong_type(name, value, "a bool")
    return value


def _number(name: str, value: int | None, most: int) -> int:
    """A number that the C type holds (which would otherwise be cut without a word); None is 0, the default."""
    if value is None:
        return 0
    try:
        number = operator.index(value)
    except TypeError:
        raise _wrong_type(name, value, "an int") from None
    if isinstance(value, bool):
        raise _wrong_type(name, value, "an int")
    if not 0 <= number <= most:
        raise InvalidArgument(f"{name} is {number}; it must be 0 to {most}")
    return number


def _number_or_auto(name: str, value: int | str | None, auto: int) -> int:
    if isinstance(value, str):
        if value != "auto":
            raise InvalidArgument(f'{name} is {value!r}; it must be a number or "auto"')
        return auto
    return _number(name, value, auto - 1)


def _milliseconds(name: str, seconds: float | None) -> int:
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _wrong_type(name, seconds, "a number of seconds")
    if not 0 < seconds <= UINT32_MAX / 1000:
        raise InvalidArgument(f"{name} is {seconds}; it must be more than 0 and at most {UINT32_MAX // 1000} seconds")
    return math.ceil(seconds * 1000)


def _choice(name: str, value: str, choices: tuple[str, ...]) -> int:
    try:
        return choices.index(value)
    except ValueError:
        known = ", ".join(f'"{choice}"' for choice in choices)
        raise InvalidArgument(f"{name} is {value!r}; it must be one of {known}") from None


def _headers(headers: Headers | None, metadata: Mapping[str, str] | None) -> list[_ffi.Header]:
    given = headers.items() if isinstance(headers, Mapping) else headers or ()
    pairs = [_pair("headers", b"", pair) for pair in given]
    return pairs + [_pair("metadata", b"x-oss-meta-", pair) for pair in (metadata or {}).items()]


def _pair(option: str, prefix: bytes, pair: tuple[str, str]) -> _ffi.Header:
    if isinstance(pair, (str, bytes)):
        raise _wrong_type(option, pair, "a mapping or pairs of str")
    name, value = pair
    encoded = required(f"a name in {option}", name)
    return _ffi.Header(prefix + encoded, required(f"{option}[{name!r}]", value))


def _rules(name: str, value: Rules) -> bytes:
    """A rule a line."""
    if isinstance(value, str):
        return required(name, value)
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise _wrong_type(name, value, "a str or several")
    return b"\n".join(required(f"a rule in {name}", rule) for rule in value)


def _wrong_type(name: str, value: object, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _uint32(name: str, value: int | None) -> int:
    return _number(name, value, UINT32_MAX)


def _uint64(name: str, value: int | None) -> int:
    return _number(name, value, UINT64_MAX)


def _part_size(name: str, value: int | str | None) -> int:
    return _number_or_auto(name, value, UINT64_MAX)


def _routines(name: str, value: int | str | None) -> int:
    return _number_or_auto(name, value, UINT32_MAX)


def _optional_path(name: str, value: Path | None) -> bytes | None:
    return None if value is None else file_path(name, value)


def _on_file_change(name: str, value: str) -> int:
    return _choice(name, value, ("restart", "fail"))


def _verify_resume(name: str, value: str) -> int:
    return _choice(name, value, ("in-doubt", "always", "never"))


MODES = ("all", "changed", "retry_failed", "verify", "verify_full")
SYMLINKS = ("follow", "skip", "refuse")
KEY_ENCODINGS = ("refuse", "percent")


def _mode(name: str, value: str) -> int:
    return _choice(name, value, MODES)


def _symlinks(name: str, value: str) -> int:
    return _choice(name, value, SYMLINKS)


def _key_encoding(name: str, value: str) -> int:
    return _choice(name, value, KEY_ENCODINGS)


# A field of a struct in C: its name, its type, and what makes its value of the option's, whose name has no unit. Where
# that is None, the functions below that fill the structs do so.
Table = tuple[tuple[str, Any, Union[Callable[[str, Any], Any], None]], ...]

CLIENT: Table = (
    ("struct_size", c_size_t, None),
    ("endpoint", c_char_p, None),
    ("region", c_char_p, text),
    ("access_key_id", c_char_p, text),
    ("access_key_secret", c_char_p, text),
    ("security_token", c_char_p, text),
    ("credentials", c_char_p, text),
    ("proxy", c_char_p, text),
    ("ca_file", c_char_p, _optional_path),
    ("user_agent", c_char_p, text),
    ("max_bytes_per_second", c_uint64, _uint64),
    ("signature_version", c_uint32, _uint32),
    ("cname", c_uint32, _switch),
    ("path_style", c_uint32, _switch),
    ("connect_timeout_ms", c_uint32, _milliseconds),
    ("stall_timeout_ms", c_uint32, _milliseconds),
    ("max_attempts", c_uint32, _uint32),
    ("insecure_skip_verify", c_uint32, _switch),
    ("credentials_wait_ms", c_uint32, _milliseconds),
)
UPLOAD: Table = (
    ("struct_size", c_size_t, None),
    ("bucket", c_char_p, None),
    ("object_key", c_char_p, None),
    ("file_path", c_char_p, None),
    ("checkpoint_path", c_char_p, None),
    ("checkpoint_dir", c_char_p, _optional_path),
    ("headers", POINTER(_ffi.Header), None),
    ("header_count", c_size_t, None),
    ("part_size", c_uint64, _part_size),
    ("routines", c_uint32, _routines),
    ("checkpoint", c_uint32, None),
    ("on_file_change", c_uint32, _on_file_change),
    ("verify_resume", c_uint32, _verify_resume),
    ("content_md5", c_uint32, _switch),
    ("reserved", c_uint32, None),
    ("max_memory", c_uint64, _uint64),
    ("spool_dir", c_char_p, _optional_path),
    ("spool_limit", c_uint64, _uint64),
)
BATCH: Table = (
    ("struct_size", c_size_t, None),
    ("bucket", c_char_p, None),
    ("key_prefix", c_char_p, None),
    ("directory", c_char_p, _optional_path),
    ("list_path", c_char_p, _optional_path),
    ("manifest_path", c_char_p, None),
    ("exclude", c_char_p, _rules),
    ("include", c_char_p, _rules),
    ("headers", POINTER(_ffi.Header), None),
    ("header_count", c_size_t, None),
    ("part_size", c_uint64, _part_size),
    ("connections", c_uint32, _routines),
    ("max_requests_per_second", c_uint32, _uint32),
    ("mode", c_uint32, _mode),
    ("compare_remote", c_uint32, _switch),
    ("list_null_separated", c_uint32, _switch),
    ("ignore_files", c_uint32, _switch),
    ("symlinks", c_uint32, _symlinks),
    ("key_encoding", c_uint32, _key_encoding),
    ("on_file_change", c_uint32, _on_file_change),
    ("empty_directories", c_uint32, _switch),
    ("keep_mtime", c_uint32, _switch),
    ("stop_on_error", c_uint32, _switch),
    ("dry_run", c_uint32, _switch),
    ("outcomes", c_uint32, _switch),
    ("shard_index", c_uint32, _uint32),
    ("shard_count", c_uint32, _uint32),
)
_ffi.ClientOptions._fields_ = [(field, kind) for field, kind, _ in CLIENT]
_ffi.UploadOptions._fields_ = [(field, kind) for field, kind, _ in UPLOAD]
_ffi.BatchOptions._fields_ = [(field, kind) for field, kind, _ in BATCH]


def client_options(endpoint: str | None, options: ClientOptions) -> _ffi.ClientOptions:
    """The arguments of `Client`, checked."""
    _refuse_others("Client()", options, ClientOptions)
    struct = _ffi.ClientOptions(
        struct_size=ctypes.sizeof(_ffi.ClientOptions),
        endpoint=text("endpoint", endpoint),
    )
    return _filled(struct, CLIENT, options)


def upload_options(path: Path | None, bucket: str, key: str, options: UploadOptions) -> _ffi.UploadOptions:
    """What, where to and how, checked. Without a path it is no file that is uploaded."""
    _refuse_others("an upload", options, UploadOptions)
    pairs = _headers(options.get("headers"), options.get("metadata"))
    checkpoint = options.get("checkpoint", False)
    struct = _ffi.UploadOptions(
        struct_size=ctypes.sizeof(_ffi.UploadOptions),
        bucket=required("bucket", bucket),
        object_key=required("key", key),
        file_path=_optional_path("path", path),
        checkpoint=checkpoint is not False,
        checkpoint_path=None if isinstance(checkpoint, bool) else file_path("checkpoint", checkpoint),
        headers=(_ffi.Header * len(pairs))(*pairs) if pairs else None,
        header_count=len(pairs),
    )
    return _filled(struct, UPLOAD, options)


def batch_options(bucket: str, prefix: str, source: Source, options: BatchOptions) -> _ffi.BatchOptions:
    """Which files, where to and how, checked."""
    _refuse_others("a batch", options, BatchOptions)
    pairs = _headers(options.get("headers"), options.get("metadata"))
    struct = _ffi.BatchOptions(
        struct_size=ctypes.sizeof(_ffi.BatchOptions),
        bucket=required("bucket", bucket),
        key_prefix=required("prefix", prefix),
        manifest_path=_optional_path("manifest", options.get("manifest")),
        headers=(_ffi.Header * len(pairs))(*pairs) if pairs else None,
        header_count=len(pairs),
    )
    return _filled(_filled(struct, BATCH, source), BATCH, options)


Struct = TypeVar("Struct", bound=ctypes.Structure)


def _filled(struct: Struct, table: Table, options: Mapping[str, Any]) -> Struct:
    for field, _, convert in table:
        name = _option(field)
        if convert is not None and name in options:
            setattr(struct, field, convert(name, options[name]))
    return struct


def _converters(table: Table) -> dict[str, Callable[[str, Any], Any]]:
    return {_option(field): convert for field, _, convert in table if convert is not None}


def _option(field: str) -> str:
    # Seconds, where C has milliseconds.
    return field[:-3] if field.endswith("_ms") else field


def _refuse_others(taker: str, options: Mapping[str, Any], known: type) -> None:
    """As Python does for parameters that are written out."""
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"{taker} got an unexpected keyword argument {name!r}")


Function = TypeVar("Function", bound=Callable[..., Any])


def explained_by(options: type) -> Callable[[Function], Function]:
    """Puts the explanations of `options` in place of `**options` in the documentation of a function: for help()."""
    _, _, explained = (options.__doc__ or "").partition("Args:\n")

    def with_explanations(function: Function) -> Function:
        # None with python -OO. From Python 3.13 on the common indentation is taken away.
        if function.__doc__ is not None:
            function.__doc__ = re.sub(
                r"^( *)\*\*options: .*$",
                lambda mark: textwrap.indent(textwrap.dedent(explained).strip(), mark[1]),
                function.__doc__,
                flags=re.MULTILINE,
            )
        return function

    return with_explanations
