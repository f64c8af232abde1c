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
{{- $repository := include "sidegate.repository" (dict "root" . "repository" .Values.image.repository) }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* A repository in the registry of global.imageRegistry, which replaces the registry that it names. */}}
{{- define "sidegate.repository" -}}
{{- $registry := .root.Values.global.imageRegistry }}
{{- if $registry }}
{{- printf "%s/%s" (trimSuffix "/" $registry) (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" .repository "") }}
{{- else }}
{{- .repository }}
{{- end }}
{{- end }}

{{/* Those of global.imagePullSecrets, then those of imagePullSecrets, each by name or as an object. */}}
{{- define "sidegate.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range list .Values.global.imagePullSecrets .Values.imagePullSecrets }}
{{- range include "sidegate.entries" (dict "value" . "key" "name") | fromYamlArray }}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- end }}
{{- with uniq $secrets }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* The version of Kubernetes for which manifests are made. */}}
{{- define "sidegate.kubeVersion" -}}
{{- default .Capabilities.KubeVersion.Version .Values.kubeVersion }}
{{- end }}

{{/*
The entries of a list, or of a map whose keys become the field `key` of its entries; null removes an entry. An entry that is
no object becomes the field `field`.
*/}}
{{- define "sidegate.entries" -}}
{{- $entries := list }}
{{- if kindIs "map" .value }}
{{- range $name, $entry := .value }}
{{- if kindIs "map" $entry }}
{{- $entries = append $entries (ternary (merge (dict) $entry (dict (default "name" $.key) $name)) $entry (hasKey $ "key")) }}
{{- else if kindIs "invalid" $entry }}
{{- else if and (hasKey $ "field") (or (kindIs "string" $entry) (kindIs "slice" $entry)) }}
{{- $entries = append $entries (dict $.key $name $.field $entry) }}
{{- else if hasKey $ "field" }}
{{- /* toString writes large numbers with an exponent. */}}
{{- $entries = append $entries (dict $.key $name $.field (toJson $entry)) }}
{{- else }}
{{- $entries = append $entries $entry }}
{{- end }}
{{- end }}
{{- else if .value }}
{{- $entries = .value }}
{{- end }}
{{- if $entries }}
{{- toYaml $entries }}
{{- end }}
{{- end }}

{{/* Command-line arguments: a list, or a map of options, whose values may be lists; true is an option without a value. */}}
{{- define "sidegate.extraArgs" -}}
{{- $arguments := list }}
{{- if kindIs "map" .Values.extraArgs }}
{{- range $name, $value := .Values.extraArgs }}
{{- range ternary $value (list $value) (kindIs "slice" $value) }}
{{- if kindIs "invalid" . }}
{{- else if and (kindIs "bool" .) . }}
{{- $arguments = append $arguments (printf "--%s" $name) }}
{{- else }}
{{- $arguments = append $arguments (printf "--%s=%s" $name (kindIs "string" . | ternary . (toJson .))) }}
{{- end }}
{{- end }}
{{- end }}
{{- else if .Values.extraArgs }}
{{- $arguments = .Values.extraArgs }}
{{- end }}
{{- if $arguments }}
{{- toYaml $arguments }}
{{- end }}
{{- end }}

{{/* A text with its templates expanded. */}}
{{- define "sidegate.text" -}}
{{- if contains "{{" .text }}
{{- tpl .text .root }}
{{- else }}
{{- .text }}
{{- end }}
{{- end }}

{{/* Expands the templates in all texts of `box.value`, in place. */}}
{{- define "sidegate.expand" -}}
{{- $root := .root }}
{{- $value := .box.value }}
{{- if kindIs "map" $value }}
{{- range $name, $entry := $value }}
{{- $box := dict "value" $entry }}
{{- include "sidegate.expand" (dict "root" $root "box" $box) }}
{{- $_ := set $value $name $box.value }}
{{- end }}
{{- else if kindIs "slice" $value }}
{{- $entries := list }}
{{- range $value }}
{{- $box := dict "value" . }}
{{- include "sidegate.expand" (dict "root" $root "box" $box) }}
{{- $entries = append $entries $box.value }}
{{- end }}
{{- $_ := set .box "value" $entries }}
{{- else if kindIs "string" $value }}
{{- $_ := set .box "value" (include "sidegate.text" (dict "root" $root "text" $value)) }}
{{- end }}
{{- end }}

{{/* The value `config` with its templates expanded, as JSON. */}}
{{- define "sidegate.givenConfig" -}}
{{- $box := dict "value" (deepCopy .Values.config) }}
{{- if .Values.configTemplates }}
{{- include "sidegate.expand" (dict "root" . "box" $box) }}
{{- end }}
{{- toJson $box.value }}
{{- end }}

{{/* Sidegate's configuration as JSON: `config`, and what other values add to it. */}}
{{- define "sidegate.config" -}}
{{- $config := include "sidegate.givenConfig" . | fromJson }}
{{- if and $config.identityProvider (not $config.identityProvider.loginURL) }}
{{- /* An empty value would override the preset's. */}}
{{- $_ := unset $config.identityProvider "loginURL" }}
{{- end }}
{{- if .Values.admin.existingSecret }}
{{- $console := dict "tokenFile" (include "sidegate.adminToken" .) }}
{{- with .Values.admin.hosts }}
{{- $_ := set $console "hosts" . }}
{{- end }}
{{- $_ := set $config "admin" (merge $console $config.admin) }}
{{- end }}
{{- if .Values.redis.type }}
{{- $_ := set $config "redis" (merge (include "sidegate.redisConfig" . | fromJson) (default dict $config.redis)) }}
{{- $_ := set $config "replay" (merge (default dict $config.replay) (dict "store" "redis")) }}
{{- end }}
{{- toJson $config }}
{{- end }}

{{- define "sidegate.existingSecret" -}}
{{- include "sidegate.text" (dict "root" . "text" .Values.existingSecret) }}
{{- end }}

{{- define "sidegate.configMapName" -}}
{{- default (include "sidegate.fullname" .) (include "sidegate.text" (dict "root" . "text" .Values.existingConfigMap)) }}
{{- end }}

{{/* The first address of config.listen that has a port: HOST:PORT or :PORT. Empty when there is none. */}}
{{- define "sidegate.listenAddress" -}}
{{- $found := "" }}
{{- $listen := (include "sidegate.config" . | fromJson).listen }}
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
{{- regexFind "[0-9]+$" (include "sidegate.adminListen" .) }}
{{- end }}

{{- define "sidegate.adminListen" -}}
{{- toString (dig "admin" "listen" "" (include "sidegate.config" . | fromJson)) }}
{{- end }}

{{- define "sidegate.scheme" -}}
{{- if dig "tls" "certificates" list .Values.config }}https{{ else }}http{{ end }}
{{- end }}

{{/* How health and metrics are requested. */}}
{{- define "sidegate.adminScheme" -}}
{{- if dig "admin" "tls" "certificate" "" .Values.config }}https{{ else }}http{{ end }}
{{- end }}

{{/* A probe; on the port of health and metrics it is made as that port listens, unless it names a scheme. */}}
{{- define "sidegate.probe" -}}
{{- $probe := deepCopy .probe }}
{{- if and (eq (include "sidegate.adminScheme" .root) "https") (eq (toString (dig "httpGet" "port" "" $probe)) "admin") }}
{{- $_ := set $probe "httpGet" (merge $probe.httpGet (dict "scheme" "HTTPS")) }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* The address for browsers, as far as the values define it. */}}
{{- define "sidegate.publicURL" -}}
{{- $config := include "sidegate.config" . | fromJson }}
{{- if $config.publicURL }}
{{- $config.publicURL | trimSuffix "/" }}
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
  value: {{ include "sidegate.adminListen" . | quote }}
{{- end }}
{{- if and .Values.existingConfigMap .Values.admin.existingSecret }}
- name: SIDEGATE_ADMIN_TOKENFILE
  value: {{ include "sidegate.adminToken" . }}
{{- with .Values.admin.hosts }}
- name: SIDEGATE_ADMIN_HOSTS
  value: {{ toJson . | quote }}
{{- end }}
{{- end }}
{{- with include "sidegate.entries" (dict "value" .Values.extraEnv "key" "name" "field" "value") }}
{{ . }}
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
{{- with include "sidegate.entries" (dict "value" .Values.extraVolumeMounts "key" "name" "field" "mountPath") }}
{{ . }}
{{- end }}
{{- end }}

{{- define "sidegate.secretSources" -}}
{{- if .Values.secretKeys }}
- secret:
    name: {{ include "sidegate.existingSecret" . }}
    items:
      {{- range $file, $key := .Values.secretKeys }}
      - key: {{ $key | quote }}
        path: {{ $file | quote }}
      {{- end }}
{{- end }}
{{- with .Values.tls.existingSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .) }}
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
{{- end }}
{{- with .Values.admin.existingSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .) }}
    items:
      - key: {{ $.Values.admin.secretKey | quote }}
        path: {{ include "sidegate.adminToken" $ }}
{{- end }}
{{- with include "sidegate.redisSources" . }}
{{ . | trim }}
{{- end }}
{{- with include "sidegate.entries" (dict "value" .Values.extraSecretSources) }}
{{ . }}
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
{{- with include "sidegate.entries" (dict "value" .Values.extraVolumes "key" "name") }}
{{ . }}
{{- end }}
{{- end }}
