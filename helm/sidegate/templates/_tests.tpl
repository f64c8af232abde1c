{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "sidegate.testLabels" -}}
app.kubernetes.io/name: {{ include "sidegate.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* `sidegate check` or `sidegate doctor` with what the pods have. */}}
{{- define "sidegate.testContainer" -}}
- name: {{ .command }}
  image: {{ include "sidegate.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - {{ .command }}
    - --config
    - /etc/sidegate/sidegate.yaml
  env:
    {{- include "sidegate.env" .root | nindent 4 }}
  {{- with include "sidegate.entries" (dict "value" .root.Values.envFrom) }}
  envFrom:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "sidegate.volumeMounts" .root | nindent 4 }}
{{- end }}

{{/*
Asks the gate's own Service: whether it leads to a pod that answers, and whether a sign-in begins there. No other host is asked.
`doctor` does it, for a configuration whose app and login page are the Service; its secrets protect nothing. Empty where a pod
of the cluster cannot ask: the certificate is for the public name, and the PROXY protocol comes from the load balancer.
*/}}
{{- define "sidegate.testsService" -}}
{{- $proxied := dig "proxyProtocol" false .Values.config }}
{{- if and .Values.tests.enabled .Values.tests.service (eq (include "sidegate.scheme" .) "http") (not $proxied) }}
{{- /* A Service without an address leads to the pods' own port. */}}
{{- $port := eq .Values.service.clusterIP "None" | ternary (include "sidegate.httpPort" .) (toString .Values.service.port) }}
{{- $url := printf "http://%s.%s.svc:%s" (include "sidegate.fullname" .) (include "sidegate.namespace" .) $port }}
- name: service
  image: {{ include "sidegate.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    - doctor
    - --config
    - /dev/null
    - --upstream
    - {{ $url | quote }}
    - --login-url
    - {{ printf "%s/.sidegate/login?from={returnURL}" $url | quote }}
  env:
    - name: SIDEGATE_PUBLICURL
      value: {{ $url | quote }}
    - name: SIDEGATE_TOKEN_KEYS
      value: '[{"secret":"no token is verified with this, it is only part of the form"}]'
    - name: SIDEGATE_SESSION_SECRET
      value: no session is sealed with this, it is only part of the form
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
