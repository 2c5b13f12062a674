"""Broken copies of real inputs. The same number always gives the same copy."""

from __future__ import annotations

__all__ = ["MAX_BYTES", "flipped", "mutated"]

import random
from collections.abc import Sequence

MAX_BYTES = 64 << 10
# Most copies stay nearly valid, so that they get past the first check.
_EDITS = (1, 1, 1, 2, 3, 8)
_TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"true", b"-0", b"1e999", b"NaN"),
    *(b"\\ud800", b"\\udc00", b"\\u0000", b"\\", b"\xff", b"\x00", b"\r\n", b"\n", b" ", b"%00"),
    *(b"%", b"%2f..%2f", b"&", b"=", b";", b"*", b"?", b"${aws:username}", b"9" * 400),
    *(b"[" * 200, b'{"a":' * 200, b"\x80" * 10, b"\xff" * 10, b"\x0a\x00", b"a" * 300),
    "\N{LATIN SMALL LETTER E WITH ACUTE}\N{GRINNING FACE}".encode(),
]


def mutated(seeds: Sequence[bytes], number: int) -> bytes:
    """Return one of the seeds with 1 to 8 edits, at most `MAX_BYTES` long, or as long as a seed."""
    chance = random.Random(number)
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.choice(_EDITS)):
        _edit(content, seeds, chance)
    return bytes(content[: max(MAX_BYTES, len(seeds[0]))])


def flipped(seeds: Sequence[bytes], number: int) -> bytes:
    """Return one of the seeds with 1 to 8 other bytes, so that no length changes."""
    chance = random.Random(number)
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.choice(_EDITS)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def _edit(content: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(content))
    end = min(len(content), start + chance.choice((1, 1, 2, 8, 64, 1024)))
    match chance.randrange(7):
        case 0:
            content[start:end] = chance.randbytes(end - start)
        case 1:
            del content[start:end]
        case 2:
            content[start:start] = content[start:end] * chance.choice((1, 2, 16))
        case 3 | 4:
            content[start:start] = chance.choice(_TOKENS)
        case 5:
            content[start:end] = chance.choice(_TOKENS)
        case 6:
            other = chance.choice(seeds)
            content[start:] = other[chance.randint(0, len(other)) :]
