# SPDX-License-Identifier: Apache-2.0
"""README and docs match the program: each configuration is valid, each command exists, and harmless commands succeed."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.gate import BINARY, NAVIGATION, ROOT, clean_environment, sidegate
from harness.ports import free_port
from harness.process import ChildProcess
from harness.wire import exchange

PAGES = sorted(
    path for folder in (".", "docs", "docs/identity-providers", "examples", "examples/docker", "examples/kubernetes",
                        "examples/monitoring", "helm/sidegate", "helm/sidegate-sidecar", "helm/sidegate-injector")
    for path in (ROOT / folder).glob("*.md"))
KEYS = ROOT / "Tests/CryptographyTests/Keys"
SCHEMA = json.loads((ROOT / "docs/sidegate.schema.json").read_text())
SECRET = "s" * 43

# The pages show parts of configurations; these values complete them.
REST = {
    "upstream": "http://127.0.0.1:3000",
    "identityProvider": {"loginURL": "https://idp.example.com/login?return_url={returnURL}"},
    "token": {"keys": [{"secret": SECRET}]},
    "session": {"secret": "t" * 43},
}
# Other programs' files, by one of their top-level keys.
OTHERS = {
    "apiVersion": "Kubernetes", "services": "Compose", "scrape_configs": "Prometheus", "dependencies": "Helm's Chart.yaml",
    "spec": "a part of a manifest", "replicaCount": "a chart's values", "extraEnv": "a chart's values", "static_resources": "Envoy", "typed_extension_protocol_options": "a part of Envoy's", "http": "Traefik",
}


def blocks(page: Path) -> list[tuple[int, str, str]]:
    """Line, language and text of each fenced block, without the indentation of the fence."""
    found = []
    for match in re.finditer(r"^( *)```([\w-]*)\n(.*?)^\1```$", page.read_text(), re.M | re.S):
        indentation, language, text = match.groups()
        line = page.read_text()[: match.start()].count("\n") + 1
        found.append((line, language, re.sub(f"^{indentation}", "", text, flags=re.M)))
    return found


def named(page: Path, line: int) -> str:
    return f"{page.relative_to(ROOT)}:{line}"


ALL = [(page, line, language, text) for page in PAGES for line, language, text in blocks(page)]


def test_the_pages_are_found():
    assert len(PAGES) > 15 and len([block for block in ALL if block[2] == "yaml"]) > 20
    languages = {language for _, _, language, _ in ALL}
    assert languages <= {"", "yaml", "sh", "console", "mermaid", "nginx", "haproxy", "apache", "caddyfile", "html", "ini", "json", "http", "php", "python"}, languages


# Configurations


def configurations():
    """Sidegate's configurations, including those in the `config` of a chart's values."""
    for page, line, language, text in ALL:
        if language != "yaml" or "{{" in text:
            continue  # a chart's template, rendered by the tests of the charts
        content = yaml.safe_load(text)
        yield pytest.param(content, id=named(page, line))


def settings(content) -> dict | None:
    """The configuration in it; None for another program's file."""
    assert isinstance(content, dict), "neither a configuration nor another program's file"
    if content.keys() & {"sidegate"}:
        content = content["sidegate"]
    if "config" in content or "existingSecret" in content:
        return content.get("config", {})
    if content.keys() & OTHERS.keys():
        return None
    return content


def is_path(name: str) -> bool:
    return name.endswith("File") or name in ("ca", "certificate", "key", "directory")


def with_files(content, folder: Path, name=""):
    """Writes the files that the configuration names, and refers to them without a path."""
    if isinstance(content, dict):
        return {key: with_files(value, folder, key) for key, value in content.items()}
    if isinstance(content, list):
        return [with_files(value, folder, name) for value in content]
    if not isinstance(content, str) or not content or not is_path(name):
        return content
    bare = Path(content).name
    contents = {
        "publicKeyFile": KEYS / "rsa-2048.public.pem", "certificate": KEYS / "ec-p256.certificate.pem", "ca": KEYS / "ec-p256.certificate.pem",
        "key": KEYS / "ec-p256.pem", "keyFile": KEYS / "ec-p256.pem", "retiredKeyFiles": KEYS / "ec-p256.public.pem",
    }
    if name in contents:
        (folder / bare).write_text(contents[name].read_text())
    elif name == "directory":
        (folder / bare).mkdir()
        return bare
    elif name == "emailsFile":
        (folder / bare).write_text("ada@example.com\n")
    elif name == "urlFile":
        (folder / bare).write_text("redis://127.0.0.1:6379/0\n")
    elif name == "headersFile":
        (folder / bare).write_text("Authorization: Bearer something\n")
    elif name == "jwksFile":
        (folder / bare).write_text('{"keys": []}')
    else:
        # Each file has its own secret: using one for two purposes causes a warning.
        (folder / bare).write_text(hashlib.sha256(bare.encode()).hexdigest() + "\n")
    (folder / bare).chmod(0o600)
    return bare


#: Presets of OpenID Connect.
OPENID = {"oidc", "keycloak", "entra", "google", "okta", "auth0"}


def has_openid(content: dict) -> bool:
    provider = content.get("identityProvider") or {}
    return provider.get("protocol") == "oidc" or provider.get("preset") in OPENID


def filled_in(content: dict) -> dict:
    content = dict(content)
    for section, rest in REST.items():
        if section in ("identityProvider", "token") and (has_openid(content) or "identityProviders" in content):
            continue  # discovery says the rest
        given = content.get(section)
        if given is None:
            content[section] = rest
        elif isinstance(rest, dict) and isinstance(given, dict):
            preset = given.get("preset") or content.get("identityProvider", {}).get("preset")
            missing = {k: v for k, v in rest.items() if k not in given}
            if section == "session" and given.keys() & {"secretFile", "secretsFile", "secrets"}:
                missing = {}
            if section == "identityProvider" and preset == "loginradius":
                missing = {}
            content[section] = {**missing, **given}
    return content


@pytest.mark.parametrize("content", configurations())
def test_each_configuration_is_valid(content, tmp_path):
    ours = settings(content)
    if ours is None:
        return
    assert ours.keys() <= SCHEMA["properties"].keys(), "not a file of a program that this test knows"
    whole = with_files(filled_in(ours), tmp_path)
    (tmp_path / "sidegate.yaml").write_text(yaml.safe_dump(whole))
    (tmp_path / "sidegate.yaml").chmod(0o600)
    done = sidegate("check", "--config", tmp_path / "sidegate.yaml", cwd=tmp_path)
    assert not done.stderr and done.returncode == 0, (done.stderr, whole)


# Commands

def command_tree() -> dict:
    done = sidegate("--experimental-dump-help")
    return json.loads(done.stdout)["command"]


@pytest.fixture(scope="module")
def tree():
    return command_tree()


def simple_commands(text: str) -> list[str]:
    """The commands of a shell script one by one, without comments and with joined continuation lines."""
    text = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in text.splitlines():
        line = re.sub(r"^\$ ", "", line)
        line = re.sub(r"(^|\s)#.*$", "", line)
        masked = re.sub(r"'[^']*'", lambda quoted: "\0" * len(quoted[0]), line)
        start = 0
        for cut in [match.span() for match in re.finditer(r"\$\(|[;|&(){}]+|`", masked)] + [(len(line), len(line))]:
            part = line[start : cut[0]].strip(" \"")
            start = cut[1]
            if part:
                found.append(re.sub(r"\s\d?>+\s*\S+|\s<\s*\S+", "", part).strip())
    return found


def shown_commands():
    for page, line, language, text in ALL:
        if language in ("sh", "console"):
            lines = [row for row in text.splitlines() if language == "sh" or row.startswith("$ ")]
            for command in simple_commands("\n".join(lines)):
                yield named(page, line), command
    for page in PAGES:
        for match in re.finditer(r"(?<!`)`(sidegate [^`\n]+)`(?!`)", page.read_text()):
            yield named(page, page.read_text()[: match.start()].count("\n") + 1), simple_commands(match[1])[0]


OURS = sorted({
    (place, re.sub(r"^\S*/sidegate ", "sidegate ", command)) for place, command in shown_commands()
    if re.match(r"(\S*/)?sidegate( |$)", command)})


def judge(words: list[str], command: dict, path: str = "sidegate") -> list[str]:
    """The errors of a command line, according to the program's own description of its commands."""
    arguments = command.get("arguments", [])
    options = {("--" if name["kind"] == "long" else "-") + name["name"]: argument
               for argument in arguments for name in argument.get("names", [])}
    children = {child["commandName"]: child for child in command.get("subcommands", [])}
    positional = [argument for argument in arguments if argument["kind"] == "positional"]
    wrong, given, index = [], 0, 0
    while index < len(words):
        word = words[index]
        index += 1
        if word in ("…", "..."):
            continue
        if word.startswith("-") and word != "-":
            option, _, value = word.partition("=")
            if option not in options:
                wrong.append(f"{path} has no {option}")
            elif options[option]["kind"] == "option" and not value:
                if index == len(words):
                    wrong.append(f"{path} {option} needs a value")
                index += 1
        elif word in children:
            return wrong + judge(words[index:], children[word], f"{path} {word}")
        elif positional:
            given += 1
            if given > 1 and not positional[-1]["isRepeating"]:
                wrong.append(f"{path} takes one argument")
        else:
            wrong.append(f"{path} takes no {word!r}")
    if children and path == "sidegate" and not words:
        wrong.append("no command")
    return wrong


@pytest.mark.parametrize(("place", "command"), OURS, ids=[f"{place} {command}"[:90] for place, command in OURS])
def test_the_program_knows_each_command(tree, place, command):
    words = shlex.split(command)[1:]
    # Placeholders such as `ispring|proprofs` or [TOKEN] are replaced by an example.
    assert judge([word.strip("[]") for word in words], tree) == [], place


def test_wrong_commands_are_found(tree):
    for line in ("sidegate chek", "sidegate check --confg x", "sidegate check x", "sidegate mint --claim", "sidegate config prnt"):
        assert judge(shlex.split(line)[1:], tree), line
    assert not judge(["config", "print", "--effective"], tree)


HARMLESS = {"secret", "version", "check", "config", "init", "mint", "inject"}


def harmless():
    return sorted({command for _, command in OURS
                   if command.split()[1:2] and command.split()[1] in HARMLESS and not re.search(r"[…\[|]|^sidegate init$| [A-Z]$", command)})


@pytest.fixture
def workplace(tmp_path):
    configuration = with_files({
        "upstream": "http://127.0.0.1:3000",
        "identityProvider": {"loginURL": "https://idp.example.com/login?return_url={returnURL}"},
        "publicURL": "https://app.example.com",
        "token": {"keys": [{"secretFile": "jwt"}]}, "session": {"secretFile": "session"},
    }, tmp_path)
    (tmp_path / "sidegate.yaml").write_text(yaml.safe_dump(configuration))
    shutil.copy(ROOT / "examples/kubernetes/kustomize/app/app.yaml", tmp_path / "app.yaml")
    return tmp_path


@pytest.mark.parametrize("command", harmless())
def test_harmless_commands_are_run(command, workplace):
    words = shlex.split(command)[1:]
    if words == ["inject"]:
        words += ["--filename", "app.yaml"]
    words = [re.sub(r"^(/etc/sidegate|kustomize/app)/", "", word) for word in words]
    if words[0] == "init" and "sidegate.yaml" in words:
        (workplace / "sidegate.yaml").unlink()
    done = sidegate(*words, cwd=workplace)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr


# Substitutes for the commands of a page: `make build` puts the tested program where a build would.
MAKE = f"""#!/bin/sh
test "$*" = build && mkdir -p .build && ln -sf {BINARY} .build/sidegate
"""
# Other ways to try the program, and commands that need a real provider.
ELSEWHERE = r"make (demo|test)|sidegate (demo|doctor)"


def walk(page: Path) -> str:
    """A page's commands and its configuration, verbatim and in order, up to the start of the gate."""
    script = ""
    for _, language, text in blocks(page):
        if language == "yaml":
            script += f"cat > sidegate.yaml <<'END'\n{text}END\n"
        elif language == "sh":
            for line in text.splitlines(keepends=True):
                if re.match(r"sidegate run\b", line):
                    return script + "exec " + line
                script += "" if re.match(ELSEWHERE, line) else line
    raise AssertionError(f"{page.name} starts no gate")


@pytest.mark.parametrize(("name", "installed"), [("README.md", False), ("docs/getting-started.md", True)])
def test_the_commands_of_a_page_lead_from_a_clean_directory_to_a_gate(name, installed, tmp_path):
    programs, folder, port = tmp_path / "bin", tmp_path / "clean", free_port()
    programs.mkdir()
    folder.mkdir()
    (programs / "make").write_text(MAKE)
    (programs / "make").chmod(0o755)
    if installed:
        (programs / "sidegate").symlink_to(BINARY)
    gate = ChildProcess(
        ["bash", "-euo", "pipefail", "-c", walk(ROOT / name)], tmp_path / "log", cwd=folder,
        env=clean_environment(PATH=f"{programs}:/usr/bin:/bin", SIDEGATE_LISTEN=f"127.0.0.1:{port}", SIDEGATE_ADMIN_LISTEN="off"))
    try:
        gate.wait_until_accepting(("127.0.0.1", port))
        response = exchange(port, "GET", "/", NAVIGATION, host="app.example.com")
        assert response.status == 302 and response["Location"].startswith("https://idp.example.com/login?return_url=")
        secrets = list(folder.glob("*.secret"))
        assert len(secrets) == 2
        assert [path.name for path in secrets if path.stat().st_mode & 0o077 or path.stat().st_size < 32] == []
    finally:
        gate.kill()


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    used = {(place, word) for place, command in shown_commands() if command.startswith("make ") for word in command.split()[1:]}
    assert used and {use for use in used if use[1] not in targets and "=" not in use[1]} == set()


def test_files_of_this_repository_that_commands_name_exist():
    for place, command in shown_commands():
        if re.search(r"\bcd\b|^(cp|install|curl) ", command):
            continue
        folder = (ROOT / place.rsplit(":", 1)[0]).parent
        for word in re.findall(r"(?<=\s)\.{1,2}/(?:helm|examples|docs|scripts|packaging|kustomize|\.\.)[\w./-]*", " " + command):
            assert (ROOT / word).exists() or (folder / word).exists(), f"{place}: {word}"


def test_every_page_is_reached_from_the_readme():
    """By links, from page to page."""
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in re.findall(r"\]\(([^)#:\s]+)[)#]", page.read_text()):
            path = (page.parent / target).resolve()
            path = path / "README.md" if path.is_dir() else path
            if path.suffix == ".md" and path.exists():
                ahead.append(path)
    assert [page for page in (ROOT / "docs").rglob("*.md") if page not in seen and page.parent.name != "decisions"] == []


def test_links_to_headings_have_a_target():
    def anchors(page):
        headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
        return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}

    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text()):
            path = (page.parent / target).resolve() if target else page
            if path.suffix == ".md":
                assert anchor in anchors(path), f"{page.name}: {target}#{anchor}"


# Other programs


def test_the_configuration_of_nginx_leads_a_browser_through_the_sign_in(tmp_path, upstream, start_gate):
    """The configuration of docs/deployment.md, with another port and without the certificate."""
    text = next(text for page, _, language, text in ALL if language == "nginx")
    gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"])
    port = free_port()
    text = re.sub(r"^\s*ssl_certificate.*\n", "", text, flags=re.M).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    text = text.replace("http://127.0.0.1:8080", gate.origin).replace("$scheme", "https")
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f; "
        f"uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{text}\n}}\n")
    nginx = ChildProcess(["nginx", "-c", tmp_path / "nginx.conf"], tmp_path / "nginx.log", env=clean_environment())
    try:
        nginx.wait_until_accepting(("127.0.0.1", port))
        done = subprocess.run(
            ["curl", "-sS", "-i", "-H", "Host: app.example.com", "-A", "Mozilla/5.0", "-H", "Accept: text/html",
             f"http://127.0.0.1:{port}/reports?tab=all"], capture_output=True, text=True, timeout=60)
        assert " 302 " in done.stdout.splitlines()[0], done.stdout + done.stderr
        location = re.search(r"(?im)^location: (.*)$", done.stdout)[1]
        assert "https%3A%2F%2Fapp.example.com" in location, "host and scheme are the browser's"
        assert re.search(r"(?im)^set-cookie: __Host-", done.stdout)
    finally:
        nginx.kill()


def test_the_files_that_the_architecture_names_exist():
    text = (ROOT / "docs/architecture.md").read_text()
    files = {path.name for folder in ("Sources", "Tests") for path in (ROOT / folder).rglob("*.*")}
    named_files = set(re.findall(r"`([\w+]+\.(?:swift|py))`", text))
    assert len(named_files) > 40 and named_files - files == set()
    sources = "\n".join(path.read_text() for path in (ROOT / "Sources").rglob("*.swift"))
    walks = text.split("\n## From a token to a session cookie\n")[1].split("\n## Where to change what\n")[0]
    types = {name for name in re.findall(r"`([A-Z]\w+)`", walks)} - {path.name for path in (ROOT / "Sources").iterdir()}
    missing = {name for name in types if not re.search(rf"\b(struct|class|enum|protocol|extension) {name}\b", sources)}
    assert len(types) > 25 and missing == set()
