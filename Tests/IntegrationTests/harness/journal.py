# SPDX-License-Identifier: Apache-2.0
"""The gate's log: one JSON object per line. Each line read here is compared with docs/log.md."""

import json

from .gate import Gate
from .log_document import undocumented
from .process import wait_until


def lines(gate: Gate) -> list:
    found = []
    for line in gate.log().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the last line may be incomplete
        missing = undocumented(found[-1])
        assert not missing, f"not in docs/log.md: {missing} of {line}"
    return found


def audit(gate: Gate, event: str) -> list:
    return [line for line in lines(gate) if line.get("kind") == "audit" and line.get("event") == event]


def wait_for_audit(gate: Gate, event: str, count: int = 1) -> dict:
    """Waits for `count` audit lines of this event and returns the newest."""
    wait_until(lambda: len(audit(gate, event)) >= count, f"{count} audit lines {event}\n{gate.log()[-3000:]}")
    return audit(gate, event)[-1]
