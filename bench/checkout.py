"""Commands and servers of a checkout of OpenRUM: this one, or an older one with its own .venv."""

from __future__ import annotations

__all__ = ["OURS", "Both", "Bridge", "Checkout", "Module", "Projector", "Service"]

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.running import Process, run_in_new_process

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Checkout:
    """A folder with the source, and the Python that runs it."""

    folder: Path
    python: str

    @classmethod
    def at(cls, folder: Path) -> Checkout:
        """Return the checkout in a folder whose .venv is set up."""
        return cls(folder, str(folder.absolute() / ".venv" / "bin" / "python"))

    @property
    def batch_method(self) -> str:
        """The gRPC method that takes several batches."""
        if (self.folder / "proto/rum/internal/v1/bridge_service.proto").exists():
            return "/rum.internal.v1.BridgeService/BatchPutRumEvents"
        return "/rum.v1.DataPlaneService/BatchPutRumEvents"

    def run(self, *arguments: str, service: str, folder: Path, stdin: str = "") -> str:
        """Run an `openrum` command as the operator of a service; return what it prints.

        Args:
            folder: where the service keeps its operator token.
        """
        settings = {
            "OPENRUM_SERVICE": service,
            "OPENRUM_GRPC": service,  # the name of the same setting in older versions
            "OPENRUM_TOKEN_FILE": str(folder / "var" / "operator.token"),
        }
        done = run_in_new_process(
            *arguments, python=self.python, stdin=stdin, cwd=folder, **settings
        )
        if done.returncode != 0:
            raise RuntimeError(f"openrum {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout


OURS = Checkout(_ROOT, sys.executable)


class _Python(Process):
    """A server that a Python module runs. Its ready line is JSON with its address."""

    forks = False

    def __init__(self, python: str, arguments: list[str], folder: Path, **settings: str) -> None:
        self._line = [python, "-m", *arguments]
        super().__init__(folder, **settings)

    def _command(self) -> tuple[list[str], dict[str, Any]]:
        return self._line, {}


class Service(_Python):
    """`openrum service`."""

    def __init__(self, checkout: Checkout, folder: Path, **settings: str) -> None:
        super().__init__(checkout.python, ["rum_cli", "service"], folder, **settings)

    def _is_ready(self, line: str) -> bool:
        if '"service listens"' not in line:
            return False
        self._grpc = json.loads(line)["grpc"]
        return True


class Bridge(_Python):
    """`openrum bridge`."""

    def __init__(self, checkout: Checkout, folder: Path, **settings: str) -> None:
        super().__init__(checkout.python, ["rum_cli", "bridge"], folder, **settings)

    def _is_ready(self, line: str) -> bool:
        if '"bridge listens"' not in line:
            return False
        self._http = json.loads(line)["http"]
        return True


class Projector(_Python):
    """`openrum projector`, which is ready as soon as it projects."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(OURS.python, ["rum_cli", "projector"], folder, **settings)

    def _is_ready(self, line: str) -> bool:
        return '"projector listens"' in line


class Both(_Python):
    """`openrum up` without a projector. It creates an app monitor at its first start."""

    def __init__(self, checkout: Checkout, folder: Path, **settings: str) -> None:
        self.monitor_id = ""
        # It has one if it is not older.
        has_projector = (checkout.folder / "projector").exists()
        arguments = ["rum_cli", "up", *(["--no-projector"] if has_projector else [])]
        super().__init__(checkout.python, arguments, folder, **settings)

    def _is_ready(self, line: str) -> bool:
        words = line.split()
        if words[:1] == ["HTTP"]:
            self._http = words[1].partition("://")[2]
        if words[:1] == ["gRPC"]:
            self._grpc = words[1]
        if words[:2] != ["app", "monitor"]:
            return False
        self.monitor_id = words[-1]
        return True


class Module(_Python):
    """A server of this folder: a module that prints where it listens."""

    def __init__(self, folder: Path, *module_and_arguments: str) -> None:
        super().__init__(sys.executable, list(module_and_arguments), folder, PYTHONPATH=str(_ROOT))

    @property
    def address(self) -> str:
        """host:port."""
        return self._http

    def _is_ready(self, line: str) -> bool:
        if '"listens"' in line:
            self._http = json.loads(line)["listens"]
            return True
        return False
