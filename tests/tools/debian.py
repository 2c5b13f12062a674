"""Unpacks Debian packages and the packages they need below a folder, without root.

apt downloads and verifies the packages as usual, but with its own lists and cache below the folder.
Nothing is installed on the machine, and maintainer scripts do not run.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from tests.tools.toolbox import ToolMissingError, announce, run_installer

__all__ = ["library_folders", "unpack"]

_DPKG_STATUS = Path("/var/lib/dpkg/status")


def unpack(packages: Sequence[str], into: Path, *, without: Sequence[str] = ()) -> None:
    """Unpack `packages`, and those packages they need that the machine lacks.

    Args:
        packages: Names; these are unpacked even if the machine has them.
        into: An empty folder, which becomes the root of the unpacked files.
        without: Packages that `packages` depend on but do not need here.

    Raises:
        ToolMissingError: This is not a Debian machine, or the packages could not be downloaded.
    """
    apt_get, dpkg_deb = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt_get is None or dpkg_deb is None or not _DPKG_STATUS.exists():
        raise ToolMissingError(
            f"{packages[0]} is missing: this is not a Debian machine, so its package cannot be unpacked"
        )
    missing = f"{packages[0]} is missing and apt-get could not download it"
    state = into / "apt"
    (state / "lists" / "partial").mkdir(parents=True)
    (state / "cache" / "archives" / "partial").mkdir(parents=True)
    (state / "status").write_text(_DPKG_STATUS.read_text() + "".join(map(_installed, without)))
    options = _options(state)
    install = [apt_get, *options, "--yes", "--no-install-recommends", "--reinstall", "install"]

    announce(f"Looking up Debian's package {packages[0]} ...")
    run_installer([apt_get, *options, "update"], missing)
    listed = run_installer([*install, "--print-uris", *packages], missing)
    files = re.findall(r"^'\S+' (\S+\.deb) (\d+)", listed, re.MULTILINE)
    named = ["=".join(unquote(file).split("_")[:2]) for file, _ in files]
    shown = run_installer(
        [shutil.which("apt-cache") or "apt-cache", *options, "show", *named], missing
    )
    unpacked = sum(int(size) for size in re.findall(r"^Installed-Size: (\d+)", shown, re.MULTILINE))
    announce(
        f"Downloading {len(files)} Debian packages ({sum(int(size) for _, size in files) / 1e6:.0f} MB,"
        f" unpacked {unpacked / 1e3:.0f} MB) into {into}. Nothing is installed outside this folder."
    )
    run_installer([*install, "--download-only", *packages], missing)
    for archive in sorted((state / "cache" / "archives").glob("*.deb")):
        run_installer([dpkg_deb, "--extract", archive, into], f"{archive.name} cannot be unpacked")
    shutil.rmtree(state)


def library_folders(root: Path) -> list[Path]:
    """Return the folders below `root` that hold shared libraries."""
    return sorted({library.parent for library in root.rglob("*.so*") if library.is_file()})


def _options(state: Path) -> list[str]:
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Debug::NoLocking": 1,  # only root can lock dpkg, and nothing here runs it
        "APT::Sandbox::User": "root",  # the user _apt might not reach the folder
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    return [
        "-qq",
        *(part for name, value in settings.items() for part in ("-o", f"{name}={value}")),
    ]


def _installed(package: str) -> str:
    """Return an entry for dpkg's status that satisfies dependencies on `package`."""
    return (
        f"\nPackage: {package}\nStatus: install ok installed\nArchitecture: all\nVersion: 999\n"
        "Maintainer: none\nDescription: not needed\n"
    )
