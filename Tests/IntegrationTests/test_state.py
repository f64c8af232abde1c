# SPDX-License-Identifier: Apache-2.0
"""`state.directory`: used tokens and ended sessions outlive a restart, a crash, and whatever becomes of the file."""

import json
import os
import random
import resource
import subprocess
import threading
import time

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.clock import Clock
from harness.console import console, run
from harness.gate import BINARY, NAVIGATION, Browser, Gate, clean_environment, sidegate
from harness.journal import lines
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.reloads import change
from harness.visits import Visit


class Restarted(Gate):
    """A gate that is ended and started again, with the same configuration and address."""

    def __init__(self, folder, url, /, environment=None, pipes_log=False, **changes):
        self.environment, self.pipes_log, self.starts = environment or {}, pipes_log, 0
        changes.setdefault("state", {"directory": str(folder / "state")})
        changes.setdefault("admin", {"listen": f"127.0.0.1:{free_port()}"})
        super().__init__(folder, url, environment=environment, **changes)
        self.directory = folder / "state"
        if pipes_log:
            self.again()

    def kill(self):
        self.process.kill()

    def start(self, *, fails=False):
        self.starts += 1
        command = [BINARY, "run", "--config", self.config]
        if self.pipes_log:
            # Limits on the size of files are not for the log.
            command = ["bash", "-c", 'log=$1; shift; exec "$@" > >(cat > "$log") 2>&1', "bash",
                       self.config.parent / f"sidegate{self.starts}.log", *command]
        self.process = ChildProcess(
            command, self.config.parent / f"sidegate{self.starts}.log", env=clean_environment(**self.environment))
        if fails:
            return self.process.child.wait(30)
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def again(self):
        self.kill()
        self.start()


@pytest.fixture
def restarted(tmp_path, upstream):
    made = []

    def make(folder="gate", **options):
        made.append(Restarted(tmp_path / folder, upstream.url, **options))
        return made[-1]
    yield make
    for gate in made:
        gate.process.kill()


def enter(gate, token) -> int:
    return Browser(gate).sign_in_with(token).status


def reports(gate, text: str) -> list:
    return [line for line in lines(gate) if text in line.get("message", "")]


def at_the_start(gate) -> dict:
    """What a gate says of the files that it found."""
    return wait_until(
        lambda: [line for line in lines(gate) if "used tokens and ended sessions" in line.get("message", "")],
        "the report about the state")[0]


def limit_files(gate, size: int):
    """As on a full disk: no file of the gate can become larger."""
    resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class TestRestarts:
    def test_a_used_token_stays_used(self, restarted):
        gate = restarted()
        used, unused = tokens.token(), tokens.token()
        assert enter(gate, used) == 303
        for _ in range(3):
            gate.again()
            assert enter(gate, used) == 403
        assert gate.stop() == 0
        gate.start()
        assert enter(gate, used) == 403
        assert enter(gate, unused) == 303

    def test_a_used_token_stays_refused_as_bearer(self, restarted):
        gate = restarted()
        used = tokens.token()
        assert enter(gate, used) == 303
        gate.again()
        assert gate.exchange(headers={"Authorization": f"Bearer {used}"}).status == 401

    def test_a_session_that_ended_stays_ended_and_the_others_go_on(self, restarted):
        gate = restarted()
        ended, other = Visit(gate), Visit(gate)
        for visit in (ended, other):
            assert visit.enter(tokens.token()).status == 303
        cookies = ended.cookie_header()
        assert ended.sign_out().status in (200, 302, 303)
        gate.again()
        assert gate.exchange(headers={"Cookie": cookies, **NAVIGATION}).status == 302
        assert other.navigate("/").status == 200

    def test_a_user_whom_the_provider_signed_out_stays_so(self, restarted):
        gate = restarted()
        browser = gate.signed_in(sub="grace", email="grace@example.com")
        other = gate.signed_in(sub="ada")
        logout = tokens.token(
            sub="grace", email="grace@example.com", events={"http://schemas.openid.net/event/backchannel-logout": {}})
        done = gate.exchange(
            "POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"},
            f"logout_token={logout}".encode())
        assert done.status == 200, done
        gate.again()
        assert browser.navigate("/").status == 302
        assert other.navigate("/").status == 200

    @pytest.mark.parametrize("who", [["--user", "grace"], ["--all", "--yes"]])
    def test_whom_an_operator_signed_out_stays_so(self, restarted, who):
        gate = restarted(admin=console())
        browser = gate.signed_in(sub="grace", email="grace@example.com")
        done = run(gate, "sign-out", *who)
        assert done.returncode == 0 and "other replicas" in done.stderr and "restart" not in done.stderr, done
        gate.again()
        assert browser.navigate("/").status == 302
        assert gate.signed_in(sub="grace", email="grace@example.com").navigate("/").status == 200

    def test_without_a_session_secret_used_tokens_stay_used_too(self, restarted):
        gate = restarted(session={"secret": None})
        used = tokens.token()
        assert enter(gate, used) == 303
        gate.again()
        assert enter(gate, used) == 403

    def test_a_replaced_session_secret_keeps_what_is_remembered(self, restarted):
        new, old = "a-session-secret-of-at-least-32-bytes-0003", "a-session-secret-of-at-least-32-bytes-0002"
        gate = restarted(session={"secret": None, "secrets": [old]})
        used = tokens.token()
        assert enter(gate, used) == 303
        change(gate, session={"secrets": [new, old]})
        later = tokens.token()
        assert enter(gate, later) == 303
        # The reload has the file written again; until then it is one of the old secret.
        wait_until(lambda: Metrics(gate).get("sidegate_state_writes_total", result="success") >= 4, "it is written again")
        gate.settings["session"]["secrets"] = [new]
        gate.config.write_text(json.dumps(gate.settings))
        gate.again()
        assert enter(gate, used) == 403 and enter(gate, later) == 403
        assert "were read" in at_the_start(gate)["message"]

    @pytest.mark.parametrize("off", [-86_400, 86_400])
    def test_a_wrong_clock_at_the_restart_lets_no_token_in_again(self, restarted, tmp_path, off):
        clock = Clock(tmp_path)
        gate = restarted(environment=clock.environment)
        used = tokens.token()
        assert enter(gate, used) == 303
        gate.kill()
        clock.set(off)
        gate.start()
        assert enter(gate, used) == 403
        clock.set(0)
        assert enter(gate, used) == 403


class TestCrashes:
    ROUNDS = 12

    def test_no_token_that_was_accepted_before_a_kill_is_accepted_after_it(self, restarted):
        gate = restarted()
        accepted, chance = [], random.Random(17)
        for _ in range(self.ROUNDS):
            enough = threading.Event()
            goal = chance.randrange(2, 30)
            new = []

            def load():
                while True:
                    token = tokens.token()
                    try:
                        if enter(gate, token) == 303:
                            new.append(token)
                    except (OSError, AssertionError, ValueError):
                        return  # the gate has been killed
                    if len(new) >= goal:
                        enough.set()
            threads = [threading.Thread(target=load) for _ in range(6)]
            for thread in threads:
                thread.start()
            assert enough.wait(60)
            gate.kill()
            for thread in threads:
                thread.join()
            accepted += new
            gate.start()
            assert "were read" in at_the_start(gate)["message"]
            assert [enter(gate, token) for token in new] == [403] * len(new)
        assert [enter(gate, token) for token in accepted[-100:]] == [403] * len(accepted[-100:])

    def test_a_write_that_was_cut_off_is_dropped_and_said(self, restarted):
        gate = restarted()
        used = tokens.token()
        assert enter(gate, used) == 303
        gate.kill()
        journal = gate.directory / "journal"
        whole = journal.stat().st_size
        gate.start()
        assert enter(gate, tokens.token()) == 303
        gate.kill()
        assert journal.stat().st_size > whole
        os.truncate(journal, journal.stat().st_size - 5)
        gate.start()
        assert "the last write was incomplete" in at_the_start(gate)["message"]
        assert enter(gate, used) == 403 and enter(gate, tokens.token()) == 303


class TestDamage:
    def test_a_damaged_file_is_set_aside_and_tokens_from_before_do_not_sign_in(self, restarted):
        gate = restarted()
        used = tokens.token()
        before = tokens.token(iat=int(time.time()) - 5)
        assert enter(gate, used) == 303
        gate.kill()
        journal = gate.directory / "journal"
        data = bytearray(journal.read_bytes())
        data[-1] ^= 1
        journal.write_bytes(data)
        gate.start()
        report = at_the_start(gate)
        assert "was set aside" in report["message"]
        assert report["level"] == "error" and report["kept"] in os.listdir(gate.directory) and "fix" in report
        assert enter(gate, used) in (403, 503) and enter(gate, before) == 503
        assert enter(gate, tokens.token(iat=int(time.time()) + 2)) == 303
        gate.again()
        assert "were read" in at_the_start(gate)["message"]
        assert enter(gate, before) in (403, 503)

    def test_a_file_of_another_secret(self, restarted):
        gate = restarted()
        assert enter(gate, tokens.token()) == 303
        gate.kill()
        gate.config.write_text(gate.config.read_text().replace("-0002", "-0003"))
        gate.start()
        report = at_the_start(gate)
        assert "another session.secret" in report["cause"]

    def test_any_rubbish_in_its_place(self, restarted):
        gate = restarted()
        gate.kill()
        for content in (b"", b"\0" * 100_000, os.urandom(5000)):
            (gate.directory / "journal").write_bytes(content)
            gate.start()
            assert "was set aside" in at_the_start(gate)["message"]
            assert enter(gate, tokens.token(iat=int(time.time()) + 2)) == 303
            gate.kill()
        names = [name for name in os.listdir(gate.directory) if "damaged" in name]
        assert 1 <= len(names) <= 3


class TestDirectory:
    def test_files_are_private_and_hold_neither_names_nor_tokens(self, restarted):
        gate = restarted()
        used = tokens.token(sub="grace-hopper", email="grace@example.com")
        assert enter(gate, used) == 303
        assert gate.directory.stat().st_mode & 0o777 == 0o700
        for name in os.listdir(gate.directory):
            file = gate.directory / name
            assert file.stat().st_mode & 0o777 == 0o600, name
            content = file.read_bytes()
            assert b"grace" not in content and used[-20:].encode() not in content

    def test_a_second_gate_does_not_start(self, restarted):
        gate = restarted()
        second = restarted("second")
        second.kill()
        second.config.write_text(second.config.read_text().replace(str(second.directory), str(gate.directory)))
        assert second.start(fails=True) == 78
        assert "another process uses" in second.log() and "a directory of its own" in second.log()

    def test_one_that_others_can_write_is_refused(self, restarted):
        gate = restarted()
        gate.kill()
        gate.directory.chmod(0o777)
        assert gate.start(fails=True) == 78
        assert "other users can write" in gate.log() and "chmod 700" in gate.log()

    def test_one_whose_parent_is_missing(self, restarted):
        gate = restarted()
        gate.kill()
        gate.config.write_text(gate.config.read_text().replace(str(gate.directory), str(gate.directory / "a" / "b")))
        assert gate.start(fails=True) == 78
        assert "No such file" in gate.log()

    def test_systemd_names_it_and_the_file_has_precedence(self, restarted, tmp_path):
        gate = restarted(
            environment={"STATE_DIRECTORY": f"{tmp_path}/service:{tmp_path}/other"}, state=None)
        used = tokens.token()
        assert enter(gate, used) == 303
        gate.again()
        assert enter(gate, used) == 403
        assert (tmp_path / "service" / "journal").exists() and not (tmp_path / "other").exists()
        own = restarted(
            "own", environment={"STATE_DIRECTORY": f"{tmp_path}/unused"}, state={"directory": f"{tmp_path}/named"})
        assert enter(own, tokens.token()) == 303
        assert (tmp_path / "named" / "journal").exists() and not (tmp_path / "unused").exists()

    def test_a_change_waits_for_the_next_start(self, restarted, tmp_path):
        gate = restarted()
        change(gate, state={"directory": str(tmp_path / "elsewhere")})
        report = wait_until(lambda: reports(gate, "takes effect only at the next start"), "the warning")[0]
        assert report["key"] == "state.directory"

    def test_the_doctor_looks_at_it(self, restarted, tmp_path):
        gate = restarted()
        def doctor():
            return sidegate("doctor", "--config", gate.config).stdout
        assert "can be written" in doctor()
        gate.directory.chmod(0o770)
        assert "FAIL" in doctor() and "other users can write" in doctor()


class TestFailingDisk:
    def test_sign_ins_are_refused_while_nothing_can_be_written_and_go_on_by_themselves(self, restarted):
        gate = restarted(pipes_log=True)
        session = gate.signed_in()
        size = (gate.directory / "journal").stat().st_size
        limit_files(gate, size)
        tried = tokens.token()
        assert enter(gate, tried) == 503
        assert session.navigate("/").status == 200
        report = wait_until(lambda: reports(gate, "cannot be written"), "the report")[0]
        assert report["level"] == "error" and "sign-ins are refused" in report["message"] and "fix" in report
        assert Metrics(gate).get("sidegate_state_writes_total", result="failure") >= 1
        limit_files(gate, resource.RLIM_INFINITY)
        used = tokens.token()
        assert enter(gate, used) == 303
        wait_until(lambda: reports(gate, "can be written again"), "the report")
        assert enter(gate, tried) == 403, "it cannot be tried again"
        assert Metrics(gate).get("sidegate_state_journal_bytes") > size
        gate.again()
        assert enter(gate, used) == 403

    def test_onFailure_allow_lets_users_in(self, restarted):
        gate = restarted(pipes_log=True, replay={"onFailure": "allow"})
        assert enter(gate, tokens.token()) == 303
        limit_files(gate, 10)
        used = tokens.token()
        assert enter(gate, used) == 303
        assert enter(gate, used) == 403
        assert "can sign in again after a restart" in wait_until(
            lambda: reports(gate, "cannot be written"), "the report")[0]["message"]

    def test_a_sign_out_that_cannot_be_written_is_not_acknowledged_to_the_provider(self, restarted):
        gate = restarted(pipes_log=True)
        browser = gate.signed_in(sub="grace")
        limit_files(gate, 10)
        logout = tokens.token(
            sub="grace", events={"http://schemas.openid.net/event/backchannel-logout": {}})
        done = gate.exchange(
            "POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"},
            f"logout_token={logout}".encode())
        assert done.status == 503, done
        limit_files(gate, resource.RLIM_INFINITY)


class TestReadOnly:
    """A directory on a file system that is read-only for the gate, as a container may have it."""

    #: In a mount namespace of the gate's own, so that the test can write.
    MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]

    @pytest.fixture(autouse=True)
    def may_mount(self, tmp_path):
        done = subprocess.run(
            [*self.UNSHARE, "bash", "-c", self.MOUNTED, "bash", tmp_path, "true"], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no read-only mounts here: {done.stderr}")

    def command(self, gate) -> list:
        return [*self.UNSHARE, "bash", "-c", self.MOUNTED, "bash", gate.directory, BINARY, "run", "--config", gate.config]

    def test_without_a_journal_the_gate_does_not_start_and_says_why(self, restarted):
        gate = restarted()
        gate.kill()
        for name in os.listdir(gate.directory):
            (gate.directory / name).unlink()
        done = subprocess.run(
            self.command(gate), capture_output=True, text=True, timeout=60, env=clean_environment())
        assert done.returncode == 78 and "Read-only file system" in done.stderr, done
        assert os.listdir(gate.directory) == []

    def test_with_a_journal_used_tokens_stay_used_and_no_other_signs_in(self, restarted):
        gate = restarted()
        session = gate.signed_in()
        used, other = tokens.token(), tokens.token()
        assert enter(gate, used) == 303
        assert gate.stop() == 0
        before = (gate.directory / "journal").read_bytes()
        gate.starts += 1
        gate.process = ChildProcess(
            self.command(gate), gate.config.parent / f"sidegate{gate.starts}.log", env=clean_environment())
        gate.process.wait_until_accepting(("127.0.0.1", gate.port))
        assert "were read" in at_the_start(gate)["message"]
        report = wait_until(lambda: reports(gate, "cannot be written"), "the report")[0]
        assert "Read-only file system" in report["cause"] and "sign-ins are refused" in report["message"]
        assert enter(gate, used) == 403 and enter(gate, other) == 503
        assert session.navigate("/").status == 200
        assert (gate.directory / "journal").read_bytes() == before
        gate.again()
        assert enter(gate, used) == 403 and enter(gate, tokens.token()) == 303
