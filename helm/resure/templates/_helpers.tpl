{{- define "resure.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of all objects; 40 characters leave room for what is appended. */}}
{{- define "resure.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "resure.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "resure.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "resure.management" -}}
{{- printf "%s-management" (include "resure.fullname" .) }}
{{- end }}

{{/* What pods are found by. It cannot be changed once installed. */}}
{{- define "resure.selector" -}}
app.kubernetes.io/name: {{ include "resure.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: service
{{- end }}

{{- define "resure.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "resure.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "resure.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What cannot be, said before anything is rendered. */}}
{{- define "resure.check" -}}
{{- $access := .Values.access }}
{{- if not (or $access.tokens.secret $access.oidc.issuer $access.anonymous) }}
{{- fail "Who may call? Set access.tokens.secret (a secret with a file of tokens), or access.oidc.issuer and access.oidc.audience, or, where anybody may do anything, access.anonymous=true." }}
{{- end }}
{{- if and $access.anonymous (or $access.tokens.secret $access.oidc.issuer) }}
{{- fail "access.anonymous=true is for a service without credentials: leave it out beside access.tokens.secret or access.oidc.issuer." }}
{{- end }}
{{- if and $access.oidc.issuer (not $access.oidc.audience) }}
{{- fail "access.oidc.audience is missing: what the issuer's tokens must be for." }}
{{- end }}
{{- if eq .Values.store.kind "rocksdb" }}
{{- if gt (int .Values.replicas) 1 }}
{{- fail (printf "replicas is %d, but the embedded store has one process: for more set store.kind=postgres." (int .Values.replicas)) }}
{{- end }}
{{- if .Values.autoscaling.enabled }}
{{- fail "autoscaling.enabled is true, but the embedded store has one process: for more set store.kind=postgres." }}
{{- end }}
{{- else }}
{{- if not .Values.store.postgres.url }}
{{- fail "store.postgres.url is missing: the database, as jdbc:postgresql://HOST:5432/NAME. This chart installs none." }}
{{- end }}
{{- if not .Values.store.postgres.secret }}
{{- fail "store.postgres.secret is missing: a secret of this namespace with the database's user and password." }}
{{- end }}
{{- end }}
{{- if .Values.autoscaling.enabled }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas." }}
{{- end }}
{{- if not (dig "requests" "cpu" "" .Values.resources) }}
{{- fail "autoscaling needs resources.requests.cpu: its target is a percentage of that." }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.hosts is missing: the names under which the service is reached." }}
{{- end }}
{{- if and .Values.ingress.affinity (ne .Values.ingress.controller "nginx") }}
{{- fail "ingress.affinity is known for ingress.controller=nginx only: for others set ingress.annotations." }}
{{- end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}
{{- fail "gateway.parentRefs is missing: the gateways that the route belongs to." }}
{{- end }}
{{- if and .Values.monitoring.serviceMonitor.enabled (not $access.anonymous) (not .Values.monitoring.serviceMonitor.token.secret) }}
{{- fail "monitoring.serviceMonitor.token.secret is missing: a secret of this namespace with a token of scope metrics." }}
{{- end }}
{{- end }}

{{/* A property as text: whole numbers come as floating-point ones, which would be written 4.194304e+06. */}}
{{- define "resure.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}
{{- printf "%.0f" . }}
{{- else }}
{{- toString . }}
{{- end }}
{{- end }}

{{- define "resure.environment" -}}
{{- $access := .Values.access -}}
{{- $store := .Values.store -}}
- name: JAVA_TOOL_OPTIONS
  value: {{ .Values.jvmOptions | quote }}
- name: SERVER_ADDRESS
  value: 0.0.0.0
- name: MANAGEMENT_SERVER_ADDRESS
  value: 0.0.0.0
{{- if $access.anonymous }}
- name: RESURE_ACCESS_ANONYMOUS
  value: "true"
{{- end }}
{{- if $access.tokens.secret }}
- name: RESURE_ACCESS_TOKENS
  value: /etc/resure/access/tokens
{{- end }}
{{- if $access.oidc.issuer }}
- name: RESURE_ACCESS_OIDC_ISSUER
  value: {{ $access.oidc.issuer | quote }}
- name: RESURE_ACCESS_OIDC_AUDIENCE
  value: {{ $access.oidc.audience | quote }}
{{- with $access.oidc.keys }}
- name: RESURE_ACCESS_OIDC_KEYS
  value: {{ . | quote }}
{{- end }}
{{- with $access.oidc.tenantClaim }}
- name: RESURE_ACCESS_OIDC_TENANTCLAIM
  value: {{ . | quote }}
{{- end }}
{{- with $access.oidc.scopeClaim }}
- name: RESURE_ACCESS_OIDC_SCOPECLAIM
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if eq $store.kind "rocksdb" }}
# Below the volume: a new file system has a directory of its own (lost+found), and others' files are refused.
- name: RESURE_STATE_DIRECTORY
  value: /var/lib/resure/state
{{- if $store.embedded.backups.enabled }}
- name: RESURE_BACKUP_DIRECTORY
  value: /var/lib/resure/backups
- name: RESURE_BACKUP_EVERY
  value: {{ $store.embedded.backups.every | quote }}
- name: RESURE_BACKUP_KEEP
  value: {{ include "resure.text" $store.embedded.backups.keep | quote }}
{{- end }}
{{- else }}
- name: RESURE_JOURNAL_STORE
  value: postgres
- name: SPRING_DATASOURCE_URL
  value: {{ $store.postgres.url | quote }}
- name: SPRING_DATASOURCE_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ $store.postgres.secret }}
      key: {{ $store.postgres.usernameKey }}
- name: SPRING_DATASOURCE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $store.postgres.secret }}
      key: {{ $store.postgres.passwordKey }}
- name: SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE
  value: {{ include "resure.text" $store.postgres.connections | quote }}
{{- end }}
{{- if .Values.gpu.enabled }}
- name: RESURE_COMPUTE_BACKEND
  value: djl
- name: RESURE_COMPUTE_DEVICE
  value: gpu:0
{{- with .Values.gpu.libtorch }}
- name: RESURE_COMPUTE_LIBTORCH
  value: {{ . | quote }}
{{- end }}
- name: DJL_CACHE_DIR
  value: /tmp/djl
- name: NVIDIA_DRIVER_CAPABILITIES
  value: compute,utility
{{- end }}
{{- if .Values.tls.secret }}
- name: SPRING_SSL_BUNDLE_PEM_SERVICE_KEYSTORE_CERTIFICATE
  value: /etc/resure/tls/tls.crt
- name: SPRING_SSL_BUNDLE_PEM_SERVICE_KEYSTORE_PRIVATEKEY
  value: /etc/resure/tls/tls.key
- name: SPRING_SSL_BUNDLE_PEM_SERVICE_RELOADONUPDATE
  value: "true"
- name: SERVER_SSL_BUNDLE
  value: service
- name: MANAGEMENT_SERVER_SSL_ENABLED
  value: "false"
{{- end }}
{{- range $name, $value := .Values.properties }}
- name: {{ $name | upper | replace "-" "" | replace "." "_" }}
  value: {{ include "resure.text" $value | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod of either kind of workload. */}}
{{- define "resure.pod" -}}
metadata:
  labels:
    {{- include "resure.selector" . | nindent 4 }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  # Variables such as RESURE_PORT, which Kubernetes would add for each service, would be taken for properties and refused.
  enableServiceLinks: false
  {{- with .Values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if and .Values.gpu.enabled .Values.gpu.runtimeClass }}
  runtimeClassName: {{ .Values.gpu.runtimeClass }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: resure
      image: {{ include "resure.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        {{- include "resure.environment" . | nindent 8 }}
      ports:
        - name: http
          containerPort: 8080
        - name: management
          containerPort: 8081
      # Five minutes to start in; liveness and readiness are asked for after that.
      startupProbe:
        httpGet:
          path: /actuator/health/liveness
          port: management
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 150
      livenessProbe:
        httpGet:
          path: /actuator/health/liveness
          port: management
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /actuator/health/readiness
          port: management
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- if eq .Values.store.kind "postgres" }}
      lifecycle:
        preStop:
          sleep:
            seconds: 5
      {{- end }}
      resources:
        {{- $resources := deepCopy .Values.resources }}
        {{- if .Values.gpu.enabled }}
        {{- $_ := set $resources "limits" (merge (dict .Values.gpu.resource (int .Values.gpu.count)) (default dict $resources.limits)) }}
        {{- end }}
        {{- toYaml $resources | nindent 8 }}
      volumeMounts:
        # Native libraries are unpacked there.
        - name: tmp
          mountPath: /tmp
        {{- if eq .Values.store.kind "rocksdb" }}
        - name: state
          mountPath: /var/lib/resure
        {{- end }}
        {{- if .Values.access.tokens.secret }}
        # A directory, not a file: only then a changed secret is seen.
        - name: access
          mountPath: /etc/resure/access
          readOnly: true
        {{- end }}
        {{- if .Values.tls.secret }}
        - name: tls
          mountPath: /etc/resure/tls
          readOnly: true
        {{- end }}
        {{- if and (eq .Values.store.kind "postgres") .Values.store.postgres.ca.secret }}
        - name: postgres-ca
          mountPath: /etc/resure/postgres
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if .Values.access.tokens.secret }}
    - name: access
      secret:
        secretName: {{ .Values.access.tokens.secret }}
        defaultMode: 0440
        items:
          - key: {{ .Values.access.tokens.key }}
            path: tokens
    {{- end }}
    {{- if .Values.tls.secret }}
    - name: tls
      secret:
        secretName: {{ .Values.tls.secret }}
        defaultMode: 0440
    {{- end }}
    {{- if and (eq .Values.store.kind "postgres") .Values.store.postgres.ca.secret }}
    - name: postgres-ca
      secret:
        secretName: {{ .Values.store.postgres.ca.secret }}
        defaultMode: 0440
        items:
          - key: {{ .Values.store.postgres.ca.key }}
            path: ca.crt
    {{- end }}
  {{- $nodes := .Values.nodeSelector }}
  {{- $tolerations := .Values.tolerations }}
  {{- if .Values.gpu.enabled }}
  {{- $nodes = merge (deepCopy .Values.gpu.nodeSelector) $nodes }}
  {{- $tolerations = concat .Values.gpu.tolerations $tolerations }}
  {{- end }}
  {{- with $nodes }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and (eq .Values.store.kind "postgres") .Values.spread }}
  topologySpreadConstraints:
    {{- range .Values.spread }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "resure.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* The pod of `helm test`, as a peer. */}}
{{- define "resure.tester" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "resure.name" . }}
      app.kubernetes.io/instance: {{ .Release.Name }}
      app.kubernetes.io/component: test
{{- end }}
