"""Find a script's source map by the URL in a stack. Pure.

An uploaded file has the path that it had in a folder of the build: assets/app.js. Its URL has other
folders in front, or none of them: https://cdn.example/shop/assets/app.js?v=1.
"""

from __future__ import annotations

__all__ = ["best_match", "segments_of"]

from collections.abc import Sequence
from urllib.parse import unquote

from rum_service.storage.records import SourceMapRecord


def segments_of(url: str) -> list[str]:
    """Return the decoded segments of the URL's path. The URL may be only a path."""
    path = url.partition("#")[0].partition("?")[0]
    _, is_absolute, rest = path.partition("://")
    if is_absolute:
        path = rest.partition("/")[2]
    return [unquote(segment) for segment in path.split("/") if segment not in ("", ".")]


def best_match(
    path: Sequence[str], candidates: Sequence[SourceMapRecord]
) -> SourceMapRecord | None:
    """Return the source map whose file agrees with the end of `path` in most segments.

    None if several files agree equally well and none of them is the end of the other path: one of
    them at random would show another script.

    Args:
        candidates: newest first, which is preferred.
    """
    files = {record.file: record.file.split("/") for record in candidates}
    agreeing = {file: _agreeing(path, segments) for file, segments in files.items()}
    most = max(agreeing.values(), default=0)
    best = [file for file, number in agreeing.items() if number == most > 0]
    ends = [file for file in best if most in (len(path), len(files[file]))]
    if not ends and len(best) > 1:
        return None
    return next((record for record in candidates if record.file in (ends or best)), None)


def _agreeing(path: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    for a, b in zip(reversed(path), reversed(other), strict=False):
        if a != b:
            break
        number += 1
    return number
