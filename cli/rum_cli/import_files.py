"""The lines of files to import: plain, gzip or zstd."""

from __future__ import annotations

__all__ = ["STANDARD_INPUT", "files_in", "lines_of"]

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from isal import igzip

from rum_cli.import_lines import LineError

_MAX_LINE = 64 << 20
_CHUNK = 32 << 10
# CloudWatch Logs writes this file to the bucket to test its access.
_WRITE_TEST = "aws-logs-write-test"
STANDARD_INPUT = Path("-")
_PARQUET = b"PAR1"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_TRUNCATED = (EOFError, OSError, zstandard.ZstdError, igzip.BadGzipFile)


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return these files, and the files in these folders, except those that hold no events."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            found += [Path(folder, name) for name in sorted(names) if _may_have_events(name)]
    return found


def lines_of(file: Path, progress: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers.

    Args:
        progress: called with the number of bytes that have been read.

    Raises:
        LineError: the rest of the file cannot be read.
        OSError: the file cannot be opened.
    """
    number = 0
    with _opened(file) as raw:
        start = raw.peek(4)[:4]
        if start == _PARQUET:
            raise LineError("this is Parquet, and only JSON lines can be imported")
        opened = _decompressed(raw, start)
        while True:
            number += 1
            try:
                line = opened.readline(_MAX_LINE)
            except _TRUNCATED:
                raise LineError("the rest of the file cannot be decompressed") from None
            if raw.seekable():
                progress(raw.tell())
            if not line:
                return
            if len(line) == _MAX_LINE:
                raise LineError("the line is too long, and the rest of the file is not read")
            if line.strip():
                yield number, line


def _opened(file: Path) -> io.BufferedReader:
    if file == STANDARD_INPUT:
        return cast("io.BufferedReader", sys.stdin.buffer)
    return file.open("rb")


def _decompressed(raw: IO[bytes], start: bytes) -> IO[bytes]:
    if start.startswith(_GZIP):
        return cast("IO[bytes]", igzip.IGzipFile(fileobj=raw))  # type: ignore[no-untyped-call] # isal has none
    if start == _ZSTD:
        return io.BufferedReader(_ZstdFile(raw), 1 << 20)
    return raw


class _ZstdFile(io.RawIOBase):
    """Reads frames of zstd. zstandard's own reader does not notice that the last one is cut."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_in_frame = False
        self._unread = b""
        self._read = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._read:
            if self._frame.eof:
                self._unread = self._frame.unused_data
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._is_in_frame = False
            self._unread = self._unread or self._raw.read(_CHUNK)
            if not self._unread:
                if self._is_in_frame:
                    raise EOFError
                return 0
            self._is_in_frame = True
            self._read, self._unread = self._frame.decompress(self._unread), b""
        length = min(len(buffer), len(self._read))
        buffer[:length] = self._read[:length]
        self._read = self._read[length:]
        return length


def _may_have_events(name: str) -> bool:
    return not name.startswith((".", "_")) and name != _WRITE_TEST
