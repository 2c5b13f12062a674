"""`openrum sourcemaps`: source maps, with which the page shows the original code of errors."""

from __future__ import annotations

__all__ = ["sourcemaps"]

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import grpc
from google.protobuf.json_format import MessageToDict

from rum.v1.source_map_service_pb2 import (
    DeleteSourceMapsRequest,
    ListSourceMapsRequest,
    SourceMap,
    UploadSourceMapRequest,
)
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.counted import counted
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.invocation import command_line
from rum_cli.output import Column, json_option, print_json, print_table, utc
from rum_cli.pages import pages
from rum_cli.source_map_files import SourceMapFile, find_source_maps

_CHUNK_BYTES = 128 << 10
_PAGE = 200
# The service takes four uploads at a time.
_ATTEMPTS = 30
_WAIT_S = 1.0
_COLUMNS = [
    Column("Release"),
    Column("Script"),
    Column("Bytes", whole=True),
    Column("Stored", whole=True),
    Column("Uploaded (UTC)", whole=True),
]


@click.group()
def sourcemaps() -> None:
    """Manage source maps, with which the page shows the original code of errors."""


@sourcemaps.command(cls=ClientCommand)
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--release", required=True, help="The release, as the page reports it.")
def upload(name: str, paths: tuple[Path, ...], release: str, target: Target) -> None:
    """Upload source maps of the app monitor NAME.

    PATHS are files and folders. In a folder, all files that end in .map are uploaded, except those
    of style sheets. The end of a script's URL must equal the end of its path in the folder.
    Uploading again replaces a source map. Everyone with read access can read the original code.
    """
    files = find_source_maps(paths)
    if not files:
        raise Failure("there are no source maps of scripts in these files", WRONG_USAGE)
    total = sum(file.size for file in files)
    with (
        connect(target) as client,
        click.progressbar(length=total, label="Uploading", file=sys.stderr) as bar,
    ):
        for file in files:
            _upload(client, name, release, file, bar.update)
    click.echo(f"Uploaded {counted(len(files), 'source map')} of {name}, release {release}")


@sourcemaps.command(name="list", cls=ClientCommand)
@click.argument("name")
@click.option("--release", help="List only source maps of this release.")
@json_option
def list_(name: str, release: str | None, as_json: bool, target: Target) -> None:
    """List the source maps of the app monitor NAME, newest first."""
    with connect(target) as client:
        found = list(_all(client, name, release or ""))
    if as_json:
        for source_map in found:
            print_json(_document(source_map))
    elif not found:
        upload = ("upload", name, "--release", release or "RELEASE", "FOLDER")
        line = command_line("sourcemaps", *upload, *target.arguments)
        of_release = f" of release {release}" if release else ""
        click.echo(f"{name} has no source maps{of_release}. Upload them: {line}", err=True)
    else:
        print_table(_COLUMNS, [_row(source_map) for source_map in found])


@sourcemaps.command(cls=ClientCommand)
@click.argument("name")
@click.option("--release", required=True, help="The release.")
@click.option("--script", default="", help="Delete only that of this script, as `list` shows it.")
def delete(name: str, release: str, script: str, target: Target) -> None:
    """Delete source maps of the app monitor NAME."""
    request = DeleteSourceMapsRequest(app_monitor=name, release=release, file=script)
    with connect(target) as client:
        deleted = round(client.source_maps.DeleteSourceMaps(request).deleted)
    click.echo(f"Deleted {counted(deleted, 'source map')}")


def _upload(
    client: Client, name: str, release: str, file: SourceMapFile, progress: Callable[[int], None]
) -> None:
    """Upload a source map, and try again while others upload."""
    content = file.path.read_bytes()
    sent = 0

    def requests() -> Iterator[UploadSourceMapRequest]:
        nonlocal sent
        yield UploadSourceMapRequest(app_monitor=name, release=release, file=file.script)
        for start in range(0, len(content), _CHUNK_BYTES):
            chunk = content[start : start + _CHUNK_BYTES]
            yield UploadSourceMapRequest(content=chunk)
            sent += len(chunk)
            progress(len(chunk))

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            client.source_maps.UploadSourceMap(requests())
            return
        except grpc.RpcError as error:
            is_busy = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            if not is_busy or attempt == _ATTEMPTS:
                raise
        progress(-sent)
        sent = 0
        time.sleep(_WAIT_S)


def _all(client: Client, name: str, release: str) -> Iterator[SourceMap]:
    request = ListSourceMapsRequest(app_monitor=name, release=release, max_results=_PAGE)
    for page in pages(client.source_maps.ListSourceMaps, request):
        yield from page.source_maps


def _row(found: SourceMap) -> Sequence[str]:
    uploaded = datetime.fromtimestamp(found.uploaded_ms / 1000, UTC).isoformat()
    sizes = [f"{found.size:.0f}", f"{found.stored_bytes:.0f}"]
    return [found.release, found.file, *sizes, utc(uploaded)]


def _document(found: SourceMap) -> dict[str, Any]:
    return MessageToDict(found, always_print_fields_with_no_presence=True)
