"""The files under deploy/, parsed, with the settings that each process gets from them."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def compose() -> dict[str, Any]:
    """Return the compose file, with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def kubernetes(file: str = "openrum") -> dict[str, Any]:
    """Return the Kubernetes objects of a file by kind."""
    text = (DEPLOY / "kubernetes" / f"{file}.yaml").read_text()
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    return spec


def insight_pod() -> dict[str, Any]:
    """Return the pod with the projector."""
    spec: dict[str, Any] = kubernetes("insight")["StatefulSet"]["spec"]["template"]["spec"]
    return spec


def containers(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the containers of a pod by name."""
    return {each["name"]: each for each in [*spec["initContainers"], *spec["containers"]]}


def unit(path: Path) -> configparser.RawConfigParser:
    """Return a unit. A key that occurs several times has the values in lines."""
    parser = configparser.RawConfigParser(strict=False, dict_type=_Lines)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


class _Lines(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and key in self:
            value = self[key] + value
        super().__setitem__(key, value)


def image_settings() -> dict[str, str]:
    return dict(re.findall(r"(OPENRUM_\w+)=(\S+)", CONTAINERFILE))


def deployed() -> dict[str, tuple[str, dict[str, str]]]:
    """Return the command and the settings of each process, by where it is deployed."""
    found = {"image": ("up", image_settings())}
    for name, service in compose()["services"].items():
        if service["image"] == "openrum":
            settings = {**image_settings(), **service["environment"]}
            found[f"compose {name}"] = (service["command"][0], settings)
    for where, spec in (("kubernetes", pod()), ("kubernetes insight", insight_pod())):
        for name, container in containers(spec).items():
            settings = {**image_settings(), **_variables(container)}
            found[f"{where} {name}"] = (container["args"][0], settings)
    for path in UNITS:
        section = unit(path)["Service"]
        settings = dict(re.findall(r"(OPENRUM_\w+)=(\S+)", section["Environment"]))
        found[f"systemd {path.stem}"] = (section["ExecStart"].split()[1], settings)
    return found


def _variables(container: dict[str, Any]) -> dict[str, str]:
    # The value of the one variable that a Secret provides.
    secret = "postgresql://user:password@host/database"
    return {variable["name"]: variable.get("value", secret) for variable in container["env"]}
