# SPDX-License-Identifier: Apache-2.0
"""Renders charts with helm, or with the program in CHART_TOOL when helm is not installed.

CHART_TOOL accepts the flags of `helm template`, without the word `template`, and has the same output.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/sidegate"
LIBRARY = ROOT / "helm/sidegate-sidecar"
INJECTOR = ROOT / "helm/sidegate-injector"
APP = ROOT / "examples/kubernetes/helm"

VERSIONS = [f"1.{minor}.0" for minor in range(27, 36)]
COMPONENT = "app.kubernetes.io/component"
APIS = ["monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1"]


class RenderingFailed(Exception):
    """The error output of the renderer."""


def branches(chart: Path) -> list[str]:
    """The names of a chart's files in ci/, each with the values for one branch of its templates."""
    return sorted(path.name for path in (chart / "ci").glob("*-values.yaml"))


@functools.cache
def _command() -> tuple[str, ...]:
    if helm := shutil.which("helm"):
        return (helm, "template")
    if tool := os.environ.get("CHART_TOOL"):
        return (tool,)
    pytest.skip("no helm on the PATH, and CHART_TOOL names no program that renders charts")


@functools.cache
def _ready(chart: Path) -> Path:
    """A copy of the chart with its dependencies where helm looks for them; the project's tree is not changed."""
    if _command()[0].endswith("helm") and yaml.safe_load((chart / "Chart.yaml").read_text()).get("dependencies"):
        if chart.is_relative_to(ROOT):
            copy = Path(tempfile.mkdtemp(prefix="charts-")) / "repository"
            for part in ("helm", "examples"):
                shutil.copytree(ROOT / part, copy / part)
            chart = copy / chart.relative_to(ROOT)
        subprocess.run([_command()[0], "dependency", "build", str(chart)], check=True, capture_output=True)
    return chart


def _run(chart: Path, arguments: list[str]) -> str:
    done = subprocess.run(
        [*_command(), *arguments, "rel", str(_ready(chart))], capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise RenderingFailed(done.stderr)
    return done.stdout


@functools.cache
def _text(chart: Path, values: str | None, version: str, sets: tuple[str, ...], extra: str) -> str:
    arguments = ["--namespace", "ns", "--kube-version", version]
    for api in APIS:
        arguments += ["--api-versions", api]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as more:
        if values is not None:
            arguments += ["--values", str(chart / "ci" / values)]
        if extra:
            more.write(extra)
            more.flush()
            arguments += ["--values", more.name]
        for setting in sets:
            arguments += ["--set", setting]
        return _run(chart, arguments)


def render_text(chart: Path, values=None, version="1.33.0", sets=(), extra=None) -> str:
    """All manifests as one text. `values` is a file in ci/, `extra` a mapping with more values."""
    return _text(chart, values, version, tuple(sets), yaml.safe_dump(extra) if extra else "")


def render(chart: Path, values=None, version="1.33.0", sets=(), extra=None) -> list[dict]:
    text = render_text(chart, values, version, sets, extra)
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


@functools.cache
def _chart_of_notes(chart: Path) -> Path:
    """The chart with its notes as a manifest, because some versions of `helm install --dry-run` need a cluster."""
    copy = Path(tempfile.mkdtemp(prefix="notes-")) / chart.name
    shutil.copytree(chart, copy)
    (copy / "templates/NOTES.txt").rename(copy / "notes.txt")
    (copy / "templates/notes.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: the-notes }\ndata:\n"
        '  notes: {{ tpl (.Files.Get "notes.txt") . | toJson }}\n')
    return copy


def notes(values: str, extra=None, chart=CHART, version="1.33.0") -> str:
    """The notes that `helm install` prints at the end."""
    manifests = render(_chart_of_notes(chart), values, version, extra=extra)
    return next(m["data"]["notes"] for m in manifests if m["metadata"]["name"] == "the-notes")


def refusal(chart: Path, values=None, sets=(), extra=None) -> str:
    """The renderer's error message for these values."""
    try:
        render_text(chart, values, sets=sets, extra=extra)
    except RenderingFailed as failure:
        return str(failure)
    raise AssertionError("it was rendered")


def kustomize(folder: Path) -> list[dict] | None:
    """The manifests of a kustomization; None when neither kustomize nor kubectl is installed."""
    if program := shutil.which("kustomize"):
        command = [program, "build"]
    elif program := shutil.which("kubectl"):
        command = [program, "kustomize"]
    else:
        return None
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def of_kind(manifests: list[dict], kind: str) -> dict:
    """The only manifest of a kind."""
    found = [manifest for manifest in manifests if manifest["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def service_of(manifests: list[dict]) -> dict:
    """The Service for browsers; the one for Prometheus is another."""
    return of_kind([m for m in manifests if m["metadata"].get("labels", {}).get(COMPONENT) != "metrics"], "Service")


def pods(manifests: list[dict]) -> list[tuple[str, dict]]:
    """The specification of each pod, with the name of its resource."""
    found = []
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] == "Pod":
            found.append((name, manifest["spec"]))
        elif manifest["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            found.append((name, manifest["spec"]["template"]["spec"]))
    return found


def containers(pod: dict) -> list[dict]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def minor(version: str) -> int:
    return int(re.match(r"1\.(\d+)", version).group(1))
