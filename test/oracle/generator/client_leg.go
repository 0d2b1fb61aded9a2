package main

import (
	"fmt"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/util"
	"istio.io/istio/pkg/wellknown"
)

// trace is a request on its way from a client.
type trace struct {
	*world
	Target
	sidecar *proxy
}

// judge follows the request of a target to the end of each way that it may take; the worst is the verdict.
func (w *world) judge(target Target) (*Path, error) {
	sidecar, err := w.find(target.From, target.Labels)
	if err != nil {
		return nil, err
	}
	return worst(trace{w, target, sidecar}.fromApplication()), nil
}

// end is a path that ends here.
func (t trace) end(outcome, stage, why string) *Path {
	return &Path{From: t.From, Labels: t.Labels, To: t.To, Outcome: outcome, Stage: stage, Why: why}
}

// fromApplication sends the request to each destination that the sidecar has for it.
func (t trace) fromApplication() []*Path {
	routed := t.capture()
	switch {
	case routed.isBlocked:
		return []*Path{t.end(blocked, atCapture, "")}
	case routed.answer != "":
		return []*Path{t.end(broken, atCapture, "sidecar: "+routed.answer)}
	}
	var result []*Path
	for _, it := range routed.destinations {
		for _, path := range t.leaveSidecar(it) {
			path.isMirror = path.isMirror || it.isMirror
			result = append(result, path)
		}
	}
	return result
}

// capture is the sidecar's listener, filter chain and route.
func (t trace) capture() routing {
	c := connection{address: t.resolve(), port: t.To.Port, isTLS: t.To.Protocol == "tls"}
	if c.isTLS {
		c.sni = strings.ToLower(t.To.Host)
	}
	if t.To.Protocol == "http" {
		c.protocol = "http/1.1"
	}
	listener := t.sidecar.listenerFor(c)
	if listener == nil {
		return routing{answer: "no listener matched"}
	}
	chain := chainFor(listener, c)
	if chain == nil {
		return routing{answer: "no filter chain matched"}
	}
	manager, isHTTP := networkFilter(chain, wellknown.HTTPConnectionManager, &hcmv3.HttpConnectionManager{})
	switch {
	case !isHTTP:
		return streamRouting(networkFilter(chain, wellknown.TCPProxy, &tcpproxyv3.TcpProxy{}))
	case t.To.Protocol != "http":
		return routing{answer: t.To.Protocol + " stream sent to an HTTP connection manager"}
	}
	return t.sidecar.routeHTTP(manager, firstRequest(t.To))
}

// streamRouting is the destinations of a TCP proxy.
func streamRouting(proxy *tcpproxyv3.TcpProxy, found bool) routing {
	if !found {
		return routing{answer: "the filter chain has no proxy"}
	}
	tunnelTo, _, _ := strings.Cut(proxy.GetTunnelingConfig().GetHostname(), ":")
	var result routing
	if proxy.GetCluster() != "" {
		result.destinations = append(result.destinations, destination{cluster: proxy.GetCluster(), tunnelTo: tunnelTo})
	}
	for _, it := range proxy.GetWeightedClusters().GetClusters() {
		if it.Weight > 0 {
			result.destinations = append(result.destinations, destination{cluster: it.Name, tunnelTo: tunnelTo})
		}
	}
	return result
}

// leaveSidecar is where a cluster of the sidecar leads: nowhere, past the gateway, or to each of its pods.
func (t trace) leaveSidecar(to destination) []*Path {
	switch to.cluster {
	case util.PassthroughCluster, util.AllowAnyDynamicDNSCluster:
		return []*Path{t.end(direct, atCapture, "")}
	case util.BlackHoleCluster:
		return []*Path{t.end(blocked, atCapture, "")}
	}
	cluster := t.sidecar.clusters[to.cluster]
	_, _, hostname, _ := model.ParseSubsetKey(to.cluster)
	service := t.serviceNamed(string(hostname))
	if service != nil && t.isGateway(service) {
		return t.hop(to, cluster, service)
	}
	if cluster == nil {
		return []*Path{t.end(broken, atCapture, missing("sidecar", to.cluster))}
	}
	outcome := direct
	if service != nil {
		outcome = misrouted // into the mesh
	}
	result := t.end(outcome, atCapture, "")
	endpoint := t.sidecar.firstEndpoint(cluster)
	tls := originationOf(cluster, endpoint, to.request)
	result.Upstream = &Upstream{Host: string(hostname), Port: dialled(cluster, endpoint, t.To.Port), TLS: tls.mode, SNI: tls.sni}
	result.Notes = notes(t.To.Protocol, tls)
	if result.has("tls-in-tls") {
		result.Why = "sidecar: TLS origination on top of an application TLS stream"
	}
	return []*Path{result}
}

func missing(who, cluster string) string {
	return fmt.Sprintf("%s: cluster %s does not exist (503 NC)", who, cluster)
}

// notes says what is wrong with how a host is reached.
func notes(protocol string, tls origination) []string {
	var result []string
	if tls.mode == disable && protocol == "http" {
		result = append(result, "plaintext")
	}
	if tls.mode != disable && protocol == "tls" {
		result = append(result, "tls-in-tls")
	}
	if tls.mode != disable && tls.isUnverified {
		result = append(result, "unverified")
	}
	return result
}

// dialled is the port that a cluster connects to: the endpoint's, else the one that the application dialled.
func dialled(cluster *clusterv3.Cluster, endpoint *endpointv3.LbEndpoint, original int) int {
	if override := cluster.GetOriginalDstLbConfig().GetUpstreamPortOverride(); override != nil {
		return int(override.GetValue())
	}
	if port := endpoint.GetEndpoint().GetAddress().GetSocketAddress().GetPortValue(); port != 0 {
		return int(port)
	}
	return original
}

// hop sends a request to the gateway that is behind a Service: to each of its pods.
func (t trace) hop(to destination, cluster *clusterv3.Cluster, service *workloadService) []*Path {
	_, subset, _, port := model.ParseSubsetKey(to.cluster)
	hop := Hop{Service: service.hostname, Port: port, Subset: subset}
	if cluster == nil {
		result := t.end(broken, atHop, missing("sidecar", to.cluster))
		result.Hop = &hop
		return []*Path{result}
	}
	if cluster.GetType() == clusterv3.Cluster_ORIGINAL_DST {
		return []*Path{t.end(direct, atCapture, "gateway service cluster is ORIGINAL_DST: connection goes to the application's original destination")}
	}
	endpoints := t.sidecar.endpointsOf(cluster)
	if len(endpoints) == 0 {
		tls := originationOf(cluster, nil, to.request)
		hop.TLS, hop.SNI = &tls.mode, &tls.sni
		result := t.end(broken, atHop, fmt.Sprintf("sidecar: cluster %s has no endpoints (503 UH)", to.cluster))
		result.Hop = &hop
		return []*Path{result}
	}
	var result []*Path
	for _, endpoint := range endpoints {
		tls := originationOf(cluster, endpoint, to.request)
		own := hop
		own.PodPort, own.TLS, own.SNI = dialled(cluster, endpoint, port), &tls.mode, &tls.sni
		for _, path := range t.arrive(endpoint.GetEndpoint().GetAddress().GetSocketAddress().GetAddress(), own, tls, to.request) {
			path.Hop = &own
			result = append(result, path)
		}
	}
	return result
}

// arrive is one pod of the gateway.
func (t trace) arrive(address string, hop Hop, tls origination, request *httpRequest) []*Path {
	for _, router := range t.routers {
		if router.address == address {
			return gatewayLeg{trace: t, router: router, hop: hop, tls: tls, request: request}.accept()
		}
	}
	return []*Path{t.end(misrouted, atCapture, "sidecar: endpoint "+address+" is no gateway")}
}

func (p *proxy) endpointsOf(cluster *clusterv3.Cluster) []*endpointv3.LbEndpoint {
	assignment := cluster.GetLoadAssignment()
	if cluster.GetType() == clusterv3.Cluster_EDS {
		name := cluster.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = cluster.Name
		}
		assignment = p.endpoints[name]
	}
	var result []*endpointv3.LbEndpoint
	for _, locality := range assignment.GetEndpoints() {
		result = append(result, locality.LbEndpoints...)
	}
	return result
}

func (p *proxy) firstEndpoint(cluster *clusterv3.Cluster) *endpointv3.LbEndpoint {
	if all := p.endpointsOf(cluster); len(all) > 0 {
		return all[0]
	}
	return nil
}

// registered are the addresses that the hosts of the random designs resolve to; ServiceEntries and destination subnets of the
// cases contain them (compare.ts has the same table).
var registered = map[string]string{
	"db.example.com":          "10.99.1.1",
	"redis.other.com":         "10.99.1.2",
	"mongo.example.com":       "10.99.1.3",
	"second.other.com":        "10.99.1.7",
	"shared.other.com":        "10.99.1.8",
	"unlisted-db.example.net": "203.0.113.9",
}

// somewhere is an address in the Internet that no ServiceEntry has.
const somewhere = "192.0.2.1"

// resolve is the address that the application dials: that of a Service, or the first one that a ServiceEntry gives the host.
func (t trace) resolve() string {
	name := strings.ToLower(t.To.Host)
	if address, found := registered[name]; found {
		return address
	}
	if service := t.serviceNamed(name); service != nil {
		return service.Spec.ClusterIP
	}
	if address := t.serviceEntryAddress(name); address != "" {
		address, _, _ = strings.Cut(address, "/")
		return address
	}
	return somewhere
}
