# SPDX-License-Identifier: Apache-2.0
"""Health, readiness, metrics and probes."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from harness import tokens
from harness.admin import Metrics, ask, port
from harness.frames import FrameConnection
from harness.gate import BINARY, NAVIGATION, ROOT, clean_environment, settings, sidegate
from harness.ports import free_port
from harness.process import ChildProcess, accepts, wait_until
from harness.upstream import Upstream
from harness.wire import Connection

NAMES = {
    "sidegate_http_requests_total": {"route", "method", "code"},
    "sidegate_http_request_duration_seconds": {"route"},
    "sidegate_upstream_request_duration_seconds": {"route"},
    "sidegate_http_requests_in_flight": set(),
    "sidegate_connections": {"protocol"},
    "sidegate_upstream_errors_total": {"upstream", "reason", "cause"},
    "sidegate_upstream_tolerated_total": {"what"},
    "sidegate_upstream_connections": set(),
    "sidegate_upstream_requests_waiting": set(),
    "sidegate_slow_requests_ended_total": {"side"},
    "sidegate_upstream_up": set(),
    "sidegate_logins_total": {"provider", "result", "reason"},
    "sidegate_replay_entries": set(),
    "sidegate_replay_max_entries": set(),
    "sidegate_replay_full_total": set(),
    "sidegate_ended_sessions_full_total": set(),
    "sidegate_log_dropped_bytes_total": set(),
    "sidegate_denied_total": {"reason"},
    "sidegate_observed_total": {"would", "reason"},
    "sidegate_logouts_total": {"reason"},
    "sidegate_session_rejections_total": {"reason"},
    "sidegate_auth_redirects_total": set(),
    "sidegate_config_reloads_total": {"result"},
    "sidegate_config_last_reload_successful": set(),
    "sidegate_key_refresh_total": {"result"},
    "sidegate_build_info": {"version"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_virtual_memory_bytes": set(),
    "process_start_time_seconds": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
}


def admin(**more) -> dict:
    return {"listen": f"127.0.0.1:{free_port()}", **more}


@pytest.fixture
def watched(upstream, start_gate):
    gate = start_gate(upstream, workers=2, admin=admin(probePaths=["/health", "/"]))
    wait_until(lambda: ask(gate, "/readyz").status == 200, "it is ready")
    return gate


class TestHealth:
    def test_a_running_gate_is_healthy_and_ready(self, watched):
        for path in ("/healthz", "/readyz"):
            answer = ask(watched, path)
            assert (answer.status, answer.text) == (200, "ok\n")
            assert answer["Cache-Control"] == "no-store"

    def test_without_the_app_it_is_healthy_but_not_ready_until_the_app_is_back(self, start_gate):
        upstream = Upstream()
        upstream_port = int(upstream.url.rpartition(":")[2])
        gate = start_gate(upstream, admin=admin())
        assert ask(gate, "/readyz").status == 200 and Metrics(gate).get("sidegate_upstream_up") == 1
        upstream.stop()
        wait_until(lambda: ask(gate, "/readyz").status == 503, "not ready")
        assert "cannot be reached" in ask(gate, "/readyz").text
        assert ask(gate, "/healthz").status == 200
        assert Metrics(gate).get("sidegate_upstream_up") == 0
        with socket.create_server(("127.0.0.1", upstream_port)):
            wait_until(lambda: ask(gate, "/readyz").status == 200, "ready again")

    def test_an_app_behind_a_unix_socket_is_checked_too(self, tmp_path, start_gate):
        path = tmp_path / "app.sock"
        gate = start_gate(f"unix:{path}", admin=admin(probePaths=["/health"]))
        assert ask(gate, "/readyz").status == 503
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()

        def serve():
            while True:
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                if connected.recv(65536).startswith(b"GET /health HTTP/1.1\r\n"):
                    connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                connected.close()
        threading.Thread(target=serve, daemon=True).start()
        wait_until(lambda: ask(gate, "/readyz").status == 200, "ready")
        assert ask(gate, "/probe?path=/health").status == 204
        listening.close()

    def test_readiness_opens_no_connection_while_requests_show_that_the_app_responds(self, upstream, start_gate):
        upstream.answer = lambda request, connection: connection.respond(200, {}, "ok")
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        with gate.connection() as connection:
            connection.exchange("GET", "/", session)
            for _ in range(20):
                assert ask(gate, "/readyz").status == 200
            connection.exchange("GET", "/", session)
        assert upstream.requests[0].connection == upstream.requests[-1].connection

    def test_after_sigterm_it_is_not_ready_and_accepts_connections_during_the_delay(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin(), limits={"drainDelay": "1h"})
        session = gate.session_cookie()
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        wait_until(lambda: ask(gate, "/readyz").status == 503, "not ready")
        assert ask(gate, "/readyz").text == "stopping\n" and ask(gate, "/healthz").status == 200
        assert gate.exchange("GET", "/", session).status == 200, "accepts during the delay"
        gate.process.kill()
        assert start_gate(upstream, limits={"drainDelay": "500ms"}).stop() == 0, "the gate stops after the delay"

    def test_readiness_fails_while_requests_finish(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream, admin=admin())
        busy = gate.connection()
        session = gate.session_cookie()
        busy.request("GET", "/", session)
        upstream.wait_for_requests(1)
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        wait_until(lambda: not accepts(("127.0.0.1", gate.port)), "the listener is closed")
        assert ask(gate, "/readyz").status == 503
        release.set()
        assert busy.response().status == 200
        assert gate.process.child.wait(30) == 0


class TestMetrics:
    def test_names_and_labels_are_documented_and_promtool_accepts_them(self, watched, upstream):
        browser = watched.signed_in()
        browser.navigate("/")
        browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": watched.origin})
        metrics = Metrics(watched)
        families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.text, re.M))
        assert set(families) == set(NAMES)
        for name, labels, _ in metrics.samples:
            family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in families else name
            assert set(labels) - {"le"} == NAMES[family], name
        for name in NAMES:
            documented = (ROOT / "docs" / "monitoring.md").read_text()
            assert f"`{name}" in documented, f"docs/monitoring.md does not describe {name}"
        assert metrics.type.startswith("text/plain; version=0.0.4")
        promtool = shutil.which("promtool")
        assert promtool, "promtool of the package prometheus is missing"
        checked = subprocess.run([promtool, "check", "metrics"], input=metrics.text, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def test_events_of_signing_in_are_counted(self, watched):
        before = Metrics(watched)
        browser = watched.signed_in()
        used = tokens.token()
        other = watched.signed_in()
        other.finish(f"{watched.origin}/.sidegate/callback", used)
        stranger = watched.signed_in()
        del stranger.cookies["sidegate"]
        assert stranger.finish(stranger.start("/"), tokens.token(secret="another-secret-of-enough-bytes-0000000")).status == 403
        watched.exchange("GET", "/", {**NAVIGATION, "Cookie": "sidegate=broken"})
        browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": watched.origin})
        after = Metrics(watched)

        def grown(name, **labels):
            return after.get(name, **labels) - before.get(name, **labels)
        assert grown("sidegate_logins_total", provider="generic", result="success", reason="") >= 3
        assert grown("sidegate_logins_total", result="failure", reason="signature_invalid") == 1
        assert grown("sidegate_session_rejections_total", reason="session_invalid") == 1
        assert grown("sidegate_logouts_total", reason="user") == 1
        assert grown("sidegate_auth_redirects_total") == 5
        assert grown("sidegate_http_requests_total", route="sidegate", code="303") >= 3
        assert grown("sidegate_http_requests_total", route="default", code="302") == 5

    def test_the_app_is_timed_and_its_failures_have_reasons(self, upstream, start_gate):
        def answer(request, connection):
            if request.target == "/broken":
                connection.close()
            elif request.target == "/nonsense":
                connection.send(b"nonsense\r\n\r\n")
            else:
                upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        for method in ("GET", "POST", "BREW"):
            gate.exchange(method, "/", session)
        for path in ("/broken", "/nonsense"):
            assert gate.exchange("GET", path, session).status == 502
        metrics = Metrics(gate)
        for method in ("GET", "POST", "OTHER"):
            assert metrics.get("sidegate_http_requests_total", route="default", method=method, code="200") == 1
        assert metrics.get("sidegate_http_requests_total", code="502") == 2
        assert metrics.get("sidegate_upstream_errors_total", upstream="default", reason="closed") == 1
        assert metrics.get("sidegate_upstream_errors_total", upstream="default", reason="malformed") == 1
        assert metrics.get("sidegate_upstream_request_duration_seconds_count", route="default") == 3
        buckets = [(labels["le"], v) for n, labels, v in metrics.samples
                   if n == "sidegate_http_request_duration_seconds_bucket" and labels["route"] == "default"]
        assert buckets[-1][0] == "+Inf" and [v for _, v in buckets] == sorted(v for _, v in buckets)
        assert buckets[-1][1] == metrics.get("sidegate_http_request_duration_seconds_count", route="default")

    def test_gauges_show_the_open_connections_and_requests(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream, workers=2, admin=admin())
        session = gate.session_cookie()
        connections = [gate.connection() for _ in range(6)]
        for connection in connections[:4]:
            connection.request("GET", "/", session)
        upstream.wait_for_requests(4)
        metrics = Metrics(gate)
        assert metrics.get("sidegate_http_requests_in_flight") == 4
        assert metrics.get("sidegate_connections", protocol="http1") == 6
        release.set()
        for connection in connections[:4]:
            assert connection.response().status == 200
        assert Metrics(gate).get("sidegate_http_requests_in_flight") == 0
        for connection in connections:
            connection.close()
        wait_until(lambda: Metrics(gate).get("sidegate_connections", protocol="http1") == 0, "no connections")

    def test_http2_is_counted_under_its_own_name_and_by_stream(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        session = [("cookie", gate.session_cookie()["Cookie"])]
        before = Metrics(gate).get("sidegate_http_requests_total", route="default", code="200")
        connection = FrameConnection(gate.port)
        streams = [connection.request("GET", "/", session) for _ in range(5)]
        for stream in streams:
            assert connection.response(stream).status == 200
        metrics = Metrics(gate)
        assert metrics.get("sidegate_connections", protocol="http2") == 1
        assert metrics.get("sidegate_http_requests_total", route="default", code="200") == before + 5
        assert metrics.get("sidegate_http_requests_in_flight") == 0

    def test_a_client_that_disconnects_is_499_and_leaves_no_request_behind(self, upstream, start_gate):
        release = threading.Event()
        upstream.answer = lambda request, connection: release.wait(30)
        gate = start_gate(upstream, admin=admin())
        connection = gate.connection()
        connection.request("GET", "/", gate.session_cookie())
        upstream.wait_for_requests(1)
        connection.reset()
        wait_until(lambda: Metrics(gate).get("sidegate_http_requests_total", code="499") == 1, "counted as 499")
        assert Metrics(gate).get("sidegate_http_requests_in_flight") == 0
        release.set()

    def test_no_label_contains_a_clients_input(self, watched):
        session = watched.session_cookie()
        watched.exchange("GET", "/geheim-path?x=geheim", {**session, "Host": "geheim.example"})
        watched.exchange("GEHEIM", "/", {"Cookie": "sidegate=geheim"})
        assert "geheim" not in Metrics(watched).text.lower() and "ada" not in Metrics(watched).text

    def test_the_process_figures_are_the_kernels(self, watched):
        metrics = Metrics(watched)
        assert abs(metrics.get("process_open_fds") - watched.process.descriptors()) <= 3
        assert metrics.get("process_resident_memory_bytes") > 1 << 20
        version = sidegate("version").stdout.split()[1]
        assert metrics.labels("sidegate_build_info") == [{"version": version}]
        began = watched.config.stat().st_mtime
        assert abs(metrics.get("process_start_time_seconds") - began) < 60


class TestProbe:
    def test_allowed_paths_get_the_apps_own_status(self, watched, upstream):
        upstream.answer = lambda request, connection: connection.respond(418, {}, "teapot")
        assert ask(watched, "/probe?path=/health").status == 418
        assert ask(watched, "/probe?path=%2Fhealth").status == 418
        assert upstream.requests[-1].target == "/health"
        assert upstream.requests[-1].get("X-Forwarded-User") is None
        assert ask(watched, "/probe?path=/").status == 418 and upstream.requests[-1].target == "/"

    @pytest.mark.parametrize("query, status", [
        ("path=/admin", 403), ("path=/health/", 403), ("path=/health%3Fx", 403), ("path=/healt", 403), ("path=", 403),
        ("", 400), ("path=/health&path=/admin", 400)])
    def test_other_paths_are_refused_without_a_request_to_the_app(self, watched, upstream, query, status):
        assert ask(watched, "/probe?" + query).status == status
        assert upstream.requests == []

    def test_an_app_that_is_down_is_502(self, start_gate):
        gate = start_gate(f"http://127.0.0.1:{free_port()}", admin=admin(probePaths=["/health"]))
        assert ask(gate, "/probe?path=/health").status == 502


class TestListener:
    def test_unknown_paths_are_404_and_only_GET_and_HEAD_are_allowed(self, watched):
        assert ask(watched, "/nothing").status == 404
        assert ask(watched, "/.sidegate/session").status == 404
        assert ask(watched, "/metrics", "POST").status == 405
        with Connection(port(watched)) as connection:
            assert connection.exchange("HEAD", "/healthz").status == 200
            assert connection.exchange("GET", "/healthz").status == 200

    def test_a_configured_address_in_use_is_78(self, tmp_path, upstream):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            config = tmp_path / "sidegate.yaml"
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            config.write_text(json.dumps(settings(upstream.url, free_port(), admin={"listen": address})))
            done = sidegate("run", "--config", config)
            assert done.returncode == 78 and "admin.listen" in done.stderr and address in done.stderr

    def test_the_default_address_may_be_in_use_by_another_gate(self, tmp_path, upstream):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 9180))
                taken.listen()
            except OSError:
                pass  # already in use, which has the same effect
            gate_port = free_port()
            config = tmp_path / "sidegate.yaml"
            config.write_text(json.dumps(settings(upstream.url, gate_port, admin=None)))
            process = ChildProcess([BINARY, "run", "--config", config], tmp_path / "log", env=clean_environment())
            try:
                process.wait_until_accepting(("127.0.0.1", gate_port))
                wait_until(lambda: "health and metrics are not available" in process.output(), "the warning")
                assert process.stop() == 0
            finally:
                process.kill()

    def test_it_may_be_a_unix_socket(self, tmp_path, upstream, start_gate):
        path = tmp_path / "admin.sock"
        gate = start_gate(upstream, admin={"listen": f"unix:{path}"})
        assert sidegate("healthcheck", "--config", gate.config).returncode == 0
        assert gate.stop() == 0
        assert not path.exists()

    def test_off_opens_no_listener(self, upstream, start_gate):
        gate = start_gate(upstream, admin={"listen": "off"})
        assert "health" not in gate.log()
        assert "off" in sidegate("healthcheck", "--config", gate.config).stderr


class TestSeriesFromTheStart:
    """Prometheus takes a rate from the second value of a series on: a burst that creates it would be missed."""

    def test_every_counter_has_the_values_of_its_labels_with_0(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        metrics = Metrics(gate)
        counters = re.findall(r"^# TYPE (\S+) counter$", metrics.text, re.M)
        for name in counters:
            assert metrics.labels(name) or name == "sidegate_observed_total", f"{name} has no series"
            if name.startswith("sidegate_"):
                assert metrics.get(name) == 0, name

        def values(name, label):
            return {labels[label] for labels in metrics.labels(name)}
        assert {"expired", "signature_invalid", "replayed", "replay_store_full", "user_not_registered", "login_state_missing",
                "provisioning_failed", "login_loop", ""} <= values("sidegate_logins_total", "reason")
        assert {"user_not_registered", "rule_denied", "rate_limited", "signature_invalid"} <= values("sidegate_denied_total", "reason")
        assert values("sidegate_session_rejections_total", "reason") == {
            "session_expired", "session_idle", "session_revoked", "session_invalid"}
        assert {"unreachable", "closed", "response_timeout"} <= values("sidegate_upstream_errors_total", "reason")
        assert values("sidegate_logouts_total", "reason") == {"user", "backchannel", "operator"}
        assert {"429", "500", "502", "503", "504"} == values("sidegate_http_requests_total", "code")

    def test_what_would_be_refused_is_counted_from_the_start_where_it_can_be(self, upstream, start_gate):
        metrics = Metrics(start_gate(upstream, admin=admin(), access={"mode": "observe"}))
        found = metrics.labels("sidegate_observed_total")
        assert {labels["would"] for labels in found} == {"redirect", "unauthenticated", "denied"}
        assert {"", "rule_denied", "session_expired", "path_unreadable"} <= {labels["reason"] for labels in found}
        assert metrics.get("sidegate_observed_total") == 0

    def test_the_first_events_count_in_series_that_exist(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        before = {(name, *sorted(labels.items())) for name, labels, _ in Metrics(gate).samples}
        from harness.gate import Browser
        assert Browser(gate).sign_in_with(tokens.token(exp=1)).status == 403
        assert Browser(gate).sign_in_with(tokens.token()).status == 303
        session = gate.session_cookie()
        upstream.answer = lambda request, connection: connection.close()
        assert gate.exchange("POST", "/", {**session, "Content-Length": "0"}).status == 502
        after = {(name, *sorted(labels.items())) for name, labels, value in Metrics(gate).samples if value}
        new = {sample for sample in after - before if "_bucket" not in sample[0]}
        # Only requests that are no failure.
        assert {sample[0] for sample in new} <= {"sidegate_http_requests_total"}, new
        assert not any(label[1] >= "429" for sample in new for label in sample[1:] if label[0] == "code"), new


class TestHealthcheck:
    def test_its_exit_status_is_the_gates_health(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        assert sidegate("healthcheck", "--config", gate.config).returncode == 0
        assert sidegate("healthcheck", "--ready", "--config", gate.config).returncode == 0
        # A configuration that was broken meanwhile does not matter: the running gate does not use it.
        gate.config.write_text(gate.config.read_text().replace("loginURL", "logginURL"))
        assert sidegate("healthcheck", "--config", gate.config).returncode == 0
        gate.stop()
        done = sidegate("healthcheck", "--config", gate.config)
        assert done.returncode == 1 and "refused" in done.stderr

    def test_another_gate_on_the_host_does_not_answer_for_it(self, upstream, start_gate, tmp_path):
        first = start_gate(upstream, admin=admin())
        # The second one has the same address, and runs without it, as the default address allows.
        other = tmp_path / "other.yaml"
        other.write_text(first.config.read_text())
        done = sidegate("healthcheck", "--config", other)
        assert done.returncode == 1 and "another one" in done.stderr and "admin.listen" in done.stderr
        assert sidegate("healthcheck", "--ready", "--config", other).returncode == 1
        # The same file by other names.
        link = tmp_path / "link.yaml"
        link.symlink_to(first.config)
        assert sidegate("healthcheck", "--config", link).returncode == 0
        assert sidegate("healthcheck", "--config", first.config.name, cwd=first.config.parent).returncode == 0
        # Without a file, whatever answers at the address is meant.
        where = f"admin.listen={first.settings['admin']['listen']}"
        assert sidegate("healthcheck", "--set", where, cwd=tmp_path).returncode == 0
        # Probes that name no configuration are not affected.
        assert ask(first, "/healthz").status == 200

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"220 mail.test ready\r\n\r\n"])
    def test_another_program_does_not_answer_for_it(self, tmp_path, answer):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                connected, _ = server.accept()
                connected.recv(65536)
                connected.sendall(answer)
                connected.close()
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            where = f"admin.listen=127.0.0.1:{server.getsockname()[1]}"
            done = sidegate("healthcheck", "--set", where, cwd=tmp_path)
            assert done.returncode == 1 and "not Sidegate" in done.stderr
            thread.join(10)

    def test_the_app_counts_for_readiness_only(self, start_gate):
        gate = start_gate(f"http://127.0.0.1:{free_port()}", admin=admin())
        assert sidegate("healthcheck", "--config", gate.config).returncode == 0
        assert sidegate("healthcheck", "--ready", "--config", gate.config).returncode == 1

    def test_a_gate_that_hangs_is_not_healthy(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        gate.process.child.send_signal(signal.SIGSTOP)
        try:
            assert sidegate("healthcheck", "--config", gate.config).returncode == 1
        finally:
            gate.process.child.send_signal(signal.SIGCONT)
