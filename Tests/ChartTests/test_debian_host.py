# SPDX-License-Identifier: Apache-2.0
"""The section "On a host" of docs/deployment.md, followed command by command in a Debian system of its own."""

import re
import shlex
import shutil
import sys

import pytest

from debian_host import DebianHost
from rendering import ROOT
from test_debian_package import package, program  # noqa: F401  (fixtures)

SECTION = (ROOT / "docs/deployment.md").read_text().split("\n## On a host\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.M | re.S)
SHARED_SECRET = "shared-with-the-provider-0123456789abcdef"
CONFIGURATION = "/etc/sidegate/sidegate.yaml"
# An app at port 3000, and an identity provider at port 3001.
SERVERS = """
import http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    do_HEAD = do_GET
for port in (3000, 3001):
    threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever).start()
"""


def block(mark: str) -> str:
    """The commands of the page of which one contains the mark."""
    found = [text for text in BLOCKS if mark in text]
    assert len(found) == 1, mark
    return found[0]


@pytest.fixture(scope="module", params=["init", "by hand"])
def host(request, program, package, tmp_path_factory):  # noqa: F811
    """A host on which the page was followed up to the check, in one of the two ways."""
    host = DebianHost(tmp_path_factory.mktemp("host"), program)
    try:
        host.way = request.param
        host.path("/root/artifacts").mkdir()
        shutil.copy(package, host.path("/root/artifacts"))
        host.start_beside(sys.executable, "-c", SERVERS)
        done = host.run(block("apt install"))
        assert done.returncode == 0, done.stderr
        assert host.run("systemctl is-enabled sidegate || true").stdout.strip() == "disabled"
        assert host.run("systemctl is-active sidegate || true").stdout.strip() == "inactive"
        assert host.run("systemctl --failed --quiet").stdout == ""
        if host.way == "init":
            done = host.run(block("sidegate init"))
            assert done.returncode == 0, done.stderr
            fill_in(host, (r'"http://127.0.0.1:3000" +# <== FILL IN.*', '"http://127.0.0.1:3000"'),
                    (r'"http://localhost:8080" +# <== FILL IN.*', '"http://localhost:8080"'),
                    (r'loginURL: .*', 'loginURL: "http://127.0.0.1:3001/login?return_url={returnURL}"'),
                    (r" +# <== FILL IN.*", ""))
        else:
            fill_in(host, (r'upstream: "".*', "upstream: http://127.0.0.1:3000"),
                    (r'loginURL: "".*', 'loginURL: "http://127.0.0.1:3001/login?return_url={returnURL}"'))
            done = host.run(block("jwt.secret"), input=SHARED_SECRET)
            assert done.returncode == 0, done.stderr
        yield host
    finally:
        host.stop()


def fill_in(host, *replacements):
    """Changes lines as an editor does that keeps owner and mode."""
    file = host.path(CONFIGURATION)
    text = file.read_text()
    for pattern, value in replacements:
        text, count = re.subn(pattern, value, text)
        assert count or "FILL IN" in pattern, pattern
    file.write_text(text)


def test_the_page_has_no_other_commands():
    """Each block of commands is run here, but for the build of the package, which made the tested one."""
    assert block("make deb").strip() == "make deb"
    marks = ["make deb", "apt install", "sidegate init", "jwt.secret", "systemctl enable --now sidegate\n", "sidegate mint", "sidegate.socket"]
    assert sorted(BLOCKS) == sorted(block(mark) for mark in marks)


class TestFollowedWordByWord:
    """In the order of the page: each test continues on the host of the one before."""

    def test_the_secrets_and_the_configuration_are_readable_by_root_and_the_service_alone(self, host):
        modes = dict(line.split(" ", 1) for line in host.run("stat -c '%n %U:%G %a' /etc/sidegate /etc/sidegate/*").stdout.splitlines())
        assert modes["/etc/sidegate"] == "root:sidegate 2755"
        assert modes[CONFIGURATION] == "root:sidegate 640"
        if host.way == "init":
            assert modes[CONFIGURATION + ".old"] == "root:sidegate 640"
        else:
            assert modes["/etc/sidegate/jwt.secret"].endswith(" 600") and modes["/etc/sidegate/session.secret"].endswith(" 600")
            assert host.path("/etc/sidegate/jwt.secret").read_text() == SHARED_SECRET

    def test_check_and_doctor_find_nothing_and_the_service_starts(self, host):
        assert host.run("sidegate check").stderr == ""
        done = host.run(block("systemctl enable --now sidegate\n"))
        assert done.returncode == 0, done.stdout + done.stderr + host.journal()
        assert f"{CONFIGURATION}: good" in done.stdout and "FAIL" not in done.stdout
        assert host.run("systemctl is-active sidegate").stdout == "active\n"
        assert host.run("systemctl is-enabled sidegate").stdout == "enabled\n"
        status, target = host.fetch("http://127.0.0.1:8080/reports")
        assert (status, target.split("?")[0]) == (302, "http://127.0.0.1:3001/login"), host.journal()
        assert "warning" not in host.journal().lower()

    def test_the_service_is_the_packages_user_and_cannot_read_the_secrets_files(self, host):
        user = host.run("ps -o user= -p $(systemctl show -P MainPID sidegate) || stat -c %U /proc/$(systemctl show -P MainPID sidegate)")
        assert user.stdout.strip() == "sidegate", user.stderr
        if host.way == "by hand":
            assert host.run("cat /etc/sidegate/jwt.secret", user="sidegate", cwd="/").returncode != 0

    def test_tokens_can_be_minted_and_explained(self, host):
        done = host.run(block("sidegate mint"))
        assert done.returncode == 0 and "accepted" in done.stdout.lower(), done.stdout + done.stderr
        url = host.run("sidegate mint --claim sub=ada --claim email=ada@example.com --url").stdout.strip()
        status, _ = host.fetch(url.replace("localhost", "127.0.0.1"))
        assert status == 200, "the running service has verified it, and asks whether the user began this"

    def test_other_users_are_told_to_be_root(self, host):
        done = host.run("sidegate check", user="nobody", cwd="/")
        assert done.returncode == 1 and "permission denied" in done.stderr and "as root" in done.stderr
        if host.way == "by hand":
            done = host.run("sidegate check", user="sidegate", cwd="/")
            assert done.returncode == 1 and "cannot read /etc/sidegate/jwt.secret: permission denied; run this as root" in done.stderr

    def test_a_missing_secret_is_named_as_the_file_to_create(self, host):
        if host.way == "init":
            return  # its secrets are in the configuration
        host.run("mv /etc/sidegate/jwt.secret /root/")
        try:
            done = host.run("sidegate check")
            assert done.returncode == 1
            assert "cannot read /etc/sidegate/jwt.secret: there is no such file; create it: sidegate.service provides it as `jwt`" in done.stderr
            assert host.run("systemctl restart sidegate").returncode != 0
            assert "cannot read /etc/sidegate/jwt.secret" in host.journal(), "the service's own log has the same fix"
        finally:
            host.run("mv /root/jwt.secret /etc/sidegate/")
        assert host.run("systemctl reset-failed sidegate && systemctl restart sidegate").returncode == 0, host.journal()

    def test_an_upgrade_keeps_everything_and_restarts_the_service(self, host):
        before = host.run(f"stat -c '%U:%G %a' /etc/sidegate {CONFIGURATION} && sha256sum {CONFIGURATION}").stdout
        pid = host.run("systemctl show -P MainPID sidegate").stdout
        done = host.run("apt install --reinstall ./artifacts/sidegate_*.deb")
        assert done.returncode == 0, done.stderr
        assert host.run(f"stat -c '%U:%G %a' /etc/sidegate {CONFIGURATION} && sha256sum {CONFIGURATION}").stdout == before
        assert host.run("systemctl is-active sidegate").stdout == "active\n", host.journal()
        assert host.run("systemctl show -P MainPID sidegate").stdout != pid

    def test_systemd_opens_the_ports(self, host):
        fill_in(host, (r"(?m)^listen: .*", 'listen: "systemd:"'))
        editor = "/usr/local/bin/editor-of-the-test"
        host.run(f"cat > {editor} && chmod 755 {editor}", input="#!/bin/sh\nprintf '[Socket]\\nListenStream=\\nListenStream=443\\n' > \"$1\"\n")
        # Its editor needs a terminal.
        done = host.run(f"script --quiet --return --command {shlex.quote(block('sidegate.socket'))} /dev/null", SYSTEMD_EDITOR=editor, SHELL="/bin/bash")
        assert done.returncode == 0, done.stdout + done.stderr + host.journal()
        assert host.fetch("http://127.0.0.1:443/")[0] == 302, host.journal()
        assert host.run("sidegate check").returncode == 0

    def test_a_credential_of_a_drop_in_is_found_by_the_commands_too(self, host):
        host.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3000 -subj /CN=localhost "
                 "-addext subjectAltName=DNS:localhost -keyout /etc/ssl/private/app.key -out /etc/sidegate/tls.crt && chmod 600 /etc/ssl/private/app.key && chmod 644 /etc/sidegate/tls.crt")
        fill_in(host, (r"(?m)^(# )?publicURL: .*", "publicURL: https://localhost\ntls: { certificates: [{ certificate: tls.crt, key: tls.key }] }"))
        assert "tls.key" in host.run("sidegate check").stderr
        line = re.search(r"`(LoadCredential=\S+)` under `(\[Service\])`", SECTION)
        editor = "/usr/local/bin/editor-of-the-test"
        host.run(f"cat > {editor}", input=f"#!/bin/sh\nprintf '{line[2]}\\n{line[1]}\\n' > \"$1\"\n")
        done = host.run("script --quiet --return --command 'systemctl edit sidegate' /dev/null", SYSTEMD_EDITOR=editor)
        assert done.returncode == 0, done.stdout
        done = host.run("sidegate check")
        assert (done.returncode, done.stderr) == (0, "")
        assert host.run("systemctl restart sidegate").returncode == 0, host.journal()
        assert host.fetch("https://localhost:443/")[0] == 302, host.journal()

    def test_a_purge_leaves_the_secrets_and_nothing_else(self, host):
        done = host.run("systemctl disable --now sidegate.socket; apt purge --yes sidegate")
        assert done.returncode == 0, done.stderr
        left = set(host.run("ls /etc/sidegate").stdout.split())
        assert left <= {"jwt.secret", "session.secret", "sidegate.yaml.old", "tls.crt"}
        assert not host.path("/usr/bin/sidegate").exists()
