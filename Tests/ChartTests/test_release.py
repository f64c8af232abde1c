# SPDX-License-Identifier: Apache-2.0
"""The workflow that publishes a release, and the scripts that it runs."""

import re
import shutil
import subprocess

import pytest
import yaml

from rendering import CHART, ROOT, containers, of_kind, render

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())
JOBS = WORKFLOW["jobs"]
IMAGE = "registry.example.com:5000/owner/sidegate"
CHARTS = sorted(path.parent.name for path in (ROOT / "helm").glob("*/Chart.yaml"))


def text(job: str) -> str:
    return "\n".join(step.get("run", "") for step in JOBS[job]["steps"])


def uses(job: str) -> list[str]:
    return [step["uses"] for step in JOBS[job]["steps"] if "uses" in step]


def before(job: str) -> set[str]:
    """All jobs that end before this one begins."""
    needed = JOBS[job].get("needs", [])
    needed = {needed} if isinstance(needed, str) else set(needed)
    return needed.union(*map(before, needed))


def test_nothing_is_published_before_all_checks_pass():
    assert all("ci" in before(job) for job in JOBS if job != "ci")
    assert {"programs", "image"} <= before("tags"), "a tag only for a complete release"
    assert "tags" in before("charts"), "a chart never names an image that is not there"
    assert before("release") == set(JOBS) - {"release"}


def test_each_job_has_no_more_rights_than_it_needs():
    read = {"contents": "read"}
    rights = {name: job.get("permissions", WORKFLOW["permissions"]) for name, job in JOBS.items()}
    attesting = {"id-token": "write", "attestations": "write"}
    assert rights == {
        "ci": read, "programs": read, "image": {**read, "packages": "write"},
        "tags": {**read, "packages": "write", **attesting}, "charts": {**read, "packages": "write"},
        "release": {"contents": "write", **attesting},
    }
    for job, given in rights.items():
        attests = any(action.startswith("actions/attest-") for action in uses(job)) if "steps" in JOBS[job] else False
        assert ("attestations" in given) == attests == ("id-token" in given), job


@pytest.mark.parametrize("job", ["programs", "image"])
def test_programs_and_images_are_built_on_both_architectures(job):
    machines = {entry["architecture"]: entry["runner"] for entry in JOBS[job]["strategy"]["matrix"]["include"]}
    assert set(machines) == {"amd64", "arm64"} and machines["arm64"].endswith("-arm") and not machines["amd64"].endswith("-arm")
    assert JOBS[job]["runs-on"] == "${{ matrix.runner }}" and not any("qemu" in action for action in uses(job))


def test_expressions_of_outsiders_are_no_part_of_a_script():
    """What a name of a branch or a person could inject is passed by the environment."""
    for job in JOBS.values():
        for step in job.get("steps", []):
            for expression in re.findall(r"\$\{\{\s*([^}]+?)\s*\}\}", step.get("run", "")):
                assert expression.startswith("matrix."), expression


def test_everything_in_a_release_has_a_sum_and_an_attestation():
    files = text("release")
    assert "mv parts/programs-*/* parts/image-*/images/* parts/charts/* files/" in files
    assert "cd files && sha256sum -- * >SHA256SUMS" in files and "gh release create" in files and files.endswith("files/*")
    attested = [step["with"]["subject-path"] for step in JOBS["release"]["steps"] if "attest" in step.get("uses", "")]
    assert attested == ["files/*"]
    pattern = next(step["with"]["pattern"] for step in JOBS["release"]["steps"] if "download" in step.get("uses", ""))
    steps = [step for job in JOBS.values() for step in job.get("steps", [])]
    uploaded = [step["with"]["name"] for step in steps if "upload" in step.get("uses", "")]
    assert sorted(name.partition("-")[0] for name in uploaded) == ["charts", "image", "programs"]
    assert pattern == "{programs-*,image-*,charts}"


def test_image_and_package_have_a_bill_of_materials():
    assert "scripts/bill-of-materials root >" in text("image") and "scripts/bill-of-materials \"$package\"" in text("programs")
    assert text("image").count(".cdx.json") == 1 and text("programs").count(".cdx.json") == 1


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    if shutil.which("helm") is None:
        pytest.skip("helm is missing")
    folder = tmp_path_factory.mktemp("packed")
    done = subprocess.run([ROOT / "scripts/chart-packages", IMAGE, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.split()


def test_every_chart_is_packed_and_names_the_image(packed, tmp_path):
    folder, printed = packed
    assert sorted(path.rpartition("/")[2].rpartition("-")[0] for path in printed) == CHARTS
    for name, path in zip(CHARTS, sorted(printed)):
        subprocess.run(["tar", "--extract", "--file", path, "--directory", tmp_path], check=True)
        values = yaml.safe_load((tmp_path / name / "values.yaml").read_text())
        assert values["image"]["repository"] == IMAGE
        source = yaml.safe_load((ROOT / "helm" / name / "values.yaml").read_text())
        assert source["image"]["repository"] == "sidegate", "the sources are not changed"
        source["image"]["repository"] = IMAGE
        assert values == source, "nothing else is"
    minimal = yaml.safe_load((CHART / "ci/minimal-values.yaml").read_text())
    deployment = of_kind(render(tmp_path / "sidegate", None, extra=minimal), "Deployment")
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert [c["image"] for c in containers(deployment["spec"]["template"]["spec"])] == [f"{IMAGE}:{version}"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["ghcr.io/owner/sidegate"], ["sidegate", "x"], ["ghcr.io/Owner/sidegate", "x"], ["ghcr.io/a b", "x"]],
)
def test_an_image_without_a_registry_is_refused(arguments, tmp_path):
    done = subprocess.run([ROOT / "scripts/chart-packages", *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 64 and "Usage" in done.stderr and not list(tmp_path.iterdir())


def test_the_documentation_names_where_a_release_is():
    page = (ROOT / "docs/deployment.md").read_text()
    for name in ("oci://ghcr.io/OWNER/charts/sidegate", "SHA256SUMS", "ghcr.io/OWNER/REPOSITORY:"):
        assert name in page, name
