package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"istio.io/istio/pilot/pkg/model"
	xdsfilters "istio.io/istio/pilot/pkg/xds/filters"
)

// connection is what Envoy knows of a connection before it has chosen a filter chain.
type connection struct {
	address  string // that the peer dialled
	port     int
	isTLS    bool
	sni      string // in lower case, as Envoy has it
	protocol string // that the HTTP inspector recognises: http/1.1, or nothing
}

// listenerFor is the listener that gets a connection: the one of the very address, else the one of all addresses; at a sidecar else
// the one that iptables redirects to (simulation.matchListener). A listener that Envoy refused is not there.
func (p *proxy) listenerFor(c connection) *listenerv3.Listener {
	for _, address := range []string{c.address, "0.0.0.0"} {
		for _, it := range p.listeners {
			socket := it.GetAddress().GetSocketAddress()
			if p.takes(it) && socket.GetAddress() == address && int(socket.GetPortValue()) == c.port {
				return it
			}
		}
	}
	for _, it := range p.listeners {
		if it.Name == model.VirtualOutboundListenerName && p.takes(it) {
			return it
		}
	}
	return nil
}

func (p *proxy) takes(it *listenerv3.Listener) bool {
	return p.refused[it.Name] == "" && it.Name != model.VirtualInboundListenerName
}

// refusedListener is the reason why the listener that would get a connection is not there.
func (p *proxy) refusedListener(c connection) string {
	for _, it := range p.listeners {
		socket := it.GetAddress().GetSocketAddress()
		if int(socket.GetPortValue()) == c.port && (socket.GetAddress() == c.address || socket.GetAddress() == "0.0.0.0") && p.refused[it.Name] != "" {
			return p.refused[it.Name]
		}
	}
	return ""
}

// chainFor is the filter chain that takes a connection: at each step of Envoy's order only the most specific matches remain
// (config/listener/v3 FilterChainMatch; simulation.matchFilterChain). Nil: Envoy closes the connection.
func chainFor(listener *listenerv3.Listener, c connection) *listenerv3.FilterChain {
	if !hasFilter(listener, xdsfilters.TLSInspector.Name) {
		c.isTLS, c.sni = false, ""
	}
	if !hasFilter(listener, xdsfilters.HTTPInspector.Name) || c.isTLS {
		c.protocol = ""
	}
	chains := listener.FilterChains
	for _, specificity := range []func(*listenerv3.FilterChainMatch) int{
		c.byPort, c.byAddress, c.byServerName, c.byTransport, c.byProtocol,
	} {
		chains = mostSpecific(chains, specificity)
	}
	if len(chains) == 0 {
		return listener.DefaultFilterChain
	}
	return chains[0] // Envoy refuses a listener where two remain
}

func hasFilter(listener *listenerv3.Listener, name string) bool {
	return slices.ContainsFunc(listener.ListenerFilters, func(it *listenerv3.ListenerFilter) bool { return it.Name == name })
}

// unmatched and unrestricted are the specificities of a chain that excludes the connection, and of one that does not ask.
const (
	unmatched    = -1
	unrestricted = 0
)

func mostSpecific(chains []*listenerv3.FilterChain, specificity func(*listenerv3.FilterChainMatch) int) []*listenerv3.FilterChain {
	best := unrestricted
	var result []*listenerv3.FilterChain
	for _, chain := range chains {
		found := specificity(chain.GetFilterChainMatch())
		if found > best {
			best, result = found, nil
		}
		if found == best {
			result = append(result, chain)
		}
	}
	return result
}

func matched(isMatch bool) int {
	if isMatch {
		return 1
	}
	return unmatched
}

func (c connection) byPort(match *listenerv3.FilterChainMatch) int {
	if match.GetDestinationPort() == nil {
		return unrestricted
	}
	return matched(int(match.GetDestinationPort().GetValue()) == c.port)
}

func (c connection) byAddress(match *listenerv3.FilterChainMatch) int {
	if len(match.GetPrefixRanges()) == 0 {
		return unrestricted
	}
	best := unmatched
	for _, it := range match.GetPrefixRanges() {
		if contains(it, c.address) {
			best = max(best, 1+int(it.GetPrefixLen().GetValue()))
		}
	}
	return best
}

func contains(block *corev3.CidrRange, address string) bool {
	prefix, err := netip.ParsePrefix(fmt.Sprintf("%s/%d", block.AddressPrefix, block.GetPrefixLen().GetValue()))
	if err != nil {
		return false
	}
	parsed, err := netip.ParseAddr(address)
	return err == nil && prefix.Contains(parsed)
}

// byServerName prefers the exact name, then the longest wildcard. Envoy folds the case of both.
func (c connection) byServerName(match *listenerv3.FilterChainMatch) int {
	if len(match.GetServerNames()) == 0 {
		return unrestricted
	}
	best := unmatched
	for _, name := range match.GetServerNames() {
		name = strings.ToLower(name)
		switch {
		case name == c.sni:
			best = max(best, len(name)+1)
		case strings.HasPrefix(name, "*.") && strings.HasSuffix(c.sni, name[1:]):
			best = max(best, len(name))
		}
	}
	return best
}

func (c connection) byTransport(match *listenerv3.FilterChainMatch) int {
	switch match.GetTransportProtocol() {
	case "":
		return unrestricted
	case xdsfilters.TLSTransportProtocol:
		return matched(c.isTLS)
	case xdsfilters.RawBufferTransportProtocol:
		return matched(!c.isTLS)
	}
	return unmatched
}

// byProtocol: what applications negotiate inside their own TLS matches no chain that istiod makes.
func (c connection) byProtocol(match *listenerv3.FilterChainMatch) int {
	if len(match.GetApplicationProtocols()) == 0 {
		return unrestricted
	}
	return matched(slices.Contains(match.GetApplicationProtocols(), c.protocol))
}

// networkFilter is the configuration of a filter of a chain; nil without it.
func networkFilter[T proto.Message](chain *listenerv3.FilterChain, name string, into T) (T, bool) {
	for _, it := range chain.GetFilters() {
		if it.Name == name {
			return into, unpack(it.GetTypedConfig(), into)
		}
	}
	return into, false
}

// unpack reads a typed configuration. False: it is another type, which nothing here models.
func unpack(from *anypb.Any, into proto.Message) bool {
	return from != nil && from.MessageIs(into) && from.UnmarshalTo(into) == nil
}
