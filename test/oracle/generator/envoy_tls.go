package main

import (
	"fmt"
	"slices"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	upstreamhttpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	authnmodel "istio.io/istio/pilot/pkg/security/model"
)

// TLS modes, of DestinationRules and of Gateways.
const (
	disable        = "DISABLE"
	simple         = "SIMPLE"
	mutual         = "MUTUAL"
	optionalMutual = "OPTIONAL_MUTUAL"
	istioMutual    = "ISTIO_MUTUAL"
	passthrough    = "PASSTHROUGH"
)

// origination is the TLS that a proxy opens towards an endpoint.
type origination struct {
	mode         string
	sni          string
	names        []*matcherv3.StringMatcher // one of which the server's certificate must have; none: any
	isUnverified bool
}

// originationOf reads the TLS of a cluster towards one of its endpoints; nil for any. The SNI may come from the authority of a request
// (core/cluster_tls.go setAutoSniAndAutoSanValidation).
func originationOf(cluster *clusterv3.Cluster, endpoint *endpointv3.LbEndpoint, request *httpRequest) origination {
	context := &tlsv3.UpstreamTlsContext{}
	if !unpack(socketFor(cluster, endpoint).GetTypedConfig(), context) {
		return origination{mode: disable}
	}
	common := context.GetCommonTlsContext()
	result := origination{mode: clientMode(common), sni: context.Sni}
	result.isUnverified = result.mode != istioMutual && common.GetCombinedValidationContext().GetValidationContextSdsSecretConfig() == nil &&
		common.GetValidationContextSdsSecretConfig() == nil
	result.names = common.GetCombinedValidationContext().GetDefaultValidationContext().GetMatchSubjectAltNames()
	if result.sni == "" && request != nil && hasAutoSNI(cluster) {
		result.sni = strings.ToLower(request.host())
	}
	return result
}

func clientMode(common *tlsv3.CommonTlsContext) string {
	certificates := common.GetTlsCertificateSdsSecretConfigs()
	switch {
	case len(certificates) == 0:
		return simple
	case certificates[0].Name == authnmodel.SDSDefaultResourceName:
		return istioMutual
	}
	return mutual
}

// socketFor is the first transport socket whose match the endpoint's metadata satisfy, else the cluster's only one.
func socketFor(cluster *clusterv3.Cluster, endpoint *endpointv3.LbEndpoint) *corev3.TransportSocket {
	marks := endpoint.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"].GetFields()
	for _, it := range cluster.TransportSocketMatches {
		isMatch := true
		for key, value := range it.GetMatch().GetFields() {
			isMatch = isMatch && marks[key].GetStringValue() == value.GetStringValue()
		}
		if isMatch {
			return it.TransportSocket
		}
	}
	return cluster.TransportSocket
}

func hasAutoSNI(cluster *clusterv3.Cluster) bool {
	options := &upstreamhttpv3.HttpProtocolOptions{}
	found := unpack(cluster.TypedExtensionProtocolOptions["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"], options)
	return found && options.GetUpstreamHttpProtocolOptions().GetAutoSni()
}

// termination is the TLS that a filter chain of a gateway terminates.
type termination struct {
	mode           string
	presentsMesh   bool // its certificate is the workload's
	validatesMesh  bool // it asks for a certificate, and for one of the mesh
	needsClient    bool
	names          []*matcherv3.StringMatcher // one of which the client's certificate must have; none: any
	acceptsForgery bool
	material       string // where the certificates come from, for people
}

// terminationOf reads the TLS of a filter chain. False: it has none (core/listener.go BuildListenerTLSContext).
func terminationOf(chain *listenerv3.FilterChain) (termination, bool) {
	context := &tlsv3.DownstreamTlsContext{}
	if !unpack(chain.GetTransportSocket().GetTypedConfig(), context) {
		return termination{}, false
	}
	common := context.GetCommonTlsContext()
	combined := common.GetCombinedValidationContext()
	root := combined.GetValidationContextSdsSecretConfig().GetName() + common.GetValidationContextSdsSecretConfig().GetName() // one of them
	validation := combined.GetDefaultValidationContext()
	result := termination{
		needsClient:    context.GetRequireClientCertificate().GetValue(),
		validatesMesh:  root == authnmodel.SDSRootResourceName,
		names:          validation.GetMatchSubjectAltNames(),
		acceptsForgery: validation.GetTrustChainVerification() == tlsv3.CertificateValidationContext_ACCEPT_UNTRUSTED,
	}
	certificate := ""
	if certificates := common.GetTlsCertificateSdsSecretConfigs(); len(certificates) > 0 {
		certificate = certificates[0].Name
	}
	result.presentsMesh = certificate == authnmodel.SDSDefaultResourceName
	result.material = fmt.Sprintf("certificate %s, root %s", certificate, root)
	switch {
	case result.needsClient && result.presentsMesh && result.validatesMesh:
		result.mode = istioMutual
	case result.needsClient:
		result.mode = mutual
	case root != "":
		result.mode = optionalMutual
	default:
		result.mode = simple
	}
	return result, true
}

// handshake is why the TLS of a client and of a server do not fit. Certificates from Secrets and files are taken to be what the
// two sides need, but never issued by the mesh.
func handshake(client origination, clientIdentity string, server termination, serverIdentity string) string {
	switch {
	case client.mode == istioMutual && !server.presentsMesh:
		return fmt.Sprintf("istio_mutual client against a %s server (%s): certificates are not verifiable with the mesh root", strings.ToLower(server.mode), server.material)
	case client.mode == istioMutual && !matchesAny(client.names, serverIdentity):
		return fmt.Sprintf("client requires server SAN in %v, gateway presents %s", exacts(client.names), serverIdentity)
	case client.mode == simple && server.needsClient:
		return fmt.Sprintf("simple TLS without client certificate sent to a %s server", strings.ToLower(server.mode))
	case client.mode == mutual && server.validatesMesh && !server.acceptsForgery:
		return "certificate of another authority sent to a server that asks for one of the mesh"
	case client.mode == istioMutual && server.needsClient && !server.validatesMesh:
		return "certificate of the mesh sent to a server that asks for one of another authority"
	case client.mode == istioMutual && server.needsClient && !server.acceptsForgery && !matchesAny(server.names, clientIdentity):
		return fmt.Sprintf("server requires client SAN in %v, client presents %s", exacts(server.names), clientIdentity)
	}
	return ""
}

func matchesAny(names []*matcherv3.StringMatcher, identity string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(it *matcherv3.StringMatcher) bool { return matchesText(it, identity) })
}

func exacts(names []*matcherv3.StringMatcher) []string {
	var result []string
	for _, it := range names {
		result = append(result, it.GetExact())
	}
	return result
}
