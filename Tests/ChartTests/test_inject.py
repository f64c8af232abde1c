# SPDX-License-Identifier: Apache-2.0
"""`sidegate inject` has the same result as the library chart and the Kustomize components."""

import os
import shutil
import subprocess

import pytest
import yaml

import pod_security
from rendering import APP, CHART, ROOT, branches, kustomize, of_kind, pods, render, render_text

PLAIN_APP = ROOT / "examples/kubernetes/kustomize/app/app.yaml"
FORMS = ["native", "plain"]


def inject(text: str, *arguments: str) -> str:
    program = os.environ.get("SIDEGATE_BINARY")
    if program is None:
        pytest.skip("SIDEGATE_BINARY is not set")
    done = subprocess.run([program, "inject", *arguments], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(text: str) -> list[dict]:
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def pod_of(manifests: list[dict]) -> dict:
    return of_kind(manifests, "Deployment")["spec"]["template"]["spec"]


def sidecar(pod: dict) -> dict:
    return next(c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == "sidegate")


def by_name(pod: dict) -> dict:
    return {volume["name"]: volume for volume in pod["volumes"]}


@pytest.mark.parametrize("form", FORMS)
def test_it_has_the_result_of_the_component(form, tmp_path):
    image = "registry.example.com/sidegate:0.1.0"
    injected = pod_of(documents(inject(PLAIN_APP.read_text(), f"--{form}", "--image", image)))
    for part in ("kustomize", "examples/kubernetes/kustomize"):
        shutil.copytree(ROOT / part, tmp_path / part)
    folder = tmp_path / "examples/kubernetes/kustomize/signed-in"
    file = folder / "kustomization.yaml"
    if form == "plain":
        file.write_text(file.read_text().replace("kustomize/sidegate-sidecar\n", "kustomize/sidegate-sidecar-plain\n"))
    manifests = kustomize(folder)
    if manifests is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    patched = pod_of(manifests)
    assert sidecar(injected) == sidecar(patched)
    assert by_name(injected) == by_name(patched)
    assert injected["enableServiceLinks"] is patched["enableServiceLinks"] is False
    for container in ("initContainers", "containers"):
        assert {c["name"] for c in injected.get(container, [])} == {c["name"] for c in patched.get(container, [])}


@pytest.mark.parametrize("form", FORMS)
def test_it_has_the_result_of_the_library_chart(form):
    values = {"existingConfigMap": "gate", "existingSecret": "sign-in", "native": form == "native", "preStopSleepSeconds": 0}
    charted = pod_of(render(APP, extra={"sidegate": values}))
    bare = render_text(APP, "off-values.yaml")
    injected = pod_of(documents(inject(bare, f"--{form}", "--config-map", "gate", "--secret", "sign-in")))
    assert sidecar(injected) == sidecar(charted)
    assert {name: v for name, v in by_name(charted).items() if name.startswith("sidegate-")} == {
        name: v for name, v in by_name(injected).items() if name.startswith("sidegate-")
    }


@pytest.mark.parametrize("form", FORMS)
def test_everything_else_is_unchanged(form):
    text = render_text(CHART, "everything-values.yaml").replace("name: sidegate\n", "name: other\n")
    text = text.replace("containerPort: 8080", "containerPort: 80").replace("containerPort: 9180", "containerPort: 81")
    before, after = documents(text), documents(inject(text, f"--{form}"))
    assert before != after and len(before) == len(after)
    for (_, pod), (_, injected) in zip(pods(before), pods(after)):
        injected.pop("enableServiceLinks")
        pod.pop("enableServiceLinks", None)
        for part in ("initContainers", "containers", "volumes"):
            kept = [entry for entry in injected.get(part, []) if entry not in pod.get(part, [])]
            assert all(entry["name"].startswith("sidegate") for entry in kept)
            if part in injected:
                injected[part] = [entry for entry in injected[part] if entry not in kept]
                if not injected[part]:
                    del injected[part]
    assert before == after


@pytest.mark.parametrize("branch", branches(APP))
def test_a_second_run_changes_nothing(branch):
    once = inject(render_text(APP, "off-values.yaml"), "--marked-only") or inject(render_text(APP, branch))
    assert inject(once) == inject(inject(once))


@pytest.mark.parametrize("form", FORMS)
def test_the_pods_are_valid_and_satisfy_the_standard_restricted(form, tmp_path):
    text = inject(PLAIN_APP.read_text(), f"--{form}")
    for _, pod in pods(documents(text)):
        assert not list(pod_security.findings(pod)) and not list(pod_security.findings_beyond(pod))
    validator = shutil.which("kubernetes-validate")
    if validator is None:
        pytest.skip("kubernetes-validate is missing: pip install kubernetes-validate")
    (tmp_path / "all.yaml").write_text(text)
    versions = ["1.29", "1.35"] if form == "native" else ["1.27", "1.28", "1.35"]
    for version in versions:
        done = subprocess.run(
            [validator, "--strict", "--quiet", "--no-warn", "-k", version, tmp_path / "all.yaml"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_uses_its_own_version():
    image = sidecar(pod_of(documents(inject(PLAIN_APP.read_text()))))["image"]
    component = yaml.safe_load((ROOT / "kustomize/sidegate-sidecar/sidecar.yaml").read_text())
    assert image == component["spec"]["template"]["spec"]["initContainers"][0]["image"]


KINDS = {
    "apps/v1 Deployment": "spec: {{selector: {{matchLabels: {{app: wiki}}}}, template: {pod}}}",
    "apps/v1 StatefulSet": "spec: {{selector: {{matchLabels: {{app: wiki}}}}, template: {pod}}}",
    "argoproj.io/v1alpha1 Rollout": "spec: {{template: {pod}}}",
    "apps.openshift.io/v1 DeploymentConfig": "spec: {{selector: {{app: wiki}}, template: {pod}}}",
    "example.com/v1beta1 Anything": "spec: {{template: {pod}}}",
}
POD = "{metadata: {labels: {app: wiki, version: '2'}}, spec: {containers: [{name: wiki, image: wiki:1, ports: [{containerPort: 8080}]}]}}"


def workload(kind: str, pod: str = POD) -> str:
    version, name = kind.split()
    return f"apiVersion: {version}\nkind: {name}\nmetadata: {{name: wiki}}\n{KINDS[kind].format(pod=pod)}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_with_a_pod_passes_without_a_gate(kind):
    manifests = documents(inject(workload(kind), "--network-policy"))
    pod = manifests[0]["spec"]["template"]
    gate = sidecar(pod["spec"])
    port = gate["ports"][0]["containerPort"]
    assert port not in (8080, 9180), "the app has it"
    policy = of_kind(manifests, "NetworkPolicy")["spec"]
    assert policy["ingress"] == [{"ports": [{"port": port, "protocol": "TCP"}]}] and policy["policyTypes"] == ["Ingress"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["podSelector"]["matchLabels"]


TEMPLATES = "templates: [{name: wiki, daemon: true, %s}]"


@pytest.mark.parametrize("kind, specification, place", [
    ("argoproj.io/v1alpha1 Workflow", TEMPLATES % "container: {image: wiki:1}", "spec.templates.container"),
    ("argoproj.io/v1alpha1 WorkflowTemplate", TEMPLATES % "script: {image: wiki:1, source: run}", "spec.templates.script"),
    ("argoproj.io/v1alpha1 CronWorkflow", f"workflowSpec: {{{TEMPLATES % 'container: {image: wiki:1}'}}}", "spec.workflowSpec.templates.container"),
    ("argoproj.io/v1alpha1 Workflow", TEMPLATES % "containerSet: {containers: [{name: a, image: wiki:1}]}", "spec.templates.containerSet.containers"),
    ("argoproj.io/v1alpha1 Workflow", "templateDefaults: {container: {image: wiki:1}}", "spec.templateDefaults.container"),
    ("argoproj.io/v1alpha1 Sensor", "triggers: [{template: {k8s: {source: {resource: {spec: {%s}}}}}}]" % (TEMPLATES % "container: {image: wiki:1}"),
     "spec.triggers.template.k8s.source.resource.spec.templates.container"),
    ("argoproj.io/v1alpha1 ClusterWorkflowTemplate", TEMPLATES % "container: {image: wiki:1}", "spec.templates.container"),
    ("argoproj.io/v1alpha1 EventSource", "template: {container: {image: wiki:1}}", "spec.template.container"),
    ("serving.knative.dev/v1alpha1 Service", "runLatest: {configuration: {revisionTemplate: {spec: {container: {image: wiki:1}}}}}",
     "spec.runLatest.configuration.revisionTemplate.spec.container"),
    ("example.com/v1 Workload", "containers: {web: {image: wiki:1}}", "spec.containers"),
    ("tekton.dev/v1 Task", "steps: [{name: a, image: wiki:1, script: run}]", "spec.steps"),
    ("tekton.dev/v1 Task", "sidecars: [{name: a, image: wiki:1}]", "spec.sidecars"),
    ("tekton.dev/v1 Pipeline", "tasks: [{name: a, taskSpec: {steps: [{image: wiki:1}]}}]", "spec.tasks.taskSpec.steps"),
])
def test_containers_that_are_no_pods_of_kubernetes_are_refused(kind, specification, place):
    version, name = kind.split()
    text = f"apiVersion: {version}\nkind: {name}\nmetadata: {{name: wiki%s}}\nspec: {{{specification}}}\n"
    done = injected(text % "")
    assert (done.returncode, done.stdout) == (1, "") and f"{name}/wiki holds containers at `{place}`" in done.stderr
    exempt = text % ", annotations: {sidegate/inject: disabled}"
    done = injected(exempt)
    assert (done.returncode, done.stdout) == (0, exempt)


@pytest.mark.parametrize("specification", [
    "strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}",
    "templates: [{name: a, steps: [[{name: b, template: c}]]}]",
    "metrics: [{type: ContainerResource, containerResource: {container: app, name: cpu}}]",
    "script: run, container: wiki, sidecar: {enabled: true}",
    "versions: [{schema: {openAPIV3Schema: {properties: {container: {type: object, properties: {image: {type: string}}}}}}}]",
])
def test_names_of_containers_with_another_meaning_pass(specification):
    text = f"apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: wiki}}\nspec: {{{specification}}}\n"
    done = injected(text)
    assert (done.returncode, done.stdout) == (0, text), done.stderr


def injected(text: str) -> subprocess.CompletedProcess:
    program = os.environ.get("SIDEGATE_BINARY") or pytest.skip("SIDEGATE_BINARY is not set")
    return subprocess.run([program, "inject", "--filename", "-"], input=text, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("text, message", [
    ("apiVersion: v1\nkind: X\nspec: {pod: {spec: {containers: [{name: a, image: b}]}}}\n", "holds containers at `spec.pod.spec.containers`"),
    (
        "apiVersion: v1\nkind: Thing\nspec: {template: {spec: {containers: [{name: a, image: a}]}}, worker: {containers: [{name: b, image: b}]}}\n",
        "holds containers at `spec.worker.containers`",
    ),
    ("spec: {containers: [{name: a, image: b}]}\n", "a document without `kind` holds containers"),
    ("- spec: {containers: [{name: a, image: b}]}\n", "a document without `kind` holds containers"),
    (workload("apps/v1 Deployment", POD.replace("[{name: wiki", "[{name: sidegate, image: other}, {name: wiki")), "was not added by inject"),
    (workload("apps/v1 Deployment", POD.replace("{containers", "{volumes: [{name: sidegate-config, emptyDir: {}}], containers")), "was not added by inject"),
    (workload("apps/v1 Deployment", POD.replace("{containers", "{hostNetwork: true, containers")), "hostNetwork"),
    (workload("apps/v1 Deployment", POD.replace("8080}", "8080, hostPort: 80}")), "hostPort 80"),
])
def test_what_cannot_be_protected_is_refused_without_output(text, message):
    done = injected(text)
    assert (done.returncode, done.stdout) == (1, "") and message in done.stderr


def test_the_items_of_a_typed_list_get_a_gate():
    text = f"apiVersion: apps/v1\nkind: DeploymentList\nitems: [{{metadata: {{name: wiki}}, spec: {{template: {POD}}}}}]\n"
    assert sidecar(documents(inject(text))[0]["items"][0]["spec"]["template"]["spec"])


@pytest.mark.parametrize("port", [8080, 9180])
def test_a_second_run_changes_nothing_for_knative(port):
    text = workload("argoproj.io/v1alpha1 Rollout").replace("argoproj.io/v1alpha1", "serving.knative.dev/v1").replace("Rollout", "Service")
    once = inject(text.replace("8080", str(port)))
    assert f"0.0.0.0:{port}" not in once and inject(once) == once


def test_the_policy_is_valid(tmp_path):
    validator = shutil.which("kubernetes-validate")
    if validator is None:
        pytest.skip("kubernetes-validate is missing: pip install kubernetes-validate")
    (tmp_path / "all.yaml").write_text(inject(workload("apps/v1 Deployment"), "--network-policy"))
    done = subprocess.run([validator, "--strict", "--quiet", "--no-warn", "-k", "1.35", tmp_path / "all.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
