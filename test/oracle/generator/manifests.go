package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/schema/resource"
	kubelib "istio.io/istio/pkg/kube"
)

// manifests is what istiod would find in the cluster.
type manifests struct {
	mesh     *meshconfig.MeshConfig
	configs  []config.Config  // Istio's kinds, for the configuration store
	objects  []runtime.Object // everything that istiod reads from Kubernetes, ServiceEntries too (HTTPRoutes refer to them)
	services []*corev1.Service
	clients  []*workload // application pods, in the order of the manifests
	gateways []*workload // pods that run a proxy and nothing else
	rejected []string    // what the API server or istiod's validation refuses
}

// workload is one pod.
type workload struct {
	name           string // of the Pod or Deployment
	namespace      string
	serviceAccount string
	labels         map[string]string
	address        string
	ports          map[string]int32 // named container ports
}

// oldest is the age of the first object; each later one is a second younger.
var oldest = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// readManifests reads a multi-document YAML text as an API server with Istio's webhooks would.
func readManifests(text string) (*manifests, error) {
	documents, err := splitDocuments(text)
	if err != nil {
		return nil, err
	}
	result := &manifests{mesh: mesh.DefaultMeshConfig()}
	for i, object := range documents {
		if object.GetCreationTimestamp().Time.IsZero() {
			object.SetCreationTimestamp(metav1.NewTime(oldest.Add(time.Duration(i) * time.Second)))
		}
		if err := result.add(object); err != nil {
			return nil, fmt.Errorf("%s: %w", title(object), err)
		}
	}
	result.addGenerated()
	return result, nil
}

// splitDocuments yields the objects of a text. A later object of the same name replaces the earlier, as kubectl apply does.
func splitDocuments(text string) ([]*unstructured.Unstructured, error) {
	var result []*unstructured.Unstructured
	places := map[string]int{}
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return result, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := parseDocument(document)
		if err != nil {
			return nil, err
		}
		for _, object := range itemsOf(content) {
			key := object.GroupVersionKind().GroupKind().String() + " " + object.GetNamespace() + "/" + object.GetName()
			if place, found := places[key]; found {
				result[place] = object
				continue
			}
			places[key] = len(result)
			result = append(result, object)
		}
	}
}

// parseDocument keeps integers apart from other numbers, as the rules of CRDs demand.
func parseDocument(document []byte) (map[string]any, error) {
	text, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	content := map[string]any{}
	return content, kubejson.Unmarshal(text, &content)
}

func itemsOf(content map[string]any) []*unstructured.Unstructured {
	if len(content) == 0 {
		return nil
	}
	items, isList := content["items"].([]any)
	if !isList {
		return []*unstructured.Unstructured{{Object: content}}
	}
	var result []*unstructured.Unstructured
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			result = append(result, itemsOf(object)...)
		}
	}
	return result
}

func title(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
}

func (m *manifests) add(object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	if object.GetNamespace() == "" && kind.Kind != "Namespace" && kind.Kind != "GatewayClass" {
		object.SetNamespace("default")
	}
	if known, found := collections.All.FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&kind)); found && isCustom(kind.Group) {
		return m.addCustom(object, known)
	}
	typed, _, err := kubelib.IstioCodec.UniversalDeserializer().Decode(marshal(object), nil, nil)
	if err != nil {
		return err
	}
	switch it := typed.(type) {
	case *corev1.ConfigMap:
		return m.addConfigMap(it)
	case *corev1.Pod:
		m.addWorkload(it.ObjectMeta, it.Labels, it.Spec)
	case *appsv1.Deployment:
		m.addWorkload(it.ObjectMeta, it.Spec.Template.Labels, it.Spec.Template.Spec)
	case *appsv1.DaemonSet:
		m.addWorkload(it.ObjectMeta, it.Spec.Template.Labels, it.Spec.Template.Spec)
	case *appsv1.StatefulSet:
		m.addWorkload(it.ObjectMeta, it.Spec.Template.Labels, it.Spec.Template.Spec)
	case *corev1.Service:
		m.services = append(m.services, it)
		if it.Spec.ClusterIP == "" && it.Spec.Type != corev1.ServiceTypeExternalName {
			it.Spec.ClusterIP = fmt.Sprintf("10.96.%d.%d", len(m.services)/250, len(m.services)%250+1)
			it.Spec.ClusterIPs = []string{it.Spec.ClusterIP}
		}
		m.objects = append(m.objects, it)
	default:
		m.objects = append(m.objects, typed)
	}
	return nil
}

func isCustom(group string) bool {
	return strings.HasSuffix(group, "istio.io") || strings.HasSuffix(group, "gateway.networking.k8s.io")
}

func marshal(object *unstructured.Unstructured) []byte {
	var text bytes.Buffer
	if err := unstructured.UnstructuredJSONScheme.Encode(object, &text); err != nil {
		panic(err) // it has just been parsed
	}
	return text.Bytes()
}

// addCustom adds an object of Istio or of the Gateway API, or its title to the refused ones.
func (m *manifests) addCustom(object *unstructured.Unstructured, known resource.Schema) error {
	if reason := refusal(object, known); reason != nil {
		m.rejected = append(m.rejected, title(object))
		return nil
	}
	kind := known.GroupVersionKind()
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind})
	isGatewayAPI := strings.HasSuffix(kind.Group, "gateway.networking.k8s.io")
	if isGatewayAPI || kind == gvk.ServiceEntry {
		typed, _, err := kubelib.IstioCodec.UniversalDeserializer().Decode(marshal(object), nil, nil)
		if err != nil {
			return err
		}
		m.objects = append(m.objects, typed)
	}
	if isGatewayAPI {
		return nil
	}
	converted, err := convert(object, known)
	if err != nil {
		return err
	}
	m.configs = append(m.configs, *converted)
	return nil
}

// convert reads an object of Istio's as istiod does.
func convert(object *unstructured.Unstructured, known resource.Schema) (*config.Config, error) {
	raw := crd.IstioKind{}
	if err := json.Unmarshal(marshal(object), &raw); err != nil {
		return nil, err
	}
	return crd.ConvertObject(known, &raw, clusterDomain)
}

func (m *manifests) addConfigMap(object *corev1.ConfigMap) error {
	text, found := object.Data["mesh"]
	if object.Name != "istio" || !found {
		m.objects = append(m.objects, object)
		return nil
	}
	parsed, err := mesh.ApplyMeshConfigDefaults(text)
	m.mesh = parsed
	return err
}

// addWorkload adds one pod. The i-th application pod has the address 10.10.i.1, as in the cases.
func (m *manifests) addWorkload(meta metav1.ObjectMeta, labels map[string]string, spec corev1.PodSpec) {
	it := &workload{
		name: meta.Name, namespace: meta.Namespace, serviceAccount: spec.ServiceAccountName,
		labels: labels, ports: map[string]int32{},
	}
	if it.serviceAccount == "" {
		it.serviceAccount = "default"
	}
	isProxyOnly := len(spec.Containers) > 0
	for _, container := range spec.Containers {
		isProxyOnly = isProxyOnly && container.Name == "istio-proxy"
		for _, port := range container.Ports {
			it.ports[port.Name] = port.ContainerPort
		}
	}
	if isProxyOnly {
		it.address = fmt.Sprintf("10.20.%d.1", len(m.gateways))
		m.gateways = append(m.gateways, it)
	} else {
		it.address = fmt.Sprintf("10.10.%d.1", len(m.clients))
		m.clients = append(m.clients, it)
	}
	m.objects = append(m.objects, it.pod())
}

func (it *workload) pod() *corev1.Pod {
	containers := []corev1.Container{{Name: "app"}}
	for name, port := range it.ports {
		containers[0].Ports = append(containers[0].Ports, corev1.ContainerPort{Name: name, ContainerPort: port})
	}
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: it.name, Namespace: it.namespace, Labels: maps.Clone(it.labels)},
		Spec:       corev1.PodSpec{ServiceAccountName: it.serviceAccount, Containers: containers},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: it.address, PodIPs: []corev1.PodIP{{IP: it.address}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}
