"""Rejects environment variables that start with OPENRUM_ and that no process reads.

A misspelled name would otherwise leave a default in force, without a word.
"""

from __future__ import annotations

__all__ = ["COMMAND_NAMES", "check_setting_names"]

import difflib
from collections.abc import Iterable

from rum_cli.failure import WRONG_USAGE, Failure

_PREFIX = "OPENRUM_"
COMMAND_NAMES = frozenset(
    {
        "OPENRUM_SERVICE",
        "OPENRUM_SERVICE_CA_FILE",
        "OPENRUM_TOKEN_FILE",
        "OPENRUM_OPERATOR_TOKEN_FILE",
        "OPENRUM_TOKEN",  # the code for the Python stubs in `openrum help clients` reads it
    }
)
"""The names that commands read, other than the servers."""


def check_setting_names(variables: Iterable[str]) -> None:
    """Accept the names that any process reads: processes often share one environment.

    Raises:
        Failure: a name is unknown; the text has the most similar known name.
    """
    # pydantic-settings ignores the case of names.
    ours = {name for name in variables if name.upper().startswith(_PREFIX)}
    others = sorted(name for name in ours if name.upper() not in COMMAND_NAMES)
    if not others:
        return  # without importing the settings, which takes longer than most commands
    known = _known_names()
    for name in others:
        if name.upper() not in known:
            raise Failure(f"{name}: there is no such setting; {_advice(name, known)}", WRONG_USAGE)


def _known_names() -> frozenset[str]:
    from rum_bridge.settings import BridgeSettings
    from rum_projector.settings import ProjectorSettings
    from rum_service.settings import ServiceSettings

    fields = [
        *ServiceSettings.model_fields,
        *BridgeSettings.model_fields,
        *ProjectorSettings.model_fields,
    ]
    return COMMAND_NAMES.union(_PREFIX + field.upper() for field in fields)


def _advice(name: str, known: Iterable[str]) -> str:
    # Compared without the common prefix, which makes all names look similar.
    rests = [text.removeprefix(_PREFIX) for text in sorted(known)]
    similar = difflib.get_close_matches(name.upper().removeprefix(_PREFIX), rests, n=1)
    if similar:
        return f"did you mean {_PREFIX}{similar[0]}?"
    return "`openrum help up` lists the settings"
