{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "legacy-wiki.selectorLabels" -}}
app.kubernetes.io/name: legacy-wiki
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
