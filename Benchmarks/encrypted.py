# SPDX-License-Identifier: Apache-2.0
"""TLS and HTTP/2 compared with nginx and nghttpx, which only proxy: rates, handshakes, and memory of idle connections."""

import statistics
import time

import idle
import load
import servers

TIE = 1.10
HANDSHAKES = 400  # in one round
IDLE = 5000
TLS_IDLE = 12  # KiB
HTTP2_IDLE = 8  # KiB

# name: (how one round is run, {competitor: the highest permitted cost of Sidegate relative to it})
SCENARIOS = {
    "TLS HTTP/1.1, 64 connections": (
        lambda proxy, seconds, headers: load.h2load(proxy, "/1k", 64, 1, seconds, headers, http1=True), {"nginx": 1.0}),
    "TLS HTTP/1.1, 100 KiB": (
        lambda proxy, seconds, headers: load.h2load(proxy, "/100k", 64, 1, seconds, headers, http1=True), {"nginx": 1.0}),
    "TLS HTTP/1.1, 10 MiB": (
        lambda proxy, seconds, headers: load.h2load(proxy, "/10m", 16, 1, seconds, headers, http1=True), {"nginx": 1.0}),
    "TLS HTTP/2, 64 x 10 streams": (
        lambda proxy, seconds, headers: load.h2load(proxy, "/1k", 64, 10, seconds, headers),
        {"nginx": 0.8, "nghttpx": 1.2}),
    "TLS full handshakes": (
        lambda proxy, seconds, headers: load.handshakes(proxy, HANDSHAKES, False, headers), {"nginx": 1.1}),
    "TLS resumed handshakes": (
        lambda proxy, seconds, headers: load.handshakes(proxy, HANDSHAKES, True, headers), {"nginx": 1.2}),
}


def rates(options, folder, upstream) -> bool:
    proxies = {
        "sidegate": servers.Sidegate(
            options.sidegate, folder, upstream.port, environment_name="sidegate-tls", tls=True),
        "nginx": servers.start_nginx_tls(folder, upstream.port),
        "nghttpx": servers.start_nghttpx(folder, upstream.port),
    }
    headers = {"sidegate": {"Cookie": proxies["sidegate"].sign_in()}}
    good = True
    for scenario, (run, limits) in SCENARIOS.items():
        if options.only and options.only not in scenario:
            continue
        names = ["sidegate", *limits]
        rounds = {name: [] for name in names}
        for turn in range(options.rounds + 1):
            for name in names if turn % 2 else reversed(names):
                result = run(proxies[name], options.seconds, headers.get(name, {}))
                if turn:
                    rounds[name].append(result)
        median = {n: statistics.median(r.cpu_micros for r in rs) for n, rs in rounds.items()}
        for name in names:
            rate = statistics.median(r.per_second for r in rounds[name])
            line = f"{scenario if name == 'sidegate' else '':30}{name:16}{rate:8.0f}{median[name]:13.2f}"
            if name in limits:
                ratio, most = median["sidegate"] / median[name], limits[name]
                verdict = "ok" if ratio <= most else "tie" if ratio <= most * TIE else "OVER"
                good &= verdict != "OVER"
                line += f"   {ratio:.2f} (at most {most:.1f}: {verdict})"
            print(line, flush=True)
    for proxy in proxies.values():
        proxy.stop()
    return good


def idle_memory(options, folder, upstream) -> bool:
    """The memory of an idle connection after one request: TLS with HTTP/1.1, and HTTP/2 in cleartext.

    The first is compared with nginx, whose figure includes the memory of libssl, which Sidegate has freed by then.
    """
    def held(proxy, connect, headers) -> float:
        warm = [connect(proxy, headers) for _ in range(64)]
        time.sleep(1)
        before = proxy.memory()
        connections = [connect(proxy, headers) for _ in range(IDLE)]
        time.sleep(2)
        each = (proxy.memory() - before) / IDLE / 1024
        for connection in warm + connections:
            connection.close()
        proxy.stop()
        return each

    ours = servers.Sidegate(options.sidegate, folder, upstream.port, environment_name="sidegate-tls-memory", tls=True)
    each = held(ours, idle.over_tls, {"Cookie": ours.sign_in()})
    theirs = held(servers.start_nginx_tls(folder, upstream.port, "nginx-tls-memory"), idle.over_tls, {})
    good = each <= TLS_IDLE
    print(f"each of {IDLE} idle TLS HTTP/1.1 connections: {each:.2f} KiB, of nginx's {theirs:.2f} (at most {TLS_IDLE}:"
          f" {'ok' if good else 'OVER'})", flush=True)

    ours = servers.Sidegate(options.sidegate, folder, upstream.port, environment_name="sidegate-h2-memory")
    each = held(ours, idle.over_http2, {"Cookie": ours.sign_in()})
    good &= each <= HTTP2_IDLE
    print(f"each of {IDLE} idle cleartext HTTP/2 connections: {each:.2f} KiB (at most {HTTP2_IDLE}:"
          f" {'ok' if each <= HTTP2_IDLE else 'OVER'})", flush=True)
    return good
