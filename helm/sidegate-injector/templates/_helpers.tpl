{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "sidegate-injector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Release and chart name combined; at most 63 characters, the limit of DNS labels. */}}
{{- define "sidegate-injector.fullname" -}}
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

{{- define "sidegate-injector.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "sidegate-injector.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sidegate-injector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sidegate-injector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sidegate-injector.labels" -}}
helm.sh/chart: {{ include "sidegate-injector.chart" . }}
{{ include "sidegate-injector.selectorLabels" . }}
{{- with .Chart.AppVersion }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidegate-injector.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sidegate-injector.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sidegate-injector.image" -}}
{{- $repository := .Values.image.repository }}
{{- with .Values.global.imageRegistry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Of the MutatingWebhookConfiguration, which belongs to no namespace. */}}
{{- define "sidegate-injector.configurationName" -}}
{{- printf "%s.%s" (include "sidegate-injector.fullname" .) (include "sidegate-injector.namespace" .) }}
{{- end }}

{{/* The host by which the API server calls the Service. */}}
{{- define "sidegate-injector.host" -}}
{{- printf "%s.%s.svc" (include "sidegate-injector.fullname" .) (include "sidegate-injector.namespace" .) }}
{{- end }}

{{- define "sidegate-injector.port" -}}
{{- regexFind "[0-9]+$" .Values.listen }}
{{- end }}

{{/* native or plain. */}}
{{- define "sidegate-injector.form" -}}
{{- if .Values.sidecar.form }}
{{- .Values.sidecar.form }}
{{- else if semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version }}native{{ else }}plain{{ end }}
{{- end }}

{{/* Names of the chart's further objects: at most 63 characters with the suffix. */}}
{{- define "sidegate-injector.named" -}}
{{- printf "%s-%s" (include "sidegate-injector.fullname" .root | trunc 55 | trimSuffix "-") .suffix }}
{{- end }}

{{- define "sidegate-injector.secretName" -}}
{{- default (include "sidegate-injector.named" (dict "root" . "suffix" "tls")) .Values.certificates.existingSecret }}
{{- end }}

{{/* The chart's own authority signs the certificate. */}}
{{- define "sidegate-injector.ownAuthority" -}}
{{- with .Values.certificates.certManager }}
{{- if and .enabled (not .issuerRef.name) }}true{{ end }}
{{- end }}
{{- end }}

{{/* A webhook of the configuration: name, namespaceSelector and objectSelector. */}}
{{- define "sidegate-injector.webhook" -}}
{{- $root := .root }}
{{- $webhook := $root.Values.webhook }}
{{- $excluded := append $webhook.excludedNamespaces (include "sidegate-injector.namespace" $root) | uniq }}
{{- $exclusion := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" $excluded }}
{{- $expressions := append (default list .namespaceSelector.matchExpressions) $exclusion }}
- name: {{ .name }}.{{ include "sidegate-injector.host" $root }}
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: {{ $webhook.failurePolicy }}
  reinvocationPolicy: {{ $webhook.reinvocationPolicy }}
  matchPolicy: {{ $webhook.matchPolicy }}
  timeoutSeconds: {{ $webhook.timeoutSeconds }}
  clientConfig:
    service:
      name: {{ include "sidegate-injector.fullname" $root }}
      namespace: {{ include "sidegate-injector.namespace" $root }}
      path: /mutate
      port: {{ $root.Values.service.port }}
    {{- with $root.Values.certificates.caBundle }}
    caBundle: {{ b64enc . }}
    {{- end }}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
  namespaceSelector:
    {{- with .namespaceSelector.matchLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    matchExpressions:
      {{- toYaml $expressions | nindent 6 }}
  {{- with .objectSelector }}
  objectSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Different from those of the Deployment's pods, so that neither the Service nor a policy selects the pod of `helm test`. */}}
{{- define "sidegate-injector.testLabels" -}}
app.kubernetes.io/name: {{ include "sidegate-injector.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
