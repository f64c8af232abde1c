# SPDX-License-Identifier: Apache-2.0
"""Messages of the program in its log: the first lines, and those about requests (`log.level: debug`, `trace`)."""

import json

import pytest

from harness.gate import BINARY, NAVIGATION, XHR, Browser, clean_environment, settings, sidegate
from harness.journal import lines
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.reloads import admin, change
from harness.tokens import SECRET, token

RULES = {"rules": [{"paths": ["/open/*"], "allow": "anyone"}, {"paths": ["/admin/*"], "require": {"groups": ["admins"]}}]}


def about(gate, message, **fields) -> list:
    return [line for line in lines(gate) if line.get("message") == message and fields.items() <= line.items()]


def wait_for(gate, message, **fields) -> dict:
    return wait_until(lambda: about(gate, message, **fields), f"{message} {fields}\n{gate.log()[-3000:]}")[-1]


def requests(gate) -> list:
    return [line for line in lines(gate) if line.get("logger") == "sidegate.request"]


class TestTheStart:
    def test_the_first_line_has_version_and_configuration(self, upstream, start_gate):
        gate = start_gate(upstream)
        first = json.loads(wait_until(lambda: gate.log().splitlines(), "the first line")[0])
        assert first["message"] == "listening" and first["level"] == "info"
        assert first["configuration"] == str(gate.config)
        assert first["version"] == sidegate("version").stdout.split()[-1]

    def test_a_relative_path_is_shown_in_full(self, upstream, tmp_path):
        port = free_port()
        (tmp_path / "sidegate.yaml").write_text(json.dumps(settings(upstream.url, port)))
        process = ChildProcess([BINARY, "run"], tmp_path / "log", env=clean_environment(), cwd=tmp_path)
        try:
            process.wait_until_accepting(("127.0.0.1", port))
            lines = wait_until(lambda: process.output().splitlines(), "the first line")
            assert json.loads(lines[0])["configuration"] == str(tmp_path / "sidegate.yaml")
        finally:
            process.kill()

    @pytest.mark.parametrize("format", ["json", "text"])
    def test_warnings_are_lines_of_the_log_in_its_format(self, upstream, tmp_path, format):
        port = free_port()
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(settings(upstream.url, port, session=None, log={"format": format})))
        config.chmod(0o600)
        process = ChildProcess([BINARY, "run", "--config", config], tmp_path / "log", env=clean_environment())
        try:
            process.wait_until_accepting(("127.0.0.1", port))
            output = wait_until(lambda: "no session secret" in process.output() and process.output(), "the start")
            found = [line for line in output.splitlines() if "no session secret" in line]
            assert len(found) == 1
            if format == "json":
                parsed = [json.loads(line) for line in output.splitlines()]
                warning = next(line for line in parsed if "no session secret" in line.get("finding", ""))
                assert (warning["level"], warning["message"]) == ("warning", "configuration")
                assert warning["finding"].startswith(f"{config}:1:1: warning: ")
            else:
                assert all("warning sidegate configuration" in line.replace('message="', "").replace('"', "") or " finding=" in line
                           for line in found)
                assert not any(line.startswith(str(config)) for line in output.splitlines())
        finally:
            process.kill()

    def test_errors_stay_on_standard_error(self, upstream, tmp_path):
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(settings(upstream.url, free_port(), wrokers=1)))
        done = sidegate("run", "--config", config)
        assert done.returncode == 1 and done.stdout == "" and f"{config}:" in done.stderr and "error:" in done.stderr


class TestRequests:
    @pytest.mark.parametrize("level, wanted", [("info", set()), ("debug", {"debug"}), ("trace", {"debug", "trace"})])
    def test_only_debug_and_trace_describe_requests(self, upstream, start_gate, level, wanted):
        gate = start_gate(upstream, log={"level": level}, access=RULES)
        session = gate.session_cookie()
        assert gate.exchange("GET", "/page", {**session, **NAVIGATION}).status == 200
        wait_until(lambda: [line for line in lines(gate) if line.get("path") == "/page" and line.get("kind")], "the access line")
        assert {line["level"] for line in requests(gate)} == wanted

    def test_rule_session_connection_and_response_are_named(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "debug"}, access=RULES)
        browser = gate.signed_in(groups=["staff"])
        identified = {"X-Request-ID": "the-first-request"}
        assert browser.navigate("/page?q=secret", headers=identified).status == 200
        judged = wait_for(gate, "request judged", id="the-first-request")
        expected = {"rule": "access.default", "session": "valid", "decision": "forward", "credential": "session",
                    "method": "GET", "path": "/page"}
        assert expected.items() <= judged.items()
        connection = wait_for(gate, "connection to the app", id="the-first-request")
        assert (connection["protocol"], connection["connection"]) == ("HTTP/1.1", "new")
        assert connection["upstream"] == upstream.url.removeprefix("http://")
        assert wait_for(gate, "response of the app", id="the-first-request")["status"] == "200"
        assert browser.navigate("/page", headers={"X-Request-ID": "the-second"}).status == 200
        assert wait_for(gate, "connection to the app", id="the-second")["connection"] == "reused"

        assert browser.navigate("/admin/x").status == 403
        refused = wait_for(gate, "request judged", path="/admin/x")
        assert {"rule": "access.rules[1]", "session": "valid", "decision": "refused", "reason": "group_missing"}.items() <= refused.items()
        assert gate.exchange("GET", "/open/x", NAVIGATION).status == 200
        opened = wait_for(gate, "request judged", path="/open/x")
        assert {"rule": "access.rules[0]", "session": "none", "decision": "open"}.items() <= opened.items()
        assert gate.exchange("GET", "/api", XHR).status == 401
        assert wait_for(gate, "request judged", path="/api")["decision"] == "unauthenticated"
        assert gate.exchange("GET", "/old", {**NAVIGATION, "Cookie": "sidegate=broken"}).status == 302
        assert wait_for(gate, "request judged", path="/old")["session"] == "session_invalid"
        bearer = gate.exchange("GET", "/bearer", {**XHR, "Authorization": f"Bearer {token()}"})
        assert bearer.status == 200 and wait_for(gate, "request judged", path="/bearer")["credential"] == "bearer"

    def test_a_sign_in_is_told_step_by_step_without_its_token(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "debug"})
        used = token()
        browser = Browser(gate)
        address = browser.start("/page")
        assert browser.finish(address, used).status == 303
        signed_in = wait_for(gate, "request judged", decision="sign-in")
        steps = [(line["step"], line["answer"]) for line in about(gate, "step of the decision", id=signed_in["id"])]
        assert steps == [("single use", "fresh"), ("bearer use ends", "done")]
        assert signed_in["user"] == "ada" and signed_in["status"] == "303"
        again = Browser(gate)
        assert again.finish(again.start("/page"), used).status == 403
        refused = wait_for(gate, "request judged", decision="refused", reason="replayed")
        steps = [(line["step"], line["answer"]) for line in about(gate, "step of the decision", id=refused["id"])]
        assert ("single use", "used before") in steps
        expired = Browser(gate)
        assert expired.finish(expired.start("/page"), token(exp=1)).status == 403
        assert "exp" in wait_for(gate, "request judged", reason="expired")["detail"]
        assert used not in gate.log()

    def test_the_address_of_the_connection_is_named_where_the_app_has_a_name(self, upstream, start_gate):
        gate = start_gate(upstream.url.replace("127.0.0.1", "localhost"), log={"level": "debug"}, access=RULES)
        assert gate.exchange("GET", "/open/x", XHR).status == 200
        connection = wait_for(gate, "connection to the app")
        assert connection["upstream"] == f"localhost:{upstream.port}"
        assert connection["address"] == f"127.0.0.1:{upstream.port}"

    def test_a_proxys_question_is_described_by_what_it_asks_about(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "debug"}, access=RULES, trustedProxies=["127.0.0.1"])
        session = gate.session_cookie()
        asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/admin/x", "X-Forwarded-Host": "127.0.0.1",
                 "X-Forwarded-Proto": "http", **session}
        gate.exchange("GET", "/.sidegate/auth", asked)
        assert wait_for(gate, "request judged", path="/.sidegate/auth")["rule"] == "access.rules[1]"

    def test_an_app_that_does_not_answer_is_named_with_what_follows(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "debug"})
        session = gate.session_cookie()
        upstream.answer = lambda request, connection: connection.close()
        assert gate.exchange("POST", "/", {**session, "Content-Length": "0"}).status == 502
        assert wait_for(gate, "no response from the app")["cause"] == "closed_before_response"

    def test_no_line_holds_a_secret(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "trace"}, headerPreset="basic")
        used = token()
        browser = Browser(gate)
        assert browser.sign_in_with(used).status == 303
        secrets = {"password=hunter2", "the-apps-own-key"}
        upstream.answer = lambda request, connection: connection.respond(200, {"Set-Cookie": "app=the-apps-own-key"}, "ok")
        assert browser.navigate("/page?password=hunter2", headers={"X-Api-Key": "the-apps-own-key"}).status == 200
        bearer = token()
        assert gate.exchange("GET", "/b", {**XHR, "Authorization": f"Bearer {bearer}"}).status == 200
        wait_for(gate, "fields of the request", id=wait_for(gate, "request judged", path="/b")["id"])
        log = gate.log()
        for secret in (used, bearer, SECRET, browser.cookies["sidegate"], *secrets):
            assert secret not in log, secret
        names = next(line["names"] for line in reversed(lines(gate)) if line.get("message") == "fields of the request")
        assert "Authorization" in names

    def test_a_reload_turns_them_on_and_off(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        assert gate.exchange("GET", "/1", XHR).status == 401
        change(gate, log={"level": "debug"})
        assert gate.exchange("GET", "/2", XHR).status == 401
        wait_for(gate, "request judged", path="/2")
        change(gate, log={"level": "info"})
        assert gate.exchange("GET", "/3", XHR).status == 401
        wait_until(lambda: [line for line in lines(gate) if line.get("path") == "/3"], "the access line")
        assert {line.get("path") for line in requests(gate)} == {"/2"}

    def test_over_HTTP2_and_in_text(self, upstream, start_gate):
        gate = start_gate(upstream, log={"level": "debug", "format": "text"})
        assert gate.exchange("GET", "/text", XHR).status == 401
        line = wait_until(lambda: [line for line in gate.log().splitlines() if "request judged" in line], "the line")[0]
        assert " debug sidegate.request " in line and 'path="/text"' in line
