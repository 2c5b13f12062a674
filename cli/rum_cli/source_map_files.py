"""Find source maps in a bundler's output, and the scripts that they belong to."""

from __future__ import annotations

__all__ = ["SourceMapFile", "find_source_maps"]

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from rum_cli.failure import WRONG_USAGE, Failure

_SCRIPTS = (".js", ".mjs", ".cjs")
_MAX_BYTES = 64 << 20
# A script's last line is `//# sourceMappingURL=app.js.map`.
_TAIL_BYTES = 4096
_MAPPING_URL = re.compile(rb"//[#@]\s*sourceMappingURL=(\S+)\s*\Z")


@dataclass(frozen=True)
class SourceMapFile:
    """A source map to upload."""

    path: Path
    script: str
    """The path of the script in the folder that was named, such as assets/app.js."""
    size: int


def find_source_maps(paths: Iterable[Path]) -> list[SourceMapFile]:
    """Return the source maps of scripts in these files and folders, by script.

    Raises:
        Failure: a file is too long, is unreadable, or is not a source map of version 3.
    """
    found: dict[str, SourceMapFile] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        named = _named_by_scripts(folder) if path.is_dir() else {}
        for file in _files(path, ".map"):
            one = _read(folder, file, named)
            if one is not None:
                found[one.script] = one
    return [found[script] for script in sorted(found)]


def _files(path: Path, *suffixes: str) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            if name.endswith(suffixes):
                yield Path(folder, name)


def _named_by_scripts(folder: Path) -> dict[Path, Path]:
    """Return the scripts in a folder by the source maps that they name."""
    named: dict[Path, Path] = {}
    for script in _files(folder, *_SCRIPTS):
        with script.open("rb") as opened:
            opened.seek(max(0, script.stat().st_size - _TAIL_BYTES))
            match = _MAPPING_URL.search(opened.read())
        url = match[1].decode(errors="replace") if match else "data:"
        if not url.startswith("data:"):
            named[Path(os.path.normpath(script.parent / unquote(url.partition("?")[0])))] = script
    return named


def _read(folder: Path, path: Path, named: dict[Path, Path]) -> SourceMapFile | None:
    """Return a source map. None: it belongs to a style sheet."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Failure(f"{path}: a source map must have at most 64 MiB", WRONG_USAGE)
        content = path.read_bytes()
        document = json.loads(content)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", WRONG_USAGE) from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("version") != 3:
        raise Failure(f"{path}: this is not a source map of version 3", WRONG_USAGE)
    if not isinstance(document.get("mappings", document.get("sections")), str | list):
        raise Failure(f"{path}: this source map has no mappings", WRONG_USAGE)
    script = named.get(Path(os.path.normpath(path))) or _script_of(path, document.get("file"))
    if script.suffix not in _SCRIPTS:
        return None
    return SourceMapFile(path, script.relative_to(folder).as_posix(), len(content))


def _script_of(path: Path, file: object) -> Path:
    """Return the script beside a source map that its name or its member `file` tells."""
    beside = path.with_suffix("")
    if beside.suffix not in (*_SCRIPTS, ".css") and isinstance(file, str) and file:
        return path.parent / Path(file).name
    return beside
