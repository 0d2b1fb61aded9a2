{{/* Name of every resource. It leaves room for what is appended to it. */}}
{{- define "egress-guard.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of this release. */}}
{{- define "egress-guard.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every resource; `commonLabels` replace none of the chart's own. */}}
{{- define "egress-guard.labels" -}}
{{- $own := dict
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- merge (include "egress-guard.selectorLabels" . | fromYaml) $own .Values.commonLabels | toYaml -}}
{{- end -}}

{{/*
Labels of the pods, whatever `podLabels` say. API servers call the pod itself: a proxy of the mesh in front of it would want the mesh's TLS.
*/}}
{{- define "egress-guard.podLabels" -}}
{{- $own := dict "sidecar.istio.io/inject" "false" "istio.io/dataplane-mode" "none" -}}
{{- merge $own (include "egress-guard.labels" . | fromYaml) .Values.podLabels | toYaml -}}
{{- end -}}

{{/* Labels of `helm test`: the webhook's Service does not select its pod. */}}
{{- define "egress-guard.testLabels" -}}
{{- $name := printf "%s-test" (default .Chart.Name .Values.nameOverride) -}}
{{- merge (dict "app.kubernetes.io/name" $name) (include "egress-guard.podLabels" . | fromYaml) | toYaml -}}
{{- end -}}

{{/* Registry, repository, and the digest or the tag. */}}
{{- define "egress-guard.image" -}}
{{- $path := list .Values.image.registry .Values.image.repository | compact | join "/" -}}
{{- $tag := .Values.image.tag -}}
{{- if not (or $tag .Values.image.digest) }}{{ $tag = .Chart.AppVersion }}{{ end -}}
{{ $path }}{{ with $tag }}:{{ . }}{{ end }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "egress-guard.serviceAccountName" -}}
{{- default (include "egress-guard.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The Secret with the certificate, or with the authority that pods sign theirs with. */}}
{{- define "egress-guard.certificateSecret" -}}
{{- default (printf "%s-certificate" (include "egress-guard.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{/* `--tls-mode` as the program calls it. */}}
{{- define "egress-guard.tlsMode" -}}
{{- get (dict "selfManaged" "self-managed" "certManager" "cert-manager" "existingSecret" "existing-secret") .Values.tls.mode -}}
{{- end -}}

{{/* The name that API servers call, which the certificate has to have. */}}
{{- define "egress-guard.host" -}}
{{ include "egress-guard.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{/* The settings file. Helm reads YAML 1.1, where `off` is no word but false. */}}
{{- define "egress-guard.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- range $rule, $severity := dig "rules" dict $settings -}}
{{- if not $severity }}{{ $_ := set $settings.rules $rule "off" }}{{ end -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* The namespace of the control plane, where the mesh configuration is. */}}
{{- define "egress-guard.rootNamespace" -}}
{{- dig "istio" "namespace" "istio-system" .Values.settings -}}
{{- end -}}

{{/* The ConfigMap of the mesh configuration. */}}
{{- define "egress-guard.meshConfigMap" -}}
istio{{ with dig "istio" "revision" "" .Values.settings }}-{{ . }}{{ end }}
{{- end -}}

{{/* What a pod is let in with at the API server, where clients look for it: a token that expires within the hour, and is renewed before. */}}
{{- define "egress-guard.tokenVolume" -}}
projected:
  sources:
    - serviceAccountToken: { path: token, expirationSeconds: 3600 }
    - configMap: { name: kube-root-ca.crt, items: [{ key: ca.crt, path: ca.crt }] }
    - downwardAPI: { items: [{ path: namespace, fieldRef: { fieldPath: metadata.namespace } }] }
{{- end -}}
