# SPDX-License-Identifier: Apache-2.0
"""How long a short request takes beside large downloads through the same worker, compared with HAProxy."""

import socket
import statistics
import subprocess
import time

import servers

DOWNLOADS = 8
MOST = 2.0  # times HAProxy's 99th percentile
TIE = 1.10


def rates(options, folder, upstream) -> bool:
    proxies = {
        "sidegate": servers.Sidegate(options.sidegate, folder, upstream.port, environment_name="sidegate-beside"),
        "haproxy": servers.start_haproxy(folder, upstream.port, "plain"),
    }
    headers = {"sidegate": {"Cookie": proxies["sidegate"].sign_in()}, "haproxy": {}}
    rounds = {name: [] for name in proxies}
    for turn in range(options.rounds + 1):
        for name in proxies if turn % 2 else reversed(proxies):
            result = beside_downloads(proxies[name], headers[name], options.seconds)
            if turn:  # the first round warms up
                rounds[name].append(result)
    median = {name: statistics.median(times for times, _ in rs) for name, rs in rounds.items()}
    ratio = median["sidegate"] / median["haproxy"]
    good = ratio <= MOST * TIE
    for name, rs in rounds.items():
        rate = statistics.median(rate for _, rate in rs)
        print(f"{f'1 KiB beside {DOWNLOADS} downloads' if name == 'sidegate' else '':28}{name:14}"
              f"{median[name]:8.2f} ms at the 99th percentile, {rate / (1 << 20):.0f} MiB/s of downloads", flush=True)
    print(f"{'':42}{ratio:.2f} (at most {MOST:.1f}: {'ok' if ratio <= MOST else 'tie' if good else 'OVER'})", flush=True)
    for proxy in proxies.values():
        proxy.stop()
    return good


def beside_downloads(proxy, headers: dict, seconds: float) -> tuple:
    """The 99th percentile in milliseconds, and the bytes of the downloads for each second."""
    arguments = ["h2load", "-t1", f"-c{DOWNLOADS}", "-m1", f"-D{seconds}", "--h1"]
    for name, value in headers.items():
        arguments += ["-H", f"{name}: {value}"]
    downloads = subprocess.Popen(
        [*arguments, f"http://127.0.0.1:{proxy.port}/10m"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        times = short_requests(proxy.port, headers, seconds)
        output = downloads.communicate(timeout=60)[0]
    finally:
        downloads.kill()
    line = next((line for line in output.splitlines() if line.startswith("finished in ")), None)
    if line is None or " 0 failed" not in output:
        raise SystemExit(f"{proxy.name}: {output}")
    return sorted(times)[int(len(times) * 0.99)] * 1000, megabytes(line)


def megabytes(line: str) -> float:
    """The rate in bytes of `finished in 3.00s, 131.00 req/s, 1.28GB/s`."""
    text = line.rsplit(", ", 1)[1].removesuffix("/s")
    unit = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    name = text.lstrip("0123456789.")
    return float(text.removesuffix(name)) * unit[name]


def short_requests(port: int, headers: dict, seconds: float) -> list:
    """The duration of each request, one after another over one connection, while the downloads are under way."""
    request = f"GET /1k HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    request += b"".join(f"{n}: {v}\r\n".encode() for n, v in headers.items()) + b"\r\n"
    times = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + seconds - 0.3
        time.sleep(0.2)
        while (begun := time.monotonic()) < end:
            connection.sendall(request)
            received = b""
            while b"\r\n\r\n" not in received or len(received) < received.index(b"\r\n\r\n") + 4 + 1024:
                data = connection.recv(65536)
                assert data, "closed"
                received += data
            assert received.startswith(b"HTTP/1.1 200 "), received[:200]
            times.append(time.monotonic() - begun)
            time.sleep(0.001)
    return times
