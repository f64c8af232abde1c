# SPDX-License-Identifier: Apache-2.0
"""The Debian package of the built program, with its manual page and completions."""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rendering import ROOT

# Tags that do not apply outside of Debian: they require a bug number, and a Debian address.
OVERLOOKED = {"bogus-mail-host", "bogus-mail-host-in-debian-changelog", "initial-upload-closes-no-bugs"}


def run(*command, **more) -> subprocess.CompletedProcess:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is missing")
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, **more)


@pytest.fixture(scope="session")
def program() -> Path:
    if "SIDEGATE_BINARY" not in os.environ:
        pytest.skip("SIDEGATE_BINARY is not set")
    return Path(os.environ["SIDEGATE_BINARY"]).resolve()


@pytest.fixture(scope="session")
def package(program, tmp_path_factory) -> Path:
    if shutil.which("dpkg-shlibdeps") is None:
        pytest.skip("dpkg-shlibdeps is missing: apt-get install dpkg-dev")
    done = run(ROOT / "scripts/debian-package", program, tmp_path_factory.mktemp("package"))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def unpacked(package, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    assert run("dpkg-deb", "--raw-extract", package, folder / "all").returncode == 0
    return folder / "all"


@pytest.fixture(scope="session")
def manual(program) -> str:
    done = run(ROOT / "scripts/manual-page", program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_describes_itself_and_its_requirements(package, program):
    fields = run("dpkg-deb", "--field", package).stdout
    version = run(program, "--version").stdout.split()[1]
    assert f"Package: sidegate\nVersion: {version}-1\n" in fields
    needed = re.search(r"^Depends: (.*)$", fields, re.M).group(1)
    for library in ("libc6", "libssl3", "libyaml-0-2", "adduser", "init-system-helpers"):
        assert library in needed


def test_it_contains_the_required_files(unpacked):
    for path, mode in (
        ("usr/bin/sidegate", 0o755),
        ("usr/lib/systemd/system/sidegate.service", 0o644),
        ("usr/lib/systemd/system/sidegate.socket", 0o644),
        ("etc/sidegate/sidegate.yaml", 0o644),
        ("usr/share/man/man1/sidegate.1.gz", 0o644),
        ("usr/share/man/man5/sidegate.yaml.5.gz", 0o644),
        ("usr/share/bash-completion/completions/sidegate", 0o644),
        ("usr/share/zsh/vendor-completions/_sidegate", 0o644),
        ("usr/share/fish/vendor_completions.d/sidegate.fish", 0o644),
        ("usr/share/sidegate/sidegate.schema.json", 0o644),
        ("usr/share/doc/sidegate/copyright", 0o644),
        ("usr/share/doc/sidegate/changelog.gz", 0o644),
        ("usr/share/doc/sidegate/changelog.Debian.gz", 0o644),
    ):
        assert (unpacked / path).is_file(), path
        assert (unpacked / path).stat().st_mode & 0o7777 == mode, path
    assert (unpacked / "DEBIAN/conffiles").read_text() == "/etc/sidegate/sidegate.yaml\n"
    assert not list(unpacked.rglob("*.secret"))


def test_the_program_in_it_runs(unpacked, program):
    assert run(unpacked / "usr/bin/sidegate", "--version").stdout == run(program, "--version").stdout


def test_all_files_belong_to_root(package):
    lines = run("dpkg-deb", "--contents", package).stdout.splitlines()
    assert lines and all(line.split()[1] == "root/root" for line in lines)


def test_the_units_are_those_of_the_repository(unpacked):
    for name in ("sidegate.service", "sidegate.socket"):
        assert (unpacked / "usr/lib/systemd/system" / name).read_text() == (ROOT / "packaging/systemd" / name).read_text()


def test_it_contains_all_pages_of_the_documentation_and_their_links_lead_somewhere(unpacked):
    folder = unpacked / "usr/share/doc/sidegate"
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert len(pages) > 25 and all((folder / page).is_file() for page in pages)
    for page in folder.rglob("*.md"):
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#:\s]+)[)#]", text):
            assert (page.parent / target).exists(), f"{page.relative_to(folder)} -> {target}"


def test_pages_and_files_that_the_configuration_names_are_there(unpacked):
    text = (unpacked / "etc/sidegate/sidegate.yaml").read_text()
    named = re.findall(r"/usr/share/\S+\w", text)
    assert named and all((unpacked / path.lstrip("/")).exists() for path in named)


def filled_in(unpacked: Path, folder: Path, text: str) -> subprocess.CompletedProcess:
    for name in ("jwt", "session"):
        (folder / name).write_text(name[0] * 43)
        (folder / name).chmod(0o600)
    (folder / "sidegate.yaml").write_text(text)
    return run(
        unpacked / "usr/bin/sidegate", "check", "--config", folder / "sidegate.yaml",
        env={"CREDENTIALS_DIRECTORY": str(folder)},
    )


def test_the_configuration_marks_the_lines_to_fill_in_and_is_then_valid(unpacked, tmp_path):
    text = (unpacked / "etc/sidegate/sidegate.yaml").read_text()
    empty = filled_in(unpacked, tmp_path, text)
    assert empty.returncode == 1 and "upstream" in empty.stderr and "loginURL" in empty.stderr
    assert empty.stderr.count(": error: ") == 2 == text.count("FILL IN")
    text = text.replace('upstream: "" ', "upstream: http://127.0.0.1:3000 ")
    text = text.replace('loginURL: "" ', "loginURL: https://idp.example.com/login?return_url={returnURL} ")
    done = filled_in(unpacked, tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_shellcheck_reports_nothing_for_maintainer_scripts(unpacked, name):
    done = run("shellcheck", unpacked / "DEBIAN" / name)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", ["postinst configure", "postinst configure 0.0.9-1", "prerm remove", "postrm remove"])
def test_maintainer_scripts_do_nothing_without_systemd(unpacked, arguments, tmp_path):
    """The tools of systemd, and those that change users and files, are replaced by scripts that only record their arguments."""
    name, *rest = arguments.split()
    for tool in ("systemctl", "deb-systemd-helper", "deb-systemd-invoke", "adduser", "chown", "chmod", "stat"):
        (tmp_path / tool).write_text('#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n')
        (tmp_path / tool).chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    text = (unpacked / "DEBIAN" / name).read_text()
    for directory, answers in (("/run/systemd/system", False), (str(tmp_path), True)):
        (tmp_path / "script").write_text(text.replace("/run/systemd/system", directory))
        done = run("sh", tmp_path / "script", *rest, env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(calls)})
        assert done.returncode == 0, done.stderr
        invoked = [line for line in calls.read_text().splitlines() if line.startswith(("systemctl", "deb-systemd-invoke"))]
        assert bool(invoked) is answers
        assert not any("sidegate.socket" in line and "start" in line for line in invoked), "it would take port 80"
        assert not any(" start " in f"{line} " for line in invoked), "it is not configured yet"
        assert ("deb-systemd-helper enable sidegate.service" in calls.read_text()) is (arguments == "postinst configure 0.0.9-1")
        calls.write_text("")


def test_dpkg_unpacks_it(package, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("dpkg needs root")
    administration = tmp_path / "var/lib/dpkg"
    for part in ("info", "updates"):
        (administration / part).mkdir(parents=True)
    (administration / "status").touch()
    (administration / "available").touch()
    done = run("dpkg", f"--root={tmp_path}", "--force-depends", "--force-script-chrootless", "--unpack", package)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "usr/bin/sidegate").exists()
    assert (tmp_path / "etc/sidegate/sidegate.yaml.dpkg-new").exists(), "dpkg renames conffiles when it configures the package"
    verified = run("dpkg", f"--root={tmp_path}", "--verify", "sidegate").stdout.splitlines()
    assert [line for line in verified if "/etc/sidegate/sidegate.yaml" not in line] == []


def test_lintian_finds_no_error(package, program):
    # A debug build has the path of the toolchain's Swift libraries.
    overlooked = OVERLOOKED | ({"custom-library-search-path"} if b"libswiftCore.so" in program.read_bytes() else set())
    done = run("lintian", "--allow-root", "--tag-display-limit=0", package)
    found = re.findall(r"^([EW]): sidegate(?: changes| source)?: (\S+)(.*)$", done.stdout, re.M)
    assert [f"{kind}: {tag}{rest}" for kind, tag, rest in found if tag not in overlooked] == []


def test_the_package_is_reproducible(package, program, tmp_path):
    again = Path(run(ROOT / "scripts/debian-package", program, tmp_path).stdout.strip())
    assert again.read_bytes() == package.read_bytes()


def test_make_deb_packs_the_release_build():
    done = run("make", "--dry-run", "-C", ROOT, "deb")
    assert done.returncode == 0 and "scripts/debian-package" in done.stdout and "--static-swift-stdlib" in done.stdout


# Manual page and completions


def test_the_manual_page_has_every_command_and_option(manual, program):
    help_text = run(program, "--help").stdout
    commands = re.findall(r"^  ([a-z]+) {2,}", help_text.split("SUBCOMMANDS:")[1], re.M)
    assert len(commands) >= 11 and "inject" in commands
    plain = manual.replace("\\-", "-")
    for command in commands:
        assert f".SS sidegate {command}\n" in plain, command
        for option in re.findall(r"(?<!\S)(--[a-z][a-z-]+)", run(program, command, "--help").stdout.split("OPTIONS:")[-1]):
            assert option in plain or option == "--version", f"{command} {option}"
    for code in ("0", "1", "2", "64", "70", "78"):
        assert f"\\fB{code}\\fR" in manual


@pytest.fixture(scope="session")
def configuration_manual(program) -> str:
    done = run(ROOT / "scripts/manual-page", "--configuration", program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(page: str, folder: Path) -> str:
    """The text that a reader of the manual page sees."""
    (folder / "page").write_text(page)
    done = run("groff", "-man", "-Tutf8", "-ww", "-K", "utf8", folder / "page")
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


def test_groff_reports_nothing_for_the_manual_page(manual, tmp_path):
    text = shown(manual, tmp_path)
    assert "SYNOPSIS" in text and "--config" in text and "\\" not in text.replace("\\n", "")


def test_the_page_of_the_configuration_has_every_option_and_no_markdown(configuration_manual, program, tmp_path):
    text = shown(configuration_manual, tmp_path)
    keys = re.findall(r"^\| `([\w.\[\]]+)` \|", run(program, "config", "reference").stdout, re.M)
    assert len(keys) > 150
    for key in keys:
        assert re.search(rf"^ +{re.escape(key)}(?:\s|$)", text, re.M), key
    assert "SIDEGATE.YAML(5)" in text and "/etc/sidegate/jwt.secret" in text
    for remnant in ("`", "](", "| ", "**", "\\f"):
        assert remnant not in text.replace("`init`", ""), (remnant, text[max(0, text.find(remnant) - 80):][:160])


def test_the_packed_manual_page_is_that_of_the_program(unpacked, manual):
    packed = gzip.decompress((unpacked / "usr/share/man/man1/sidegate.1.gz").read_bytes()).decode()
    without_date = lambda text: re.sub(r"^\.TH .*$", "", text, flags=re.M)  # noqa: E731
    assert without_date(packed) == without_date(manual)
    assert gzip.decompress((unpacked / "usr/share/man/man5/sidegate.yaml.5.gz").read_bytes()).decode().startswith('.\\" Made by')


def test_the_completions_can_be_loaded(unpacked):
    bash = unpacked / "usr/share/bash-completion/completions/sidegate"
    done = run("bash", "-c", f"set -eu; source {bash}; complete -p sidegate")
    assert done.returncode == 0, done.stderr
    for file in ("zsh/vendor-completions/_sidegate", "fish/vendor_completions.d/sidegate.fish"):
        assert "inject" in (unpacked / "usr/share" / file).read_text()
    assert (unpacked / "usr/share/zsh/vendor-completions/_sidegate").read_text().startswith("#compdef sidegate")


def test_the_bill_of_a_package_names_what_it_holds_and_needs(package):
    if not (ROOT / "Package.resolved").exists():
        pytest.skip("Package.resolved is missing: swift package resolve")
    done = subprocess.run([ROOT / "scripts/bill-of-materials", package], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    materials = json.loads(done.stdout)
    assert (materials["bomFormat"], materials["specVersion"]) == ("CycloneDX", "1.5")
    assert materials["metadata"]["component"]["type"] == "application"
    parts = {part["name"]: part for part in materials["components"]}
    needed = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
    assert {re.match(r"[^ :]+", one)[0] for one in needed.strip().split(", ")} | {"swift-log", "swift-argument-parser"} == set(parts)
    assert re.fullmatch(r"pkg:swift/github\.com/apple/swift-log@\d+\.\d+\.\d+", parts["swift-log"]["purl"])
    assert re.match(r">= \d", parts["libc6"]["version"])
