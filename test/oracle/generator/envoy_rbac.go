package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	httprbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	networkrbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	uritemplatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/path/match/uri_template/v3"
)

// subject is what RBAC filters know of a request.
type subject struct {
	identity string // URI of the client's certificate; empty: there is none
	isTLS    bool   // the gateway terminated TLS
	source   string // address of the client's pod
	target   string // address of the gateway's pod
	port     int    // of the gateway's pod
	sni      string
	request  *httpRequest // nil on chains that forward bytes
}

// authorize asks the RBAC filters of a chain, in their order. What is only tried (dry run) and what asks a provider (action CUSTOM)
// are shadow rules, which Envoy does not enforce.
func authorize(chain *listenerv3.FilterChain, manager *hcmv3.HttpConnectionManager, who subject) *Authorization {
	result := &Authorization{Decision: "ALLOW", Policies: []string{}}
	for _, rules := range rbacRules(chain, manager) {
		matching := matchingPolicies(rules, who)
		switch {
		case rules.Action == rbacv3.RBAC_DENY && len(matching) > 0:
			return &Authorization{Decision: "DENY", Policies: matching}
		case rules.Action == rbacv3.RBAC_ALLOW && len(matching) == 0:
			return &Authorization{Decision: "DENY", Policies: []string{}}
		case rules.Action == rbacv3.RBAC_ALLOW:
			result.Policies = matching
		}
	}
	return result
}

func rbacRules(chain *listenerv3.FilterChain, manager *hcmv3.HttpConnectionManager) []*rbacv3.RBAC {
	var result []*rbacv3.RBAC
	for _, filter := range chain.GetFilters() {
		config := &networkrbacv3.RBAC{}
		if unpack(filter.GetTypedConfig(), config) && config.Rules != nil {
			result = append(result, config.Rules)
		}
	}
	for _, filter := range manager.GetHttpFilters() {
		config := &httprbacv3.RBAC{}
		if unpack(filter.GetTypedConfig(), config) && config.Rules != nil {
			result = append(result, config.Rules)
		}
	}
	return result
}

// policyName is how istiod names a rule of a policy (security/authz/builder policyName).
var policyName = regexp.MustCompile(`ns\[(.*)\]-policy\[(.*)\]-rule\[.*\]`)

func matchingPolicies(rules *rbacv3.RBAC, who subject) []string {
	var result []string
	for name, policy := range rules.GetPolicies() {
		isPermitted := slices.ContainsFunc(policy.Permissions, who.hasPermission)
		if isPermitted && slices.ContainsFunc(policy.Principals, who.isPrincipal) {
			if parts := policyName.FindStringSubmatch(name); parts != nil {
				name = parts[1] + "/" + parts[2]
			}
			result = append(result, name)
		}
	}
	slices.Sort(result)
	return slices.Compact(result)
}

func (s subject) hasPermission(it *rbacv3.Permission) bool {
	switch rule := it.GetRule().(type) {
	case *rbacv3.Permission_Any:
		return rule.Any
	case *rbacv3.Permission_AndRules:
		return all(rule.AndRules.GetRules(), s.hasPermission)
	case *rbacv3.Permission_OrRules:
		return slices.ContainsFunc(rule.OrRules.GetRules(), s.hasPermission)
	case *rbacv3.Permission_NotRule:
		return !s.hasPermission(rule.NotRule)
	case *rbacv3.Permission_Header:
		return s.request != nil && matchesHeader(rule.Header, *s.request)
	case *rbacv3.Permission_UrlPath:
		return s.request != nil && matchesText(rule.UrlPath.GetPath(), s.urlPath())
	case *rbacv3.Permission_UriTemplate:
		template := &uritemplatev3.UriTemplateMatchConfig{}
		return s.request != nil && unpack(rule.UriTemplate.GetTypedConfig(), template) && matchesTemplate(template.PathTemplate, s.urlPath())
	case *rbacv3.Permission_DestinationIp:
		return contains(rule.DestinationIp, s.target)
	case *rbacv3.Permission_DestinationPort:
		return int(rule.DestinationPort) == s.port
	case *rbacv3.Permission_RequestedServerName:
		return matchesText(rule.RequestedServerName, s.sni)
	case *rbacv3.Permission_Metadata:
		return rule.Metadata.GetInvert() // no filter sets any
	}
	panic(fmt.Sprintf("RBAC permission %T is not modelled", it.GetRule()))
}

func (s subject) isPrincipal(it *rbacv3.Principal) bool {
	switch rule := it.GetIdentifier().(type) {
	case *rbacv3.Principal_Any:
		return rule.Any
	case *rbacv3.Principal_AndIds:
		return all(rule.AndIds.GetIds(), s.isPrincipal)
	case *rbacv3.Principal_OrIds:
		return slices.ContainsFunc(rule.OrIds.GetIds(), s.isPrincipal)
	case *rbacv3.Principal_NotId:
		return !s.isPrincipal(rule.NotId)
	case *rbacv3.Principal_Authenticated_:
		return s.isAuthenticated(rule.Authenticated)
	case *rbacv3.Principal_DirectRemoteIp:
		return contains(rule.DirectRemoteIp, s.source)
	case *rbacv3.Principal_RemoteIp:
		return contains(rule.RemoteIp, s.source) // gateways use the peer's address, unless proxies before them are trusted
	case *rbacv3.Principal_Header:
		return s.request != nil && matchesHeader(rule.Header, *s.request)
	case *rbacv3.Principal_Metadata:
		return rule.Metadata.GetInvert() // no filter sets any
	case *rbacv3.Principal_FilterState:
		return false // set on waypoints only
	}
	panic(fmt.Sprintf("RBAC principal %T is not modelled", it.GetIdentifier()))
}

// isAuthenticated: without a client certificate only "any" matches, and only inside TLS.
func (s subject) isAuthenticated(it *rbacv3.Principal_Authenticated) bool {
	if !s.isTLS {
		return false
	}
	return it.GetPrincipalName() == nil || matchesText(it.GetPrincipalName(), s.identity)
}

func (s subject) urlPath() string {
	path, _, _ := strings.Cut(s.request.path, "?")
	return path
}

func all[T any](list []T, isTrue func(T) bool) bool {
	return !slices.ContainsFunc(list, func(it T) bool { return !isTrue(it) })
}

// matchesTemplate is Envoy's URI template, which Istio writes without braces: `*` is one segment, `**` any number of them.
func matchesTemplate(template, path string) bool {
	pattern := regexp.QuoteMeta(template)
	pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta("**"), ".*")
	pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta("*"), "[^/]+")
	return matchesFully(pattern, path)
}
