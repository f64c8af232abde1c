# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a scripted app and a gate in front of it, shared by a test module or started for a single test."""

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# Some tests open two thousand connections; the default limit is 1,024 descriptors.
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (65536 if _most == resource.RLIM_INFINITY else min(_most, 65536), _most))
# Debian installs servers there; the PATH of an ordinary user does not include it.
os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"

from harness.gate import BINARY, Gate  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.process import left_behind, wait_until  # noqa: E402
from harness.redis import Redis  # noqa: E402
from harness.reloads import admin  # noqa: E402
from harness.replicas import Front, settings  # noqa: E402
from harness.upstream import Upstream  # noqa: E402


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"{BINARY} is missing; `make build` builds it, SIDEGATE_BINARY names another", returncode=2)


@pytest.hookimpl(trylast=True)  # pytest-xdist's ends its processes before
def pytest_sessionfinish(session, exitstatus):
    """No process outlives the run. When the run must be complete (SIDEGATE_COMPLETE=1), a skipped test fails it."""
    if hasattr(session.config, "workerinput"):
        return  # pytest-xdist: one of several processes, which end before the one that reports
    if not session.config.option.collectonly:
        try:
            wait_until(lambda: not left_behind(), "the processes of the tests have ended")
        except AssertionError:
            session.config.left_behind = left_behind()
            for pid, _ in session.config.left_behind:
                os.kill(pid, signal.SIGKILL)
            session.exitstatus = session.exitstatus or 1
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    left_out = [key for key in ("skipped", "xfailed", "xpassed", "deselected") if reporter.stats.get(key)]
    if os.environ.get("SIDEGATE_COMPLETE") == "1" and left_out and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter, config):
    for pid, command in getattr(config, "left_behind", []):
        terminalreporter.write_line(f"LEFT BEHIND by the tests, and killed: {pid} {command[:150]}", red=True)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the logs of the gates that it used."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, value in item.funcargs.items():
            gates = value.started if isinstance(value, _GateFactory) else [value]
            for gate in (g for g in gates if isinstance(g, Gate)):
                report.sections.append((f"sidegate's log ({name})", gate.log()[-6000:]))


class _GateFactory:
    def __init__(self, folder: Path):
        self.folder = folder
        self.started: list[Gate] = []

    def __call__(self, upstream, /, **options) -> Gate:
        url = upstream if isinstance(upstream, str) else upstream.url
        gate = Gate(self.folder / f"gate{len(self.started)}", url, **options)
        self.started.append(gate)
        return gate

    def stop(self):
        failures = []
        for gate in self.started:
            if gate.was_stopped:
                continue  # the test has checked its exit code
            code = gate.stop()
            if code != 0:
                failures.append(f"a gate ended with {code}:\n{gate.log()[-4000:]}")
        assert not failures, "\n".join(failures)


@pytest.fixture
def start_gate(tmp_path):
    """Starts gates with the test's own configuration; each must still run at the end and exit with 0."""
    factory = _GateFactory(tmp_path)
    yield factory
    factory.stop()


@pytest.fixture(scope="module")
def start_module_gate(tmp_path_factory):
    factory = _GateFactory(tmp_path_factory.mktemp("gate"))
    yield factory
    factory.stop()


@pytest.fixture(scope="module")
def module_upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(module_upstream):
    """The module's scripted app, reset: it echoes, and has recorded no request."""
    module_upstream.end_scripted()
    module_upstream.answer = module_upstream.echo
    module_upstream.serve = module_upstream.serve_requests
    module_upstream.requests.clear()
    module_upstream.failures.clear()
    yield module_upstream
    assert not module_upstream.failures, module_upstream.failures


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream)


@pytest.fixture
def gate(module_gate, upstream):
    """A gate with the default test configuration in front of the scripted app, shared by the module's tests."""
    assert module_gate.process.is_running(), f"the gate has ended:\n{module_gate.log()}"
    return module_gate


@pytest.fixture(scope="module")
def module_session(module_gate):
    return module_gate.session_cookie()


@pytest.fixture
def session(gate, module_session):
    """A Cookie header with Ada's session."""
    return dict(module_session)


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path / "redis")
    yield server
    server.process.kill()


@pytest.fixture
def cluster(tmp_path, upstream, start_gate, redis):
    """Starts replicas behind an nginx; `cluster(...)` returns the front with its gates."""
    fronts = []

    def start(count=2, app=upstream, url=None, **changes) -> Front:
        port = free_port()
        base = settings(url or redis.url, port, **changes)
        front = Front(tmp_path / f"front{len(fronts)}", port, [start_gate(app, **base, admin=admin()) for _ in range(count)])
        front.settings = base
        fronts.append(front)
        return front
    yield start
    for front in fronts:
        front.stop()
