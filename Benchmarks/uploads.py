# SPDX-License-Identifier: Apache-2.0
"""Uploads, compared with nginx and HAProxy: the CPU time of the proxy for each."""

import statistics

import load
import servers

# row: (bytes, connections, the highest permitted cost relative to nginx)
ROWS = {"upload 1 MiB, 16 connections": (1 << 20, 16, 1.0), "upload 100 MiB, 2 connections": (100 << 20, 2, 0.7)}
TIE = 1.10


def rates(options, folder) -> bool:
    rows = {row: values for row, values in ROWS.items() if not options.only or options.only in row}
    if not rows:
        return True
    app = servers.start_sink(folder)
    gate = servers.Sidegate(options.sidegate, folder, app.port, environment_name="sidegate-uploads")
    proxies = {
        "sidegate": gate,
        "nginx": servers.start_nginx(folder, app.port, name="nginx-uploads"),
        "haproxy": servers.start_haproxy(folder, app.port, "plain", name="haproxy-uploads"),
    }
    session, good = {"Cookie": gate.sign_in()}, True
    for row, (size, connections, most) in rows.items():
        script = folder / f"upload-{size}.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = string.rep("x", {size})\n')
        rounds = {name: [] for name in proxies}
        for turn in range(options.rounds + 1):
            for name in proxies if turn % 2 else reversed(proxies):
                headers = session if name == "sidegate" else {}
                # What has begun and not ended is work without a request in the figure.
                seconds = options.seconds * (3 if size > 10 << 20 else 1)
                result = load.wrk(proxies[name], "/", connections, seconds, headers, script=script)
                if turn:  # the first round warms up
                    rounds[name].append(result)
        median = {name: statistics.median(r.cpu_micros for r in rs) for name, rs in rounds.items()}
        for name, rs in rounds.items():
            rate = statistics.median(r.per_second for r in rs)
            line = f"{row if name == 'sidegate' else '':32}{name:14}{rate:8.1f}{median[name]:13.1f}"
            if name != "sidegate":
                line += f"   {median['sidegate'] / median[name]:.2f}"
            if name == "nginx":
                ratio = median["sidegate"] / median["nginx"]
                verdict = "ok" if ratio <= most else "tie" if ratio <= most * TIE else "OVER"
                good &= verdict != "OVER"
                line += f" (at most {most}: {verdict})"
            print(line, flush=True)
    for process in [*proxies.values(), app]:
        process.stop()
    return good
