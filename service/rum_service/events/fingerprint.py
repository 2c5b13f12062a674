"""Fingerprints of JavaScript errors: errors with the same cause form one group. Pure.

A fingerprint covers the type, the message without its variable parts, and the top three frames as
function and file name. It does not cover lines, columns and content hashes, which every release
changes.
"""

from __future__ import annotations

__all__ = ["error_fingerprint", "error_title", "frame_label"]

import re
from functools import lru_cache
from hashlib import blake2b

from rum_service.events.stack import Frame, stack_frames
from rum_service.events.text import clean

_MAX_TITLE = 300
_MAX_TYPE = 128
_MAX_MESSAGE = 1024
_MAX_STACK = 2048
_MAX_FILENAME = 512
_CACHED = 2048
_FRAMES = 3

# Each alternative begins where a word begins, so that a long message takes a linear time.
_VARIABLE = re.compile(
    r"""
    \b[a-z][a-z0-9+.-]{1,30}://[^\s'"`)>\]]+                          # URLs
    | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}      # email addresses
    | (?<!\w)(?:'[^'\d]*\d[^']*' | "[^"\d]*\d[^"]*" | `[^`\d]*\d[^`]*`) # quoted, with a digit
    | (?<![\w-])(?=[a-z_-]{0,64}\d)[0-9a-z]{1,40}(?:[-_][0-9a-z]{1,40}){1,8}\b  # UUIDs, order-123
    | \b0x[0-9a-f]+
    | \b(?=[a-z]{0,64}\d)[0-9a-z]{8,}\b                               # hexadecimal, tokens
    | \d+(?:[.,:]\d+)*                                                # numbers
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".vue", ".svelte", ".wasm")
_HASH_IN_FILE = re.compile(
    r"[.~_-](?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{4,64}(?=[.~_-])"  # webpack: app.3f9d2c1a.js
    r"|[.-](?=[A-Za-z_-]*\d|[A-Za-z_-]*[a-z_-][A-Z])[0-9A-Za-z_-]{8}(?=\.[a-z]+$)"  # Vite
)


def error_fingerprint(error_type: str, message: str, stack: str, filename: str) -> str:
    """Return the fingerprint of the JavaScript error: 16 hexadecimal digits.

    Args:
        filename: the script, for errors without a stack.
    """
    error_type = _type(error_type, message)
    return _fingerprint(
        error_type[:_MAX_TYPE], message[:_MAX_MESSAGE], stack[:_MAX_STACK], filename[:_MAX_FILENAME]
    )


def error_title(error_type: str, message: str) -> str:
    """Return `type: message` on one line, in at most 300 characters."""
    error_type = _type(error_type, message)
    error_type, message = clean(error_type, _MAX_TYPE), clean(message, _MAX_TITLE)
    return clean(": ".join(filter(None, (error_type, message))), _MAX_TITLE)


def frame_label(stack: str, filename: str) -> str:
    """Return the top frame as `file:function`. Empty without a stack and a file name."""
    return _label(stack[:_MAX_STACK], filename[:_MAX_FILENAME])


def _type(error_type: str, message: str) -> str:
    """Return an error's type, or "" for a thrown text: aws-rum-web repeats it as the type."""
    return "" if error_type == message else error_type


@lru_cache(_CACHED)
def _fingerprint(error_type: str, message: str, stack: str, filename: str) -> str:
    constant = _VARIABLE.sub("#", clean(message, _MAX_MESSAGE))
    parts = [clean(error_type, _MAX_TYPE), constant, *_top_frames(stack, filename)]
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@lru_cache(_CACHED)
def _label(stack: str, filename: str) -> str:
    return next(iter(_top_frames(stack, filename)), "")


def _top_frames(stack: str, filename: str) -> list[str]:
    """Return the top three frames as `file:function`; a function that calls itself counts once."""
    frames = stack_frames(stack)
    if not frames and filename:
        frames = [Frame("", clean(filename, _MAX_FILENAME), 0, 0)]
    labels: list[str] = []
    for frame in frames:
        label = f"{_file(frame.url)}:{_function(frame.function)}".removesuffix(":")
        if not labels or labels[-1] != label:
            labels.append(label)
            if len(labels) == _FRAMES:
                break
    return labels


def _function(name: str) -> str:
    """Return a function's name without its object, which Firefox and Safari do not write."""
    name = name.removeprefix("async ").removeprefix("async*").removeprefix("new ")
    name = name.partition(" [as ")[0].rstrip("/<").replace("<anonymous>", "")
    return name.rpartition(".")[2].rpartition("/")[2]


def _file(url: str) -> str:
    if url.startswith(("<", "[", "native")):
        return url
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    name = path.rpartition("/")[2]
    if not name.lower().endswith(_SCRIPT):
        return "<page>"
    return _HASH_IN_FILE.sub("", name)
