{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* The options of config.redis that the value `redis` stands for, as JSON. Files are those of sidegate.redisSources. */}}
{{- define "sidegate.redisConfig" -}}
{{- $redis := .Values.redis }}
{{- $addresses := include "sidegate.redisAddresses" . | fromJsonArray }}
{{- $options := dict }}
{{- if eq $redis.type "standalone" }}
{{- $url := printf "%s://%s/%d" (ternary "rediss" "redis" $redis.tls.enabled) (first $addresses) (int $redis.database) }}
{{- $_ := set $options "url" $url }}
{{- else }}
{{- $_ := set $options (ternary "sentinels" "cluster" (eq $redis.type "sentinel")) $addresses }}
{{- if $redis.tls.enabled }}
{{- $_ := set $options "tls" true }}
{{- end }}
{{- end }}
{{- if eq $redis.type "sentinel" }}
{{- $_ := set $options "master" $redis.sentinel.master }}
{{- if $redis.database }}
{{- $_ := set $options "database" (int $redis.database) }}
{{- end }}
{{- with $redis.sentinel.user }}
{{- $_ := set $options "sentinelUser" . }}
{{- end }}
{{- if $redis.sentinel.existingSecret }}
{{- $_ := set $options "sentinelPasswordFile" "redis-sentinel-password" }}
{{- end }}
{{- end }}
{{- with $redis.user }}
{{- $_ := set $options "user" . }}
{{- end }}
{{- if $redis.existingSecret }}
{{- $_ := set $options "passwordFile" "redis-password" }}
{{- end }}
{{- if or $redis.tls.existingSecret $redis.tls.existingConfigMap }}
{{- $_ := set $options "ca" "redis-ca.crt" }}
{{- end }}
{{- with $redis.tls.serverName }}
{{- $_ := set $options "serverName" . }}
{{- end }}
{{- if $redis.tls.clientSecret }}
{{- $_ := set $options "clientCertificate" "redis-client.crt" }}
{{- $_ := set $options "clientKey" "redis-client.key" }}
{{- end }}
{{- toJson $options }}
{{- end }}

{{/* The addresses with their templates expanded, as JSON. */}}
{{- define "sidegate.redisAddresses" -}}
{{- $addresses := list }}
{{- range .Values.redis.addresses }}
{{- $addresses = append $addresses (include "sidegate.text" (dict "root" $ "text" .)) }}
{{- end }}
{{- toJson $addresses }}
{{- end }}

{{/* The files for Redis, as further sources of the volume with the secrets. */}}
{{- define "sidegate.redisSources" -}}
{{- with .Values.redis }}
{{- if .type }}
{{- with .existingSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .) }}
    items:
      - key: {{ $.Values.redis.passwordKey | quote }}
        path: redis-password
{{- end }}
{{- if and (eq .type "sentinel") .sentinel.existingSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .sentinel.existingSecret) }}
    items:
      - key: {{ .sentinel.passwordKey | quote }}
        path: redis-sentinel-password
{{- end }}
{{- if .tls.existingSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .tls.existingSecret) }}
    items:
      - key: {{ .tls.caKey | quote }}
        path: redis-ca.crt
{{- else if .tls.existingConfigMap }}
- configMap:
    name: {{ include "sidegate.text" (dict "root" $ "text" .tls.existingConfigMap) }}
    items:
      - key: {{ .tls.caKey | quote }}
        path: redis-ca.crt
{{- end }}
{{- with .tls.clientSecret }}
- secret:
    name: {{ include "sidegate.text" (dict "root" $ "text" .) }}
    items:
      - key: tls.crt
        path: redis-client.crt
      - key: tls.key
        path: redis-client.key
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ports to which the gate connects, as JSON: those of the addresses, and those of the servers behind them. */}}
{{- define "sidegate.redisPorts" -}}
{{- $ports := list }}
{{- range include "sidegate.redisAddresses" . | fromJsonArray }}
{{- $ports = append $ports (regexFind "[0-9]+$" . | int) }}
{{- end }}
{{- range .Values.redis.serverPorts }}
{{- $ports = append $ports (int .) }}
{{- else }}
{{- if eq .Values.redis.type "sentinel" }}
{{- $ports = append $ports 6379 }}
{{- end }}
{{- end }}
{{- toJson ($ports | uniq) }}
{{- end }}

{{/* An init container that ends when Redis answers. */}}
{{- define "sidegate.waitForRedis" -}}
{{- $redis := .Values.redis }}
{{- $wait := $redis.waitForRedis }}
- name: wait-for-redis
  image: {{ include "sidegate.repository" (dict "root" . "repository" $wait.image) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - sh
    - -c
    - |
      {{- .Files.Get "files/wait-for-redis.sh" | trim | nindent 6 }}
    - wait-for-redis
    {{- range include "sidegate.redisAddresses" . | fromJsonArray }}
    - {{ . | quote }}
    {{- end }}
  env:
    - name: TYPE
      value: {{ $redis.type }}
    - name: TIMEOUT_SECONDS
      value: {{ $wait.timeoutSeconds | int | quote }}
    - name: FILES
      value: /run/secrets/sidegate
    - name: REDIS_USER
      value: {{ $redis.user | quote }}
    - name: REDIS_TLS
      value: {{ $redis.tls.enabled | quote }}
    - name: REDIS_SERVER_NAME
      value: {{ $redis.tls.serverName | quote }}
    {{- if eq $redis.type "sentinel" }}
    - name: SENTINEL_MASTER
      value: {{ $redis.sentinel.master | quote }}
    - name: SENTINEL_USER
      value: {{ $redis.sentinel.user | quote }}
    {{- end }}
  {{- with $wait.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if include "sidegate.secretSources" . }}
  volumeMounts:
    - name: secrets
      mountPath: /run/secrets/sidegate
      readOnly: true
  {{- end }}
{{- end }}
