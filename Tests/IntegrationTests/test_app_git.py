# SPDX-License-Identifier: Apache-2.0
"""git over HTTP behind the gate, with a bearer token: clone, push of several megabytes, and refusals."""

import os
import secrets
import subprocess

import pytest

from harness.apache import GitServer
from harness.people import ADA, Person, gates  # noqa: F401


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    app = GitServer(tmp_path_factory.mktemp("git"))
    yield app
    app.stop()


def git(folder, *arguments, fails=False) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSL_"))}
    environment |= {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false"}
    done = subprocess.run(["git", "-c", "user.name=Ada", "-c", f"user.email={ADA}", "-c", "safe.directory=*", *arguments], cwd=folder,
                          capture_output=True, text=True, timeout=120, env=environment)
    assert (done.returncode != 0) == fails, f"{arguments}: {done.stdout} {done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("way", ["http/1.1", "https", "https-h2"])
def test_clone_and_push(server, gates, tmp_path, way):  # noqa: F811
    gate = gates.gate(server, way)
    person = Person(gate, ADA, way)
    url = f"{gate.origin}/git/project.git"
    version = ["-c", f"http.version={'HTTP/2' if 'h2' in way else 'HTTP/1.1'}",
               *(["-c", f"http.sslCAInfo={gate.authority.path}"] if gate.authority else [])]
    options = ["-c", f"http.extraHeader=Authorization: Bearer {person.token()}", *version]
    git(tmp_path, *options, "clone", "--quiet", url, "work")
    work = tmp_path / "work"
    # More than http.postBuffer: git sends it in chunks, after a probe, and asks with Expect.
    (work / f"data-{way[-2:]}").write_bytes(secrets.token_bytes(3_000_000))
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "data")
    git(work, *options, "-c", "http.postBuffer=65536", "push", "--quiet", "origin", "HEAD:main")
    (work / "small").write_text(way)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "small")
    git(work, *options, "push", "--quiet", "origin", "HEAD:main")
    git(tmp_path, *options, "clone", "--quiet", url, "again")
    assert git(tmp_path / "again", "rev-parse", "HEAD") == git(work, "rev-parse", "HEAD")
    assert (tmp_path / "again" / f"data-{way[-2:]}").read_bytes() == (work / f"data-{way[-2:]}").read_bytes()
    for header in ("X-Forwarded-User: ada@example.com", "Authorization: Bearer x.y.z", "Authorization: Basic YWRhOng="):
        assert "fatal:" in git(tmp_path, "-c", f"http.extraHeader={header}", *version, "ls-remote", url, fails=True)
