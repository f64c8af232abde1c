{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
Checks that the schema of the values cannot express. All errors are reported at once, each with its fix. The rest of the
configuration is checked by `sidegate check`, which runs at the pod's start and in `helm test`.
*/}}
{{- define "sidegate.validate" -}}
{{- $wrong := list }}
{{- $config := include "sidegate.givenConfig" . | fromJson }}
{{- $idp := default dict $config.identityProvider }}
{{- if not .Values.existingConfigMap }}
{{- if not (or $config.upstream $config.upstreams) }}
{{- $wrong = append $wrong "config.upstream is not set: it is the app, such as http://my-app.my-namespace.svc:80" }}
{{- end }}
{{- if not (or $idp.loginURL (eq (toString $idp.preset) "loginradius")) }}
{{- $wrong = append $wrong "config.identityProvider.loginURL is not set: it is the login page, such as https://idp.example.com/login?return_url={returnURL}" }}
{{- end }}
{{- end }}
{{- if and .Values.secretKeys (not .Values.existingSecret) }}
{{- $wrong = append $wrong (printf "existingSecret is not set: it names the Secret with Sidegate's secrets, and this chart never generates one. Create it, then set existingSecret=%s:\n\n    %s\n" (include "sidegate.fullname" .) (include "sidegate.createSecret" .)) }}
{{- end }}
{{- if not (include "sidegate.listenAddress" .) }}
{{- $wrong = append $wrong "config.listen has no address with a port, which the Service needs: add 0.0.0.0:8080" }}
{{- end }}
{{- $admin := toString (dig "admin" "listen" "" $config) }}
{{- if not (regexMatch "^[^/]*:[0-9]+$" $admin) }}
{{- $wrong = append $wrong "config.admin.listen has no port, which the probes need: set 0.0.0.0:9180" }}
{{- else if regexMatch "^(127\\.|localhost:|\\[::1\\])" $admin }}
{{- $wrong = append $wrong (printf "config.admin.listen is %s, where the kubelet's probes cannot reach it: set 0.0.0.0:9180" $admin) }}
{{- end }}
{{- if and (include "sidegate.httpPort" .) (eq (include "sidegate.httpPort" .) (include "sidegate.adminPort" .)) }}
{{- $wrong = append $wrong "config.listen and config.admin.listen have the same port: give admin.listen another" }}
{{- end }}
{{- if .Values.admin.existingSecret }}
{{- $file := include "sidegate.adminToken" . }}
{{- if dig "admin" "tokenFile" "" $config }}
{{- $wrong = append $wrong "admin.existingSecret and config.admin.tokenFile both name the console's token: remove one of them" }}
{{- end }}
{{- if hasKey .Values.secretKeys $file }}
{{- $wrong = append $wrong (printf "admin.existingSecret and secretKeys.%s make the same file: remove one of them" $file) }}
{{- end }}
{{- else if .Values.admin.hosts }}
{{- $wrong = append $wrong "admin.hosts without admin.existingSecret: there is no console without a token" }}
{{- end }}
{{- if not .Values.existingConfigMap }}
{{- $wrong = concat $wrong (include "sidegate.wrongSecrets" . | fromJsonArray) }}
{{- end }}
{{- $wrong = concat $wrong (include "sidegate.wrongRedis" . | fromJsonArray) }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- $wrong = append $wrong "httpRoute.enabled without httpRoute.parentRefs: name the Gateway, such as [{ name: gateway }]" }}
{{- end }}
{{- if and .Values.state.enabled .Values.state.existingClaim }}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}
{{- $wrong = append $wrong "state.existingClaim is for one replica: several share used tokens by replay.store: redis" }}
{{- end }}
{{- if ne .Values.strategy.type "Recreate" }}
{{- $wrong = append $wrong "state.existingClaim is used by one pod at a time: set strategy.type: Recreate, and strategy.rollingUpdate: null" }}
{{- end }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- $wrong = append $wrong "autoscaling.minReplicas is more than autoscaling.maxReplicas" }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "the values are not complete, or contradict each other:\n\n- %s\n" (join "\n- " $wrong)) }}
{{- end }}
{{- end }}

{{/* Plain-text secrets, missing files, replicas that could not read each other's cookies. */}}
{{- define "sidegate.wrongSecrets" -}}
{{- $wrong := list }}
{{- $config := include "sidegate.givenConfig" . | fromJson }}
{{- $session := default dict $config.session }}
{{- $provisioning := default dict $config.provisioning }}
{{- $redis := default dict $config.redis }}
{{- $telemetry := default dict $config.telemetry }}
{{- $admin := default dict $config.admin }}
{{- $open := dict "session.secret" $session.secret "session.secrets" $session.secrets "provisioning.secret" $provisioning.secret "telemetry.headers" $telemetry.headers "admin.token" $admin.token "redis.password" $redis.password "redis.sentinelPassword" $redis.sentinelPassword }}
{{- $files := dict "session.secretFile" $session.secretFile "session.secretsFile" $session.secretsFile "provisioning.secretFile" $provisioning.secretFile "redis.urlFile" $redis.urlFile "telemetry.headersFile" $telemetry.headersFile "admin.tokenFile" $admin.tokenFile }}
{{- if not .Values.redis.type }}
{{- $_ := set $files "redis.passwordFile" $redis.passwordFile }}
{{- $_ := set $files "redis.sentinelPasswordFile" $redis.sentinelPasswordFile }}
{{- end }}
{{- range $index, $key := default list (dig "token" "keys" list $config) }}
{{- $_ := set $open (printf "token.keys[%d].secret" $index) $key.secret }}
{{- $_ := set $files (printf "token.keys[%d].secretFile" $index) $key.secretFile }}
{{- end }}
{{- range $name, $value := $open }}
{{- if and $value (not (contains "${" (toString $value))) }}
{{- $wrong = append $wrong (printf "config.%s holds a secret, and a ConfigMap is no place for one: put it into the Secret of existingSecret and use config.%s" $name (printf "%sFile" $name)) }}
{{- end }}
{{- end }}
{{- if not .Values.extraSecretSources }}
{{- range $name, $file := $files }}
{{- if and $file (not (hasPrefix "/" (toString $file))) (not (contains "${" (toString $file))) (not (hasKey $.Values.secretKeys (toString $file))) (not (hasKey $.Values.configFiles (toString $file))) }}
{{- $wrong = append $wrong (printf "config.%s names the file %q, which is not in secretKeys: add %s: KEY-OF-THE-SECRET there" $name (toString $file) (toString $file)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1)) (not (or $session.secret $session.secrets $session.secretFile $session.secretsFile)) }}
{{- $wrong = append $wrong "more than one replica without config.session.secretFile: each would seal cookies that the others cannot open" }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{/* Contradictions in the value `redis`, and with config.redis. */}}
{{- define "sidegate.wrongRedis" -}}
{{- $wrong := list }}
{{- $redis := .Values.redis }}
{{- $given := default dict (include "sidegate.givenConfig" . | fromJson).redis }}
{{- $places := list }}
{{- range list "url" "urlFile" "sentinels" "cluster" }}
{{- if get $given . }}
{{- $places = append $places (printf "config.redis.%s" .) }}
{{- end }}
{{- end }}
{{- if not $redis.type }}
{{- if or $redis.addresses $redis.existingSecret $redis.sentinel.master $redis.tls.enabled }}
{{- $wrong = append $wrong "redis.type is not set: standalone, sentinel or cluster" }}
{{- end }}
{{- if $redis.waitForRedis.enabled }}
{{- $wrong = append $wrong "redis.waitForRedis needs redis.type and redis.addresses, which say for what to wait" }}
{{- end }}
{{- else }}
{{- if .Values.existingConfigMap }}
{{- $wrong = append $wrong "redis.type with existingConfigMap: the chart does not change that file, so write `redis` and `replay.store: redis` there" }}
{{- end }}
{{- if $places }}
{{- $wrong = append $wrong (printf "redis.type and %s both say where Redis is: remove one of them" (join ", " $places)) }}
{{- end }}
{{- if not $redis.addresses }}
{{- $wrong = append $wrong "redis.addresses is empty: name the server, the sentinels or nodes of the cluster, such as [redis.databases.svc:6379]" }}
{{- else if and (eq $redis.type "standalone") (gt (len $redis.addresses) 1) }}
{{- $wrong = append $wrong "redis.type: standalone has one address: several sentinels are type: sentinel, nodes of a cluster type: cluster" }}
{{- end }}
{{- if and (eq $redis.type "sentinel") (not $redis.sentinel.master) }}
{{- $wrong = append $wrong "redis.sentinel.master is not set: the name by which the sentinels know the primary, such as mymaster" }}
{{- else if and (ne $redis.type "sentinel") (or $redis.sentinel.master $redis.sentinel.user $redis.sentinel.existingSecret) }}
{{- $wrong = append $wrong "redis.sentinel is for redis.type: sentinel" }}
{{- end }}
{{- if and (eq $redis.type "cluster") $redis.database }}
{{- $wrong = append $wrong "redis.database: a cluster has database 0 alone" }}
{{- end }}
{{- if and (not $redis.tls.enabled) (or $redis.tls.existingSecret $redis.tls.existingConfigMap $redis.tls.clientSecret $redis.tls.serverName) }}
{{- $wrong = append $wrong "redis.tls has certificates, but redis.tls.enabled is false" }}
{{- end }}
{{- if and $redis.tls.existingSecret $redis.tls.existingConfigMap }}
{{- $wrong = append $wrong "redis.tls.existingSecret and redis.tls.existingConfigMap both hold the authorities: remove one of them" }}
{{- end }}
{{- range list "redis-password" "redis-sentinel-password" "redis-ca.crt" "redis-client.crt" "redis-client.key" }}
{{- if hasKey $.Values.secretKeys . }}
{{- $wrong = append $wrong (printf "secretKeys.%s is the name of a file of the value `redis`: give it another" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{/* The command that creates the Secret. */}}
{{- define "sidegate.createSecret" -}}
{{- $name := default (include "sidegate.fullname" .) (include "sidegate.existingSecret" .) -}}
kubectl create secret generic {{ $name }} --namespace {{ include "sidegate.namespace" . }}
{{- range $file, $key := .Values.secretKeys }}
{{- if eq $file "session" }} --from-literal={{ $key }}="$(openssl rand -base64 32)"
{{- else }} --from-file={{ $key }}=./{{ $file }}.secret
{{- end }}
{{- end }}
{{- end }}
