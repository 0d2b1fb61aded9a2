{{/* Refuses combinations of values that cannot work; the schema refuses single values. Rendered by the Deployment. */}}
{{- define "egress-guard.guards" -}}
{{- if and (eq .Values.tls.mode "existingSecret") (not .Values.tls.existingSecret) -}}
{{- fail "tls.existingSecret: it is empty, and tls.mode is existingSecret; name the Secret with tls.crt, tls.key and ca.crt" -}}
{{- end -}}
{{- if and .Values.tls.existingSecret (ne .Values.tls.mode "existingSecret") -}}
{{- fail (printf "tls.existingSecret: tls.mode '%s' has a Secret of its own; set tls.mode to existingSecret, or name none" .Values.tls.mode) -}}
{{- end -}}
{{- if and .Values.tls.certManager.issuerRef (ne .Values.tls.mode "certManager") -}}
{{- fail (printf "tls.certManager.issuerRef: tls.mode '%s' asks no issuer; set tls.mode to certManager, or remove it" .Values.tls.mode) -}}
{{- end -}}
{{- $excluded := append .Values.webhook.excludedNamespaces .Release.Namespace -}}
{{- $judged := list (include "egress-guard.rootNamespace" .) -}}
{{- range dig "egressGateways" list .Values.settings }}{{ $judged = append $judged .namespace }}{{ end -}}
{{- range uniq $judged -}}
{{- if eq . $.Release.Namespace -}}
{{- fail (printf "release namespace '%s': changes in it are not judged, and it is the control plane's or an egress gateway's; install egress-guard in a namespace of its own" .) -}}
{{- else if has . $excluded -}}
{{- fail (printf "webhook.excludedNamespaces: '%s' is the namespace of the control plane or of an egress gateway; remove it" .) -}}
{{- end -}}
{{- end -}}
{{- $root := include "egress-guard.rootNamespace" . -}}
{{- /* Where Helm asks no cluster there is no namespace at all. A release that fails half-way would leave webhooks that nobody answers. */ -}}
{{- if and (lookup "v1" "Namespace" "" "kube-system") (not (lookup "v1" "Namespace" "" $root)) -}}
{{- fail (printf "settings.istio.namespace: there is no namespace '%s' in this cluster; name that of the control plane, or install Istio first" $root) -}}
{{- end -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.shutdownDelaySeconds) 20) -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is less than shutdownDelaySeconds and 20 for what is in flight; raise it to %d" (int .Values.terminationGracePeriodSeconds) (add (int .Values.shutdownDelaySeconds) 20)) -}}
{{- end -}}
{{- if eq (int .Values.ports.webhook) (int .Values.ports.ops) -}}
{{- fail (printf "ports.ops: %d is the port of the webhook, too; choose another" (int .Values.ports.ops)) -}}
{{- end -}}
{{- if and .Values.hostNetwork .Values.networkPolicy.enabled -}}
{{- fail "networkPolicy.enabled: a NetworkPolicy does not hold for pods on the network of their node; set it or hostNetwork to false" -}}
{{- end -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.name: it is empty, and none is made; name the ServiceAccount, or set serviceAccount.create" -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if regexMatch "^--(files|settings|tls-[a-z]+|cert-secret|webhook-configuration|service|namespace|port|ops-port|shutdown-delay)(=|$)" . -}}
{{- fail (printf "extraArgs: '%s' is set by the chart; use its values" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
