import { compareText } from './resources.ts';

/*
 * Istio's host names are not globs. A wildcard is a leading `*` and stands for any characters, dots included and none
 * included; what follows it is compared as a plain suffix. Everything here is case-sensitive, as istiod is: callers fold.
 */

/** True for a host pattern that starts with `*`. Source: pkg/config/host/name.go `IsWildCarded`. */
export function isWildcard(host: string): boolean {
  return host.charCodeAt(0) === asterisk;
}

/** True when every name of `host` (exact or wildcard) is one of `pattern`'s. Source: pkg/config/host/name.go `SubsetOf`. */
export function covers(pattern: string, host: string): boolean {
  if (!isWildcard(pattern)) return pattern === host;
  return suffixMatches(pattern, host);
}

/** True when some name is one of both. Symmetric. Source: pkg/config/host/name.go `Matches`. */
export function overlaps(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}

/**
 * Orders host patterns most specific first: exact before wildcard, longer before shorter, then alphabetically.
 * Source: pkg/config/host/names.go `MoreSpecific`.
 */
export function moreSpecificFirst(a: string, b: string): number {
  const aIsWildcard = isWildcard(a);
  if (aIsWildcard !== isWildcard(b)) return aIsWildcard ? 1 : -1;
  return b.length - a.length || compareText(a, b);
}

/**
 * The one pattern that Istio chooses for `host`: the host itself if present, else the most specific wildcard that covers
 * it; undefined when none does. Nothing is merged across patterns.
 * Source: pilot/pkg/model/config.go `MostSpecificHostMatch`.
 */
export function mostSpecific(host: string, patterns: Iterable<string>): string | undefined {
  let best: string | undefined;
  for (const pattern of patterns) {
    if (!covers(pattern, host)) continue;
    if (best === undefined || moreSpecificFirst(pattern, best) < 0) best = pattern;
  }
  return best;
}

/**
 * The full name of a host as a resource in `namespace` writes it: a name without any dot gets the namespace and the
 * cluster domain; `*`, IP addresses and dotted names stay as they are, also those that are dotted but not complete.
 * An IP address is told by its `:`, which no valid host name contains (an IPv4 address has dots).
 * Source: pilot/pkg/model/config.go `ResolveShortnameToFQDN`.
 */
export function fqdn(name: string, namespace: string, clusterDomain: string): string {
  if (name === '' || name === '*' || name.includes('.') || name.includes(':')) return name;
  const withNamespace = namespace === '' ? name : `${name}.${namespace}`;
  return clusterDomain === '' ? withNamespace : `${withNamespace}.svc.${clusterDomain}`;
}

/**
 * The keys under which an index finds every pattern that covers `host` (exact or wildcard): the host itself, `*.suffix` for
 * each of its suffixes, and `*`; most specific first. The index files a pattern under `indexKeyOf(pattern)`.
 */
export function hostPatternsOf(host: string): readonly string[] {
  const known = knownPatterns.get(host);
  if (known !== undefined) return known;
  const patterns = patternsOf(host);
  if (knownPatterns.size >= maxKnownPatterns) knownPatterns.clear();
  knownPatterns.set(host, patterns);
  return patterns;
}

/** Every look-up of a host asks for its patterns: the same strings again cost no hashing. Bounded, as names come from outside. */
const knownPatterns = new Map<string, readonly string[]>();
const maxKnownPatterns = 20_000;

function patternsOf(host: string): readonly string[] {
  const patterns = [host];
  const firstDot = host.startsWith('*.') ? 2 : 0;
  for (let dot = host.indexOf('.', firstDot); dot !== -1; dot = host.indexOf('.', dot + 1))
    patterns.push(`*${host.slice(dot)}`);
  if (host !== '*') patterns.push('*');
  return patterns;
}

/**
 * The key under which an index files a host pattern: nearly always the pattern itself. A `*` may also begin a label
 * (`*foo.com`, which Istio's validation accepts, covers `barfoo.com` and `a.foo.com`); such a pattern is filed under the
 * nearest broader pattern that has a whole label's `*` (`*.com`), so what that key yields is still to be asked with `covers`.
 * Source: pkg/config/labels/instance.go `IsWildcardDNS1123Label`.
 */
export function indexKeyOf(pattern: string): string {
  if (!isWildcard(pattern) || pattern === '*') return pattern;
  const dot = pattern.indexOf('.');
  return dot === -1 ? '*' : `*${pattern.slice(dot)}`;
}

const asterisk = 42;

/** `host` ends with what follows the `*` of `pattern`; the `*` of a wildcard host is not part of its own suffix. */
function suffixMatches(pattern: string, host: string): boolean {
  const suffixLength = pattern.length - 1;
  const nameLength = isWildcard(host) ? host.length - 1 : host.length;
  return suffixLength <= nameLength && host.endsWith(suffixLength === 0 ? '' : pattern.slice(1));
}

/** The host of a value of `hosts` in a policy: `host:*` and `host:80` name it as well. */
export function withoutPort(value: string): string {
  return value.replace(/:(\d+|\*)$/, '');
}
