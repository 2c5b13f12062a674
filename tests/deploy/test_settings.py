"""Every process that deploy/ describes gets settings that it accepts and that fit together."""

from __future__ import annotations

import pytest
from pydantic_settings import BaseSettings

from rum_bridge.settings import BridgeSettings
from rum_cli.__main__ import main
from rum_cli.setting_names import check_setting_names
from rum_projector.settings import ProjectorSettings
from rum_service.settings import ServiceSettings
from tests.deploy.files import deployed

_DEPLOYED = deployed()
_SETTINGS: dict[str, list[type[BaseSettings]]] = {
    "service": [ServiceSettings],
    "bridge": [BridgeSettings],
    "projector": [ProjectorSettings],
    "up": [ServiceSettings, BridgeSettings, ProjectorSettings],
}
_PAIRS = [
    (f"{where} service", f"{where} bridge")
    for where in ("compose", "kubernetes", "kubernetes insight")
]
_UNITS = ("systemd openrum-service", "systemd openrum-bridge")


@pytest.mark.parametrize("where", _DEPLOYED)
def test_the_command_exists_and_the_settings_are_valid(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    command, settings = _DEPLOYED[where]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    read = [kind() for kind in _SETTINGS[command]]
    names = {name for kind in _SETTINGS[command] for name in kind.model_fields}

    check_setting_names(settings)
    assert command in main.commands  # type: ignore[attr-defined]
    assert read
    if where not in ("image", *(f"compose {name}" for name in ("service", "bridge"))):
        return
    # The image is for every command; compose adds nothing that the process does not read.
    own = set(settings) - set(_DEPLOYED["image"][1])
    assert {name.removeprefix("OPENRUM_").lower() for name in own} <= names


@pytest.mark.parametrize(("service", "bridge"), [*_PAIRS, _UNITS])
def test_the_bridge_reaches_the_service_that_is_deployed_with_it(service: str, bridge: str) -> None:
    of_service, of_bridge = _DEPLOYED[service][1], _DEPLOYED[bridge][1]
    socket = of_service.get("OPENRUM_SOCKET")
    default = ServiceSettings.model_fields["grpc"].default
    target = of_bridge.get("OPENRUM_SERVICE", BridgeSettings.model_fields["service"].default)

    assert target == (f"unix:{socket}" if socket else of_service.get("OPENRUM_GRPC", default))
    assert of_service["OPENRUM_BRIDGE_TOKEN_FILE"] == of_bridge["OPENRUM_BRIDGE_TOKEN_FILE"]


@pytest.mark.parametrize("bridge", [*(bridge for _, bridge in _PAIRS), _UNITS[1]])
def test_a_bridge_that_is_deployed_authorizes_its_callers(
    monkeypatch: pytest.MonkeyPatch, bridge: str
) -> None:
    for name, value in _DEPLOYED[bridge][1].items():
        monkeypatch.setenv(name, value)

    assert BridgeSettings().authorization_required


def test_a_service_on_loopback_that_other_users_can_reach_authorizes_them() -> None:
    assert _DEPLOYED[_UNITS[0]][1]["OPENRUM_AUTH"] == "required"


@pytest.mark.parametrize("where", ["compose", "systemd", "kubernetes insight"])
def test_the_service_finds_the_projector_of_its_database(where: str) -> None:
    prefix = "openrum-" if where == "systemd" else ""
    service, projector = (
        _DEPLOYED[f"{where} {prefix}{name}"][1] for name in ("service", "projector")
    )

    for name in ("OPENRUM_DATABASE_URL", "OPENRUM_PROJECTOR_SOCKET"):
        assert service[name] == projector[name]
