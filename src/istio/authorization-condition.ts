import { prefixLength } from './address.ts';
import type { Facts, Identity } from './authorization-facts.ts';
import {
  always,
  byAuthority,
  chosenByClient,
  decided,
  never,
  not,
  type Truth,
  unknown,
} from './authorization-truth.ts';
import { matchesAny, matchesText, type StringMatcher } from './string-match.ts';

/** What a condition compares, with the values compiled. The values are OR-ed. */
export type Comparison =
  /** The SPIFFE URI of the client: principals, namespaces, serviceAccounts, trustDomains. */
  | { readonly on: 'identity'; readonly matchers: readonly StringMatcher[] }
  /** `connection.sni`. */
  | { readonly on: 'sni'; readonly matchers: readonly StringMatcher[] }
  /** `ports`, `destination.port`: the port of the gateway's pod, not of its Service. */
  | { readonly on: 'port'; readonly ports: readonly number[] }
  /** `hosts`, with the port if the authority has one. */
  | { readonly on: 'host'; readonly matchers: readonly StringMatcher[] }
  | { readonly on: 'method'; readonly matchers: readonly StringMatcher[] }
  | { readonly on: 'path'; readonly matchers: readonly StringMatcher[] }
  | { readonly on: 'header'; readonly header: string; readonly matchers: readonly StringMatcher[] }
  /** What a JSON web token says: `requestPrincipals`, `request.auth.*`. */
  | { readonly on: 'token' }
  /** An IP address: that of the client's pod (`ipBlocks`, `source.ip`), or one that nothing here knows. */
  | { readonly on: 'address'; readonly of: 'client' | 'unknown'; readonly blocks: readonly string[] }
  /** Dynamic metadata of other Envoy filters: nothing here knows it. */
  | { readonly on: 'metadata' };

/** One field of a rule: `values` or `notValues` of one attribute. */
export interface Condition {
  /** Path below the rule: `from[0].source.notPrincipals`, `when[1].values`. */
  readonly field: string;
  /** True for `not…` fields: holds when no value matches. */
  readonly negated: boolean;
  readonly comparison: Comparison;
}

/** The concrete request that verdicts are about. */
const request: ReadonlyMap<string, string> = new Map([
  [':method', 'GET'],
  [':path', '/'],
  [':scheme', 'http'],
]);

/** True for what Istio calls HTTP only: it cannot be asked on a TCP filter chain. Source: generator.go `forTCP`. */
export function isHttpOnly({ comparison: { on } }: Condition): boolean {
  return on === 'host' || on === 'method' || on === 'path' || on === 'header' || on === 'token';
}

/**
 * Evaluates one condition. The concrete request is `GET /` with the authority of the facts, without further headers and
 * without a token; unknown addresses and metadata match no value.
 */
export function evaluateCondition(condition: Condition, facts: Facts): Truth {
  const truth = compare(condition.comparison, facts);
  return condition.negated ? not(truth) : truth;
}

function compare(comparison: Comparison, facts: Facts): Truth {
  switch (comparison.on) {
    case 'identity':
      return compareIdentity(comparison.matchers, facts.identity);
    case 'sni':
      return compareSni(comparison.matchers, facts);
    case 'port':
      return decided(comparison.ports.includes(facts.podPort));
    case 'host':
      return compareHost(comparison.matchers, facts);
    case 'method':
      return compareFree(comparison.matchers, 'GET');
    case 'path':
      return comparison.matchers.some(isEveryPath) ? always : compareFree(comparison.matchers, '/');
    case 'header':
      return compareHeader(comparison.header, comparison.matchers, facts);
    case 'token':
      return chosenByClient(false);
    case 'address':
      return compareAddress(comparison.blocks, comparison.of === 'client' ? facts.clientAddress : undefined);
    case 'metadata':
      return unknown(false);
  }
}

/**
 * Without a client certificate nothing matches, not even `*`: Envoy compares the empty subject. Of an unknown certificate
 * only `*` is taken to match. Source: Envoy source/extensions/filters/common/rbac/matchers.cc `AuthenticatedMatcher`.
 */
function compareIdentity(matchers: readonly StringMatcher[], identity: Identity): Truth {
  switch (identity.kind) {
    case 'none':
      return never;
    case 'unknown':
      return unknown(matchers.some(({ kind }) => kind === 'present'));
    case 'spiffe':
      return decided(matchesAny(matchers, identity.uri));
  }
}

/** On plaintext Envoy compares an empty name, which no value of a valid policy matches. */
function compareSni(matchers: readonly StringMatcher[], facts: Facts): Truth {
  if (facts.sni === undefined) return never;
  const matches = matchesAny(matchers, facts.sni);
  return facts.sniIsClients ? unknown(matches) : decided(matches);
}

/** An unknown address is taken to be in no block but one of all addresses. */
function compareAddress(blocks: readonly string[], address: string | undefined): Truth {
  if (address === undefined) return unknown(blocks.some((block) => block.endsWith('/0')));
  return decided(blocks.some((block) => prefixLength(block, address) !== undefined));
}

/** What the client chooses at will; only presence is certain. */
function compareFree(matchers: readonly StringMatcher[], text: string): Truth {
  return matchers.some(({ kind }) => kind === 'present') ? always : chosenByClient(matchesAny(matchers, text));
}

/** Every path begins with `/`. */
function isEveryPath(matcher: StringMatcher): boolean {
  return matcher.kind === 'prefix' && matcher.text === '/';
}

/** Envoy knows `host` as `:authority`; a header that is not there matches nothing, not even `*`. */
function compareHeader(header: string, matchers: readonly StringMatcher[], facts: Facts): Truth {
  const name = header.toLowerCase();
  if (name === ':authority' || name === 'host') return compareFree(matchers, facts.authority);
  const text = request.get(name);
  return text === undefined ? chosenByClient(false) : compareFree(matchers, text);
}

/**
 * The client may write the host with and without a port, and both reach the same route, as Istio sets
 * `ignore_port_in_host_matching`; the values are compared with the port.
 */
function compareHost(matchers: readonly StringMatcher[], facts: Facts): Truth {
  const { host, authority, authorityIsClients, isAnyAuthority = false } = facts;
  const matches = matchesAny(matchers, authority);
  if (!authorityIsClients) return decided(matches);
  if (isAnyAuthority) return chosenByClient(matches);
  const withEveryPort = matchers.some((matcher) => matchesEveryPort(matcher, host));
  const withSomePort = withEveryPort || matchers.some((matcher) => matchesSomePort(matcher, host));
  return byAuthority(matches, matchesAny(matchers, host), withEveryPort, withSomePort);
}

/** True when the value describes a host (lower case) with whatever port behind it. */
export function matchesEveryPort(matcher: StringMatcher, host: string): boolean {
  if (matcher.kind === 'present') return true;
  if (matcher.kind !== 'prefix') return false;
  return host.startsWith(matcher.text) || isHostWithColon(matcher.text, matcher.text.length - 1, host);
}

/** Matches `host:` followed by some digits or none. */
function matchesSomePort(matcher: StringMatcher, host: string): boolean {
  switch (matcher.kind) {
    case 'exact':
    case 'prefix':
      return isHostWithColon(matcher.text, host.length, host) && isDigits(matcher.text, host.length + 1);
    case 'suffix': {
      const colon = matcher.text.lastIndexOf(':');
      if (!isDigits(matcher.text, colon + 1)) return false;
      return colon === -1 || host.endsWith(matcher.text.slice(0, colon));
    }
    default:
      return matchesText(matcher, `${host}:`);
  }
}

function isHostWithColon(text: string, colon: number, host: string): boolean {
  return colon === host.length && text.charAt(colon) === ':' && text.startsWith(host);
}

function isDigits(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < zero || code > nine) return false;
  }
  return true;
}

const zero = 48;
const nine = 57;
