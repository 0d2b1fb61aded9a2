package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	klabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"istio.io/istio/pkg/ptr"
)

// addGenerated adds what a cluster makes by itself (namespaces, endpoints) or what is assumed to be there (certificates).
func (m *manifests) addGenerated() {
	m.addNamespaces()
	m.addEndpoints()
	m.addCertificates()
}

// addNamespaces adds each namespace that an object is in, and the label that the API server sets on all.
func (m *manifests) addNamespaces() {
	known := map[string]bool{}
	for _, object := range m.objects {
		if namespace, ok := object.(*corev1.Namespace); ok {
			known[namespace.Name] = true
			labelName(namespace)
		}
	}
	add := func(name string) {
		if name != "" && !known[name] {
			known[name] = true
			namespace := &corev1.Namespace{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
				ObjectMeta: metav1.ObjectMeta{Name: name},
			}
			labelName(namespace)
			m.objects = append(m.objects, namespace)
		}
	}
	for _, object := range m.objects {
		if meta, ok := object.(metav1.Object); ok {
			add(meta.GetNamespace())
		}
	}
	for _, config := range m.configs {
		add(config.Namespace)
	}
	add(m.mesh.RootNamespace)
}

func labelName(namespace *corev1.Namespace) {
	if namespace.Labels == nil {
		namespace.Labels = map[string]string{}
	}
	namespace.Labels[corev1.LabelMetadataName] = namespace.Name
}

// addEndpoints does the work of the endpoint controller: for each Service the pods that it selects.
func (m *manifests) addEndpoints() {
	for _, service := range m.services {
		if len(service.Spec.Selector) == 0 {
			continue
		}
		for i, pod := range m.podsOf(service) {
			m.objects = append(m.objects, endpointSlice(service, pod, i))
		}
	}
}

// podsOf are the pods that a Service selects.
func (m *manifests) podsOf(service *corev1.Service) []*workload {
	selector := klabels.SelectorFromSet(service.Spec.Selector)
	var result []*workload
	for _, pods := range [][]*workload{m.clients, m.gateways} {
		for _, pod := range pods {
			if pod.namespace == service.Namespace && selector.Matches(klabels.Set(pod.labels)) {
				result = append(result, pod)
			}
		}
	}
	return result
}

// endpointSlice is one slice per pod: pods may give the same named port different numbers.
func endpointSlice(service *corev1.Service, pod *workload, i int) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%d", service.Name, i), Namespace: service.Namespace,
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{pod.address},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.Of(true)},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod.name, Namespace: pod.namespace},
		}},
	}
	for _, port := range service.Spec.Ports {
		if number, found := targetPort(port, pod); found {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: ptr.Of(port.Name), Port: ptr.Of(number), Protocol: ptr.Of(corev1.ProtocolTCP)})
		}
	}
	return slice
}

// targetPort is the pod's port behind a port of a Service.
func targetPort(port corev1.ServicePort, pod *workload) (int32, bool) {
	if port.TargetPort.Type == intstr.String {
		number, found := pod.ports[port.TargetPort.StrVal]
		return number, found
	}
	if port.TargetPort.IntVal == 0 {
		return port.Port, true
	}
	return port.TargetPort.IntVal, true
}

// addCertificates adds the Secrets and ConfigMaps that Gateway API listeners refer to: without them Istio leaves a listener out.
func (m *manifests) addCertificates() {
	known := map[string]bool{}
	for _, object := range m.objects {
		switch it := object.(type) {
		case *corev1.Secret:
			known["Secret "+it.Namespace+"/"+it.Name] = true
		case *corev1.ConfigMap:
			known["ConfigMap "+it.Namespace+"/"+it.Name] = true
		}
	}
	add := func(kind, namespace, name string) {
		if key := kind + " " + namespace + "/" + name; !known[key] {
			known[key] = true
			m.objects = append(m.objects, certificate(kind, namespace, name))
		}
	}
	for _, object := range m.objects {
		gateway, ok := object.(*gatewayv1.Gateway)
		if !ok {
			continue
		}
		for _, listener := range gateway.Spec.Listeners {
			if listener.TLS == nil {
				continue
			}
			for _, ref := range listener.TLS.CertificateRefs {
				add(string(ptr.OrDefault(ref.Kind, "Secret")), string(ptr.OrDefault(ref.Namespace, gatewayv1.Namespace(gateway.Namespace))), string(ref.Name))
			}
		}
		for _, ref := range frontendAuthorities(gateway) {
			add(string(ref.Kind), string(ptr.OrDefault(ref.Namespace, gatewayv1.Namespace(gateway.Namespace))), string(ref.Name))
		}
	}
}

func frontendAuthorities(gateway *gatewayv1.Gateway) []gatewayv1.ObjectReference {
	if gateway.Spec.TLS == nil || gateway.Spec.TLS.Frontend == nil {
		return nil
	}
	var result []gatewayv1.ObjectReference
	settings := []*gatewayv1.TLSConfig{&gateway.Spec.TLS.Frontend.Default}
	for i := range gateway.Spec.TLS.Frontend.PerPort {
		settings = append(settings, &gateway.Spec.TLS.Frontend.PerPort[i].TLS)
	}
	for _, setting := range settings {
		if setting.Validation != nil {
			result = append(result, setting.Validation.CACertificateRefs...)
		}
	}
	return result
}

func certificate(kind, namespace, name string) runtime.Object {
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace}
	pair := selfSigned()
	if kind == "ConfigMap" {
		return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind}, ObjectMeta: meta, Data: map[string]string{"ca.crt": string(pair.certificate)}}
	}
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": pair.certificate},
	}
}
