"""Keys that are awkward for someone on the way from a client to OSS and back."""

from __future__ import annotations

from sdks import Oss2, Sdk

AWKWARD = [
    "a b",
    " leading and trailing ",
    "a+b",
    "100%",
    "%41",
    "%2F",
    "%2e%2e/a",
    "a?b=c",
    "?a",
    "a#b",
    "a&b=c;d",
    "目录/测试 文件+1.txt",
    "e\u0301 is not \u00e9",
    "🎬/🎞️.mp4",
    "\u00a0\u2028\ufeff",
    "a..b",
    "...",
    "a/...",
    ".hidden",
    "a/../b",
    "a/./b",
    "../a",
    "./a",
    "a/..",
    "a/.",
    "..",
    ".",
    "a//b",
    "a/",
    "a//",
    "a///../b//./c",
    "~'()*!",
    '"quoted"',
    "back\\slash",
    "<xml>&amp;]]>",
    "[a]{b}|^`",
    "a:b,c@d$e",
    "http://example.com/a",
    "tab\tline\nreturn\r",
    "\x01\x1f\x7f",
    "_server/state",
    "k" * 1023,
    "字" * 341,
]


def reachable(sdk: Sdk, key: str) -> bool:
    """Whether an SDK can name a key at all.

    Both SDKs for Python send with requests, whose urllib3 removes dot segments from the path of a URL (RFC 3986 5.2.4)
    after the SDK has signed it: urllib3.util.url.parse_url(). oss2 escapes every "/", which hides most of them. The
    SDKs for Go leave paths alone: they read all these keys in tests/interop/go.
    """
    segments = [key] if isinstance(sdk, Oss2) else key.split("/")
    return not {".", ".."} & set(segments)
