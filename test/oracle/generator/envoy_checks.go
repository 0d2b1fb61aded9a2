package main

import (
	"fmt"
	"net/netip"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

// refusedListeners finds the listeners that Envoy does not take, with its reason. Envoy refuses a listener two of whose filter chains
// match the same connection, and one chain that names a server twice ("multiple filter chains with the same matching rules are
// defined", "... have overlapping matching rules"). It folds the case of server names first, which istiod does not.
func refusedListeners(listeners []*listenerv3.Listener) map[string]string {
	result := map[string]string{}
	for _, listener := range listeners {
		if reason := overlap(listener.FilterChains); reason != "" {
			result[listener.Name] = reason
		}
	}
	return result
}

func overlap(chains []*listenerv3.FilterChain) string {
	type place struct {
		index int
		name  string
	}
	seen := map[string]place{}
	for i, chain := range chains {
		for _, key := range matchKeys(chain.GetFilterChainMatch()) {
			if other, found := seen[key]; found {
				return fmt.Sprintf("filter chains %d (%s) and %d (%s) have overlapping match %q", other.index, other.name, i, chain.Name, key)
			}
			seen[key] = place{i, chain.Name}
		}
	}
	return ""
}

// matchKeys spells out each combination of the lists in a match: Envoy keeps one entry per combination.
func matchKeys(match *listenerv3.FilterChainMatch) []string {
	port := "-"
	if match.GetDestinationPort() != nil {
		port = fmt.Sprint(match.GetDestinationPort().GetValue())
	}
	var ranges, sources []string
	for _, it := range match.GetPrefixRanges() {
		ranges = append(ranges, block(it))
	}
	for _, it := range match.GetSourcePrefixRanges() {
		sources = append(sources, block(it))
	}
	var names []string
	for _, name := range match.GetServerNames() {
		names = append(names, strings.ToLower(name))
	}
	protocols := []string{"[]"}
	if len(match.GetApplicationProtocols()) > 0 {
		protocols = nil
		for _, protocol := range match.GetApplicationProtocols() {
			protocols = append(protocols, "["+protocol+"]")
		}
	}
	var result []string
	for _, prefix := range orAny(ranges) {
		for _, name := range orAny(names) {
			for _, source := range orAny(sources) {
				for _, protocol := range protocols {
					result = append(result, fmt.Sprintf("%s|%s|%s|%s|%s|%s %s", port, prefix, name, match.GetTransportProtocol(), source, match.GetSourceType(), protocol))
				}
			}
		}
	}
	return result
}

// block is a range without the bits that do not count, as Envoy reads it.
func block(it *corev3.CidrRange) string {
	text := fmt.Sprintf("%s/%d", it.AddressPrefix, it.GetPrefixLen().GetValue())
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked().String()
	}
	return text
}

// orAny stands for a list that restricts nothing.
func orAny(list []string) []string {
	if len(list) == 0 {
		return []string{"-"}
	}
	return list
}

// refusals lists what Envoy refuses on any proxy.
func (w *world) refusals() []string {
	result := []string{}
	add := func(title string, it *proxy) {
		for _, listener := range it.listeners {
			if reason, found := it.refused[listener.Name]; found {
				result = append(result, fmt.Sprintf("%s: LDS %s: %s", title, listener.Name, reason))
			}
		}
	}
	for _, it := range w.sidecars {
		add("client "+it.name, it)
	}
	for _, it := range w.routers {
		add("gateway "+it.namespace+"/"+it.name, it)
	}
	return result
}
