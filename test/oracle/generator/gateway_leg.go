package main

import (
	"fmt"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pkg/config/host"
	"istio.io/istio/pkg/wellknown"
)

// gatewayLeg is a request that arrives at a pod of the gateway.
type gatewayLeg struct {
	trace
	router  *proxy
	hop     Hop
	tls     origination  // that the sidecar opened
	request *httpRequest // as the sidecar sent it; nil: it forwarded bytes
}

// accept is the gateway's listener and filter chain.
func (g gatewayLeg) accept() []*Path {
	c := connection{address: g.router.address, port: g.hop.PodPort, isTLS: g.tls.mode != disable || g.To.Protocol == "tls"}
	switch {
	case g.tls.mode != disable:
		c.sni = strings.ToLower(g.tls.sni)
	case g.To.Protocol == "tls":
		c.sni = strings.ToLower(g.To.Host)
	case g.To.Protocol == "http":
		c.protocol = "http/1.1"
	}
	listener := g.router.listenerFor(c)
	if listener == nil {
		if reason := g.router.refusedListener(c); reason != "" {
			return g.fail("listener rejected by Envoy: " + reason)
		}
		return g.fail("no listener matched")
	}
	chain := chainFor(listener, c)
	if chain == nil {
		return g.fail("no filter chain matched")
	}
	server, terminates := terminationOf(chain)
	if _, isHTTP := networkFilter(chain, wellknown.HTTPConnectionManager, &hcmv3.HttpConnectionManager{}); !terminates && !isHTTP {
		server.mode = g.router.modeWithout(chain, c.port)
	}
	result := g.serve(chain, c, server, terminates)
	for _, path := range result {
		path.Server = &Server{Port: c.port, Mode: server.mode}
	}
	return result
}

// fail is a request that no server takes, or whose bytes do not fit the one that does.
func (g gatewayLeg) fail(why string) []*Path {
	return []*Path{g.end(broken, atServer, "gateway: "+why)}
}

// serve is the TLS handshake, and what the filter chain expects inside.
func (g gatewayLeg) serve(chain *listenerv3.FilterChain, c connection, server termination, terminates bool) []*Path {
	manager, isHTTP := networkFilter(chain, wellknown.HTTPConnectionManager, &hcmv3.HttpConnectionManager{})
	misfit := g.passMisfit(c, isHTTP)
	if terminates {
		misfit = g.terminationMisfit(c, server)
	}
	if misfit != "" {
		return g.fail(misfit)
	}
	if isHTTP && g.To.Protocol != "http" {
		return g.fail(g.To.Protocol + " stream sent to an HTTP connection manager")
	}
	who := subject{isTLS: terminates, sni: c.sni, source: g.sidecar.address, target: g.router.address, port: c.port}
	if terminates && server.mode != simple && g.tls.mode == istioMutual {
		who.identity = g.sidecar.identity
	}
	if isHTTP {
		return g.route(chain, manager, who)
	}
	return g.forward(chain, who, !terminates && g.tls.mode != disable)
}

// terminationMisfit is why a chain that terminates TLS cannot take a connection. Applications have no certificate, and trust public
// authorities only.
func (g gatewayLeg) terminationMisfit(c connection, server termination) string {
	switch {
	case !c.isTLS:
		return "plaintext sent to a TLS filter chain"
	case g.tls.mode == disable:
		return fmt.Sprintf("application TLS without client certificate sent to a %s server", strings.ToLower(server.mode))
	}
	return handshake(g.tls, g.sidecar.identity, server, g.router.identity)
}

// passMisfit is why a chain that does not terminate TLS cannot take a connection.
func (g gatewayLeg) passMisfit(c connection, isHTTP bool) string {
	switch {
	case isHTTP && c.isTLS:
		return "TLS sent to a plaintext HTTP filter chain"
	case g.tls.mode == istioMutual:
		return "istio_mutual sent through a non-terminating chain: the external host would have to complete the mesh handshake"
	case g.tls.mode != disable && g.To.Protocol == "tls":
		return "TLS origination on top of an application TLS stream, sent through a non-terminating chain"
	}
	return ""
}

// route is a chain that handles HTTP.
func (g gatewayLeg) route(chain *listenerv3.FilterChain, manager *hcmv3.HttpConnectionManager, who subject) []*Path {
	request := firstRequest(g.To)
	if g.request != nil {
		request = *g.request
	}
	who.request = &request
	routed := g.router.routeHTTP(manager, request)
	authorization := authorize(chain, manager, who)
	stage := atRoute
	if routed.isRedirect {
		stage = atServer
	}
	return g.depart(routed, stage, authorization, false)
}

// forward is a chain that forwards bytes. `passesTLS`: the TLS that the sidecar opened goes through untouched.
func (g gatewayLeg) forward(chain *listenerv3.FilterChain, who subject, passesTLS bool) []*Path {
	routed := streamRouting(networkFilter(chain, wellknown.TCPProxy, &tcpproxyv3.TcpProxy{}))
	return g.depart(routed, atRoute, authorize(chain, nil, who), passesTLS)
}

// depart asks the policies first: they come before routes.
func (g gatewayLeg) depart(routed routing, stage string, authorization *Authorization, passesTLS bool) []*Path {
	var result []*Path
	switch {
	case authorization.Decision == "DENY":
		path := g.end(denied, atAuthorization, "")
		if routed.answer != "" {
			path.Why = "gateway: also " + routed.answer
		}
		result = append(result, path)
	case routed.answer != "":
		result = append(result, g.end(broken, stage, "gateway: "+routed.answer))
	}
	if result == nil {
		for _, to := range routed.destinations {
			path := g.reach(to, passesTLS)
			path.isMirror = to.isMirror
			result = append(result, path)
		}
	}
	for _, path := range result {
		path.Authorization = authorization
	}
	return result
}

// reach is the last leg: from the gateway to the destination of its route.
func (g gatewayLeg) reach(to destination, passesTLS bool) *Path {
	fail := func(why string) *Path { return g.end(broken, atUpstream, "gateway: "+why) }
	_, _, hostname, port := model.ParseSubsetKey(to.cluster)
	service := g.serviceNamed(string(hostname))
	if service != nil && g.isGateway(service) {
		return fail("routes back to an egress gateway service (loop)")
	}
	cluster := g.router.clusters[to.cluster]
	if cluster == nil {
		return g.end(broken, atUpstream, missing("gateway", to.cluster))
	}
	endpoint := g.router.firstEndpoint(cluster)
	tls := originationOf(cluster, endpoint, to.request)
	protocol := g.To.Protocol
	if passesTLS {
		protocol = "tls"
	}
	found := notes(protocol, tls)
	switch {
	case strings.Contains(cluster.GetClusterType().GetName(), "dynamic_forward_proxy"):
		result := fail("dynamic forward proxy cluster without the DFP filter on a gateway")
		result.Notes = found
		return result
	case endpoint == nil:
		return fail(fmt.Sprintf("cluster %s has no endpoints (503 UH)", to.cluster))
	case tls.mode == istioMutual && service == nil:
		return fail("mesh (ISTIO_MUTUAL) TLS presented to an external host")
	case tls.mode != disable && protocol == "tls":
		result := fail("TLS origination on top of an application TLS stream")
		result.Notes = found
		return result
	}
	upstream := &Upstream{Host: string(hostname), Port: dialled(cluster, endpoint, port), TLS: tls.mode, SNI: tls.sni}
	if passesTLS {
		upstream.TLS, upstream.SNI = g.tls.mode, g.tls.sni
	}
	result := g.arrived(string(hostname), to)
	result.Upstream, result.Notes = upstream, found
	return result
}

// arrived compares the host that was asked for with the one that is reached, maybe through a forward proxy.
func (g gatewayLeg) arrived(hostname string, to destination) *Path {
	if to.tunnelTo != "" {
		hostname = to.tunnelTo
	}
	if !covers(hostname, g.To.Host) {
		return g.end(misrouted, atRoute, fmt.Sprintf("gateway: request for %s reaches %s", g.To.Host, hostname))
	}
	return g.end(allowed, atUpstream, "")
}

func covers(pattern, name string) bool {
	return host.Name(strings.ToLower(name)).SubsetOf(host.Name(strings.ToLower(pattern)))
}
