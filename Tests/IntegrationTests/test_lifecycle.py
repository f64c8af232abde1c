# SPDX-License-Identifier: Apache-2.0
"""Starting, logging, and stopping without losing a request."""

import json
import os
import pty
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import tokens
from harness.gate import BINARY, LOGIN_URL, NAVIGATION, SESSION_SECRET, clean_environment, settings, sidegate
from harness.ports import free_port
from harness.process import DEADLINE, ChildProcess, accepts, wait_until
from harness.wire import Connection


class TestStop:
    def test_sigterm_finishes_requests_in_flight_and_exits_with_0(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            if request.target == "/slow":
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
                release.wait(30)
                connection.send(b"half")
            else:
                upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream)
        session = gate.session_cookie()
        idle, busy = gate.connection(), gate.connection()
        assert idle.exchange("GET", "/", session).status == 200
        busy.request("GET", "/slow", session)
        assert busy.read_head().status == 200
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        assert idle.is_closed_by_peer(), "an idle connection is kept open"
        wait_until(lambda: not accepts(("127.0.0.1", gate.port)), "the listener is closed")
        assert gate.process.is_running(), "ended with a request in flight"
        release.set()
        assert busy.read_exactly(8) == b"halfhalf"
        assert gate.process.child.wait(30) == 0

    def test_the_last_response_has_connection_close(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream)
        connection = gate.connection()
        connection.request("GET", "/", gate.session_cookie())
        upstream.wait_for_requests(1)
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        wait_until(lambda: not accepts(("127.0.0.1", gate.port)), "the listener is closed")
        release.set()
        assert connection.response()["Connection"].lower() == "close"
        assert gate.process.child.wait(30) == 0

    def test_the_drain_is_limited(self, upstream, start_gate):
        ended = threading.Event()
        upstream.answer = lambda request, connection: ended.wait(4 * DEADLINE)
        gate = start_gate(upstream, limits={"drainTimeout": "500ms"})
        connection = gate.connection()
        connection.request("GET", "/", gate.session_cookie())
        upstream.wait_for_requests(1)
        assert gate.stop() == 0, "it ends before the app answers"
        ended.set()

    def test_an_interrupt_stops_it_too(self, upstream, start_gate):
        gate = start_gate(upstream)
        gate.was_stopped = True
        gate.process.child.send_signal(signal.SIGINT)
        assert gate.process.child.wait(30) == 0

    def test_requests_that_were_already_sent_are_answered(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        connections = [gate.connection() for _ in range(20)]
        for connection in connections:
            assert connection.exchange("GET", "/", session).status == 200
        # Suspended, so that the requests wait in the kernel when the signal is handled.
        gate.process.child.send_signal(signal.SIGSTOP)
        for connection in connections:
            connection.request("GET", "/last", session)
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        gate.process.child.send_signal(signal.SIGCONT)
        for connection in connections:
            assert connection.response().status == 200
            connection.close()
        assert gate.process.child.wait(30) == 0

    def test_a_signal_right_after_the_start_is_not_lost(self, upstream, start_gate):
        for n in range(40):
            gate = start_gate(upstream)
            gate.was_stopped = True
            gate.process.child.send_signal((signal.SIGTERM, signal.SIGINT)[n % 2])
            assert gate.process.child.wait(30) == 0

    def test_an_idle_connection_can_send_one_more_request_and_its_end_is_announced(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        connections = [gate.connection() for _ in range(5)]
        for connection in connections[:4]:
            assert connection.exchange("GET", "/", session).status == 200
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        wait_until(lambda: not accepts(("127.0.0.1", gate.port)), "the listener is closed")
        for connection in connections:
            response = connection.exchange("GET", "/", session)
            assert response.status == 200 and response["Connection"].lower() == "close"
            connection.close()
        assert gate.process.child.wait(30) == 0

    def test_a_client_that_connects_at_the_last_moment_is_served(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        # Suspended, so that the connections wait in the kernel's queue when the signal is handled.
        gate.process.child.send_signal(signal.SIGSTOP)
        connections = [gate.connection() for _ in range(20)]
        for connection in connections:
            connection.request("GET", "/last", session)
        gate.process.child.send_signal(signal.SIGTERM)
        gate.was_stopped = True
        gate.process.child.send_signal(signal.SIGCONT)
        for connection in connections:
            assert connection.response().status == 200
            connection.close()
        assert gate.process.child.wait(30) == 0

    def test_a_second_signal_changes_nothing(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream)
        connection = gate.connection()
        connection.request("GET", "/", gate.session_cookie())
        upstream.wait_for_requests(1)
        gate.was_stopped = True
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            gate.process.child.send_signal(number)
        wait_until(lambda: not accepts(("127.0.0.1", gate.port)), "the listener is closed")
        release.set()
        assert connection.response().status == 200
        connection.close()
        assert gate.process.child.wait(30) == 0

    def test_no_request_is_lost_under_load(self, upstream, start_gate):
        upstream.answer = lambda request, connection: connection.respond(200, {}, "ok")
        gate = start_gate(upstream, workers=2)
        session = gate.session_cookie()
        lost, done, stop = [], [], threading.Event()

        def client():
            while not stop.is_set():
                try:
                    connection = gate.connection()
                except OSError:
                    return  # no longer listening
                try:
                    for _ in range(1000):
                        connection.request("GET", "/", session)
                        response = connection.response()
                        done.append(response.status)
                        if response.get("Connection", "").lower() == "close":
                            break
                except Exception as failure:
                    # The client must repeat a request that it sent over a connection closed while idle.
                    if connection.buffer or getattr(failure, "response", None):
                        lost.append(repr(failure))
                finally:
                    connection.close()

        clients = [threading.Thread(target=client) for _ in range(8)]
        for thread in clients:
            thread.start()
        wait_until(lambda: len(done) > 300, "requests flow")
        assert gate.stop() == 0
        stop.set()
        for thread in clients:
            thread.join(30)
        assert lost == [] and set(done) == {200}


class TestServiceManager:
    def test_it_is_notified_of_every_step(self, tmp_path, upstream, start_gate):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(tmp_path / "notify"))
            manager.settimeout(30)

            def next_message(first: str) -> dict:
                while True:
                    lines = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
                    if first in lines:
                        return lines
            gate = start_gate(upstream, environment={
                "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"})
            assert next_message("READY")["READY"] == "1"
            for _ in range(3):
                assert next_message("WATCHDOG")["WATCHDOG"] == "1"
            before = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
            gate.process.child.send_signal(signal.SIGHUP)
            reloading = next_message("RELOADING")
            assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
            assert next_message("READY")["READY"] == "1"
            gate.config.write_text("broken: [")
            next_message("RELOADING")
            assert next_message("READY")["READY"] == "1", "ready with the previous configuration"
            gate.process.child.send_signal(signal.SIGTERM)
            gate.was_stopped = True
            assert next_message("STOPPING")["STOPPING"] == "1"
            assert gate.process.child.wait(30) == 0


class TestListening:
    def test_several_addresses_v6_and_a_unix_socket(self, tmp_path, upstream):
        ports, path = [free_port(), free_port()], tmp_path / "gate.sock"
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(settings(
            upstream.url, ports[0], listen=[f"127.0.0.1:{ports[0]}", f"[::1]:{ports[1]}", f"unix:{path}"])))
        process = ChildProcess([BINARY, "run", "--config", config], tmp_path / "log", env=clean_environment())
        try:
            for address in (("127.0.0.1", ports[0]), str(path)):
                process.wait_until_accepting(address)
            with Connection(ports[1], host="::1") as connection:
                assert connection.exchange("GET", "/", NAVIGATION, host=f"[::1]:{ports[1]}").status == 302
            with socket.socket(socket.AF_UNIX) as connected:
                connected.settimeout(30)
                connected.connect(str(path))
                connected.sendall(b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
                assert connected.recv(65536).startswith(b"HTTP/1.1 302 ")
            assert process.stop() == 0
            assert not path.exists(), "the unix socket was not removed"
        finally:
            process.kill()

    def test_an_address_in_use_is_78(self, tmp_path, upstream):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            config = tmp_path / "sidegate.yaml"
            config.write_text(json.dumps(settings(upstream.url, taken.getsockname()[1])))
            done = sidegate("run", "--config", config)
            assert done.returncode == 78
            assert str(taken.getsockname()[1]) in done.stderr

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_every_worker_serves(self, upstream, start_gate, workers):
        gate = start_gate(upstream, workers=workers)
        session = gate.session_cookie()
        for _ in range(30):
            assert gate.exchange("GET", "/", session).status == 200


class TestWhereSettingsComeFrom:
    @staticmethod
    def runs_at(port, arguments, folder, env=None, cwd=None):
        process = ChildProcess([BINARY, "run", *arguments], folder / "log", env=env or clean_environment(), cwd=cwd)
        try:
            process.wait_until_accepting(("127.0.0.1", port))
            with Connection(port) as connection:
                assert connection.exchange("GET", "/", NAVIGATION).status == 302
            assert process.stop() == 0
        finally:
            process.kill()

    def test_flags_override_environment_overrides_file(self, tmp_path, upstream):
        in_file, in_environment, in_flag = free_port(), free_port(), free_port()
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(settings(upstream.url, in_file)))
        environment = clean_environment(SIDEGATE_LISTEN=json.dumps([f"127.0.0.1:{in_environment}"]))
        self.runs_at(in_environment, ["--config", config], tmp_path, environment)
        self.runs_at(in_flag, ["--config", config, "--set", f'listen=["127.0.0.1:{in_flag}"]'], tmp_path, environment)

    def test_no_file_at_all(self, tmp_path, upstream):
        port, secret = free_port(), tmp_path / "secret"
        secret.write_text(tokens.SECRET + "\n")
        secret.chmod(0o600)
        self.runs_at(port, ["--upstream", upstream.url, "--login-url", LOGIN_URL, "--secret-file", secret,
                            "--listen", f"127.0.0.1:{port}"], tmp_path, cwd=tmp_path)

    def test_the_file_is_found_by_environment_or_default_location(self, tmp_path, upstream):
        port = free_port()
        (tmp_path / "sidegate.yaml").write_text(json.dumps(settings(upstream.url, port)))
        self.runs_at(port, [], tmp_path, cwd=tmp_path)
        self.runs_at(port, [], tmp_path, clean_environment(SIDEGATE_CONFIG=str(tmp_path / "sidegate.yaml")), cwd="/")

    def test_the_file_reads_the_environment(self, tmp_path, upstream):
        port = free_port()
        config = tmp_path / "sidegate.yaml"
        config.write_text(f"""
listen: ["127.0.0.1:{port}"]
upstream: {upstream.url}
identityProvider:
  loginURL: "https://${{IDP_HOST:-idp.test}}/login?return_url={{returnURL}}"
token:
  keys: [{{ secret: "${{JWT_SECRET}}" }}]
session: {{ secret: {SESSION_SECRET} }}
""")
        self.runs_at(port, ["--config", config], tmp_path, clean_environment(JWT_SECRET=tokens.SECRET))
        refused = sidegate("check", "--config", config)
        assert refused.returncode == 1 and "JWT_SECRET" in refused.stderr and ":7:" in refused.stderr

    def test_without_a_session_secret_it_warns_and_runs(self, upstream, start_gate):
        gate = start_gate(upstream, session={"secret": None})
        assert gate.exchange("GET", "/", gate.session_cookie()).status == 200
        assert "warn" in gate.log().lower()


class TestLog:
    def test_each_line_is_json_and_a_request_has_one(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        gate.exchange("GET", "/logged/page?token=geheim&x=1", {**session, "X-Request-ID": "id-for-the-log"})
        line = wait_until(
            lambda: next((line for line in gate.log().splitlines() if "id-for-the-log" in line), None), "the access line")
        value = json.loads(line)
        text = json.dumps(value)
        assert "/logged/page" in text and "ada" in text and "GET" in text and 200 in value.values()
        assert session["Cookie"] not in gate.log() and "geheim" not in gate.log()
        for line in gate.log().splitlines():
            json.loads(line)

    def test_logged_values_cannot_break_a_line_CVE_2024_45808_CVE_2026_26309(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        evil = 'a"b\\c\x1b[31m\xff\xe2\x80\xa8'
        with gate.connection() as connection:
            connection.send(f'GET /"quoted"\\back HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: '.encode()
                            + session["Cookie"].encode() + b"\r\nUser-Agent: a\"b\\c\xff\xe2\x80\xa8\r\n\r\n")
            assert connection.response().status in (200, 400)
        gate.exchange("GET", "/%0a%0d%22", {**session, "User-Agent": evil.replace("\x1b", ""), "X-Request-ID": "last-one"})
        wait_until(lambda: "last-one" in gate.log(), "the access line")
        for line in gate.process.log.read_bytes().splitlines():
            json.loads(line.decode("utf-8"))

    def test_the_access_log_may_be_off(self, upstream, start_gate):
        gate = start_gate(upstream, log={"access": False})
        gate.exchange("GET", "/quiet", gate.session_cookie())
        gate.stop()
        assert "/quiet" not in gate.log()

    def test_text_lines_are_readable(self, upstream, start_gate):
        gate = start_gate(upstream, log={"format": "text"})
        gate.exchange("GET", "/readable", gate.session_cookie())
        wait_until(lambda: "/readable" in gate.log(), "the access line")
        with pytest.raises(ValueError):
            json.loads(next(line for line in gate.log().splitlines() if "/readable" in line))

    def test_on_a_terminal_it_is_text_unless_configured_otherwise(self, tmp_path, upstream):
        for chosen, expected in ((None, False), ("json", True)):
            port, (terminal, output) = free_port(), pty.openpty()
            config = tmp_path / "sidegate.yaml"
            config.write_text(json.dumps(settings(upstream.url, port, **({"log": {"format": chosen}} if chosen else {}))))
            child = subprocess.Popen(
                [BINARY, "run", "--config", config], stdin=subprocess.DEVNULL, stdout=output, env=clean_environment())
            os.close(output)
            try:
                line = b""
                while b"\n" not in line:
                    line += os.read(terminal, 4096)
                assert (line[:1] == b"{") == expected and b"listening" in line
                child.terminate()
                assert child.wait(30) == 0
            finally:
                child.kill()
                os.close(terminal)

    def test_a_sign_in_is_an_audit_event(self, upstream, start_gate):
        gate = start_gate(upstream)
        browser = gate.signed_in()
        browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        for event in ("login", "logout"):
            line = wait_until(lambda: next(
                (line for line in gate.log().splitlines() if f'"{event}"' in line), None), f"the {event} event")
            assert "ada" in line
