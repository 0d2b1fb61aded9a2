package main

import (
	"maps"
	"net"
	"regexp"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"istio.io/istio/pilot/pkg/networking/util"
)

// httpRequest is `GET /` with the requested host, as it is at one point of its way.
type httpRequest struct {
	authority string
	path      string
	headers   map[string]string // in lower case, without those that begin with a colon
}

// firstRequest is what the application sends.
func firstRequest(to Host) httpRequest {
	authority := to.Host
	if to.Port != 80 {
		authority = net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
	}
	return httpRequest{authority: authority, path: "/", headers: map[string]string{}}
}

func (r httpRequest) header(name string) (string, bool) {
	switch strings.ToLower(name) {
	case ":authority", "host":
		return r.authority, true
	case ":path":
		return r.path, true
	case ":method":
		return "GET", true
	case ":scheme":
		return "http", true
	}
	value, found := r.headers[strings.ToLower(name)]
	return value, found
}

// host is the authority without its port.
func (r httpRequest) host() string {
	if host, _, err := net.SplitHostPort(r.authority); err == nil {
		return host
	}
	return r.authority
}

// destination is one cluster that a proxy may send a request or a stream to.
type destination struct {
	cluster  string
	request  *httpRequest // as it is sent; nil: bytes are forwarded
	isMirror bool
	tunnelTo string // host that the proxy behind the cluster is asked to connect to
}

// routing is what a proxy does with a request or stream: it has destinations, or answers itself.
type routing struct {
	destinations []destination
	answer       string // what the proxy answers, instead
	isBlocked    bool   // istiod's own answer to unknown hosts
	isRedirect   bool   // to TLS
}

// routeHTTP finds the route of a request (simulation.Run).
func (p *proxy) routeHTTP(manager *hcmv3.HttpConnectionManager, request httpRequest) routing {
	table := manager.GetRouteConfig()
	if table == nil {
		table = p.routes[manager.GetRds().GetRouteConfigName()]
	}
	host := virtualHostFor(table, request)
	if host == nil {
		return routing{answer: "no virtual host matched (404)"}
	}
	if host.RequireTls == routev3.VirtualHost_ALL {
		return routing{answer: "tls required, sending 301", isRedirect: true}
	}
	for _, route := range host.Routes {
		if matchesRoute(route.GetMatch(), request) {
			return follow(route, host.Name, request)
		}
	}
	return routing{answer: "no route matched (404)"}
}

// virtualHostFor prefers the exact domain, then the longest `*suffix`, then the longest `prefix*`, then `*`; it folds the case of
// the request's host (config/route/v3 VirtualHost.domains; simulation.matchVirtualHost).
func virtualHostFor(table *routev3.RouteConfiguration, request httpRequest) *routev3.VirtualHost {
	name := strings.ToLower(request.authority)
	if table.GetIgnorePortInHostMatching() {
		name = strings.ToLower(request.host())
	}
	var result *routev3.VirtualHost
	best := 0
	for _, host := range table.GetVirtualHosts() {
		for _, domain := range host.Domains {
			if found := domainRank(domain, name); found > best {
				best, result = found, host
			}
		}
	}
	return result
}

func domainRank(domain, name string) int {
	const suffixes, exact = 1 << 16, 1 << 17
	switch {
	case domain == name:
		return exact
	case domain == "*":
		return 1
	case strings.HasPrefix(domain, "*") && len(name) >= len(domain) && strings.HasSuffix(name, domain[1:]):
		return suffixes + len(domain)
	case strings.HasSuffix(domain, "*") && len(name) >= len(domain) && strings.HasPrefix(name, domain[:len(domain)-1]):
		return 1 + len(domain)
	}
	return 0
}

// matchesRoute judges the path, headers and query parameters (the request has none of these).
func matchesRoute(match *routev3.RouteMatch, request httpRequest) bool {
	if !matchesPath(match, request.path) || len(match.GetQueryParameters()) > 0 {
		return false
	}
	for _, header := range match.GetHeaders() {
		if !matchesHeader(header, request) {
			return false
		}
	}
	return true
}

func matchesPath(match *routev3.RouteMatch, path string) bool {
	fold := func(text string) string { return text }
	if match.GetCaseSensitive() != nil && !match.GetCaseSensitive().GetValue() {
		fold = strings.ToLower
	}
	switch it := match.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		return strings.HasPrefix(fold(path), fold(it.Prefix))
	case *routev3.RouteMatch_PathSeparatedPrefix:
		prefix := fold(it.PathSeparatedPrefix)
		return fold(path) == prefix || strings.HasPrefix(fold(path), prefix+"/")
	case *routev3.RouteMatch_Path:
		return fold(path) == fold(it.Path)
	case *routev3.RouteMatch_SafeRegex:
		return matchesFully(it.SafeRegex.GetRegex(), path)
	}
	return false
}

// matchesFully: Envoy's regular expressions match the whole text.
func matchesFully(pattern, text string) bool {
	compiled, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && compiled.MatchString(text)
}

// follow yields the destinations of a route: those with a weight, and the mirrors.
func follow(route *routev3.Route, virtualHost string, request httpRequest) routing {
	switch action := route.GetAction().(type) {
	case *routev3.Route_DirectResponse:
		answer := "direct response " + strconv.Itoa(int(action.DirectResponse.GetStatus()))
		return routing{answer: answer, isBlocked: virtualHost == util.BlackHole}
	case *routev3.Route_Redirect:
		return routing{answer: "redirect"}
	case *routev3.Route_Route:
		return routing{destinations: destinationsOf(route, action.Route, request)}
	}
	return routing{answer: "the route has no action"}
}

func destinationsOf(route *routev3.Route, action *routev3.RouteAction, request httpRequest) []destination {
	sent := rewrite(request, route.GetMatch(), action)
	sent.add(route.GetRequestHeadersToAdd(), route.GetRequestHeadersToRemove())
	var result []destination
	if action.GetCluster() != "" {
		result = append(result, destination{cluster: action.GetCluster(), request: &sent})
	}
	for _, it := range action.GetWeightedClusters().GetClusters() {
		if it.GetWeight().GetValue() == 0 {
			continue
		}
		own := sent.copy()
		own.add(it.GetRequestHeadersToAdd(), it.GetRequestHeadersToRemove())
		if it.GetHostRewriteLiteral() != "" {
			own.authority = it.GetHostRewriteLiteral()
		}
		result = append(result, destination{cluster: it.Name, request: &own})
	}
	for _, it := range action.GetRequestMirrorPolicies() {
		if fraction := it.GetRuntimeFraction(); fraction == nil || fraction.GetDefaultValue().GetNumerator() > 0 {
			result = append(result, destination{cluster: it.Cluster, request: &sent, isMirror: true})
		}
	}
	return result
}

func (r httpRequest) copy() httpRequest {
	r.headers = maps.Clone(r.headers)
	return r
}

func (r *httpRequest) add(added []*corev3.HeaderValueOption, removed []string) {
	for _, name := range removed {
		delete(r.headers, strings.ToLower(name))
	}
	for _, it := range added {
		r.headers[strings.ToLower(it.GetHeader().GetKey())] = it.GetHeader().GetValue()
	}
}

// rewrite changes the authority and the path as the route says.
func rewrite(request httpRequest, match *routev3.RouteMatch, action *routev3.RouteAction) httpRequest {
	result := request.copy()
	if action.GetHostRewriteLiteral() != "" {
		result.authority = action.GetHostRewriteLiteral()
	}
	if action.GetPrefixRewrite() != "" {
		matched := len(match.GetPrefix()) + len(match.GetPathSeparatedPrefix()) + len(match.GetPath()) // one of them is set
		result.path = action.GetPrefixRewrite() + request.path[min(matched, len(request.path)):]
	}
	if it := action.GetRegexRewrite(); it != nil {
		if pattern, err := regexp.Compile(it.GetPattern().GetRegex()); err == nil {
			substitution := regexp.MustCompile(`\\(\d)`).ReplaceAllString(it.GetSubstitution(), "$${$1}")
			result.path = pattern.ReplaceAllString(request.path, substitution)
		}
	}
	return result
}
