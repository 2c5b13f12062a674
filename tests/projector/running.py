"""A projector in its own process, and the rows that it wrote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from sqlalchemy import func, select

from rum_cli.projector_process import read_state
from rum_projector.engines.base import BrokenError, Place
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.schema import error_groups, event_counts, events
from rum_projector.settings import ProjectorSettings
from tests.support.projection_rows import chunk, event_row
from tests.support.running import OPENRUM, environment, run_openrum

_TIMEOUT_S = 60.0
# `openrum` with a projector that checks its lock, and tries again, in a fraction of a second.
_CHECKING_OFTEN = (
    sys.executable,
    "-c",
    "from rum_cli.__main__ import main\n"
    "from rum_projector import runner\n"
    "runner._INTERVAL_S = runner._LOCK_CHECK_S = runner._RETRY_S = 0.2\n"
    "main()",
)
# `openrum` with a projector that commits chunks of a few events, so that many end inside a batch.
_IN_SMALL_CHUNKS = (
    sys.executable,
    "-c",
    "from rum_cli.__main__ import main\n"
    "from rum_projector.projection import Projection\n"
    "Projection.__init__.__kwdefaults__['chunk_events'] = 50\n"
    "main()",
)
# Of the files of DuckDB.
_HEADER, _BLOCK = 12_288, 262_144


def eventually(condition: Callable[[], Any], timeout_s: float = _TIMEOUT_S) -> Any:
    """Return the first result of `condition` that is true."""
    end = time.monotonic() + timeout_s
    while True:
        if found := condition():
            return found
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.02)


class Projector:
    """`openrum projector` for the log in `folder`/log.sqlite3. The context manager ends it.

    Args:
        checks_often: the projector does not wait for seconds before it checks its lock.
        in_small_chunks: the projector commits chunks of a few events.
    """

    def __init__(
        self,
        folder: Path,
        *,
        checks_often: bool = False,
        in_small_chunks: bool = False,
        **settings: str,
    ) -> None:
        self.folder = folder
        self._openrum = OPENRUM
        if checks_often:
            self._openrum = _CHECKING_OFTEN
        elif in_small_chunks:
            self._openrum = _IN_SMALL_CHUNKS
        self._settings = {
            "OPENRUM_DATABASE_URL": f"sqlite:///{folder / 'log.sqlite3'}",
            "OPENRUM_PROJECTOR_SOCKET": "p.sock",
            **settings,
        }

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._openrum, "projector"],
            cwd=self.folder,
            env=environment(**self._settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> int:
        """Send SIGKILL and return the exit code."""
        self._process.send_signal(signal.SIGKILL)
        return self._end()

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        self.output = self._process.communicate(timeout=_TIMEOUT_S)[0] or ""
        return self._process.returncode

    def wait_for_end(self) -> int:
        """Return the exit code when the process has ended by itself."""
        self._process.wait(_TIMEOUT_S)
        return self._end()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command with the same settings."""
        return run_openrum("projector", *arguments, cwd=self.folder, **self._settings)

    def events(self) -> int:
        """Return how many events it has projected, or -1 if it does not answer."""
        assert self._process.poll() is None, self._end() or self.output
        # A path relative to the working directory of this process: Unix sockets have short names.
        found = read_state(Path(os.path.relpath(self.folder / "p.sock")))
        return int(found.events) if found else -1

    def wait(self, count: int) -> None:
        """Wait until it has projected `count` events."""
        eventually(lambda: self.events() == count)


def projected(folder: Path, url: str = "") -> tuple[int, int, int, list[Sequence[Any]]]:
    """Return the number of rows, of different events, the cursor's sequence, and the groups.

    No projector may run.

    Args:
        url: the database; by default the log in `folder`.
    """
    url = url or f"sqlite:///{folder / 'log.sqlite3'}"
    engine, aside = open_duckdb(
        folder / "insight.duckdb",
        name=ProjectorSettings(database_url=url).log_name,
        memory_bytes=64 << 20,
        newest=0,
        now_ms=0,
    )
    assert aside is None
    with closing(engine):
        place = events.c.sequence * 100_000 + events.c.position
        ((rows, different),) = engine.query(select(func.count(), func.count(place.distinct())))
        groups = select(error_groups).order_by(error_groups.c.fingerprint)
        cursor = engine.cursor()
        ((counted,),) = engine.query(select(func.coalesce(func.sum(event_counts.c.events), 0)))
        assert cursor.events == rows == counted
        return rows, different, cursor.place.whole_sequence, list(engine.query(groups))


def damage_a_block(file: Path, *, url: str) -> None:
    """Create a projection of the log that can be opened, but in which a block is damaged."""
    name = ProjectorSettings(database_url=url).log_name
    options = {"name": name, "memory_bytes": 128 << 20, "newest": 0, "now_ms": 0}
    engine, _ = open_duckdb(file, **options)
    # Many app monitors: their column fills blocks, and no block with it has the cursors too.
    rows = [
        event_row(1, number, monitor=1 + number * 7919 % 60_000, session=f"{number * 7919:040x}")
        for number in range(150_000)
    ]
    engine.write(chunk(*rows), after=Place(0), until=Place(1), now_ms=0)
    engine.close()
    whole = file.read_bytes()
    monitors = select(events.c.monitor).distinct()
    for start in range(_HEADER, len(whole), _BLOCK):
        damaged = bytearray(whole)
        damaged[start + 1000 : start + 1064] = b"\xff" * 64
        file.write_bytes(damaged)
        engine, aside = open_duckdb(file, **options)
        try:
            if aside is None:
                engine.query(monitors)
        except BrokenError:
            return
        finally:
            engine.close()
            file.with_name(f"{file.name}.aside").unlink(missing_ok=True)
            file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
    raise AssertionError("no block matters")
