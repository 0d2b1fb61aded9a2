package main

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pkg/config/schema/gvk"
)

// workloadService is a Service with its pods.
type workloadService struct {
	*corev1.Service
	hostname string
	pods     []*workload
}

// serviceNamed is the Service with a hostname; nil: it is none of the cluster's.
func (m *manifests) serviceNamed(hostname string) *workloadService {
	for _, service := range m.services {
		if own := service.Name + "." + service.Namespace + ".svc." + clusterDomain; own == hostname {
			return &workloadService{Service: service, hostname: own, pods: m.podsOf(service)}
		}
	}
	return nil
}

// serviceEntryAddress is the first address that a ServiceEntry gives a host (in lower case).
func (m *manifests) serviceEntryAddress(name string) string {
	for _, config := range m.configs {
		entry, ok := config.Spec.(*networking.ServiceEntry)
		if config.GroupVersionKind != gvk.ServiceEntry || !ok || len(entry.Addresses) == 0 {
			continue
		}
		for _, host := range entry.Hosts {
			if strings.ToLower(host) == name {
				return entry.Addresses[0]
			}
		}
	}
	return ""
}
