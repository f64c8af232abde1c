# SPDX-License-Identifier: Apache-2.0
"""The systemd units, the Dockerfile and the compose example, as far as they can be checked without running them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from rendering import ROOT

SYSTEMD = ROOT / "packaging/systemd"
DOCKER = ROOT / "examples/docker"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())


def run(*command) -> subprocess.CompletedProcess:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing")
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)


# systemd


def unit(name: str) -> dict[str, list[str]]:
    """Each setting of a unit with its values; as in systemd, an empty value clears the list."""
    settings: dict[str, list[str]] = {}
    for line in (SYSTEMD / name).read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)$", line):
            settings.setdefault(match[1], [])
            settings[match[1]] = [*settings[match[1]], match[2]] if match[2] else []
    return settings


def test_systemd_accepts_both_units(tmp_path):
    for name in ("sidegate.service", "sidegate.socket"):
        text = (SYSTEMD / name).read_text().replace("/usr/bin/sidegate", "/bin/true")
        (tmp_path / name).write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    done = run("systemd-analyze", "verify", tmp_path / "sidegate.service", tmp_path / "sidegate.socket")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_exposure_level_of_the_service_is_at_most_2():
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=20", SYSTEMD / "sidegate.service")
    assert done.returncode == 0, done.stdout[-400:]
    level = float(re.search(r"Overall exposure level for sidegate.service: ([\d.]+)", done.stdout).group(1))
    assert level <= 2.0


def test_the_service_is_supervised_and_checks_before_it_starts():
    service = unit("sidegate.service")
    assert service["Type"] == ["notify"] and service["WatchdogSec"] == ["30s"] and service["NotifyAccess"] == ["main"]
    assert service["ExecStartPre"] == ["/usr/bin/sidegate check --config /etc/sidegate/sidegate.yaml"]
    assert service["ExecStart"] == ["/usr/bin/sidegate run --config /etc/sidegate/sidegate.yaml"]
    assert service["RestartPreventExitStatus"] == ["1 64 78"], "errors that another start would not fix"
    assert int(service["TimeoutStopSec"][0].removesuffix("s")) > 30, "shorter than the default drainTimeout"


def test_the_service_starts_with_or_without_each_secret():
    """A credential without a file is an empty line, and systemd does not fail for it."""
    service = unit("sidegate.service")
    credentials = dict(entry.split(":") for entry in service["LoadCredential"])
    assert credentials == {"jwt": "/etc/sidegate/jwt.secret", "session": "/etc/sidegate/session.secret"}
    assert service["SetCredential"] == [f"{name}:\\n" for name in credentials]
    for name in ("sidegate.service", "sidegate.socket"):
        assert unit(name)["ConditionPathExists"] == ["/etc/sidegate/sidegate.yaml"]


def test_the_service_has_no_privileges_and_writes_its_state_alone():
    service = unit("sidegate.service")
    assert service["DynamicUser"] == ["yes"] and service["User"] == ["sidegate"] and service["CapabilityBoundingSet"] == [] == service["AmbientCapabilities"]
    assert "ReadWritePaths" not in service and service["ProtectSystem"] == ["strict"]
    assert service["StateDirectory"] == ["sidegate"] and service["StateDirectoryMode"] == ["0700"], "nobody else's"


# Docker


def test_hadolint_reports_nothing():
    done = run("hadolint", ROOT / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_image_is_built_in_stages_and_runs_as_a_numeric_user_without_a_shell():
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1:]
    assert len(stages) == 2
    assert "--static-swift-stdlib" in stages[0] and "strip " in stages[0]
    last = stages[1]
    assert re.search(r"^USER 65532:65532$", last, re.M)
    for instruction in ("ENTRYPOINT", "CMD"):
        assert re.search(rf"^{instruction} \[", last, re.M), f"{instruction} needs a shell"
    health = re.search(r"^HEALTHCHECK .*$", last, re.M).group(0)
    assert 'CMD ["/usr/bin/sidegate",' in health
    assert "ADD " not in DOCKERFILE and "curl" not in re.sub(r"#.*", "", DOCKERFILE)


def test_the_image_and_the_charts_use_the_same_user():
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M).groups()
    for values, context in (("sidegate", "podSecurityContext"), ("sidegate-sidecar", "securityContext"), ("sidegate-injector", "podSecurityContext")):
        given = yaml.safe_load((ROOT / "helm" / values / "values.yaml").read_text())[context]
        assert (str(given["runAsUser"]), str(given["runAsGroup"])) == user


def test_the_build_gets_only_required_files():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M) for word in line.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / path).exists() for path in allowed)


def test_the_build_uses_the_documented_dependencies():
    """The Dockerfile installs the -dev packages of scripts/dependencies."""
    wanted = re.search(r"^build\)\n(.*?)^    ;;", (ROOT / "scripts/dependencies").read_text(), re.M | re.S).group(1)
    libraries = set(re.findall(r"want (lib[\w.-]+-dev)", wanted))
    assert libraries and libraries <= set(re.findall(r"lib[\w.-]+-dev", DOCKERFILE))


def test_the_image_has_the_libraries_that_the_program_loads():
    program = os.environ.get("SIDEGATE_BINARY")
    if program is None:
        pytest.skip("SIDEGATE_BINARY is not set")
    loaded = re.findall(r"(\S+) => (/\S+)", run("ldd", program).stdout)
    packages = set()
    for name, path in loaded:
        if name.startswith(("libswift", "libdispatch", "libBlocksRuntime", "lib_Internal", "libFoundation")):
            continue  # linked statically in a release build
        for place in (path, str(Path(path).resolve())):
            for spelling in (place, place.removeprefix("/usr"), "/usr" + place):
                if found := run("dpkg", "--search", spelling).stdout:
                    packages.add(found.split(":")[0])
    assert "libssl3" in packages
    # Every Debian image has these packages.
    needed = packages - {"libc6", "libgcc-s1", "zlib1g", "libzstd1"}
    assert needed <= set(re.split(r"\W*\s\W*", DOCKERFILE.split("FROM ")[-1].replace("\\", " "))) , needed


# Compose


def test_only_the_gate_publishes_a_port():
    assert [name for name, service in COMPOSE["services"].items() if service.get("ports")] == ["gate"]
    assert all(service.get("network_mode") is None for service in COMPOSE["services"].values())


def test_only_the_gate_can_reach_the_app():
    app, gate = COMPOSE["services"]["app"], COMPOSE["services"]["gate"]
    assert app["networks"] == ["inside"] and set(gate["networks"]) == {"inside", "outside"}
    assert COMPOSE["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_containers_have_no_privileges_and_no_writable_root(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service


def test_the_configuration_finds_its_secrets_and_its_app():
    gate = COMPOSE["services"]["gate"]
    configuration = yaml.safe_load((DOCKER / "gate/sidegate.yaml").read_text())
    named = {configuration["session"]["secretFile"], configuration["token"]["keys"][0]["secretFile"]}
    assert named == set(gate["secrets"]) == set(COMPOSE["secrets"])
    assert gate["environment"]["CREDENTIALS_DIRECTORY"] == "/run/secrets"
    assert "./gate:/etc/sidegate:ro" in gate["volumes"]
    assert configuration["upstream"] == "http://app:" + COMPOSE["services"]["app"]["command"][1]
    assert configuration["listen"].endswith(gate["ports"][0].split(":")[1])
    assert "/secrets/" in (DOCKER / ".gitignore").read_text().split(), "a secret could be committed"


def test_the_examples_configurations_have_no_unknown_options():
    schema = json.loads((ROOT / "docs/sidegate.schema.json").read_text())
    for path in (DOCKER / "gate/sidegate.yaml", ROOT / "examples/kubernetes/kustomize/signed-in/sidegate.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)


# Workflows

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


def steps(workflow) -> list[dict]:
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read(workflow):
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    for job in content["jobs"].values():
        assert "timeout-minutes" in job or "uses" in job
        needed = job.get("needs", [])
        assert {needed} <= set(content["jobs"]) if isinstance(needed, str) else set(needed) <= set(content["jobs"])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_shellcheck_reports_nothing_for_the_scripts_of_workflows(workflow, tmp_path):
    for number, step in enumerate(step for step in steps(workflow) if "run" in step):
        file = tmp_path / f"{number}.sh"
        # Any word can replace GitHub's expressions here.
        file.write_text("#!/bin/bash\n" + re.sub(r"\$\{\{[^}]*\}\}", "word", step["run"]))
        done = run("shellcheck", file)
        assert done.returncode == 0, done.stdout


def test_scripts_used_by_workflows_exist():
    text = "".join(path.read_text() for path in WORKFLOWS)
    for path in set(re.findall(r"(?<![\w./])((?:scripts|packaging|docs|helm|\.ci)/[\w./-]+)", text)):
        assert (ROOT / path).exists(), path
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z-]+)", re.sub(r"install [^\n]* make", "", text))) <= targets
    image = re.search(r"^ARG SWIFT_IMAGE=(\S+)$", DOCKERFILE, re.M).group(1)
    assert set(re.findall(r"container: (\S+)", text)) == {image}


@pytest.mark.parametrize("script", ["scripts/debian-package", "scripts/chart-tools", "scripts/dependencies", "scripts/test-tools", "scripts/test-apps", "scripts/test-providers", ".ci/run"])
def test_shellcheck_reports_nothing_for_scripts(script):
    done = run("shellcheck", ROOT / script)
    assert done.returncode == 0, done.stdout
