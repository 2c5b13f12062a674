"""Runs the AWS CLI against a server on this machine.

The CLI is installed into a separate folder, because it needs older versions of some packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tools.python import install_package
from tests.tools.toolbox import TOOLS, announce, install_once

__all__ = ["VERSION", "install", "run"]

VERSION = "1.46.2"

_SETTINGS = {
    # Example credentials. The configuration of this machine is not read.
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_DEFAULT_OUTPUT": "json",
    # Without this PutRumEvents goes to the host dataplane.127.0.0.1, which does not exist.
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
    "NO_PROXY": "127.0.0.1,localhost",
    "PYTHONUTF8": "1",
}


def install(into: Path | None = None) -> Path:
    """Install the CLI if it is missing, by default into `.tools/awscli`, and return its folder.

    Raises:
        ToolMissingError: Neither uv nor pip could install it.
    """
    return install_once(into or TOOLS / "awscli", VERSION, _install)


def run(
    args: Sequence[str],
    endpoint_url: str,
    env: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `aws ARGS --endpoint-url ENDPOINT_URL` and return its exit status, stdout and stderr.

    The CLI does not retry, unless `env` sets AWS_MAX_ATTEMPTS.

    Args:
        args: Arguments such as ["rum", "list-app-monitors"].
        endpoint_url: URL of the server, such as "http://127.0.0.1:8080".
        env: Variables that override the settings above. Only PATH, HOME and LANG are inherited
            from this process.
        timeout_s: Time limit in seconds.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # -S hides the site-packages of the tests from the CLI.
    return subprocess.run(
        [sys.executable, "-S", "-m", "awscli", *args, "--endpoint-url", endpoint_url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**inherited, **_SETTINGS, "PYTHONPATH": str(install()), **(env or {})},
        timeout=timeout_s,
        check=False,
    )


def _install(folder: Path) -> None:
    announce("Installing the AWS CLI (170 MB) into .tools, for tests that run it.")
    install_package(f"awscli=={VERSION}", folder)
