{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
What PodMonitor and ServiceMonitor have in common. /metrics needs no token; a certificate of `config.admin.tls` is verified by
Prometheus as tlsConfig says.
*/}}
{{- define "sidegate.metricsEndpoint" -}}
{{- $monitor := .monitor -}}
port: admin
path: /metrics
{{- if eq (include "sidegate.adminScheme" .root) "https" }}
scheme: https
{{- end }}
{{- with $monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if $monitor.honorLabels }}
honorLabels: true
{{- end }}
{{- with $monitor.relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.endpoint }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of the Service for metrics alone. */}}
{{- define "sidegate.metricsLabels" -}}
{{ include "sidegate.selectorLabels" . }}
app.kubernetes.io/component: metrics
{{- end }}
