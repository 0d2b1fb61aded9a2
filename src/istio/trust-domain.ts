/** The trust domain of the mesh and its aliases, in the order of Istio's bundle: the mesh's own first. */
export type TrustDomains = readonly string[];

/** In a principal, `cluster.local` stands for the mesh's own trust domain, whatever its name. */
const localTrustDomain = 'cluster.local';

/** A principal that names its trust domain has exactly these parts: `td/ns/NAMESPACE/sa/ACCOUNT`. */
const partsOfPrincipal = 5;

/** The bundle of a mesh. Source: pilot/pkg/security/trustdomain/bundle.go `NewBundle`. */
export function trustDomainsOf(trustDomain: string, aliases: readonly string[]): TrustDomains {
  return [trustDomain, ...aliases];
}

/**
 * The principals that Istio puts in the place of those that a policy names: a principal of the mesh's trust domain, of an
 * alias or of `cluster.local` becomes one for each trust domain of the mesh. Any other is kept as it is; so is one without
 * exactly five parts, be it meant as a prefix (`cluster.local/ns/team/*`).
 * Source: pilot/pkg/security/trustdomain/bundle.go `ReplaceTrustDomainAliases`.
 */
export function replaceTrustDomains(principals: readonly string[], trustDomains: TrustDomains): readonly string[] {
  return principals.flatMap((principal) => {
    const parts = principal.split('/');
    const [named] = parts;
    if (parts.length !== partsOfPrincipal || named === undefined || named === '*') return [principal];
    if (named !== localTrustDomain && !trustDomains.some((known) => isLike(named, known))) return [principal];
    return [...new Set(trustDomains.map((known) => rename(principal, named, known)))];
  });
}

/**
 * The values that Istio puts in the place of those of `trustDomains` and `source.trustDomain`: one that is exactly a trust
 * domain of the mesh becomes all of them. `cluster.local` is no pointer here.
 * Source: pilot/pkg/security/trustdomain/bundle.go `ExpandTrustDomainAliases`.
 */
export function expandTrustDomains(values: readonly string[], trustDomains: TrustDomains): readonly string[] {
  return [...new Set(values.flatMap((value) => (trustDomains.includes(value) ? trustDomains : [value])))];
}

/** Source: bundle.go `replaceTrustDomains`: a trust domain with a leading `*` already stands for those that it matches. */
function rename(principal: string, named: string, known: string): string {
  return matchesSuffix(known, named) ? principal : `${known}${principal.slice(named.length)}`;
}

/** Source: pilot/pkg/security/trustdomain/util.go `stringMatch`: the pattern may be on either side. */
function isLike(named: string, known: string): boolean {
  if (named === known || known === '*') return true;
  return (
    matchesPrefix(named, known) ||
    matchesPrefix(known, named) ||
    matchesSuffix(named, known) ||
    matchesSuffix(known, named)
  );
}

function matchesPrefix(text: string, pattern: string): boolean {
  return pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1));
}

function matchesSuffix(text: string, pattern: string): boolean {
  return pattern.startsWith('*') && text.endsWith(pattern.slice(1));
}
