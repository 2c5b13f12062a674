"""`openrum up` on an address that other machines can reach never allows callers by accident."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.e2e.test_cli_credentials import _ALLOW, output_of, put, run
from tests.support.running import OpenRum, run_openrum


class Exposed(OpenRum):
    """`openrum up` whose bridge listens on all addresses. Tests call it over loopback."""

    def _is_ready(self, line: str) -> bool:
        ready = super()._is_ready(line)
        self._http = self._http.replace("0.0.0.0", "127.0.0.1")
        return ready


def test_an_exposed_server_without_credentials_does_not_start(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    ran = run_openrum(
        "up", OPENRUM_HTTP="0.0.0.0:0", OPENRUM_GRPC="127.0.0.1:0", OPENRUM_DATABASE_URL=database
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = [line for line in ran.stderr.splitlines() if "Error" in line]
    assert line.startswith("Error: OPENRUM_HTTP: 0.0.0.0:0 can be reached from other machines")
    assert "Set OPENRUM_AUTH=required to start anyway and create one" in line
    assert "Traceback" not in ran.stderr


def test_an_exposed_server_with_required_authorization_rejects_unknown_callers(
    tmp_path: Path,
) -> None:
    """Once a credential exists, the server also starts without OPENRUM_AUTH=required."""
    with Exposed(tmp_path, OPENRUM_HTTP=f"0.0.0.0:{_free()}", OPENRUM_AUTH="required") as server:
        before = put(server)
        without_token = run(server, "keys", "list", OPENRUM_OPERATOR_TOKEN_FILE="/nonexistent")
        listing = server.post("/appmonitors", {})
        token = output_of(server, "tokens", "create", "--name", "jobs").strip()
        with_token = put(server, token)
        assert server.stop() == 0
    with Exposed(tmp_path, OPENRUM_HTTP=f"0.0.0.0:{_free()}", OPENRUM_AUTH="auto") as server:
        after = [put(server), put(server, token)]
        output_of(server, "policy", "put", "my-app", "--file", "-", stdin=_ALLOW)
        after.append(put(server))
        assert server.stop() == 0

    assert (before, listing[0], without_token.returncode, with_token) == (403, 403, 1, 200)
    assert after == [403, 200, 200]


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
