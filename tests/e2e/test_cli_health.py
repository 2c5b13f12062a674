"""`openrum health` says whether the service can store events, with and without authorization."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bridge.conftest import end_file_size_limit, limit_file_size
from tests.support.running import Service, run_openrum, wait_until


@pytest.mark.parametrize("auth", ["auto", "required"])
def test_a_service_that_can_store_events_is_healthy(tmp_path: Path, auth: str) -> None:
    with Service(tmp_path, OPENRUM_AUTH=auth) as service:
        ran = run_openrum("health", cwd=Path("/"), OPENRUM_SERVICE=service.grpc)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ok\n", "")


def test_a_service_with_a_full_disk_is_not_healthy(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        limit_file_size(service.pid)
        wait_until(lambda: run_openrum("health", OPENRUM_SERVICE=service.grpc).returncode == 1)
        ran = run_openrum("health", OPENRUM_SERVICE=service.grpc)
        end_file_size_limit(service.pid)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: the service cannot store events\n"


def test_a_service_that_does_not_answer_is_not_healthy(tmp_path: Path) -> None:
    ran = run_openrum("health", OPENRUM_SERVICE=f"unix:{tmp_path}/none")

    assert ran.returncode == 3
    assert "no service answers" in ran.stderr
