"""Clients that put batches until they are stopped, and a ledger of acknowledged batches."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.support.batches import batch, event

_PUT_TIMEOUT_S = 60.0
# Reconnect quickly, as the bridge does.
_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
_TRANSIENT = {429, 500, 503, 504}


class Ledger:
    """The batches that were sent, and the outcomes of sending them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent: dict[str, list[str]] = {}
        """Event IDs, in order, by batch ID."""
        self.acknowledged: set[str] = set()
        self.outcomes: Counter[str] = Counter()

    def __str__(self) -> str:
        batches = f"{len(self.sent)} batches sent, {len(self.acknowledged)} acknowledged"
        return f"{batches}, outcomes {dict(self.outcomes)}"

    def send(self, document: dict[str, Any]) -> None:
        with self._lock:
            self.sent[document["BatchId"]] = [item["id"] for item in document["RumEvents"]]

    def record(self, document: dict[str, Any], outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            if outcome == "ok":
                self.acknowledged.add(document["BatchId"])

    def assert_kept(self, documents: list[str]) -> None:
        """Check that the documents contain each acknowledged batch once, complete and in order.

        Args:
            documents: All stored events, newest first.
        """
        found: dict[str, list[str]] = {}
        for document in reversed(documents):
            item = json.loads(document)
            found.setdefault(item["batch_id"], []).append(item["event_id"])

        assert set() == self.acknowledged - found.keys(), "acknowledged, but lost"
        assert set() == found.keys() - self.sent.keys(), "stored, but never sent"
        assert {batch_id: self.sent[batch_id] for batch_id in found} == found, (
            "incomplete or stored twice"
        )


class Load:
    """Threads that put batches over REST and gRPC while the context is open.

    Some batches are sent again, whether they were acknowledged or not.
    """

    def __init__(
        self,
        monitor_id: str,
        *,
        url: str = "",
        service: str = "",
        rest: int = 0,
        stubs: int = 0,
        seed: int,
        retries: tuple[int, ...] = (0, 0, 3, 30),
    ) -> None:
        self.ledger = Ledger()
        self._monitor_id = monitor_id
        self._retries = retries
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        clients: list[Callable[[], _Client]] = [
            *[lambda: _RestClient(url, monitor_id)] * rest,
            *[lambda: _StubClient(service, monitor_id)] * stubs,
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(client, random.Random(f"{seed}/{number}")))
            for number, client in enumerate(clients)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * _PUT_TIMEOUT_S)
        assert self._failures == []
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for_acknowledged(self, more: int, timeout_s: float = 60.0) -> None:
        """Wait until so many more batches are acknowledged."""
        goal = len(self.ledger.acknowledged) + more
        deadline = time.monotonic() + timeout_s
        while len(self.ledger.acknowledged) < goal:
            assert time.monotonic() < deadline, f"fewer than {more} batches in {timeout_s} s"
            assert self._failures == []
            time.sleep(0.001)

    def _run(self, make_client: Callable[[], _Client], rng: random.Random) -> None:
        try:
            client = make_client()
            while not self._stopping.is_set():
                document = batch([_event(rng) for _ in range(rng.randint(1, 20))])
                self.ledger.send(document)
                if self._put(client, document, rng) and rng.random() < 0.1:
                    self.ledger.record(document, client.put(document))
            client.close()
        except BaseException as error:
            self._failures.append(error)
            raise

    def _put(self, client: _Client, document: dict[str, Any], rng: random.Random) -> bool:
        for attempt in range(rng.choice(self._retries) + 1):
            if attempt and self._stopping.wait(rng.uniform(0.01, 0.2)):
                return False
            outcome = client.put(document)
            self.ledger.record(document, outcome)
            if outcome == "ok":
                return True
        return False


def _event(rng: random.Random) -> dict[str, Any]:
    # Random text, so that compressed batches fill more than one page of the database.
    return event(details=json.dumps({"n": rng.randbytes(rng.randint(1, 300)).hex()}))


class _Client:
    """Puts one batch. Returns "ok" or a transient error, and fails the test on any other error."""

    def put(self, document: dict[str, Any]) -> str:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _RestClient(_Client):
    """Sends plain JSON, gzipped JSON and beacons in turn over one connection."""

    def __init__(self, url: str, monitor_id: str) -> None:
        self._path = f"/appmonitors/{monitor_id}"
        self._connection = http.client.HTTPConnection(
            url.removeprefix("http://"), timeout=_PUT_TIMEOUT_S
        )
        self._count = 0

    def put(self, document: dict[str, Any]) -> str:
        body = json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        self._count += 1
        if self._count % 3 == 0:
            headers["Content-Type"] = "text/plain;charset=UTF-8"
        elif self._count % 3 == 1:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        try:
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return type(error).__name__
        assert response.status in {200, *_TRANSIENT}, text
        return "ok" if response.status == 200 else str(response.status)

    def close(self) -> None:
        self._connection.close()


class _StubClient(_Client):
    """Calls PutRumEvents over gRPC."""

    def __init__(self, service: str, monitor_id: str) -> None:
        self._monitor_id = monitor_id
        self._channel = grpc.insecure_channel(service, options=_RECONNECT)
        self._stub = DataPlaneServiceStub(self._channel)

    def put(self, document: dict[str, Any]) -> str:
        user = document["UserDetails"]
        request = PutRumEventsRequest(
            id=self._monitor_id,
            batch_id=document["BatchId"],
            app_monitor_details=document["AppMonitorDetails"],
            user_details={"user_id": user["userId"], "session_id": user["sessionId"]},
            rum_events=[RumEvent(**item) for item in document["RumEvents"]],
        )
        try:
            self._stub.PutRumEvents(request, timeout=_PUT_TIMEOUT_S)
        except grpc.RpcError as error:
            assert error.code() in {
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.CANCELLED,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                grpc.StatusCode.INTERNAL,
            }, error
            return str(error.code().name)
        return "ok"

    def close(self) -> None:
        self._channel.close()
