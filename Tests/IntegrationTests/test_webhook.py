# SPDX-License-Identifier: Apache-2.0
"""`sidegate webhook`: reviews of new pods over TLS, compared with `sidegate inject`."""

import copy
import json
import os
import random
import select
import shutil
import socket

import pytest

from harness.certificates import Authority, Certificate
from harness.gate import sidegate
from harness.process import wait_until
from harness.reviews import JSON, TOKEN, Webhook, injected, patched, pod, reason_of_inject, review

NAMES = "DNS:localhost,IP:127.0.0.1"
MIGRATION = {"name": "migrate", "image": "registry.example.com/wiki:1", "command": ["migrate"], "resources": {}}
PROXY = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "ports": [{"containerPort": 8080, "name": "http"}]}
WIKI = pod()["spec"]["containers"][0]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("first", NAMES)


@pytest.fixture(scope="module")
def webhook(tmp_path_factory, authority, certificate):
    process = Webhook(tmp_path_factory.mktemp("webhook"), authority, certificate)
    yield process
    process.kill()


@pytest.fixture
def start(tmp_path, authority, certificate):
    started = []

    def start(*arguments, certificate=certificate):
        started.append(Webhook(tmp_path, authority, certificate, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()


# Pods


CLAIM = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"metadata": {"creationTimestamp": None}, "spec": {
    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}}}}
SHAPES = {
    "Deployment": pod(),
    "StatefulSet": pod("StatefulSet", metadata={"name": "wiki-0"}, spec={"hostname": "wiki-0", "subdomain": "wiki"}),
    "DaemonSet": pod("DaemonSet", spec={"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]}}}}),
    "Job": pod("Job"),
    "CronJob": pod("Job", metadata={"labels": {"batch.kubernetes.io/job-name": "wiki-29400000"}}),
    "alone": pod(metadata={"name": "wiki", "namespace": "office", "ownerReferences": None}),
    "init containers": pod(spec={"initContainers": [MIGRATION]}),
    "a native sidecar": pod(spec={"initContainers": [PROXY, MIGRATION]}),
    "another sidecar": pod(spec={"containers": [WIKI, {"name": "logs", "image": "logs:1", "ports": [{"containerPort": 9180}]}]}),
    "an ephemeral volume": pod(spec={"volumes": [CLAIM]}),
    "no volumes": pod(spec={"volumes": None}),
    "annotations": pod(metadata={"annotations": {"sidegate/port": "8443", "sidegate/sidecar": "plain", "other/x": "é\u2028\u0085"}}),
    "host's processes": pod(spec={"hostPID": True}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_pod_becomes_what_inject_makes_of_it_and_stays_so(webhook, shape):
    wanted = injected(SHAPES[shape])
    assert wanted is not None
    once = patched(SHAPES[shape], webhook.review(SHAPES[shape]))
    assert once == wanted and once != SHAPES[shape]
    again = webhook.review(once)
    assert again["allowed"] is True and "patch" not in again and "warnings" not in again


def with_defaults(pod: dict) -> dict:
    """What the API server and other webhooks make of the sidecar before the second call."""
    pod = copy.deepcopy(pod)
    for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        container |= {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
        container["image"] = "mirror.example.com/" + container["image"]
        container.setdefault("volumeMounts", []).append({"name": "kube-api-access-x7k2p", "readOnly": True, "mountPath": TOKEN})
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                container[probe] |= {"successThreshold": 1}
                container[probe]["httpGet"] |= {"scheme": "HTTP"}
    return pod


def test_what_others_have_changed_in_the_sidecar_meanwhile_stays(webhook):
    changed = with_defaults(patched(pod(), webhook.review(pod())))
    response = webhook.review(changed)
    assert response["allowed"] is True and "patch" not in response


REFUSED = {
    "hostNetwork": pod(spec={"hostNetwork": True}),
    "hostPort": pod(spec={"containers": [WIKI | {"ports": [{"containerPort": 3000, "hostPort": 3000}]}]}),
    "the port": pod(metadata={"annotations": {"sidegate/port": "3000"}}),
    "a word": pod(metadata={"annotations": {"sidegate/inject": "true"}}),
    "an unknown annotation": pod(metadata={"annotations": {"sidegate/configmap": "gate"}}),
    "the name": pod(spec={"containers": [WIKI | {"name": "sidegate"}]}),
    "a Job that would not end": pod("Job", metadata={"annotations": {"sidegate/sidecar": "plain"}}),
    "a pod of Knative": pod(metadata={"labels": {"serving.knative.dev/revision": "wiki-00001"}}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_pod_that_cannot_have_the_gate_is_refused_with_the_message_of_inject(webhook, case):
    response = webhook.review(REFUSED[case])
    assert response["allowed"] is False and "patch" not in response
    assert response["status"]["code"] == 403 and response["status"]["message"] == reason_of_inject(REFUSED[case])
    line = wait_until(
        lambda: [line for line in webhook.lines("pod refused") if line["uid"] == response["uid"]], "the line of the log")[0]
    assert line["cause"] == response["status"]["message"] and line["level"] == "warning"
    assert (line["namespace"], line["pod"]) == ("office", "wiki-7d9f8c6b5-")


def test_a_pod_that_is_to_have_no_gate_is_left_alone(webhook, start):
    off = pod(metadata={"annotations": {"sidegate/inject": "disabled"}}, spec={"hostNetwork": True})
    response = webhook.review(off)
    assert response["allowed"] is True and "patch" not in response
    marked = start("--marked-only")
    assert "patch" not in marked.review(pod())
    assert "patch" in marked.review(pod(metadata={"annotations": {"sidegate/inject": "enabled"}}))


def test_the_options_are_those_of_inject(start):
    options = ["--plain", "--config-map", "gate", "--secret", "sign-in", "--secret-key", "session=s", "--port", "8000",
               "--admin-port", "9000"]
    assert patched(pod(), start(*options).review(pod())) == injected(pod(), *options)


def test_warnings_go_to_the_client_of_the_api_server(webhook):
    warnings = webhook.review(pod())["warnings"]
    assert any("port 3000 stays open at the pod's address" in warning for warning in warnings)
    assert all("\n" not in warning and "--" not in warning for warning in warnings)
    taken = pod(spec={"containers": [WIKI | {"ports": [{"containerPort": 8080}]}]})
    assert webhook.review(taken)["warnings"][0] == (
        "container wiki uses port 8080, so the sidecar's port is 8180; set targetPort: 8180 in the Service")


def test_a_dry_run_has_the_same_answer_and_leaves_no_trace(webhook):
    dry, real = webhook.review(pod(), dryRun=True), webhook.review(pod())
    assert dry | {"uid": 0} == real | {"uid": 0}
    wait_until(lambda: [l for l in webhook.lines("sidecar added") if l["uid"] == real["uid"]], "the line of the log")
    # A review is logged before it is answered, so the line of the first would precede.
    assert dry["uid"] not in webhook.output()


@pytest.mark.parametrize("changes", [
    {"operation": "UPDATE"}, {"operation": "DELETE", "object": None}, {"subResource": "ephemeralcontainers"},
    {"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}}])
def test_anything_but_the_creation_of_a_pod_shows_a_mistake_in_the_rules(webhook, changes):
    response = webhook.review(pod(), **changes)
    assert response["allowed"] is False and "name the operation CREATE and the resource pods alone" in response["status"]["message"]


# Generated pods


def generated(numbers: random.Random) -> dict:
    def some(values, most=3):
        return [copy.deepcopy(value) for value in numbers.sample(values, numbers.randrange(min(most, len(values)) + 1))]

    def container(name):
        made = {"name": name, "image": f"{name}:1"}
        ports = some([80, 3000, 8080, 8180, 9180, 9280, 8443], 4)
        if ports or numbers.random() < 0.3:
            made["ports"] = [{"containerPort": port, "protocol": "TCP"} for port in ports]
        if numbers.random() < 0.3:
            made["env"] = [{"name": "TEXT", "value": numbers.choice(["", "a\nb", "\t", '"\\', "é\u0085\u2028\ufeff", "😀", "~1/", "<&>", "# no", "- x: y"])}]
        if numbers.random() < 0.1:
            made["ports"] = [{"containerPort": 7, "hostPort": numbers.choice([0, 7])}]
        return made

    spec = {"containers": [container(name) for name in ["app", *some(["logs", "db", "sidegate-not"])]]}
    if numbers.random() < 0.6:
        spec["initContainers"] = [container(name) | numbers.choice([{}, {"restartPolicy": "Always"}]) for name in some(["a", "b"])]
    if numbers.random() < 0.6:
        spec["volumes"] = some([{"name": "data", "emptyDir": {}}, CLAIM, {"name": "c", "configMap": {"name": "c"}},
                                {"name": "sidegate-x", "emptyDir": {}}])
    for name in ("initContainers", "volumes"):
        if numbers.random() < 0.1:
            spec[name] = None
    if numbers.random() < 0.5:
        spec["enableServiceLinks"] = numbers.choice([True, False, None])
    if numbers.random() < 0.1:
        spec["hostNetwork"] = numbers.choice([True, False])
    annotations = {}
    for name, values in {
            "sidegate/inject": ["enabled", "disabled", "on"], "sidegate/sidecar": ["native", "plain"], "sidegate/image": ["x", "x/y:é\u2028"],
            "sidegate/port": ["8080", "8000", "0"], "sidegate/admin-port": ["9180", "9000"], "sidegate/secret": ["s"],
            "sidegate/other": ["x"], "other/containers": ["x"]}.items():
        if numbers.random() < 0.12:
            annotations[name] = numbers.choice(values)
    metadata = {"generateName": "app-", "labels": numbers.choice([{}, {"app": "a"}])}
    if annotations or numbers.random() < 0.3:
        metadata["annotations"] = annotations
    if numbers.random() < 0.2:
        metadata["ownerReferences"] = [{"apiVersion": "batch/v1", "kind": "Job", "name": "a"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_generated_pods_become_what_inject_makes_of_them(webhook):
    numbers, outcomes = random.Random(20261201), {"same": 0, "added": 0, "refused": 0}
    for one in [generated(numbers) for _ in range(100)]:
        response = webhook.review(one)
        wanted = injected(one)
        if wanted is None:
            assert response["allowed"] is False and response["status"]["message"] == reason_of_inject(one), one
            outcomes["refused"] += 1
            continue
        once = patched(one, response)
        assert once == wanted, one
        outcomes["same" if once == one else "added"] += 1
        again = webhook.review(once)
        assert again["allowed"] is True and "patch" not in again, one
    assert min(outcomes.values()) >= 2, outcomes


# Requests that are none


def refused(webhook, body, **more):
    answer = webhook.post(body, **more)
    assert answer["Content-Type"] == "application/json"
    status = answer.json()
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", answer.status)
    return answer.status, status["message"]


def text_of(**changes) -> str:
    return json.dumps(review(pod(), **changes))


@pytest.mark.parametrize(("body", "message"), [
    (b"", "the content is empty"),
    (b"{", "not JSON at byte 1"),
    (b"[]", "the content is an array, not an object"),
    (b"\xff", "not UTF-8"),
    (b'{"a": 1, "a": 1}', "a duplicate name"),
    (text_of().replace('"spec": {', '"spec": {"hostNetwork": false, "hostNetwork": true, ').encode(), "a duplicate name"),
    (text_of()[:-1].encode(), "not JSON at byte"),
    (text_of().encode() + b"{}", "data after its end"),
    (text_of().replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1").encode(), "not admission.k8s.io/v1 AdmissionReview"),
    (text_of(uid=None).encode(), "`request.uid` is missing"),
    (text_of(uid="x" * 300).encode(), "longer than 256 bytes"),
    (text_of(dryRun="no").encode(), "`request.dryRun` is a string"),
    (text_of(object=[]).encode(), "`request.object` is an array"),
    (text_of(object={"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": "x"}).encode(), "`request.object.spec` is not an object"),
    (b"[" * 1_000_000, "nested deeper than 32 levels"),
    (b'{"a":' * 200_000, "nested deeper than 32 levels"),
    (text_of().replace('"spec": {', '"spec": {"x": [' + "0," * 25_000 + "0], ").encode(), "more than 20000 values"),
    (text_of().replace('"containers": [', '"containers": [' + "{}," * 500).encode(), "has 501 containers, which is more than 500"),
], ids=lambda value: None if isinstance(value, str) else repr(value[:20]))
def test_content_that_is_no_review_is_400_with_the_reason(webhook, body, message):
    status, said = refused(webhook, body)
    assert status == 400 and message in said


def test_wrong_requests_have_the_statuses_of_http(webhook):
    assert refused(webhook, {}, target="/")[0] == 404
    assert refused(webhook, {}, target="/mutate/")[0] == 404
    assert refused(webhook, {}, target="/healthz")[0] == 405
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/yaml"}, [*JSON.items(), *JSON.items()]):
        assert refused(webhook, {}, headers=headers) == (415, "the Content-Type of a review is application/json")
    with webhook.connection() as connection:
        answer = connection.exchange("GET", "/mutate")
        assert (answer.status, answer["Allow"]) == (405, "POST")
        assert connection.exchange("GET", "/healthz").text.strip() == "ok"
        assert connection.exchange("HEAD", "/healthz").status == 200


SIZE = 7 << 19


def test_content_of_the_largest_size_is_read_and_more_is_413(webhook):
    body = text_of().encode()
    assert webhook.post(body + b" " * (SIZE - len(body))).status == 200
    for headers in (JSON, JSON | {"Transfer-Encoding": "chunked"}):
        with webhook.connection() as connection:
            if headers is JSON:
                connection.request("POST", "/mutate", JSON | {"Content-Length": str(4 << 20)})
            else:
                connection.request("POST", "/mutate", headers)
                chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
                for _ in range(SIZE // 65536 + 1):
                    connection.send(chunk)
            answer = connection.response()
            assert answer.status == 413 and f"more than {SIZE} bytes" in answer.json()["message"]


def test_a_review_may_come_in_chunks_and_bytes_and_many_on_one_connection(webhook):
    body = text_of().encode()
    with webhook.connection() as connection:
        for size in (1000, 7):
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size))
            connection.request("POST", "/mutate", JSON | {"Transfer-Encoding": "chunked"}, chunks + b"0\r\n\r\n")
            assert connection.response().json()["response"]["allowed"] is True
        connection.request("POST", "/mutate", JSON | {"Expect": "100-continue", "Content-Length": str(len(body))})
        assert connection.read_head().status == 100
        for byte in body[:50]:
            connection.send(bytes([byte]))
        connection.send(body[50:])
        assert connection.response().status == 200


@pytest.mark.parametrize("start_of_request", [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"\x16\x03\x01" * 20])
def test_what_is_not_http_1_1_is_refused_and_the_connection_ends(webhook, start_of_request):
    with webhook.connection() as connection:
        connection.send(start_of_request)
        answer = connection.response()
        assert answer.status in (400, 505)
        assert connection.is_closed_by_peer()
    assert webhook.review(pod())["allowed"] is True


def test_a_review_that_is_cut_off_is_forgotten(webhook):
    body = text_of().encode()
    for end in (lambda c: c.half_close(), lambda c: c.reset(), lambda c: c.close()):
        with webhook.connection() as connection:
            connection.request("POST", "/mutate", JSON | {"Content-Length": str(len(body))}, body[:-1])
            end(connection)
    assert webhook.review(pod())["allowed"] is True


def test_malformed_reviews_do_not_fill_the_log(start):
    webhook = start()
    for _ in range(20):
        assert webhook.post(b"x").status == 400
    lines = wait_until(lambda: webhook.lines("a request that is no review"), "the line of the log")
    assert len(lines) <= 19 and "not JSON" in lines[0]["cause"] and lines[0]["client"] == "127.0.0.1"


# Limits


def test_a_review_that_never_ends_is_408_and_others_are_answered_meanwhile(webhook):
    """Its content arrives, byte by byte, so it is not the pause that ends it."""
    with webhook.connection() as slow:
        slow.request("POST", "/mutate", JSON | {"Content-Length": str(SIZE)}, b"{")
        with webhook.connection() as connection:
            assert connection.exchange("GET", "/healthz").status == 200
        assert webhook.review(pod())["allowed"] is True

        def answered():
            if slow.socket.pending() or select.select([slow.socket], [], [], 0.1)[0]:
                return True
            slow.send(b" ")
            return False

        wait_until(answered, "an answer", deadline=60)
        answer = slow.response()
        assert answer.status == 408
        assert (answer.json()["kind"], answer.json()["message"]) == ("Status", "the content has not arrived in time")


def test_connections_that_say_nothing_make_room(start):
    webhook = start()
    idle = []
    try:
        for _ in range(1100):
            idle.append(socket.create_connection(("127.0.0.1", webhook.port), 30))
        assert webhook.review(pod())["allowed"] is True
    finally:
        for connection in idle:
            connection.close()


# Running


class Mounted:
    """A certificate and its key at the paths that the webhook got, replaced as Kubernetes does it: by one symbolic link."""

    def __init__(self, folder, pair: Certificate):
        self.folder, self.count = folder, 0
        folder.mkdir()
        self.put(pair)
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(f"..data/{name}")
        self.place = Certificate(str(folder / "tls.crt"), str(folder / "tls.key"))

    def put(self, pair: Certificate):
        self.count += 1
        version = self.folder / f"..{self.count}"
        version.mkdir()
        shutil.copy(pair.certificate, version / "tls.crt")
        shutil.copy(pair.key, version / "tls.key")
        (self.folder / "..new").symlink_to(version.name)
        os.replace(self.folder / "..new", self.folder / "..data")


def shown(webhook) -> str:
    with webhook.connection() as connection:
        return dict(part[0] for part in connection.socket.getpeercert()["subject"])["commonName"]


def test_a_new_certificate_is_served_to_new_connections(start, authority, certificate, tmp_path):
    mounted = Mounted(tmp_path / "mounted", certificate)
    webhook = start(certificate=mounted.place)
    assert shown(webhook) == "first"
    with webhook.connection() as open_one:
        assert open_one.exchange("GET", "/healthz").status == 200
        mounted.put(authority.issue("second", NAMES))
        wait_until(lambda: shown(webhook) == "second", "the second certificate")
        assert open_one.exchange("GET", "/healthz").status == 200
    # A key that does not belong to it changes nothing.
    third, other = authority.issue("third", NAMES), authority.issue("fourth", NAMES)
    mounted.put(Certificate(third.certificate, other.key))
    wait_until(lambda: webhook.lines("certificates not changed: the files cannot be used"), "the line of the log")
    assert shown(webhook) == "second"
    mounted.put(third)
    wait_until(lambda: shown(webhook) == "third", "the third certificate")
    line = wait_until(lambda: webhook.lines("certificates changed"), "the line of the log")[0]
    assert line["section"] == "webhook"
    assert "PRIVATE" not in webhook.output()


def test_at_sigterm_requests_in_flight_finish(start):
    webhook = start()
    body = text_of().encode()
    with webhook.connection() as connection:
        connection.request("POST", "/mutate", JSON | {"Expect": "100-continue", "Content-Length": str(len(body))})
        assert connection.read_head().status == 100
        webhook.child.terminate()
        wait_until(lambda: webhook.lines("stopping"), "it stops")
        connection.send(body)
        assert connection.response().json()["response"]["allowed"] is True
        assert connection.is_closed_by_peer()
    assert webhook.child.wait(30) == 0 and webhook.lines("stopped")


def test_with_a_delay_it_accepts_connections_after_sigterm(start):
    webhook = start("--drain-delay", "300s")
    webhook.child.terminate()
    wait_until(lambda: webhook.lines("stopping"), "it stops")
    assert webhook.review(pod())["allowed"] is True


def test_healthcheck_asks_it_over_tls(webhook, certificate):
    arguments = ["healthcheck", f"--set=admin.listen=127.0.0.1:{webhook.port}"]
    done = sidegate(*arguments, f"--set=admin.tls.certificate={certificate.certificate}")
    assert done.returncode == 0, done.stderr
    assert sidegate(*arguments).returncode == 1


@pytest.mark.parametrize(("arguments", "status", "message"), [
    (["--certificate", "none.pem", "--key", "none.key"], 78, "`certificate`: cannot read none.pem"),
    ([], 64, "--certificate"), (["--listen", "8443"], 64, "write"), (["--drain-delay", "1"], 64, "such as 5s"),
    (["--listen", "redirect:127.0.0.1:0"], 64, "write host:port")])
def test_mistakes_of_the_command_line_are_named(arguments, status, message, tmp_path):
    both = [] if not arguments or "--key" in arguments else ["--certificate", "a", "--key", "b"]
    done = sidegate("webhook", *both, *arguments, cwd=tmp_path)
    assert done.returncode == status and message in done.stderr, done.stderr


def test_an_unusable_certificate_ends_it_at_once(authority, certificate, tmp_path):
    old = authority.issue("old", NAMES, dates=("20200101000000Z", "20210101000000Z"))
    for pair, message in ((old, "the certificate has expired on 2021-01-01"), (Certificate(certificate.certificate, old.key), "is not the key")):
        done = sidegate("webhook", "--listen", "127.0.0.1:0", "--certificate", pair.certificate, "--key", pair.key)
        assert done.returncode == 1 and message in done.stderr, done.stderr
