package main

import (
	"fmt"
	"os"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/schema/gatewayapi"
	"istio.io/istio/pkg/config/schema/gvr"
	kubelib "istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/spiffe"
	"istio.io/istio/pkg/test"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	clusterDomain = constants.DefaultClusterLocalDomain
	// proxyVersion is the version that the proxies announce: that of the istiod in use.
	proxyVersion = "1.31.0"
)

// proxy is one Envoy: the pod that it runs in, and the configuration that istiod sends it.
type proxy struct {
	*workload
	identity  string // its certificate's URI
	listeners []*listenerv3.Listener
	routes    map[string]*routev3.RouteConfiguration
	clusters  map[string]*clusterv3.Cluster
	endpoints map[string]*endpointv3.ClusterLoadAssignment
	// passes are the pod ports of a gateway whose servers without TLS termination are all PASSTHROUGH: a chain that matches every
	// name looks like that of a TCP server.
	passes map[int]bool
	// refused says of each listener, by name, why Envoy does not take it.
	refused map[string]string
}

// world is everything that a request meets.
type world struct {
	*manifests
	sidecars []*proxy // one per client, in their order
	routers  []*proxy // one per gateway, in their order
}

// silenceIstiod keeps its log away: stdout belongs to the protocol.
func silenceIstiod() {
	options := log.DefaultOptions()
	options.OutputPaths = []string{os.DevNull}
	options.ErrorOutputPaths = []string{os.DevNull}
	if err := log.Configure(options); err != nil {
		panic(err)
	}
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
}

// readEveryRoute: istiod does not read the routes of CRDs that are too old, which it tells by an annotation that those of its fake API
// server do not have (pkg/kube/kclient/crdwatcher.go minimumVersionFilter).
func readEveryRoute() {
	clear(gatewayapi.MinimumCRDVersions)
}

// moreCRDs are those of the Gateway API that the fake discovery server does not install: without its CRD a resource is not read.
var moreCRDs = []schema.GroupVersionResource{gvr.BackendTLSPolicy, gvr.ListenerSet}

// generate starts istiod's fake discovery server on the manifests, and lets it generate the configuration of every proxy.
func generate(t test.Failer, m *manifests) *world {
	// Collections register with the global handler and are never released: each case gets a new one.
	krt.GlobalDebugHandler = new(krt.DebugHandler)
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		Configs:           m.configs,
		KubernetesObjects: m.objects,
		MeshConfig:        m.mesh,
		KubeClientModifier: func(client kubelib.Client) {
			for _, resource := range moreCRDs {
				clienttest.MakeCRD(t, client, resource)
			}
		},
	})
	result := &world{manifests: m}
	// Gateways come first: istiod gives a gateway the view of a sidecar of its namespace, if it has worked that out already
	// (push_context.go doGetSidecarScope), so that in a cluster the order in which proxies connect decides.
	for _, gateway := range m.gateways {
		result.routers = append(result.routers, configure(server, m, gateway, model.Router))
	}
	for _, client := range m.clients {
		result.sidecars = append(result.sidecars, configure(server, m, client, model.SidecarProxy))
	}
	return result
}

func configure(server *xds.FakeDiscoveryServer, m *manifests, it *workload, kind model.NodeType) *proxy {
	identity := spiffe.Identity{TrustDomain: m.mesh.TrustDomain, Namespace: it.namespace, ServiceAccount: it.serviceAccount}
	node := server.SetupProxy(&model.Proxy{
		Type:             kind,
		ID:               it.name + "." + it.namespace,
		IPAddresses:      []string{it.address},
		ConfigNamespace:  it.namespace,
		DNSDomain:        it.namespace + ".svc." + clusterDomain,
		Labels:           it.labels,
		VerifiedIdentity: &identity,
		Metadata: &model.NodeMetadata{
			Namespace: it.namespace, ServiceAccount: it.serviceAccount, Labels: it.labels,
			ClusterID: constants.DefaultClusterName, IstioVersion: proxyVersion,
		},
	})
	result := &proxy{
		workload:  it,
		identity:  identity.String(),
		listeners: server.Listeners(node),
		routes:    map[string]*routev3.RouteConfiguration{},
		clusters:  map[string]*clusterv3.Cluster{},
		endpoints: map[string]*endpointv3.ClusterLoadAssignment{},
		passes:    passthroughPorts(node),
	}
	for _, route := range server.RoutesFromListeners(node, result.listeners) {
		result.routes[route.Name] = route
	}
	for _, cluster := range server.Clusters(node) {
		result.clusters[cluster.Name] = cluster
	}
	for _, assignment := range server.Endpoints(node) {
		result.endpoints[assignment.ClusterName] = assignment
	}
	result.refused = refusedListeners(result.listeners)
	return result
}

func passthroughPorts(node *model.Proxy) map[int]bool {
	passes, isPlain := map[int]bool{}, map[int]bool{}
	if node.MergedGateway == nil {
		return passes
	}
	for port, merged := range node.MergedGateway.MergedServers {
		for _, server := range merged.Servers {
			switch mode := server.GetTls().GetMode(); {
			case server.Tls == nil:
				isPlain[int(port.Number)] = true
			case mode == networking.ServerTLSSettings_PASSTHROUGH, mode == networking.ServerTLSSettings_AUTO_PASSTHROUGH:
				passes[int(port.Number)] = true
			}
		}
	}
	for port := range isPlain {
		delete(passes, port)
	}
	return passes
}

// modeWithout is the mode of a server whose chain does not terminate TLS.
func (p *proxy) modeWithout(chain *listenerv3.FilterChain, port int) string {
	if len(chain.GetFilterChainMatch().GetServerNames()) > 0 || p.passes[port] {
		return passthrough
	}
	return ""
}

// find is the sidecar of a client, by namespace, service account and labels.
func (w *world) find(from Client, labels map[string]string) (*proxy, error) {
	for _, sidecar := range w.sidecars {
		if sidecar.namespace == from.Namespace && sidecar.serviceAccount == from.ServiceAccount && sameLabels(sidecar.labels, labels) {
			return sidecar, nil
		}
	}
	return nil, fmt.Errorf("no Pod of %s/%s has the labels %v", from.Namespace, from.ServiceAccount, labels)
}

// isGateway: a Service is a gateway's when it selects pods of one.
func (w *world) isGateway(service *workloadService) bool {
	return slices.ContainsFunc(service.pods, func(it *workload) bool { return slices.Contains(w.gateways, it) })
}

func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, found := b[key]; !found || other != value {
			return false
		}
	}
	return true
}
