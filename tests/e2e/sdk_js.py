"""Calls with the AWS SDK for JavaScript, made by sdk_js.mjs in Node.js."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.support.running import OpenRum
from tests.tools.node import npm_install, run_node
from tests.tools.toolbox import TOOLS, tools_needed

__all__ = ["PACKAGES", "Call", "call"]

PACKAGES = {"@aws-sdk/client-rum": "3.1086.0"}
_SCRIPT = Path(__file__).with_name("sdk_js.mjs")

Call = tuple[str, dict[str, Any]]
"""The name of a command, and its input."""


def call(server: OpenRum, *calls: Call, **settings: Any) -> list[dict[str, Any]]:
    """Make the calls one after the other and return their results.

    Args:
        settings: Settings of the client, such as `maxAttempts`.
    """
    with tools_needed():
        modules = npm_install(PACKAGES, TOOLS / "aws-sdk-js")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(calls, file)
        file.flush()
        arguments = (server.url, file.name, json.dumps(settings))
        printed = run_node(_SCRIPT, *arguments, cwd=modules.parent)
    results: list[dict[str, Any]] = json.loads(printed)
    return results
