# SPDX-License-Identifier: Apache-2.0
"""A collector of spans: OTLP over HTTP with JSON, as the gate sends it."""

import json
import re
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .gate import ROOT
from .process import wait_until

TOOLS = ROOT / ".build/test-tools/python/bin/python"
# By OpenTelemetry's own definition of the protocol. Strict: an unknown member, a wrong type or a wrong enumeration fails.
PARSER = """
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

def binary(node):
    if isinstance(node, dict):
        return {name: base64.b64encode(bytes.fromhex(value)).decode() if name in ("traceId", "spanId", "parentSpanId")
                else binary(value) for name, value in node.items()}
    return [binary(item) for item in node] if isinstance(node, list) else node

for line in sys.stdin:
    message = json_format.ParseDict(binary(json.loads(line)), ExportTraceServiceRequest(), ignore_unknown_fields=False)
    print(sum(len(scope.spans) for resource in message.resource_spans for scope in resource.scope_spans))
"""


class Span(dict):
    """A span as it was sent, with its attributes by name."""

    def __init__(self, span: dict, resource: dict):
        super().__init__(span)
        self.resource = resource
        self.attributes = plain(span["attributes"])

    @property
    def is_server(self) -> bool:
        return self["kind"] == 2


def plain(attributes: list) -> dict:
    values = {}
    for attribute in attributes:
        (kind, value), = attribute["value"].items()
        assert attribute["key"] not in values, f"twice: {attribute['key']}"
        assert kind in ("stringValue", "intValue") and isinstance(value, str)
        values[attribute["key"]] = int(value) if kind == "intValue" else value
    return values


class Collector:
    """Takes spans on loopback. `answer(number)` gives status, fields and content for each request, by its number from 0."""

    def __init__(self, certificate=None):
        collector = self
        self.requests = []  # method, path, header fields, content
        self.answer = lambda number: (200, {}, b"{}")
        self.lock = threading.Lock()
        self.ended = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.lock:
                    number = len(collector.requests)
                    collector.requests.append((self.command, self.path, dict(self.headers.items()), body))
                answer = collector.answer(number)
                if answer is None:
                    collector.ended.wait()  # the connection stays open without an answer
                    return
                status, fields, content = answer
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(content)), **fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def bodies(self) -> list[bytes]:
        with self.lock:
            return [body for _, _, _, body in self.requests]

    def wait_for_requests(self, count: int):
        wait_until(lambda: len(self.bodies) >= count, f"{count} requests of the exporter")

    def spans(self) -> list[Span]:
        found = []
        for body in self.bodies:
            for resource in json.loads(body)["resourceSpans"]:
                attributes = plain(resource["resource"]["attributes"])
                found += [Span(span, attributes) for scope in resource["scopeSpans"] for span in scope["spans"]]
        return found

    def wait_for(self, count: int = 1, **attributes) -> list[Span]:
        """Spans with these attributes, in which `_` stands for `.`; at least `count`."""
        wanted = {name.replace("__", "\0").replace("_", ".").replace("\0", "_"): value for name, value in attributes.items()}

        def found():
            spans = [span for span in self.spans() if wanted.items() <= span.attributes.items()]
            return spans if len(spans) >= count else None

        return wait_until(found, f"{count} spans with {wanted}")

    def check(self) -> int:
        """Has OpenTelemetry's own definition of the protocol read everything that was sent; the number of spans."""
        bodies = self.bodies
        for body in bodies:
            for name, size in ("traceId", 32), ("spanId", 16), ("parentSpanId", 16):
                for value in re.findall(rb'"%s":"([^"]*)"' % name.encode(), body):
                    assert re.fullmatch(rb"[0-9a-f]{%d}" % size, value) and value.strip(b"0"), (name, value)
        if not TOOLS.exists() or subprocess.run([TOOLS, "-c", "import opentelemetry.proto"], capture_output=True).returncode:
            pytest.skip("opentelemetry-proto is missing: scripts/test-tools installs it")
        text = "".join(json.dumps(json.loads(body)) + "\n" for body in bodies)
        done = subprocess.run([TOOLS, "-c", PARSER], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]
        return sum(map(int, done.stdout.split()))
