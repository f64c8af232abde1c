{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* Checks that the schema of the values cannot express. All errors are reported at once, each with its fix. */}}
{{- define "sidegate-injector.validate" -}}
{{- $wrong := list }}
{{- $certificates := .Values.certificates }}
{{- if $certificates.certManager.enabled }}
{{- if $certificates.existingSecret }}
{{- $wrong = append $wrong "certificates.existingSecret and certificates.certManager.enabled: set certManager.enabled to false, or remove the Secret" }}
{{- end }}
{{- if $certificates.caBundle }}
{{- $wrong = append $wrong "certificates.caBundle is filled in by cert-manager: remove it, or set certificates.certManager.enabled to false" }}
{{- end }}
{{- else if not $certificates.existingSecret }}
{{- $wrong = append $wrong (printf "there is no certificate: set certificates.certManager.enabled, or certificates.existingSecret and certificates.caBundle for the name %s" (include "sidegate-injector.host" .)) }}
{{- else if not $certificates.caBundle }}
{{- $wrong = append $wrong "certificates.existingSecret without certificates.caBundle: the API server needs the authority of the certificate: --set-file certificates.caBundle=ca.crt" }}
{{- end }}
{{- if and (eq (include "sidegate-injector.form" .) "native") (not (semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version)) }}
{{- $wrong = append $wrong "sidecar.form is native, which Kubernetes has since 1.29: set plain, or null" }}
{{- end }}
{{- if and .Values.sidecar.port (eq (toString .Values.sidecar.port) (toString .Values.sidecar.adminPort)) }}
{{- $wrong = append $wrong "sidecar.port and sidecar.adminPort are the same: give one of them another number" }}
{{- end }}
{{- if le (int .Values.terminationGracePeriodSeconds) (int .Values.drainDelaySeconds) }}
{{- $wrong = append $wrong "terminationGracePeriodSeconds is not longer than drainDelaySeconds: reviews in flight would be cut off" }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "\n\n%s\n" (join "\n" $wrong)) }}
{{- end }}
{{- end }}
