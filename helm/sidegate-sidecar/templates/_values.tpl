{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The entries of a list, or of a map whose keys become the field `key` of its entries; null removes an entry. An entry that is
no object becomes the field `field`.
*/}}
{{- define "sidegate-sidecar.entries" -}}
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

{{/* A text with its templates expanded. */}}
{{- define "sidegate-sidecar.text" -}}
{{- if contains "{{" .text }}
{{- tpl .text .root }}
{{- else }}
{{- .text }}
{{- end }}
{{- end }}

{{/* Expands the templates in all texts of `box.value`, in place. */}}
{{- define "sidegate-sidecar.expand" -}}
{{- $root := .root }}
{{- $value := .box.value }}
{{- if kindIs "map" $value }}
{{- range $name, $entry := $value }}
{{- $box := dict "value" $entry }}
{{- include "sidegate-sidecar.expand" (dict "root" $root "box" $box) }}
{{- $_ := set $value $name $box.value }}
{{- end }}
{{- else if kindIs "slice" $value }}
{{- $entries := list }}
{{- range $value }}
{{- $box := dict "value" . }}
{{- include "sidegate-sidecar.expand" (dict "root" $root "box" $box) }}
{{- $entries = append $entries $box.value }}
{{- end }}
{{- $_ := set .box "value" $entries }}
{{- else if kindIs "string" $value }}
{{- $_ := set .box "value" (include "sidegate-sidecar.text" (dict "root" $root "text" $value)) }}
{{- end }}
{{- end }}

{{/* Command-line arguments: a list, or a map of options, whose values may be lists; true is an option without a value. */}}
{{- define "sidegate-sidecar.arguments" -}}
{{- $arguments := list }}
{{- if kindIs "map" .extraArgs }}
{{- range $name, $value := .extraArgs }}
{{- range ternary $value (list $value) (kindIs "slice" $value) }}
{{- if kindIs "invalid" . }}
{{- else if and (kindIs "bool" .) . }}
{{- $arguments = append $arguments (printf "--%s" $name) }}
{{- else }}
{{- $arguments = append $arguments (printf "--%s=%s" $name (kindIs "string" . | ternary . (toJson .))) }}
{{- end }}
{{- end }}
{{- end }}
{{- else if .extraArgs }}
{{- $arguments = .extraArgs }}
{{- end }}
{{- if $arguments }}
{{- toYaml $arguments }}
{{- end }}
{{- end }}
