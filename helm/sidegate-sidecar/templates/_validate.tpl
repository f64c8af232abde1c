{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
Checks that the schema of the values cannot express, all at once. Sidegate checks the rest of the configuration when the pod
starts.
*/}}
{{- define "sidegate-sidecar.validate" -}}
{{- $values := include "sidegate-sidecar.values" . | fromJson }}
{{- $config := $values.config }}
{{- $wrong := list }}
{{- if not $values.existingConfigMap }}
{{- $idp := default dict $config.identityProvider }}
{{- $session := default dict $config.session }}
{{- if not (or $config.upstream $config.upstreams) }}
{{- $wrong = append $wrong "config.upstream is not set: it is the app on loopback, such as http://127.0.0.1:3000" }}
{{- end }}
{{- if not (or $idp.loginURL (eq (toString $idp.preset) "loginradius")) }}
{{- $wrong = append $wrong "config.identityProvider.loginURL is not set: it is the login page, such as https://idp.example.com/login?return_url={returnURL}" }}
{{- end }}
{{- $open := dict "session.secret" $session.secret "session.secrets" $session.secrets "provisioning.secret" (dig "provisioning" "secret" "" $config) "telemetry.headers" (dig "telemetry" "headers" "" $config) "admin.token" (dig "admin" "token" "" $config) }}
{{- $files := dict "session.secretFile" $session.secretFile "session.secretsFile" $session.secretsFile "telemetry.headersFile" (dig "telemetry" "headersFile" "" $config) "admin.tokenFile" (dig "admin" "tokenFile" "" $config) }}
{{- range $index, $key := default list (dig "token" "keys" list $config) }}
{{- $_ := set $open (printf "token.keys[%d].secret" $index) $key.secret }}
{{- $_ := set $files (printf "token.keys[%d].secretFile" $index) $key.secretFile }}
{{- end }}
{{- range $name, $value := $open }}
{{- if and $value (not (contains "${" (toString $value))) }}
{{- $wrong = append $wrong (printf "config.%s holds a secret, and a ConfigMap is no place for one: put it into the Secret of existingSecret and use config.%sFile" $name $name) }}
{{- end }}
{{- end }}
{{- range $name, $file := $files }}
{{- if and $file (not (hasPrefix "/" (toString $file))) (not (contains "${" (toString $file))) (not (hasKey (default dict $values.secretKeys) (toString $file))) (not (hasKey (default dict $values.configFiles) (toString $file))) }}
{{- $wrong = append $wrong (printf "config.%s names the file %q, which is not in secretKeys: add %s: KEY-OF-THE-SECRET there" $name (toString $file) (toString $file)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $values.secretKeys (not $values.existingSecret) }}
{{- $wrong = append $wrong (printf "existingSecret is not set: it names the Secret with Sidegate's secrets, and this chart never generates one. Create it, then set existingSecret: %s:\n\n    %s\n" (include "sidegate-sidecar.fullname" .) (include "sidegate-sidecar.createSecret" .)) }}
{{- end }}
{{- if not (include "sidegate-sidecar.listenAddress" .) }}
{{- $wrong = append $wrong "config.listen has no address with a port, which the Service needs: add 0.0.0.0:8080" }}
{{- end }}
{{- $admin := toString (dig "admin" "listen" "" $config) }}
{{- if not (regexMatch "^[^/]*:[0-9]+$" $admin) }}
{{- $wrong = append $wrong "config.admin.listen has no port, which the probes need: set 0.0.0.0:9180" }}
{{- else if regexMatch "^(127\\.|localhost:|\\[::1\\])" $admin }}
{{- $wrong = append $wrong (printf "config.admin.listen is %s, where the kubelet's probes cannot reach it: set 0.0.0.0:9180" $admin) }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "the values of sidegate-sidecar are not complete, or contradict each other:\n\n- %s\n" (join "\n- " $wrong)) }}
{{- end }}
{{- end }}
