import type { AuthorizationPolicyRule } from './resources.gen.ts';
import type { TrustDomains } from './trust-domain.ts';

/** Why a value matches nothing that the field can hold, in a clause that names the value, and what to do about it, as an imperative. */
interface Flaw {
  readonly reason: string;
  readonly fix: string;
}

/** A value of an AuthorizationPolicy rule that no request ever has. */
export interface FlawedValue extends Flaw {
  /** Path below the object, the place in the list included. */
  readonly field: string;
  readonly value: string;
}

/** The values of one attribute: `from[].source` and `when[]` say the same in two ways. */
interface Values {
  readonly attribute: 'principal' | 'sni';
  readonly field: string;
  readonly values: readonly string[];
}

/**
 * The positive values of a rule that are written so that they never match, whatever is in the mesh: principals that no
 * certificate carries, SNIs that no connection has. `field` is the rule's own (`spec.rules[i]`).
 * Source: pilot/pkg/security/authz/matcher/string.go, trustdomain/bundle.go; Envoy folds the SNI to lower case.
 */
export function* flawedValues(
  rule: AuthorizationPolicyRule,
  field: string,
  trustDomains: TrustDomains,
): Iterable<FlawedValue> {
  for (const { attribute, field: list, values } of valuesOf(rule, field)) {
    for (const [index, value] of values.entries()) {
      const flaw = attribute === 'principal' ? flawOfPrincipal(value, trustDomains) : flawOfSni(value);
      if (flaw !== undefined) yield { field: `${list}[${index}]`, value, ...flaw };
    }
  }
}

function* valuesOf(rule: AuthorizationPolicyRule, field: string): Iterable<Values> {
  for (const [index, { source = {} }] of (rule.from ?? []).entries()) {
    const { principals = [] } = source;
    yield { attribute: 'principal', field: `${field}.from[${index}].source.principals`, values: principals };
  }
  for (const [index, { key, values = [] }] of (rule.when ?? []).entries()) {
    const list = `${field}.when[${index}].values`;
    if (key === 'source.principal') yield { attribute: 'principal', field: list, values };
    if (key === 'connection.sni') yield { attribute: 'sni', field: list, values };
  }
}

function flawOfSni(value: string): Flaw | undefined {
  const [, name = ''] = /^(?:[a-z]+:\/\/)?([^:/]*)/i.exec(value) ?? [];
  if (name !== value && name !== '')
    return {
      reason: `an SNI is a name alone, without scheme, port or path, never '${value}'`,
      fix: `write '${name.toLowerCase()}'`,
    };
  if (value !== value.toLowerCase())
    return { reason: `Envoy sees every SNI in lower case, never '${value}'`, fix: `write '${value.toLowerCase()}'` };
  const star = starIn(value);
  if (star !== 'inside' && star !== 'both') return undefined;
  return {
    reason: `only a '*' at the beginning or at the end stands for anything, not that of '${value}'`,
    fix: 'write out the names that are meant',
  };
}

function flawOfPrincipal(value: string, trustDomains: TrustDomains): Flaw | undefined {
  if (value.startsWith('spiffe://'))
    return {
      reason: `Istio puts 'spiffe://' in front of every principal, also of '${value}'`,
      fix: `write '${value.slice(9)}'`,
    };
  const star = starIn(value);
  if (star === 'inside')
    return { reason: `the '*' inside '${value}' stands for itself`, fix: 'use `namespaces` instead' };
  if (star === 'both')
    return {
      reason: `behind the leading '*' of '${value}' the other '*' stands for itself`,
      fix: 'use `namespaces` instead',
    };
  if (star !== 'beginning' && !isIdentity(value, star === 'end'))
    return {
      reason: `'${value}' has not the form of identities, TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`,
      fix: 'write the principal in that form, or use `namespaces`',
    };
  const [named = ''] = value.split('/');
  if (named !== 'cluster.local' || value.split('/').length === partsOfIdentity || trustDomains.includes(named))
    return undefined;
  return {
    reason: `'${value}' has not five parts, and its 'cluster.local' does not stand for trust domain '${trustDomains[0] ?? ''}'`,
    fix: `write '${trustDomains[0] ?? ''}${value.slice(named.length)}'`,
  };
}

const partsOfIdentity = 5;

/** Where a value has a `*` that means something, or one that does not. */
function starIn(value: string): 'none' | 'beginning' | 'end' | 'both' | 'inside' {
  const first = value.indexOf('*');
  if (first === -1) return 'none';
  if (first === 0) return value.indexOf('*', 1) === -1 ? 'beginning' : 'both';
  return first === value.length - 1 ? 'end' : 'inside';
}

/** True for `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, and for what may begin one. */
function isIdentity(value: string, isPrefix: boolean): boolean {
  const parts = (isPrefix ? value.slice(0, -1) : value).split('/');
  if (parts.length > partsOfIdentity || (!isPrefix && parts.length < partsOfIdentity)) return false;
  return parts.every((part, index) => {
    const fixed = index === 1 ? 'ns' : index === 3 ? 'sa' : undefined;
    const isLast = isPrefix && index === parts.length - 1;
    if (fixed === undefined) return isLast || part !== '';
    return isLast ? fixed.startsWith(part) : part === fixed;
  });
}
