# SPDX-License-Identifier: Apache-2.0
"""The Pod Security Standard "restricted", and this project's further requirements for pods.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from rendering import containers

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def findings(pod: dict):
    """The violations of the standard in a pod's specification."""
    own = pod.get("securityContext") or {}
    yield from (f"{field} is set" for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
    for volume in pod.get("volumes") or []:
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']} is of a forbidden type"
    for container in containers(pod):
        name, context = container["name"], container.get("securityContext") or {}
        capabilities = context.get("capabilities") or {}
        if context.get("privileged"):
            yield f"{name} is privileged"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name} may escalate privileges"
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"{name} has capabilities"
        if context.get("runAsNonRoot", own.get("runAsNonRoot")) is not True:
            yield f"{name} may run as root"
        if context.get("runAsUser", own.get("runAsUser")) == 0:
            yield f"{name} runs as root"
        profile = context.get("seccompProfile") or own.get("seccompProfile") or {}
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name} has no seccomp profile"
        if any(port.get("hostPort") for port in container.get("ports") or []):
            yield f"{name} uses a host port"


def findings_beyond(pod: dict):
    """The violations of this project's further requirements."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "has the token of a service account"
    if pod.get("enableServiceLinks") is not False:
        yield "gets variables for each Service; those of a Service named sidegate would be read as settings"
    for container in containers(pod):
        if (container.get("securityContext") or {}).get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} can write to its root"
        if any("subPath" in mount for mount in container.get("volumeMounts") or []):
            yield f"{container['name']} mounts a single file, which is never updated"
