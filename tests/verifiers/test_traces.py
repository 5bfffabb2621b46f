"""Traces, as OpenTelemetry's own definition of the protocol reads them: one that is wrong, or has a member that there is not, is an error."""

import base64
import http.server
import json
import queue
import re
import signal
import ssl
import subprocess
import threading
import time

import pytest
from conftest import BINARY, SECRETS, Doorward, ask, bearer, free_port
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(http.server.ThreadingHTTPServer):
    """Takes what is sent to `/v1/traces`, and answers as a collector does: by TLS where it has a certificate, and 401 to who lacks the key that it wants."""

    def __init__(self, port=0, tls=None, key=None):
        self.spans, self.resources, self.strangers = queue.Queue(), [], 0
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
                known = key is None or self.headers["Api-Key"] == key
                if right and known:
                    collector.take(json.loads(body))
                collector.strangers += not known
                self.send_response(404 if not right else 200 if known else 401)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", port), Handler)
        # Whoever does not trust the certificate hangs up.
        self.handle_error = lambda *_: None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
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


def certificate(folder, name):
    """A certificate for 127.0.0.1 that is an authority of nothing but itself, and its key."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=collector",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )
    return files


def told(doorward, text):
    """The first line of the log that holds this; it is waited for."""
    for _ in range(1200):
        if found := [line for line in (doorward.folder / "doorward.log").read_text().splitlines() if text in line]:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{text!r} was never logged")


def test_by_https_with_an_authority_of_its_own_and_a_key(tmp_path):
    ours, theirs = certificate(tmp_path, "ours"), certificate(tmp_path, "theirs")
    key = "a-key, of 100%"
    collector = Collector(tls=ours, key=key)
    url = f"https://127.0.0.1:{collector.server_port}"
    right = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_CERTIFICATE": str(ours[0])}
    right["OTEL_EXPORTER_OTLP_HEADERS"] = "x-team=auth,api-key=a-key%2C%20of%20100%25"
    another, unknown = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(theirs[0])}, {"OTEL_EXPORTER_OTLP_CERTIFICATE": ""}
    try:
        for number, (change, trouble) in enumerate([
            ({}, None),
            (another, "certificate"),
            # The system does not know it.
            (unknown, "certificate"),
            ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary"}, "401"),
        ]):
            folder = tmp_path / str(number)
            folder.mkdir()
            doorward = Doorward(folder, **(right | change))
            try:
                assert ask(doorward.port, "/health")[0] == 200
                if trouble:
                    line = told(doorward, "traces are not taken")
                    assert trouble in line and "canary" not in line, line
                    assert collector.spans.empty()
                else:
                    assert collector.next().name == "GET /health"
            finally:
                doorward.stop()
        assert collector.strangers
    finally:
        collector.shutdown()
        collector.server_close()


def test_a_certificate_that_can_not_be_read_is_told_at_start(tmp_path):
    (tmp_path / "empty").write_text("")
    for file in ("nowhere", "empty"):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1", "OTEL_EXPORTER_OTLP_CERTIFICATE": file}
        done = subprocess.run([BINARY], cwd=tmp_path, env={"PORT": "0", **SECRETS, **settings}, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "OTEL_EXPORTER_OTLP_CERTIFICATE" in done.stderr, done.stderr
