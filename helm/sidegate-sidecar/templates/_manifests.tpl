{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* The ConfigMap with sidegate.yaml: include "sidegate-sidecar.configMap" . */}}
{{- define "sidegate-sidecar.configMap" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- if and $values.enabled (not $values.existingConfigMap) -}}
{{- include "sidegate-sidecar.validate" . -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "sidegate-sidecar.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "sidegate-sidecar.labels" . | nindent 4 }}
data:
  sidegate.yaml: |
    {{- $config := deepCopy $values.config }}
    {{- if and $config.identityProvider (not $config.identityProvider.loginURL) }}
    {{- $_ := unset $config.identityProvider "loginURL" }}
    {{- end }}
    {{- toYaml $config | nindent 4 }}
  {{- range $name, $content := $values.configFiles }}
  {{ $name | quote }}: {{ $content | toJson }}
  {{- end }}
{{- end -}}
{{- end }}

{{/*
A NetworkPolicy by which the app can be reached through Sidegate only:
include "sidegate-sidecar.networkPolicy" (list . (include "my-app.selectorLabels" .))
*/}}
{{- define "sidegate-sidecar.networkPolicy" -}}
{{- $root := index . 0 -}}
{{- $selector := index . 1 -}}
{{- $values := include "sidegate-sidecar.values" $root | fromJson -}}
{{- if $values.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "sidegate-sidecar.fullname" $root }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sidegate-sidecar.labels" $root | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - port: {{ include "sidegate-sidecar.port" $root }}
          protocol: TCP
      {{- with include "sidegate-sidecar.entries" (dict "value" $values.networkPolicy.from) }}
      from:
        {{- . | nindent 8 }}
      {{- end }}
    {{- with include "sidegate-sidecar.entries" (dict "value" $values.networkPolicy.metricsFrom) }}
    - ports:
        - port: {{ include "sidegate-sidecar.adminPort" $root }}
          protocol: TCP
      from:
        {{- . | nindent 8 }}
    {{- end }}
    {{- with include "sidegate-sidecar.entries" (dict "value" $values.networkPolicy.extraIngress) }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end }}

{{/*
A PodMonitor of the Prometheus operator:
include "sidegate-sidecar.podMonitor" (list . (include "my-app.selectorLabels" .))
*/}}
{{- define "sidegate-sidecar.podMonitor" -}}
{{- $root := index . 0 -}}
{{- $selector := index . 1 -}}
{{- $values := include "sidegate-sidecar.values" $root | fromJson -}}
{{- if $values.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "sidegate-sidecar.fullname" $root }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sidegate-sidecar.labels" $root | nindent 4 }}
    {{- with $values.podMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.podMonitor.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
  podMetricsEndpoints:
    # The operator needs the port's name here.
    - port: sidegate-admin
      path: /metrics
      {{- if dig "admin" "tls" "certificate" "" $values.config }}
      scheme: https
      {{- end }}
      {{- with $values.podMonitor.tlsConfig }}
      tlsConfig:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.podMonitor.interval }}
      interval: {{ . }}
      {{- end }}
      {{- with $values.podMonitor.scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
      {{- if $values.podMonitor.honorLabels }}
      honorLabels: true
      {{- end }}
      {{- with $values.podMonitor.relabelings }}
      relabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.podMonitor.metricRelabelings }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.podMonitor.endpoint }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end -}}
{{- end }}
