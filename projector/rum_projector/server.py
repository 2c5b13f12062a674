"""The composition root of the projector: what is built from what, and the order of start and stop.

locks → log → engine → projection on its thread → InsightService on a Unix socket
"""

from __future__ import annotations

__all__ = ["open_projection", "running_projector"]

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc.aio
import structlog

from rum.v1.insight_service_pb2_grpc import add_InsightServiceServicer_to_server
from rum_endpoint.end_process import end_process
from rum_endpoint.start_error import StartError
from rum_projector.engines.base import Engine, EngineError
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.insight.servicer import InsightServicer
from rum_projector.lock import LockedError, ProjectionLock
from rum_projector.projection import Projection
from rum_projector.runner import Runner, rebuild_marker
from rum_projector.settings import ProjectorSettings
from rum_service.storage import open_lock, open_store
from rum_service.storage.base import Store
from rum_service.storage.database_lock import DatabaseLock, LockHeldError, LockLostError

logger = structlog.get_logger()

# More at once would only make each of them slower: DuckDB runs two threads for all queries.
_QUERY_THREADS = 2
_MAX_CALLS = 64
_MAX_METADATA_BYTES = 128 << 10
_STOP_S = 5.0
# Arbitrary, but the same in every process, and different from the locks of the service.
_LOCK = 0x50524F4A
_HELD = "another projector reads this database"


@asynccontextmanager
async def running_projector(settings: ProjectorSettings) -> AsyncIterator[None]:
    """Run the projector while the context is open. The process ends if it cannot write.

    Raises:
        StartError: another projector runs, or a setting cannot be satisfied.
    """
    with contextlib.ExitStack() as stack:
        # Before the thread: closing the projection has to wait for it.
        store, engine, projection, lock = await asyncio.to_thread(
            stack.enter_context, open_projection(settings)
        )
        marker = rebuild_marker(settings.projection_file)
        stack.enter_context(Runner(projection, hold=lock.hold, marker=marker, fail=_end))
        pool = stack.enter_context(ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="query"))
        servicer = InsightServicer(
            engine, store, pool, freshness=projection.freshness, clock=time.time
        )
        server = grpc.aio.server(maximum_concurrent_rpcs=_MAX_CALLS, options=_OPTIONS)
        add_InsightServiceServicer_to_server(servicer, server)
        _listen(server, settings.projector_socket)
        await server.start()
        try:
            yield
        finally:
            await server.stop(_STOP_S)


@contextmanager
def open_projection(
    settings: ProjectorSettings,
) -> Iterator[tuple[Store, Engine, Projection, DatabaseLock]]:
    """Open the log and its projection, and hold their locks, while the context is open. Blocks.

    Raises:
        StartError: another projector runs, or a setting cannot be satisfied.
    """
    file = settings.projection_file
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(ProjectionLock(file))
        except LockedError:
            raise StartError(f"OPENRUM_PROJECTION: another projector writes {file}") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError(f"OPENRUM_PROJECTION: cannot write {file}: {reason}") from error
        try:
            store = open_store(settings.database_url)
        except ValueError as error:
            raise StartError(f"OPENRUM_DATABASE_URL: {error}") from error
        stack.callback(store.close)
        lock = open_lock(settings.database_url, key=_LOCK, name="projector")
        stack.callback(lock.close)
        try:
            lock.hold()
        except LockHeldError as error:
            raise StartError(f"OPENRUM_DATABASE_URL: {_HELD}: {error}") from None
        except LockLostError:
            raise StartError("OPENRUM_DATABASE_URL: the database does not answer") from None
        engine = _open_engine(settings, store)
        stack.callback(engine.close)
        yield store, engine, Projection(store, engine, clock=time.time), lock


def _open_engine(settings: ProjectorSettings, store: Store) -> Engine:
    marker = rebuild_marker(settings.projection_file)
    try:
        engine, aside = open_duckdb(
            settings.projection_file,
            name=settings.log_name,
            memory_bytes=settings.projector_memory_bytes,
            newest=store.log.newest_sequence(),
            now_ms=round(time.time() * 1000),
            continues=not marker.exists(),
        )
    except EngineError as error:
        raise StartError(f"OPENRUM_PROJECTION: {error}") from error
    marker.unlink(missing_ok=True)
    if aside:
        logger.warning("projection set aside, and built again", file=str(aside))
    return engine


def _listen(server: grpc.aio.Server, path: Path) -> None:
    """Bind the socket. The lock guarantees that no other projector of this projection uses it."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.settimeout(1)
        probe.connect(str(path))
        raise StartError(f"OPENRUM_PROJECTOR_SOCKET: another process listens on {path}")
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError:
        raise StartError(
            f"OPENRUM_PROJECTOR_SOCKET: cannot listen on {path}: its folder must exist and be"
            " writable, and the path must be shorter than 108 bytes"
        ) from None
    # A service in the same group may call it: the umask would close it to the group.
    path.chmod(0o660)


def _end(error: Exception) -> None:
    if isinstance(error, LockHeldError):
        end_process(f"{_HELD}: {error}")
    logger.error("projection failed", exc_info=error)
    reason = str(error) if isinstance(error, EngineError) else type(error).__name__
    end_process(f"the projection cannot be written: {reason}")


_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
]
