import { expandTrustDomains, replaceTrustDomains, type TrustDomains } from './trust-domain.ts';

/** Begins every identity that a workload certificate carries. */
const spiffePrefix = 'spiffe://';

/**
 * How one value of an AuthorizationPolicy compares with a text. What istiod writes as a regular expression is one of the
 * last three shapes here, which need no backtracking.
 */
export type StringMatcher =
  /** The text itself. */
  | { readonly kind: 'exact'; readonly text: string }
  /** Begins with it. */
  | { readonly kind: 'prefix'; readonly text: string }
  /** Ends with it. */
  | { readonly kind: 'suffix'; readonly text: string }
  /** Any text but the empty one (`.+`). */
  | { readonly kind: 'present' }
  /** Begins and ends so, with at least `between` characters between (`prefix.*suffix`, `prefix.+suffix`). */
  | { readonly kind: 'enclosed'; readonly prefix: string; readonly suffix: string; readonly between: number }
  /** Contains the pieces in this order (`.*a.*b.*`). */
  | { readonly kind: 'pieces'; readonly pieces: readonly string[] }
  /** Begins with `head`, and `tail` follows before or at the next `/` (`head[^/]*tail.*`). */
  | { readonly kind: 'segment'; readonly head: string; readonly tail: string };

/**
 * The matcher of a plain value: `*` is presence, a leading `*` means suffix, a trailing one prefix; a leading `*` wins and
 * every other `*` is literal. Source: pilot/pkg/security/authz/matcher/string.go `StringMatcher`.
 */
export function plainMatcher(value: string): StringMatcher {
  return prefixedMatcher(value, '');
}

/**
 * The matcher of a host, to be asked with the authority in lower case: case does not matter in hosts.
 * Source: pilot/pkg/security/authz/matcher/header.go `HostMatcher`.
 */
export function hostMatcher(value: string): StringMatcher {
  return plainMatcher(value.toLowerCase());
}

/**
 * The matchers of `principals` and `source.principal`, trust domains replaced; to be asked with the whole SPIFFE URI.
 * Source: pilot/pkg/security/authz/model/generator.go `srcPrincipalGenerator`.
 */
export function principalMatchers(values: readonly string[], trustDomains: TrustDomains): readonly StringMatcher[] {
  return replaceTrustDomains(values, trustDomains).map((value) => prefixedMatcher(value, spiffePrefix));
}

/**
 * The matchers of `namespaces` and `source.namespace`, a `*` anywhere; to be asked with the whole SPIFFE URI, of which they
 * look for a piece (`.*\/ns/VALUE/.*`). Source: pilot/pkg/security/authz/model/generator.go `srcNamespaceGenerator`.
 */
export function namespaceMatchers(values: readonly string[]): readonly StringMatcher[] {
  return values.map((value) => ({ kind: 'pieces', pieces: `/ns/${value}/`.split('*') }));
}

/**
 * The matchers of `serviceAccounts` and `source.serviceAccount`; a value without namespace is of the policy's own. To be
 * asked with the whole SPIFFE URI, in the form that istiod issues (`spiffe://td/ns/NAMESPACE/sa/ACCOUNT`).
 * Source: pilot/pkg/security/authz/model/generator.go `serviceAccountRegex`.
 */
export function serviceAccountMatchers(values: readonly string[], policyNamespace: string): readonly StringMatcher[] {
  return values.map((value) => {
    const { namespace, name } = splitServiceAccount(value, policyNamespace);
    return { kind: 'enclosed', prefix: spiffePrefix, suffix: `/ns/${namespace}/sa/${name}`, between: 1 };
  });
}

/** A service account and its namespace. */
export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** Namespace and name of a service account as policies write it. Source: generator.go `serviceAccountRegex`. */
export function splitServiceAccount(value: string, policyNamespace: string): ServiceAccountName {
  const slash = value.indexOf('/');
  if (slash === -1) return { namespace: policyNamespace, name: value };
  return { namespace: value.slice(0, slash), name: value.slice(slash + 1) };
}

/**
 * The matchers of `trustDomains` and `source.trustDomain`, aliases added; to be asked with the whole SPIFFE URI.
 * Source: pilot/pkg/security/authz/model/generator.go `srcTrustDomainGenerator`.
 */
export function trustDomainMatchers(values: readonly string[], trustDomains: TrustDomains): readonly StringMatcher[] {
  return expandTrustDomains(values, trustDomains).map((value) => {
    if (value === '*') return { kind: 'prefix', text: spiffePrefix };
    const star = value.indexOf('*');
    if (star === -1) return { kind: 'prefix', text: `${spiffePrefix}${value}/` };
    return { kind: 'segment', head: `${spiffePrefix}${value.slice(0, star)}`, tail: `${value.slice(star + 1)}/` };
  });
}

/** The URI of a workload's identity. Source: pkg/spiffe/spiffe.go `Identity.String`. */
export function spiffeUri(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `${spiffePrefix}${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** True when the text is one that the matcher describes. */
export function matchesText(matcher: StringMatcher, text: string): boolean {
  switch (matcher.kind) {
    case 'exact':
      return text === matcher.text;
    case 'prefix':
      return text.startsWith(matcher.text);
    case 'suffix':
      return text.endsWith(matcher.text);
    case 'present':
      return text !== '';
    case 'enclosed':
      return (
        text.length >= matcher.prefix.length + matcher.between + matcher.suffix.length &&
        text.startsWith(matcher.prefix) &&
        text.endsWith(matcher.suffix)
      );
    case 'pieces':
      return containsInOrder(text, matcher.pieces);
    case 'segment':
      return containsInSegment(text, matcher.head, matcher.tail);
  }
}

/** True when one of the matchers describes the text. */
export function matchesAny(matchers: readonly StringMatcher[], text: string): boolean {
  for (const matcher of matchers) if (matchesText(matcher, text)) return true;
  return false;
}

/** Source: pilot/pkg/security/authz/matcher/string.go `StringMatcherWithPrefix`. */
function prefixedMatcher(value: string, prefix: string): StringMatcher {
  if (value === '*') return { kind: 'present' };
  if (value.startsWith('*')) {
    const text = value.slice(1);
    return prefix === '' ? { kind: 'suffix', text } : { kind: 'enclosed', prefix, suffix: text, between: 0 };
  }
  if (value.endsWith('*')) return { kind: 'prefix', text: prefix + value.slice(0, -1) };
  return { kind: 'exact', text: prefix + value };
}

/** The leftmost place of every piece leaves the most room for the next, so the first try decides. */
function containsInOrder(text: string, pieces: readonly string[]): boolean {
  let from = 0;
  for (const piece of pieces) {
    const at = text.indexOf(piece, from);
    if (at === -1) return false;
    from = at + piece.length;
  }
  return true;
}

function containsInSegment(text: string, head: string, tail: string): boolean {
  if (!text.startsWith(head)) return false;
  const at = text.indexOf(tail, head.length);
  const slash = text.indexOf('/', head.length);
  return at !== -1 && (slash === -1 || at <= slash);
}
