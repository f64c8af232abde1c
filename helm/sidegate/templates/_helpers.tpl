{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "sidegate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Release and chart name combined; at most 63 characters, the limit of DNS labels. */}}
{{- define "sidegate.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sidegate.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "sidegate.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sidegate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sidegate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sidegate.labels" -}}
helm.sh/chart: {{ include "sidegate.chart" . }}
{{ include "sidegate.selectorLabels" . }}
{{- with .Chart.AppVersion }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidegate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sidegate.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sidegate.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "sidegate.configMapName" -}}
{{- default (include "sidegate.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{/* The first address of config.listen that has a port: HOST:PORT or :PORT. Empty when there is none. */}}
{{- define "sidegate.listenAddress" -}}
{{- $found := "" }}
{{- $listen := .Values.config.listen }}
{{- range (ternary $listen (list $listen) (kindIs "slice" $listen)) }}
{{- if and (not $found) (regexMatch "^[^/]*:[0-9]+$" (toString .)) }}
{{- $found = toString . }}
{{- end }}
{{- end }}
{{- $found }}
{{- end }}

{{- define "sidegate.httpPort" -}}
{{- regexFind "[0-9]+$" (include "sidegate.listenAddress" .) }}
{{- end }}

{{- define "sidegate.adminPort" -}}
{{- regexFind "[0-9]+$" (toString (dig "admin" "listen" "" .Values.config)) }}
{{- end }}

{{- define "sidegate.scheme" -}}
{{- if dig "tls" "certificates" list .Values.config }}https{{ else }}http{{ end }}
{{- end }}

{{/* The address for browsers, as far as the values define it. */}}
{{- define "sidegate.publicURL" -}}
{{- if .Values.config.publicURL }}
{{- .Values.config.publicURL | trimSuffix "/" }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts }}
{{- $host := (first .Values.ingress.hosts).host }}
{{- printf "%s://%s" (ternary "https" "http" (not (empty .Values.ingress.tls))) (default "HOST" $host) }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames }}
{{- printf "https://%s" (first .Values.httpRoute.hostnames) }}
{{- end }}
{{- end }}

{{- define "sidegate.env" -}}
# Files named without a path are searched here first.
- name: CREDENTIALS_DIRECTORY
  value: /run/secrets/sidegate
{{- if .Values.existingConfigMap }}
- name: SIDEGATE_LISTEN
  value: {{ include "sidegate.listenAddress" . | quote }}
- name: SIDEGATE_ADMIN_LISTEN
  value: {{ dig "admin" "listen" "" .Values.config | quote }}
{{- end }}
{{- if and .Values.existingConfigMap .Values.admin.existingSecret }}
- name: SIDEGATE_ADMIN_TOKENFILE
  value: {{ include "sidegate.adminToken" . }}
{{- with .Values.admin.hosts }}
- name: SIDEGATE_ADMIN_HOSTS
  value: {{ toJson . | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The file with the console's token, beside the other secrets. */}}
{{- define "sidegate.adminToken" -}}
admin-token
{{- end }}

{{/* Directories, never single files (subPath): a single file is not updated with its ConfigMap or Secret. */}}
{{- define "sidegate.volumeMounts" -}}
- name: config
  mountPath: /etc/sidegate
  readOnly: true
{{- if include "sidegate.secretSources" . }}
- name: secrets
  mountPath: /run/secrets/sidegate
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidegate.secretSources" -}}
{{- if .Values.secretKeys }}
- secret:
    name: {{ .Values.existingSecret }}
    items:
      {{- range $file, $key := .Values.secretKeys }}
      - key: {{ $key | quote }}
        path: {{ $file | quote }}
      {{- end }}
{{- end }}
{{- with .Values.tls.existingSecret }}
- secret:
    name: {{ . }}
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
{{- end }}
{{- with .Values.admin.existingSecret }}
- secret:
    name: {{ . }}
    items:
      - key: {{ $.Values.admin.secretKey | quote }}
        path: {{ include "sidegate.adminToken" $ }}
{{- end }}
{{- with .Values.extraSecretSources }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidegate.volumes" -}}
- name: config
  configMap:
    name: {{ include "sidegate.configMapName" . }}
{{- with include "sidegate.secretSources" . }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | trim | nindent 6 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
