package main

import (
	"strconv"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
)

// matchesText is Envoy's StringMatcher (type/matcher/v3).
func matchesText(matcher *matcherv3.StringMatcher, text string) bool {
	fold := func(it string) string { return it }
	if matcher.GetIgnoreCase() {
		fold = strings.ToLower
	}
	switch it := matcher.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		return fold(text) == fold(it.Exact)
	case *matcherv3.StringMatcher_Prefix:
		return strings.HasPrefix(fold(text), fold(it.Prefix))
	case *matcherv3.StringMatcher_Suffix:
		return strings.HasSuffix(fold(text), fold(it.Suffix))
	case *matcherv3.StringMatcher_Contains:
		return strings.Contains(fold(text), fold(it.Contains))
	case *matcherv3.StringMatcher_SafeRegex:
		return matchesFully(it.SafeRegex.GetRegex(), text)
	}
	return false
}

// matchesHeader is Envoy's HeaderMatcher. A missing header matches nothing but "is absent", not even an inverted match, unless it is to
// count as empty (source/common/http/header_utility.h).
func matchesHeader(matcher *routev3.HeaderMatcher, request httpRequest) bool {
	value, found := request.header(matcher.GetName())
	if it, isPresence := matcher.GetHeaderMatchSpecifier().(*routev3.HeaderMatcher_PresentMatch); isPresence {
		present := found || matcher.GetTreatMissingHeaderAsEmpty()
		return (present == it.PresentMatch) != matcher.GetInvertMatch()
	}
	if !found && !matcher.GetTreatMissingHeaderAsEmpty() {
		return false
	}
	return matchesHeaderValue(matcher, value) != matcher.GetInvertMatch()
}

func matchesHeaderValue(matcher *routev3.HeaderMatcher, value string) bool {
	switch it := matcher.GetHeaderMatchSpecifier().(type) {
	case *routev3.HeaderMatcher_StringMatch:
		return matchesText(it.StringMatch, value)
	case *routev3.HeaderMatcher_RangeMatch:
		number, err := strconv.ParseInt(value, 10, 64)
		return err == nil && number >= it.RangeMatch.GetStart() && number < it.RangeMatch.GetEnd()
	case nil:
		return true
	}
	return false
}
