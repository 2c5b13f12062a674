"""Queries of DuckDB with time limits, alone or several that see the same rows."""

from __future__ import annotations

__all__ = ["Queries"]

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
from sqlalchemy import Executable

from rum_projector.engines.base import EngineError, Query, QueryTimeoutError
from rum_projector.engines.dialect import run

_INTERRUPT_AGAIN_S = 0.05
_TURN_POLL_S = 0.05


class Queries:
    """Runs queries. Any thread may call this, several at once.

    Args:
        failure: returns the error to raise for an error of DuckDB.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        failure: Callable[[duckdb.Error], EngineError],
    ) -> None:
        self._connection = connection
        self._failure = failure
        # Percentiles keep all values in memory: two statements over 9 million events took more than
        # 256 MiB. One at a time is as fast, because it uses two threads.
        self._turn = threading.Lock()

    def query(self, statement: Executable, *, timeout_s: float) -> Sequence[tuple[Any, ...]]:
        """Return the rows that a SELECT finds: see `Engine.query`."""
        with self._connection.cursor() as connection, _interrupting(connection, timeout_s):
            return self._result(connection, statement)

    @contextmanager
    def snapshot(
        self, *, timeout_s: float, alone: bool, stop: threading.Event | None
    ) -> Iterator[Query]:
        """Return a function whose statements all see the same rows: see `Engine.snapshot`."""
        end_s = time.monotonic() + timeout_s
        ends = stop or threading.Event()

        def check_time() -> None:
            if ends.is_set() or time.monotonic() >= end_s:
                raise QueryTimeoutError

        def query(statement: Executable) -> Sequence[tuple[Any, ...]]:
            check_time()
            if not alone:
                return self._result(connection, statement)
            while not self._turn.acquire(timeout=_TURN_POLL_S):
                check_time()
            try:
                check_time()
                return self._result(connection, statement)
            finally:
                self._turn.release()

        # One timer for all statements: starting a thread for each took 1 ms.
        with self._connection.cursor() as connection, _interrupting(connection, timeout_s, ends):
            try:
                connection.begin()  # closing the connection rolls it back
            except duckdb.InterruptException:
                raise QueryTimeoutError from None
            yield query

    def _result(
        self, connection: duckdb.DuckDBPyConnection, statement: Executable
    ) -> list[tuple[Any, ...]]:
        try:
            return run(connection, statement)
        except duckdb.InterruptException:
            raise QueryTimeoutError from None
        except duckdb.Error as error:
            raise self._failure(error) from error


@contextmanager
def _interrupting(
    connection: duckdb.DuckDBPyConnection, timeout_s: float, stop: threading.Event | None = None
) -> Iterator[None]:
    """Interrupt the statements that run after some time, as long as the context is open.

    Args:
        stop: setting it interrupts them earlier. It is set when the context closes.
    """
    done = threading.Event()
    early = stop or done

    def interrupt() -> None:
        early.wait(timeout_s)
        while not done.is_set():
            connection.interrupt()
            # A statement that starts at this moment does not notice it.
            done.wait(_INTERRUPT_AGAIN_S)

    timer = threading.Thread(target=interrupt, name="query-limit", daemon=True)
    timer.start()
    try:
        yield
    finally:
        done.set()
        early.set()
        timer.join()
