{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The values of this chart, under its own name or the alias `sidegate`, as JSON, with defaults for secretKeys and the two
secrets of the configuration. These are not in values.yaml, because null does not remove a default of a dependency.
*/}}
{{- define "sidegate-sidecar.values" -}}
{{- $given := dict -}}
{{- if hasKey .Values "sidegate-sidecar" -}}
{{- $given = index .Values "sidegate-sidecar" -}}
{{- else if hasKey .Values "sidegate" -}}
{{- $given = .Values.sidegate -}}
{{- else -}}
{{- fail "sidegate-sidecar: the chart's values have neither `sidegate-sidecar` nor `sidegate`: list the library under `dependencies` in Chart.yaml, with `alias: sidegate` or without" -}}
{{- end -}}
{{- $values := deepCopy $given -}}
{{- if $values.configTemplates -}}
{{- include "sidegate-sidecar.expand" (dict "root" . "box" (dict "value" $values.config)) -}}
{{- end -}}
{{- if not $values.secretKeys -}}
{{- $_ := set $values "secretKeys" (dict "jwt" "jwt-secret" "session" "session-secret") -}}
{{- end -}}
{{- $session := default dict $values.config.session -}}
{{- if and (hasKey $values.secretKeys "session") (not (or $session.secret $session.secrets $session.secretFile $session.secretsFile)) -}}
{{- $_ := set $values.config "session" (merge (dict "secretFile" "session") $session) -}}
{{- end -}}
{{- $token := default dict $values.config.token -}}
{{- if and (hasKey $values.secretKeys "jwt") (not $token.keys) -}}
{{- $_ := set $values.config "token" (merge (dict "keys" (list (dict "secretFile" "jwt"))) $token) -}}
{{- end -}}
{{- toJson $values -}}
{{- end }}

{{/* The first address of config.listen that has a port. */}}
{{- define "sidegate-sidecar.listenAddress" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- $listen := $values.config.listen -}}
{{- $found := "" -}}
{{- range (ternary $listen (list $listen) (kindIs "slice" $listen)) -}}
{{- if and (not $found) (regexMatch "^[^/]*:[0-9]+$" (toString .)) -}}
{{- $found = toString . -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* The number of the port of Sidegate; with enabled: false that of the app. For a Service's targetPort. */}}
{{- define "sidegate-sidecar.port" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- if $values.enabled -}}
{{- regexFind "[0-9]+$" (include "sidegate-sidecar.listenAddress" .) -}}
{{- else -}}
{{- $upstream := $values.config.upstream -}}
{{- $url := ternary (dig "url" "" (ternary $upstream dict (kindIs "map" $upstream))) (toString $upstream) (kindIs "map" $upstream) -}}
{{- $port := trimPrefix ":" (regexFind ":[0-9]+$" (trimSuffix "/" $url)) -}}
{{- required "sidegate-sidecar: with enabled: false the Service needs the app's own port, so config.upstream must name it, such as http://127.0.0.1:3000" $port -}}
{{- end -}}
{{- end }}

{{/* The number of the port of health and metrics. */}}
{{- define "sidegate-sidecar.adminPort" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- regexFind "[0-9]+$" (toString (dig "admin" "listen" "" $values.config)) -}}
{{- end }}

{{/* "true" when the sidecar is an init container that keeps running. */}}
{{- define "sidegate-sidecar.isNative" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- if kindIs "invalid" $values.native -}}
{{- semverCompare ">=1.29.0-0" (include "sidegate-sidecar.kubeVersion" .) -}}
{{- else -}}
{{- $values.native -}}
{{- end -}}
{{- end }}

{{/* The version of Kubernetes for which manifests are made. */}}
{{- define "sidegate-sidecar.kubeVersion" -}}
{{- default .Capabilities.KubeVersion.Version (include "sidegate-sidecar.values" . | fromJson).kubeVersion -}}
{{- end }}

{{/* In the registry of global.imageRegistry, which replaces the one that the repository names. */}}
{{- define "sidegate-sidecar.image" -}}
{{- $image := (include "sidegate-sidecar.values" . | fromJson).image -}}
{{- $repository := $image.repository -}}
{{- with (default dict .Values.global).imageRegistry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $repository "") -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default "0.1.0" $image.tag) -}}
{{- end -}}
{{- end }}

{{/* The httpGet of health, metrics and the app's probes. */}}
{{- define "sidegate-sidecar.adminProbe" -}}
{{- $root := index . 0 -}}
{{- $values := include "sidegate-sidecar.values" $root | fromJson -}}
{{- $asked := dict "path" (index . 1) "port" (include "sidegate-sidecar.adminPort" $root | int) -}}
{{- if dig "admin" "tls" "certificate" "" $values.config -}}
{{- $_ := set $asked "scheme" "HTTPS" -}}
{{- end -}}
{{- toJson (dict "httpGet" $asked) -}}
{{- end }}

{{/* The release's name and `sidegate`, at most 63 characters. */}}
{{- define "sidegate-sidecar.fullname" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- printf "%s-%s" (.Release.Name | trunc (int (sub 62 (len $values.name))) | trimSuffix "-") $values.name -}}
{{- end }}

{{- define "sidegate-sidecar.configMapName" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
{{- default (include "sidegate-sidecar.fullname" .) $values.existingConfigMap -}}
{{- end }}

{{- define "sidegate-sidecar.labels" -}}
app.kubernetes.io/name: sidegate
app.kubernetes.io/component: sidecar
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The command that creates the Secret. */}}
{{- define "sidegate-sidecar.createSecret" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson -}}
kubectl create secret generic {{ default (include "sidegate-sidecar.fullname" .) $values.existingSecret }} --namespace {{ .Release.Namespace }}
{{- range $file, $key := $values.secretKeys }}
{{- if eq $file "session" }} --from-literal={{ $key }}="$(openssl rand -base64 32)"
{{- else }} --from-file={{ $key }}=./{{ $file }}.secret
{{- end }}
{{- end }}
{{- end }}
