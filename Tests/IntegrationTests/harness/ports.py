# SPDX-License-Identifier: Apache-2.0
"""Free TCP ports on loopback."""

import os
import socket

# Below the kernel's ephemeral range, so that no outgoing connection takes a port between this check and the server's bind.
_FIRST, _LAST = 20000, 32000
if _worker := os.environ.get("PYTEST_XDIST_WORKER"):  # gw0, gw1, ...: each test process takes a part of its own
    _size = (_LAST - _FIRST) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    _FIRST += int(_worker[2:]) * _size
    _LAST = _FIRST + _size - 1
_next = _FIRST + (os.getpid() * 97) % (_LAST - _FIRST)


def free_port() -> int:
    """An unused port; this process returns each port once."""
    global _next
    for _ in range(_LAST - _FIRST):
        port = _next
        _next = _next + 1 if _next < _LAST else _FIRST
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on loopback")
