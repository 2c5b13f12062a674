"""The spans of a put form one trace in an OpenTelemetry collector."""

from __future__ import annotations

import gzip
import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rum_endpoint.spans import span_id_of_bridge, trace_id_of
from tests.support.batches import batch
from tests.support.running import OpenRum

_Spans = list[tuple[str, Span]]
"""The service name and the span."""


@contextmanager
def _collector() -> Iterator[tuple[str, _Spans]]:
    """Run a collector. Yields its URL and the spans that it gets."""
    spans: _Spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                name = next(
                    attribute.value.string_value
                    for attribute in resource.resource.attributes
                    if attribute.key == "service.name"
                )
                spans.extend((name, span) for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
        finally:
            server.shutdown()
            thread.join()


def _put(server: OpenRum, document: object) -> str:
    """Put a batch and return the request ID of the response."""
    request = urllib.request.Request(
        f"{server.url}/appmonitors/{server.monitor_id()}",
        json.dumps(document).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.headers["x-amzn-requestid"])
    except urllib.error.HTTPError as error:
        with error:
            return str(error.headers["x-amzn-requestid"])


def test_the_spans_of_bridge_and_service_form_one_trace(tmp_path: Path) -> None:
    with _collector() as (url, spans):
        settings = {"OPENRUM_TRACES": url, "OPENRUM_REQUEST_SAMPLING": "1"}
        with OpenRum(tmp_path, **settings) as server:
            stored, invalid = _put(server, batch(3)), _put(server, batch(1, BatchId="x"))
            server.stop()
    of_put = {(name, span.trace_id): span for name, span in spans if span.name == "PutRumEvents"}
    bridge = of_put["openrum-bridge", uuid.UUID(stored).bytes]
    service = of_put["openrum-service", uuid.UUID(stored).bytes]
    failed = of_put["openrum-service", uuid.UUID(invalid).bytes]
    attributes = {item.key: item.value for item in bridge.attributes}

    assert len(of_put) == 4
    assert service.parent_span_id == bridge.span_id
    assert bridge.parent_span_id == b""
    assert bridge.start_time_unix_nano < service.end_time_unix_nano < bridge.end_time_unix_nano
    assert attributes["openrum.request_id"].string_value == stored
    assert attributes["openrum.events"].int_value == 3
    assert (failed.status.message, service.status.message) == ("ValidationException", "")


def test_puts_are_stored_without_a_collector(tmp_path: Path) -> None:
    settings = {"OPENRUM_TRACES": "http://127.0.0.1:1/", "OPENRUM_REQUEST_SAMPLING": "1"}
    with OpenRum(tmp_path, **settings) as server:
        path = f"/appmonitors/{server.monitor_id()}"

        assert server.post(path, batch())[0] == 200
        assert server.stop() == 0


@pytest.mark.parametrize(
    "request_id", ["2b0c2f5e-8a51-4c0e-9d3f-6f1c1d7e9a04", "chosen-by-a-client", ""]
)
def test_every_request_id_has_a_trace_id(request_id: str) -> None:
    assert 0 < trace_id_of(request_id) < 2**128
    assert 0 < span_id_of_bridge(trace_id_of(request_id)) < 2**64
    assert trace_id_of(request_id) == trace_id_of(request_id)
