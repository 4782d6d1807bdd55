{{/* Labels by which the operator's pods are found; a Deployment cannot change them. */}}
{{- define "trainer-operator.selector" -}}
app.kubernetes.io/name: trainer-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "trainer-operator.labels" -}}
{{ include "trainer-operator.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Name of an image, from its values and the default tag. */}}
{{- define "trainer-operator.image" -}}
{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- end }}

{{/* What the operator may do where it serves. Secrets are not in it, and must never be. */}}
{{- define "trainer-operator.rules" -}}
- apiGroups: [training.sensors.dev]
  resources: [trainingruns]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [training.sensors.dev]
  resources: [trainingruns/status]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, get, list, watch, patch, delete]
# Why an attempt failed, its progress and its result.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# The predictor: the version goes into its annotations.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, patch]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, list]
{{- end }}
