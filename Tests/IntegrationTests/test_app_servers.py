# SPDX-License-Identifier: Apache-2.0
"""nginx and Apache as apps that serve files behind a gate that ends TLS: redirects of folders, ranges, conditional requests."""

import os
import secrets

import pytest

from harness.apache import Apache
from harness.people import ADA, gates  # noqa: F401
from harness.servers import Nginx

CONTENT = secrets.token_bytes(2_000_000)


@pytest.fixture
def nginx(tmp_path):
    app = Nginx(tmp_path / "nginx", "absolute_redirect off;")
    yield app
    app.stop()


class FileServer(Apache):
    def __init__(self, folder, origin: str):
        super().__init__(folder, ["dir"], f"""
            ServerName {origin}
            UseCanonicalName On
            <Directory "/">
                Require all granted
            </Directory>""")

    def prepare(self):
        fill(self.files)


def fill(files):
    (files / "dir").mkdir()
    (files / "dir/index.html").write_text("the folder")
    (files / "data.bin").write_bytes(CONTENT)
    os.utime(files / "data.bin", (1_000_000_000, 1_000_000_000))  # Apache's ETag of a file that has just changed is weak


def use_files(person):
    found = person.visit("/dir?a=1")
    assert found.url.path == "/dir/" and found.text == "the folder"
    whole = person.get("/data.bin")
    assert whole.content == CONTENT
    assert person.get("/data.bin", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    part = person.get("/data.bin", headers={"Range": "bytes=10-19", "If-Range": whole.headers["ETag"]})
    assert part.status_code == 206 and part.content == CONTENT[10:20]
    several = person.get("/data.bin", headers={"Range": "bytes=0-9,100-109"})
    assert several.status_code == 206 and several.headers["Content-Type"].startswith("multipart/byteranges")
    assert CONTENT[:10] in several.content and CONTENT[100:110] in several.content
    assert person.get("/data.bin", headers={"Range": "bytes=9000000-"}).status_code == 416
    assert person.head("/data.bin").headers["Content-Length"] == str(len(CONTENT))


@pytest.mark.parametrize("way", ["https", "https-h2"])
def test_nginx_with_relative_redirects(nginx, gates, way):  # noqa: F811
    fill(nginx.files)
    use_files(gates.person(nginx, ADA, way, "/data.bin"))


@pytest.mark.parametrize("way", ["https", "https-h2"])
def test_apache_with_its_public_name(tmp_path, gates, way):  # noqa: F811
    app = FileServer(tmp_path / "apache", "https://localhost")
    try:
        person = gates.person(app, ADA, way, "/data.bin")
        # The name of the configuration has no port; the gate of this test has one.
        location = person.get("/dir").headers["Location"]
        assert location == "https://localhost/dir/"
        (app.folder / "apache.conf").write_text((app.folder / "apache.conf").read_text().replace(
            "https://localhost", person.gate.origin))
        app.stop()
        app.started("/usr/sbin/apache2", "-X", "-f", app.folder / "apache.conf")
        use_files(person)
    finally:
        app.stop()
