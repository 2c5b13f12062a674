"""Installs Python packages into folders under `.tools`, separate from the tests' packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.toolbox import TOOLS, ToolMissingError, install_once, run_installer

__all__ = ["install_package", "installed_packages"]


def installed_packages(name: str, version: str) -> Path:
    """Return a folder with a package and its dependencies. The first call installs them.

    Raises:
        ToolMissingError: Neither uv nor pip could install it.
    """
    requirement = f"{name}=={version}"
    return install_once(
        TOOLS / f"{name}-{version}",
        requirement,
        lambda folder: install_package(requirement, folder),
    )


def install_package(requirement: str, folder: Path) -> None:
    """Install a package and its dependencies into a folder, for this interpreter.

    Raises:
        ToolMissingError: Neither uv nor pip could install it.
    """
    missing = f"{requirement} could not be installed"
    uv = shutil.which("uv", path=f"{TOOLS / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if uv is not None:
        command = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", sys.executable]
        try:
            run_installer([*command, "--target", folder, requirement], missing)
        except (
            ToolMissingError
        ):  # uv ignores pip's settings, so pip may reach a package index that uv cannot
            shutil.rmtree(folder)
        else:
            return
    # An environment created by uv contains no pip. The interpreter that it was created from does.
    for python in dict.fromkeys([sys.executable, getattr(sys, "_base_executable", sys.executable)]):
        version = [python, "-m", "pip", "--version"]
        if subprocess.run(version, capture_output=True, check=False).returncode == 0:
            install = [python, "-m", "pip", "install", "-q", "--target", folder, requirement]
            run_installer(install, missing)
            return
    raise ToolMissingError(f"{missing}: neither uv nor pip was found")
