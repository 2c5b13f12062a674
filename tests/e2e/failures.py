"""Servers that reject valid requests, so that clients see each documented failure."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import grpc

from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.support.batches import message
from tests.support.running import OpenRum

__all__ = ["SMALL_QUEUE", "broken_store", "full_queue", "hidden_batches"]

SMALL_QUEUE = {"OPENRUM_MAX_WAITING_BYTES": str(1 << 20)}
"""Settings of a server whose queue `full_queue` can fill."""


@contextmanager
def full_queue(server: OpenRum) -> Iterator[None]:
    """Keep the queue of waiting batches full while the context is open.

    The database is locked. The first of two long batches waits, and the second one is throttled.
    """
    monitor_id = server.monitor_id()
    lock = closing(sqlite3.connect(server.database, timeout=30))
    with lock as connection, ThreadPoolExecutor(2) as pool:
        connection.execute("BEGIN IMMEDIATE")
        try:
            puts = [pool.submit(_put_long, server, monitor_id) for _ in range(2)]
            done, waiting = wait(puts, timeout=30, return_when=FIRST_COMPLETED)
            assert [put.result() for put in done] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
            yield
        finally:
            connection.rollback()
        assert [put.result() for put in waiting] == [grpc.StatusCode.OK]


def _put_long(server: OpenRum, monitor_id: str) -> grpc.StatusCode:
    """Put a batch that is longer than 1 MiB even when compressed."""
    request = message(monitor_id)
    request.rum_events[0].details = base64.b64encode(os.urandom(3 << 19)).decode()
    with grpc.insecure_channel(server.grpc) as channel:
        try:
            DataPlaneServiceStub(channel).PutRumEvents(request, timeout=60)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()  # type: ignore[attr-defined]
            return code
    return grpc.StatusCode.OK


def broken_store(server: OpenRum) -> AbstractContextManager[None]:
    """Hide the table of batches while the context is open."""
    return hidden_batches(server.database)


@contextmanager
def hidden_batches(database: Path) -> Iterator[None]:
    """Hide the table of batches in a SQLite file while the context is open."""
    _rename(database, "batches", "batches_hidden")
    try:
        yield
    finally:
        _rename(database, "batches_hidden", "batches")


def _rename(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
