"""Source maps over gRPC: uploads in chunks, and the parts that come back."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Iterator

import grpc
import pytest

from rum.v1 import source_map_service_pb2 as pb
from rum.v1.source_map_service_pb2_grpc import SourceMapServiceStub
from tests.service.authorized import Authorized, Metadata, authorized, bearer, outcome_of, status_of
from tests.service.served import LoopThread

_TIMEOUT_S = 30.0
_CHUNK = 128 << 10
_QUOTA = 6 << 20


class Maps:
    """Calls about the app monitor `shop`, as an administrator."""

    def __init__(self, server: Authorized, channel: grpc.Channel) -> None:
        self.server = server
        self.stub = SourceMapServiceStub(channel)
        self.admin = bearer(server.operator)

    def upload(
        self,
        content: bytes,
        *,
        release: str = "1",
        file: str = "app.js",
        chunk: int = _CHUNK,
        app_monitor: str = "shop",
        metadata: Metadata | None = None,
    ) -> pb.SourceMap:
        requests = [
            pb.UploadSourceMapRequest(content=content[at : at + chunk])
            for at in range(0, max(1, len(content)), chunk)
        ]
        requests[0].MergeFrom(
            pb.UploadSourceMapRequest(app_monitor=app_monitor, release=release, file=file)
        )
        response = self.stub.UploadSourceMap(
            iter(requests), metadata=metadata or self.admin, timeout=_TIMEOUT_S
        )
        return response.source_map

    def rejection(self, content: bytes = b"{}", **options: object) -> str:
        with pytest.raises(grpc.RpcError) as raised:
            self.upload(content, **options)  # type: ignore[arg-type]
        status = status_of(raised.value)
        return f"{outcome_of(status)}: {status.message}"

    def parts(self, url: str, release: str = "") -> list[str]:
        found, token = [], ""
        while token or not found:
            request = pb.GetSourceMapRequest(
                app_monitor="shop", release=release, url=url, next_token=token
            )
            response = self.server.call("GetSourceMap", request, self.admin)
            found.append(response.text)
            token = response.next_token
        return found

    def found(self, url: str, release: str = "") -> str:
        request = pb.GetSourceMapRequest(app_monitor="shop", release=release, url=url)
        outcome = self.server.outcome("GetSourceMap", request, self.admin)
        if outcome != "ok":
            return outcome
        found = self.server.call("GetSourceMap", request, self.admin).source_map
        return f"{found.release} {found.file}"

    def list(self, **members: object) -> pb.ListSourceMapsResponse:
        request = pb.ListSourceMapsRequest(app_monitor="shop", **members)  # type: ignore[arg-type]
        response = self.server.call("ListSourceMaps", request, self.admin)
        assert isinstance(response, pb.ListSourceMapsResponse)
        return response

    def delete(self, release: str, file: str = "") -> float:
        request = pb.DeleteSourceMapsRequest(app_monitor="shop", release=release, file=file)
        deleted = self.server.call("DeleteSourceMaps", request, self.admin).deleted
        assert isinstance(deleted, float)
        return deleted


@pytest.fixture(scope="module")
def running(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    folder = tmp_path_factory.mktemp("service")
    with authorized(loop, folder, source_maps_quota=_QUOTA) as server:
        server.monitor("shop")
        yield server


@pytest.fixture
def maps(running: Authorized) -> Iterator[Maps]:
    """An app monitor without source maps."""
    with grpc.insecure_channel(running.address) as channel:
        maps = Maps(running, channel)
        yield maps
        for found in maps.list(max_results=200).source_maps:
            maps.delete(found.release)


def _large(characters: int) -> bytes:
    """Return a document in which many characters take several bytes."""
    letters = random.Random(1).choices("abcé€😀", k=characters)
    return json.dumps({"version": 3, "x": "".join(letters)}, ensure_ascii=False).encode()


@pytest.mark.parametrize("chunk", [_CHUNK, 99_991])
def test_a_long_source_map_comes_back_in_parts_of_whole_characters(maps: Maps, chunk: int) -> None:
    content = _large(2_000_000)
    stored = maps.upload(content, chunk=chunk)
    parts = maps.parts("https://shop.example/app.js")

    assert stored.size == len(content)
    assert "".join(parts).encode() == content
    assert len(parts) == 4
    assert all(len(part.encode()) <= 1 << 20 for part in parts)


def test_a_stack_url_finds_the_file_by_the_end_of_its_path(maps: Maps) -> None:
    for file in ("assets/app.js", "admin/app.js", "chunks/caf\u00e9.js"):
        maps.upload(b"{}", file=file)
    urls = {
        "https://cdn.example/shop/assets/app.js?v=1#x": "1 assets/app.js",
        "https://shop.example/admin/app.js": "1 admin/app.js",
        "/assets/app.js": "1 assets/app.js",
        "https://shop.example/caf%C3%A9.js": "1 chunks/caf\u00e9.js",
        # Both files agree in the base name only.
        "https://shop.example/other/app.js": "ResourceNotFoundException",
        "https://shop.example/app.js": "1 admin/app.js",
        "https://shop.example/assets/APP.js": "ResourceNotFoundException",
        "https://shop.example/": "ValidationException",
    }

    assert {url: maps.found(url) for url in urls} == urls


def test_the_release_selects_and_without_one_the_newest_is_used(maps: Maps) -> None:
    maps.upload(b'{"a": 1}', release="1")
    maps.upload(b'{"a": 2}', release="2")
    url = "https://shop.example/app.js"

    assert maps.parts(url, "1") == ['{"a": 1}']
    assert maps.parts(url) == ['{"a": 2}']
    assert maps.found(url, "3") == "ResourceNotFoundException"


def test_the_list_has_pages_and_the_sum(maps: Maps) -> None:
    for number in range(3):
        maps.upload(b"{}", release=str(number))
    first = maps.list(max_results=2)
    second = maps.list(max_results=2, next_token=first.next_token)
    every = [*first.source_maps, *second.source_maps]

    assert [found.release for found in every] == ["2", "1", "0"]
    assert second.next_token == ""
    assert first.stored_bytes == sum(found.stored_bytes for found in every)
    assert first.quota == _QUOTA
    assert [found.release for found in maps.list(release="1").source_maps] == ["1"]


def test_a_release_is_deleted_with_its_content(maps: Maps) -> None:
    maps.upload(b"{}", file="a.js")
    maps.upload(b"{}", file="b.js")

    assert maps.delete("1", "a.js") == 1
    assert maps.found("a.js") == "ResourceNotFoundException"
    assert maps.delete("1") == 1
    assert maps.delete("1") == 0


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"[]", {}, "content must be a JSON object."),
        (b"", {}, "content must be a JSON object."),
        (b'{"\xff"}', {}, "content must be UTF-8."),
        (b"{}" * _CHUNK, {"chunk": _CHUNK + 1}, "content must have at most 131072 bytes."),
        (b"{}", {"release": ""}, "release must have 1 to 200 characters."),
        (b"{}", {"file": "x" * 401}, "file must have 1 to 400 characters."),
        (b"{}", {"file": "a\0b.js"}, "file must have printable characters only."),
        (b"{}", {"file": "assets/"}, "file must end with the name of a script."),
        (b"{}", {"app_monitor": "a/b"}, "appMonitor must be the name of an app monitor."),
    ],
)
def test_an_invalid_upload_is_rejected_and_leaves_nothing(
    maps: Maps, content: bytes, options: dict[str, object], message: str
) -> None:
    assert maps.rejection(content, **options) == f"ValidationException: {message}"
    assert maps.list().stored_bytes == 0


def test_a_source_map_of_more_than_64_mib_is_rejected(maps: Maps) -> None:
    content = b'{"' + b"x" * (64 << 20)

    assert maps.rejection(content) == (
        "ValidationException: A source map must have at most 67108864 bytes."
    )
    assert maps.list().stored_bytes == 0


def test_an_upload_beyond_the_quota_is_rejected_and_the_old_ones_stay(maps: Maps) -> None:
    maps.upload(b'{"old": 1}')
    noise = json.dumps({"x": random.Random(1).randbytes(_QUOTA).hex()}).encode()

    assert maps.rejection(noise, release="2") == (
        f"ServiceQuotaExceededException: The source maps of an app monitor may use {_QUOTA} bytes."
        " Delete those of old releases."
    )
    assert [found.release for found in maps.list().source_maps] == ["1"]


def test_an_upload_needs_admin_access_and_names_an_app_monitor_that_exists(maps: Maps) -> None:
    reader = bearer(maps.server.token("reader", "read", "write"))

    assert maps.rejection(metadata=reader).startswith("AccessDeniedException")
    assert maps.rejection(app_monitor="none").startswith("ResourceNotFoundException")
    assert maps.rejection(metadata=[("x", "y")]).startswith("MissingAuthenticationTokenException")


def test_a_stream_without_messages_is_rejected(maps: Maps) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        maps.stub.UploadSourceMap(iter(()), metadata=maps.admin, timeout=_TIMEOUT_S)

    assert outcome_of(status_of(raised.value)) == "ValidationException"


def test_at_most_four_uploads_are_in_progress_and_an_interrupted_one_leaves_nothing(
    maps: Maps,
) -> None:
    release = threading.Event()

    def slow(number: int) -> Iterator[pb.UploadSourceMapRequest]:
        yield pb.UploadSourceMapRequest(
            app_monitor="shop", release="1", file=f"{number}.js", content=b"{}"
        )
        release.wait(_TIMEOUT_S)

    calls = [
        maps.stub.UploadSourceMap.future(slow(number), metadata=maps.admin, timeout=_TIMEOUT_S)
        for number in range(5)
    ]
    ended: list[grpc.Future] = []
    first = threading.Event()
    for call in calls:
        call.add_done_callback(lambda done: (ended.append(done), first.set()))
    assert first.wait(_TIMEOUT_S)
    refused = ended[0]
    cancelled = next(call for call in calls if call is not refused)
    cancelled.cancel()
    release.set()
    stored = [call.result() for call in calls if call not in (refused, cancelled)]

    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    assert len(stored) == 3
    assert len(maps.list().source_maps) == 3


@pytest.mark.parametrize("at", [5, 60, -1], ids=["header", "content", "checksum"])
def test_a_damaged_source_map_must_be_uploaded_again(maps: Maps, at: int) -> None:
    content = _large(500)
    maps.upload(content)
    whole = maps.found("https://shop.example/app.js")
    _damage_parts(maps, at)
    damaged = maps.server.rejection(
        "GetSourceMap",
        pb.GetSourceMapRequest(app_monitor="shop", url="https://shop.example/app.js"),
        maps.admin,
    )
    maps.upload(content)
    again = "".join(maps.parts("https://shop.example/app.js"))

    assert whole == "1 app.js"
    assert damaged == (
        "ResourceNotFoundException: The source map for this script and release is damaged."
        " Upload it again."
    )
    assert again.encode() == content


def _damage_parts(maps: Maps, at: int) -> None:
    """Flip a bit of every stored part."""
    with sqlite3.connect(maps.server.folder / "openrum.sqlite3") as database:
        for key, number, part in database.execute("SELECT * FROM source_map_parts").fetchall():
            changed = bytearray(part)
            changed[at] ^= 4
            database.execute(
                "UPDATE source_map_parts SET content = ? WHERE source_map = ? AND number = ?",
                (bytes(changed), key, number),
            )
    database.close()
