"""Traces, as OpenTelemetry's own definition of the protocol reads them: one that is wrong, or has a member that there is not, is an error."""

import base64
import http.server
import json
import queue
import re
import signal
import threading

import pytest
from conftest import Doorward, ask, bearer, free_port
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(http.server.ThreadingHTTPServer):
    """Takes what is sent to `/v1/traces`, and answers as a collector does."""

    def __init__(self, port=0):
        self.spans, self.resources = queue.Queue(), []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
                if right:
                    collector.take(json.loads(body))
                self.send_response(200 if right else 404)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, document):
        """OTLP's JSON is that of protocol buffers, but for ids, which are hexadecimal."""
        for spans in (scope["spans"] for resource in document["resourceSpans"] for scope in resource["scopeSpans"]):
            for span in spans:
                for name in {"traceId", "spanId", "parentSpanId"} & set(span):
                    assert re.fullmatch("(?:[0-9a-f]{16}){1,2}", span[name])
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
        for resource in json_format.ParseDict(document, ExportTraceServiceRequest()).resource_spans:
            self.resources.append(values(resource.resource.attributes))
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put(span)

    def next(self):
        return self.spans.get(timeout=30)


def values(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.shutdown()
    collector.server_close()


@pytest.fixture
def doorward(tmp_path, collector):
    doorward = Doorward(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}")
    yield doorward
    doorward.stop()


def test_a_request_is_a_span_in_its_callers_trace(doorward, collector):
    token = doorward.login("ann@example.com")
    assert [collector.next().name for _ in range(2)] == ["POST /api/auth/register", "POST /api/auth/login"]
    headers = [("traceparent", f"00-{TRACE}-{PARENT}-01"), ("X-Request-Id", "from-the-proxy"), *bearer(token)]
    assert ask(doorward.port, "/api/auth/me?secret=1", headers=headers)[0] == 200
    span = collector.next()
    assert (span.trace_id.hex(), span.parent_span_id.hex(), len(span.span_id)) == (TRACE, PARENT, 8)
    assert (span.name, span.kind, span.status.code) == ("GET /api/auth/me", Span.SPAN_KIND_SERVER, Status.STATUS_CODE_UNSET)
    assert values(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/api/auth/me",
        "http.response.status_code": 200,
        "doorward.request_id": "from-the-proxy",
    }
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 30e9
    # Who records nothing is not recorded; without a parent a trace is called as its request is in the log.
    ask(doorward.port, "/api/auth/me", headers=[("traceparent", f"00-{TRACE}-{PARENT}-00")])
    request_id = ask(doorward.port, "/nowhere/ann@example.com")[1]["X-Request-Id"]
    span = collector.next()
    assert (span.trace_id.hex(), span.parent_span_id, span.name) == (request_id, b"", "GET unmatched")
    assert all(resource["service.name"] == "doorward" for resource in collector.resources)


def test_what_a_visitor_says_of_traces_is_not_believed(tmp_path, collector):
    doorward = Doorward(
        tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}/", TRUSTED_PROXIES="none"
    )
    try:
        ask(doorward.port, "/health", headers=[("traceparent", f"00-{TRACE}-{PARENT}-00")])
        span = collector.next()
        assert span.trace_id.hex() != TRACE and span.parent_span_id == b""
    finally:
        doorward.stop()


def test_what_was_recorded_last_is_sent_at_the_end(doorward, collector):
    ask(doorward.port, "/health")
    doorward.process.send_signal(signal.SIGTERM)
    assert doorward.process.wait(timeout=30) == 0
    # Nothing is waited for: it has come.
    assert collector.spans.get_nowait().name == "GET /health"


def test_a_collector_that_is_away_holds_up_nobody(tmp_path):
    port = free_port()
    doorward = Doorward(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    try:
        for _ in range(100):
            assert ask(doorward.port, "/health")[0] == 200
        collector = Collector(port)
        # What is recorded from now on comes, whatever was lost.
        while collector.spans.empty():
            assert ask(doorward.port, "/health")[0] == 200
        collector.shutdown()
        collector.server_close()
    finally:
        doorward.stop()
