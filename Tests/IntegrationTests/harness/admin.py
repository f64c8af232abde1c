# SPDX-License-Identifier: Apache-2.0
"""The gate's admin listener, as Prometheus and a kubelet see it."""

import re

from .process import wait_until
from .wire import Response, exchange

SAMPLE = re.compile(r'^([a-z_:]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def port(gate) -> int:
    return int(gate.settings["admin"]["listen"].rpartition(":")[2])


def ask(gate, target: str, method: str = "GET") -> Response:
    return exchange(port(gate), method, target)


def started(response: Response) -> Response | None:
    return None if response.text == "starting\n" else response


class Metrics:
    """The values of one request to /metrics."""

    def __init__(self, gate):
        # The listener is open before the workers serve.
        response = wait_until(lambda: started(ask(gate, "/metrics")), "the workers serve")
        assert response.status == 200, response
        self.type = response["Content-Type"]
        self.text = response.text
        self.samples = []
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def get(self, name: str, **labels) -> float:
        """The sum of the samples that have these labels."""
        return sum(v for n, found, v in self.samples if n == name and labels.items() <= found.items())

    def labels(self, name: str) -> list:
        return [found for n, found, _ in self.samples if n == name]
