"""The image, the compose file and the Kubernetes objects agree with each other and the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rum_bridge.readiness import READY_TIMEOUT_S
from rum_bridge.settings import BridgeSettings
from rum_service.settings import ServiceSettings
from tests.deploy.files import (
    CONTAINERFILE,
    compose,
    containers,
    deployed,
    insight_pod,
    kubernetes,
    pod,
)

_ROOT = Path(__file__).parents[2]
_DRAIN_S = sum(kind.model_fields["drain_s"].default for kind in (BridgeSettings, ServiceSettings))
_USER = 10001
_OURS = {name: s for name, s in compose()["services"].items() if s["image"] == "openrum"}
_CONTAINERS: list[dict[str, Any]] = [
    *containers(pod()).values(),
    *containers(insight_pod()).values(),
]


def _mounts(container: dict[str, Any]) -> dict[str, bool]:
    """Return the folders of a container, and whether each is read-only."""
    return {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}


def test_every_file_that_the_image_copies_exists() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]

    assert copied
    assert [name for name in copied if not (_ROOT / name).exists()] == []


def test_nothing_that_the_image_copies_is_ignored() -> None:
    rules = (_ROOT / "deploy" / "Containerfile.dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)

    assert {f"!{name}" for line in copied for name in line.split()} == {
        rule for rule in rules if rule.startswith("!")
    }


def test_every_distribution_of_the_server_is_in_the_image() -> None:
    packages = re.findall(r'"(\w+)/rum_\w+"', (_ROOT / "pyproject.toml").read_text())

    assert packages
    assert [name for name in packages if f"COPY {name} {name}" not in CONTAINERFILE] == []


def test_the_image_is_not_run_by_root() -> None:
    assert f"USER {_USER}:{_USER}" in CONTAINERFILE
    assert (pod()["securityContext"]["runAsUser"], pod()["securityContext"]["runAsNonRoot"]) == (
        _USER,
        True,
    )


@pytest.mark.parametrize("name", _OURS)
def test_a_container_of_compose_has_a_read_only_root_and_no_capability(name: str) -> None:
    service = _OURS[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("container", _CONTAINERS, ids=lambda container: container["name"])
def test_a_container_of_kubernetes_has_a_read_only_root_and_no_capability(
    container: dict[str, Any],
) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(("where", "count"), [("compose service", 5), ("kubernetes service", 4)])
def test_every_file_of_a_service_is_in_a_volume(where: str, count: int) -> None:
    _, settings = deployed()[where]
    files = [value for name, value in settings.items() if name.endswith(("_FILE", "_SOCKET"))]
    if where == "compose service":
        mounted = [volume.split(":")[1] for volume in _OURS["service"]["volumes"]]
    else:
        mounted = list(_mounts(_CONTAINERS[0]))

    assert len(files) == count
    assert [file for file in files if str(Path(file).parent) not in mounted] == []


def test_a_bridge_has_neither_the_database_nor_the_secrets() -> None:
    bridge = pod()["containers"][0]

    assert _mounts(bridge) == {"/run/openrum": True, "/tmp": False}
    assert "valueFrom" not in str(bridge)
    assert _OURS["bridge"]["volumes"] == ["run:/run/openrum:ro"]
    assert _OURS["bridge"]["networks"] == ["front"]


def test_the_published_ports_are_those_that_the_bridge_listens_on() -> None:
    http = [settings["OPENRUM_HTTP"] for _, settings in deployed().values()
            if "OPENRUM_HTTP" in settings]  # fmt: skip
    [port] = {int(address.rpartition(":")[2]) for address in http}
    bridge, service = pod()["containers"][0], kubernetes()["Service"]

    assert f"EXPOSE {port}\n" in CONTAINERFILE
    assert _OURS["bridge"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert bridge["ports"] == [{"name": "http", "containerPort": port}]
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert f"127.0.0.1:{port}/readyz" in str(_OURS["bridge"]["healthcheck"])


def test_the_objects_select_the_pods() -> None:
    objects = kubernetes()
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_the_service_starts_before_the_bridge_and_stops_after_it() -> None:
    [service], [bridge] = pod()["initContainers"], pod()["containers"]

    assert (service["name"], service["restartPolicy"]) == ("service", "Always")
    assert service["startupProbe"]["exec"]["command"] == ["openrum", "health"]
    assert bridge["name"] == "bridge"
    assert compose()["services"]["bridge"]["depends_on"] == {
        "service": {"condition": "service_healthy"}
    }


def test_a_stop_waits_until_requests_in_progress_have_ended() -> None:
    [bridge] = pod()["containers"]
    sleep, seconds = bridge["lifecycle"]["preStop"]["exec"]["command"]

    assert sleep == "sleep"
    assert pod()["terminationGracePeriodSeconds"] > int(seconds) + _DRAIN_S
    for service in _OURS.values():
        assert int(service["stop_grace_period"].removesuffix("s")) > _DRAIN_S / 2


def test_a_probe_waits_longer_than_the_check_takes() -> None:
    [bridge] = pod()["containers"]

    assert bridge["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert bridge["readinessProbe"]["timeoutSeconds"] > READY_TIMEOUT_S
    assert bridge["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}


def test_kubernetes_adds_no_variables_that_look_like_settings() -> None:
    assert pod()["enableServiceLinks"] is False


def test_one_pod_projects_and_answers_queries() -> None:
    objects, spec = kubernetes("insight"), insight_pod()
    projector = containers(spec)["projector"]
    labels = objects["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    [claim] = objects["StatefulSet"]["spec"]["volumeClaimTemplates"]
    _, settings = deployed()["kubernetes insight projector"]

    assert objects["StatefulSet"]["spec"]["replicas"] == 1
    assert list(containers(spec)) == ["service", "projector", "bridge"]
    assert projector["restartPolicy"] == "Always"
    assert objects["StatefulSet"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["StatefulSet"]["spec"]["serviceName"] == objects["Service"]["metadata"]["name"]
    assert labels != kubernetes()["Service"]["spec"]["selector"]
    assert [mount["mountPath"] for mount in projector["volumeMounts"]
            if mount["name"] == claim["metadata"]["name"]] == [
        str(Path(settings["OPENRUM_PROJECTION"]).parent)
    ]  # fmt: skip
    assert str(Path(settings["OPENRUM_PROJECTOR_SOCKET"]).parent) in _mounts(projector)


def test_both_pods_have_the_same_bridge_service_and_volumes() -> None:
    one, other = containers(pod()), containers(insight_pod())
    differs = {"resources", "env"}

    for name in ("service", "bridge"):
        assert {key: value for key, value in one[name].items() if key not in differs} == {
            key: value for key, value in other[name].items() if key not in differs
        }
    assert one["bridge"]["env"] == other["bridge"]["env"]
    added = {"name": "OPENRUM_PROJECTOR_SOCKET", "value": "/run/openrum/projector.sock"}
    assert [*one["service"]["env"], added] == other["service"]["env"]
    for key in ("volumes", "securityContext", "enableServiceLinks", "automountServiceAccountToken",
                "terminationGracePeriodSeconds"):  # fmt: skip
        assert pod()[key] == insight_pod()[key]
