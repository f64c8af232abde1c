{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* For spec.initContainers, as the first: the native sidecar; empty before Kubernetes 1.29. */}}
{{- define "sidegate-sidecar.initContainers" -}}
{{- if and (include "sidegate-sidecar.values" . | fromJson).enabled (eq (include "sidegate-sidecar.isNative" .) "true") -}}
{{- include "sidegate-sidecar.container" . -}}
{{- end -}}
{{- end }}

{{/* For spec.containers: the plain container; empty from Kubernetes 1.29 on. */}}
{{- define "sidegate-sidecar.containers" -}}
{{- if and (include "sidegate-sidecar.values" . | fromJson).enabled (ne (include "sidegate-sidecar.isNative" .) "true") -}}
{{- include "sidegate-sidecar.container" . -}}
{{- end -}}
{{- end }}

{{/* Ports are numbers: not every version resolves the names of an init container's ports in a Service or a probe. */}}
{{- define "sidegate-sidecar.container" -}}
{{- include "sidegate-sidecar.validate" . -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- $native := eq (include "sidegate-sidecar.isNative" .) "true" -}}
- name: {{ $values.name }}
  image: {{ include "sidegate-sidecar.image" . | quote }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  {{- if $native }}
  restartPolicy: Always
  {{- end }}
  args:
    - run
    - --config
    - /etc/sidegate/sidegate.yaml
    {{- with include "sidegate-sidecar.arguments" $values }}
    {{- . | nindent 4 }}
    {{- end }}
  env:
    # Files named without a path are searched here first.
    - name: CREDENTIALS_DIRECTORY
      value: /run/secrets/sidegate
    {{- if $values.existingConfigMap }}
    - name: SIDEGATE_LISTEN
      value: {{ include "sidegate-sidecar.listenAddress" . | quote }}
    - name: SIDEGATE_ADMIN_LISTEN
      value: {{ $values.config.admin.listen | quote }}
    {{- end }}
    {{- with include "sidegate-sidecar.entries" (dict "value" $values.extraEnv "key" "name" "field" "value") }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with include "sidegate-sidecar.entries" (dict "value" $values.envFrom) }}
  envFrom:
    {{- . | nindent 4 }}
  {{- end }}
  ports:
    - name: sidegate
      containerPort: {{ include "sidegate-sidecar.port" . }}
      protocol: TCP
    - name: sidegate-admin
      containerPort: {{ include "sidegate-sidecar.adminPort" . }}
      protocol: TCP
  # Succeeds when Sidegate serves, whether or not the app does: the app starts only after a native sidecar has started.
  startupProbe:
    {{- toYaml (merge (include "sidegate-sidecar.adminProbe" (list . "/healthz") | fromJson) $values.startupProbe) | nindent 4 }}
  livenessProbe:
    {{- toYaml (merge (include "sidegate-sidecar.adminProbe" (list . "/healthz") | fromJson) $values.livenessProbe) | nindent 4 }}
  readinessProbe:
    {{- toYaml (merge (include "sidegate-sidecar.adminProbe" (list . "/readyz") | fromJson) $values.readinessProbe) | nindent 4 }}
  {{- if $values.lifecycle }}
  lifecycle:
    {{- toYaml $values.lifecycle | nindent 4 }}
  {{- else if and (not $native) $values.preStopSleepSeconds (semverCompare ">=1.30.0-0" (include "sidegate-sidecar.kubeVersion" .)) }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ $values.preStopSleepSeconds }}
  {{- end }}
  {{- with $values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    # Directories, never single files (subPath): a single file is not updated with its ConfigMap or Secret.
    - name: {{ $values.name }}-config
      mountPath: /etc/sidegate
      readOnly: true
    {{- if $values.secretKeys }}
    - name: {{ $values.name }}-secrets
      mountPath: /run/secrets/sidegate
      readOnly: true
    {{- end }}
    {{- with include "sidegate-sidecar.entries" (dict "value" $values.extraVolumeMounts "key" "name" "field" "mountPath") }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* For spec.volumes. */}}
{{- define "sidegate-sidecar.volumes" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- if $values.enabled -}}
- name: {{ $values.name }}-config
  configMap:
    name: {{ include "sidegate-sidecar.configMapName" . }}
{{- if $values.secretKeys }}
- name: {{ $values.name }}-secrets
  secret:
    secretName: {{ $values.existingSecret }}
    defaultMode: {{ $values.secretMode }}
    items:
      {{- range $file, $key := $values.secretKeys }}
      - key: {{ $key | quote }}
        path: {{ $file | quote }}
      {{- end }}
{{- end }}
{{- end -}}
{{- end }}

{{/*
A probe of the app through Sidegate, since the kubelet cannot reach an app that listens on loopback:
include "sidegate-sidecar.appProbe" (list . "/health"). The path must be in config.admin.probePaths.
*/}}
{{- define "sidegate-sidecar.appProbe" -}}
{{- $root := index . 0 -}}
{{- $path := index . 1 -}}
{{- $values := include "sidegate-sidecar.values" $root | fromJson -}}
{{- if $values.enabled -}}
{{- $paths := dig "admin" "probePaths" list $values.config -}}
{{- if not (or $values.existingConfigMap (has $path (ternary $paths (list $paths) (kindIs "slice" $paths)))) -}}
{{- fail (printf "sidegate-sidecar: the probe of %s needs that path in config.admin.probePaths" $path) -}}
{{- end -}}
{{ include "sidegate-sidecar.adminProbe" (list $root (printf "/probe?path=%s" ($path | urlquery | replace "%2F" "/"))) | fromJson | toYaml }}
{{- else -}}
httpGet:
  path: {{ $path | quote }}
  port: {{ include "sidegate-sidecar.port" $root }}
{{- end -}}
{{- end }}
