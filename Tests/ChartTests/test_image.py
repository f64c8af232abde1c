# SPDX-License-Identifier: Apache-2.0
"""The image, built by the Dockerfile as it is written, and run."""

import html
import re
import stat
import subprocess

import pytest

from image_host import Container, Image

# What the Dockerfile installs, and what that needs, besides the base image.
ADDED = {"ca-certificates", "openssl", "libssl3", "libnghttp2-14", "libyaml-0-2", "libstdc++6"}
# Renamed by Debian's transition to 64-bit times.
RENAMED = {"libssl3t64": "libssl3"}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def start(image, tmp_path):
    containers = []

    def start(*arguments):
        folder = tmp_path / str(len(containers))
        folder.mkdir()
        containers.append(Container(image, folder, *arguments))
        return containers[-1]
    yield start
    for container in containers:
        container.remove()


def packages(image):
    names = {part["name"] for part in image.materials["components"] if part["purl"].startswith("pkg:deb/")}
    return {RENAMED.get(name, name) for name in names}


def files_below(image, *tops) -> list[str]:
    return sorted(str(path.relative_to(image.root)) for top in tops for path in (image.root / top).rglob("*")
                  if path.is_file() and not path.is_symlink())


def owned_files(image) -> set[str]:
    """The files of packages, where the merged /usr has them."""
    lists = (image.root / "var/lib/dpkg/info").glob("*.list")
    paths = {line.lstrip("/") for path in lists for line in path.read_text().splitlines()}
    return paths | {f"usr/{path}" for path in paths if re.match(r"(bin|sbin|lib\w*)/", path)}


def test_what_the_image_says_of_itself(image):
    assert image.config["User"] == "65532:65532" and image.config["Entrypoint"] == ["/usr/bin/sidegate"]
    assert image.config["Cmd"] == ["run"] and image.config["StopSignal"] == "SIGTERM"
    assert set(image.config["ExposedPorts"]) == {"8080/tcp", "9180/tcp"}
    assert image.config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/sidegate", "healthcheck"]
    assert not image.config.get("Volumes"), "nothing is written"


def test_the_program_starts_as_the_user_on_a_read_only_root(start):
    container = start("version")
    assert container.process.wait(60) == 0, container.log.read_text()
    assert re.match(r"sidegate \d+\.\d+\.\d+", container.log.read_text())


def test_the_demo_needs_one_port_and_is_healthy(start):
    container = start("demo", "--listen", "0.0.0.0:8080")
    container.wait_until(container.is_healthy, "healthy")
    listening = container.beside("ss", "--no-header", "--tcp", "--listening", "--numeric").stdout
    places = [line.split()[3] for line in listening.splitlines()]
    assert [place for place in places if not place.startswith(("127.", "[::1]"))] == ["0.0.0.0:8080"], listening

    def fetch(url, *options):
        done = container.beside("curl", "--silent", "--show-error", "--max-time", "20", "--header", "Accept: text/html",
                                "--cookie-jar", str(container.folder / "jar"), "--cookie", str(container.folder / "jar"),
                                "--write-out", "\n%{http_code} %{redirect_url}", *options, url)
        text, _, last = done.stdout.rpartition("\n")
        return (*last.split(" "), text)

    # A whole sign-in, at the published port alone.
    status, target, _ = fetch("http://127.0.0.1:8080/wiki")
    assert status == "302" and target.startswith("http://127.0.0.1:8080/.sidegate/login"), target
    choice = re.search(r'href="(/[^"]*provider=redirect)"', html.unescape(fetch(target)[2]))[1]
    status, target, _ = fetch("http://127.0.0.1:8080" + choice)
    assert status == "302" and target.startswith("http://127.0.0.1:8080/identity-provider/"), target
    page = fetch(target)[2]
    back = html.unescape(re.search(r'name="return_url" value="([^"]+)"', page)[1])
    assert back.startswith("http://127.0.0.1:8080/")
    status, target, text = fetch("http://127.0.0.1:8080/identity-provider/login", "--data-urlencode", f"return_url={back}", "--data", "user=ada")
    while status in ("302", "303"):
        assert target.startswith("http://127.0.0.1:8080/"), target
        last = target
        status, target, text = fetch(target)
    assert (status, last) == ("200", "http://127.0.0.1:8080/wiki") and "Ada" in text, text[-1000:]
    assert container.stop() == 0, container.log.read_text()[-1000:]


def test_without_a_configuration_it_says_what_is_missing(start):
    container = start()
    assert container.process.wait(60) not in (0, 127), container.log.read_text()
    assert "sidegate init" in container.log.read_text() or "configuration" in container.log.read_text()


def test_the_health_check_fails_where_no_gate_runs(start):
    container = start("demo", "--listen", "127.0.0.1:8080")
    container.wait_until(container.is_healthy, "healthy")
    other = start("healthcheck")
    assert other.process.wait(60) == 1, other.log.read_text()


def test_nothing_is_in_it_that_the_program_does_not_need(image):
    found = packages(image)
    assert ADDED <= found
    build = [name for name in found if re.search(r"-dev$|^(gcc|g\+\+|cpp|clang|binutils|git|make|curl|wget|python3?|pkg-config)\b", name)
             and not name.endswith("-base")]
    assert not build and "perl" not in found, build
    foreign = [path for path in files_below(image, "usr", "opt", "home", "root", "srv", "source") if path not in owned_files(image)]
    # Whatever packages make when they are installed, and files of the base image.
    made = re.compile(r"^usr/share/(ca-certificates|info|mime|debconf|perl5)/|^usr/lib/(locale|ssl)/|^root/\.(bashrc|profile)$|\.cache$")
    assert [path for path in foreign if not made.search(path)] == ["usr/bin/sidegate", "usr/share/doc/sidegate/Package.resolved"]
    assert not list((image.root / "var/lib/apt/lists").glob("*_*")) and not list((image.root / "var/cache/apt/archives").glob("*.deb"))
    assert not [path for path in (image.root / "var/log").rglob("*") if path.is_file()]


def test_no_program_in_it_changes_its_user_and_no_file_belongs_to_the_user(image):
    files = [path for path in image.root.rglob("*") if not path.is_symlink()]
    assert not [path for path in files if path.is_file() and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert not [path for path in files if path.stat().st_uid == 65532]
    writable = [path.relative_to(image.root) for path in files if path.stat().st_mode & 0o002 and not path.stat().st_mode & stat.S_ISVTX
                and (path.is_file() or path.is_dir())]
    assert not writable


def test_the_program_finds_its_libraries_in_it(image):
    done = subprocess.run(["chroot", image.root, "/usr/bin/ldd", "/usr/bin/sidegate"], capture_output=True, text=True)
    assert done.returncode == 0 and "not found" not in done.stdout and "swift" not in done.stdout, done.stdout + done.stderr


def test_the_bill_of_materials_names_packages_and_their_versions(image):
    materials = image.materials
    assert (materials["bomFormat"], materials["specVersion"]) == ("CycloneDX", "1.5")
    parts = {part["name"]: part for part in materials["components"]}
    assert {"swift-argument-parser", "swift-log", "libc6", "ca-certificates"} <= parts.keys()
    assert re.fullmatch(r"pkg:swift/github\.com/apple/swift-log@\d+\.\d+\.\d+", parts["swift-log"]["purl"])
    assert re.fullmatch(r"pkg:deb/(debian|ubuntu)/libc6@[^?]+\?arch=\w+&distro=\w+-[\d.]+", parts["libc6"]["purl"])
    assert all(part["version"] and part["purl"] == part["bom-ref"] for part in parts.values())
    assert len({part["bom-ref"] for part in materials["components"]}) == len(materials["components"])
