# SPDX-License-Identifier: Apache-2.0
"""Changed configurations for a running gate."""

import json
import signal

from .admin import Metrics
from .ports import free_port
from .process import wait_until


def admin() -> dict:
    return {"listen": f"127.0.0.1:{free_port()}"}


def reloads(gate, result="success") -> float:
    return Metrics(gate).get("sidegate_config_reloads_total", result=result)


def hang_up(gate, result="success"):
    """Sends SIGHUP, and waits until the configuration is in force or was refused."""
    before = reloads(gate, result)
    gate.process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: reloads(gate, result) > before, f"a reload with {result}")


def rewrite(gate, **changes):
    """Replaces the configuration file by a rename, as editors do."""
    config = {**json.loads(gate.config.read_text())}
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) and isinstance(config.get(key), dict) else value
    new = gate.config.with_suffix(".new")
    new.write_text(json.dumps(config, indent=2))
    new.chmod(0o600)
    new.rename(gate.config)


def change(gate, **changes):
    """Replaces the configuration, and waits until it is in force."""
    before = reloads(gate)
    rewrite(gate, **changes)
    wait_until(lambda: reloads(gate) > before, "the changed file is in force")
