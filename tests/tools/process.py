"""Starts servers as child processes, waits until they are ready, and always stops them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

__all__ = ["ServerProcess", "wait_until"]

T = TypeVar("T")


def wait_until(
    probe: Callable[[], T | None], what: str, *, timeout_s: float = 60, poll_s: float = 0.02
) -> T:
    """Call `probe` until it returns something other than None or False, and return that.

    Raises:
        TimeoutError: `timeout_s` seconds have passed. The message names `what`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = probe()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {timeout_s:g} s")
        time.sleep(poll_s)


class ServerProcess:
    """A server in a child process, with its output in a log file.

    It receives `stop_signal` when this object is closed, and also when the thread that started it
    ends, so that a killed test run leaves no process behind.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        uid: int | None = None,
        gid: int | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        """Start `command`, as user `uid` and group `gid` if given."""
        self._log = log
        self._stop_signal = stop_signal
        setpriv = shutil.which("setpriv")
        stop_with_parent = (
            [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")] if setpriv else []
        )
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                [*stop_with_parent, *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=uid,
                group=gid,
                extra_groups=[] if uid is not None else None,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process ID, for tests that send signals to the server."""
        return self._child.pid

    def wait_until(self, probe: Callable[[], T | None], what: str, *, timeout_s: float = 60) -> T:
        """Like the function `wait_until`, but fail at once, with the log, if the server ends."""

        def alive() -> T | None:
            if self._child.poll() is not None:
                raise RuntimeError(f"the server ended before {what}:\n{self.log_tail()}")
            return probe()

        try:
            return wait_until(alive, what, timeout_s=timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}:\n{self.log_tail()}") from None

    def log_tail(self) -> str:
        """Return the last 2,000 characters of the log."""
        return self._log.read_text(errors="replace")[-2000:]

    def stop(self, *, timeout_s: float = 30) -> None:
        """Send the stop signal, and kill the server after `timeout_s`. A second call does nothing."""
        if self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
