import { isWildcard } from './hosts.ts';
import type { AuthorizationPolicyRule } from './resources.gen.ts';
import { type ServiceAccountName, splitServiceAccount } from './string-match.ts';

/** What a rule tells apart: by which SNI to find it, and which identities to look at one by one. */
export interface Discriminators {
  /** The SNIs outside of which the rule never matches; undefined if it is not bound to a finite set. */
  readonly sni: ReadonlySet<string> | undefined;
  /** Namespaces that the rule names, in positive and negative fields, on their own or in a principal. */
  readonly namespaces: ReadonlySet<string>;
  /**
   * Service accounts that the rule names, in positive and negative fields, on their own or in a principal: `ba*` and `*ch` where
   * a principal stands for all that begin or end so. Namespace `*` where a principal leaves it open.
   */
  readonly serviceAccounts: readonly ServiceAccountName[];
  /** Values of `namespaces` and principals with a `*`, as written. */
  readonly patterns: readonly string[];
}

/** The identity values of one source or condition. */
interface IdentityValues {
  readonly principals: readonly string[];
  readonly namespaces: readonly string[];
  readonly serviceAccounts: readonly string[];
}

const namespaceInPrincipal = /(?:^|\/)ns\/([^/*]+)(?=\/)/;
const accountInPrincipal = /(?:^|\/)sa\/([^/*]+\*?)$/;
/** The end of a principal with a leading `*`: an account as a whole, or only how it ends. */
const accountAtEnd = /(?:^\*|\/)[^/*]+$/;

/** Collects what a rule tells apart. */
export function discriminatorsOf(rule: AuthorizationPolicyRule, policyNamespace: string): Discriminators {
  const named = identityValuesOf(rule);
  const principals = named.flatMap((values) => values.principals);
  const namespaces = named.flatMap((values) => values.namespaces);
  const accounts = named
    .flatMap((values) => values.serviceAccounts)
    .map((value) => splitServiceAccount(value, policyNamespace));
  const inPrincipals = principals.flatMap(accountOf);
  const serviceAccounts = [...accounts, ...inPrincipals];
  return {
    sni: requiredSnis(rule),
    namespaces: new Set([
      ...namespaces.filter(isLiteral),
      ...principals.flatMap(namespaceOf),
      ...accounts.map((account) => account.namespace),
    ]),
    serviceAccounts,
    patterns: [...namespaces, ...principals].filter((value) => !isLiteral(value)),
  };
}

/** The intersection over all `when` on `connection.sni` that list exact values only. */
function requiredSnis(rule: AuthorizationPolicyRule): ReadonlySet<string> | undefined {
  let required: ReadonlySet<string> | undefined;
  for (const { key, values = [] } of rule.when ?? []) {
    if (key !== 'connection.sni' || values.length === 0 || !values.every(isExact)) continue;
    const exact: ReadonlySet<string> = new Set(values);
    required = required === undefined ? exact : exact.intersection(required);
  }
  return required;
}

function identityValuesOf(rule: AuthorizationPolicyRule): readonly IdentityValues[] {
  const sources = (rule.from ?? []).map(({ source = {} }) => ({
    principals: [...(source.principals ?? []), ...(source.notPrincipals ?? [])],
    namespaces: [...(source.namespaces ?? []), ...(source.notNamespaces ?? [])],
    serviceAccounts: [...(source.serviceAccounts ?? []), ...(source.notServiceAccounts ?? [])],
  }));
  const conditions = (rule.when ?? []).map(({ key, values = [], notValues = [] }) => {
    const all = [...values, ...notValues];
    return {
      principals: key === 'source.principal' ? all : [],
      namespaces: key === 'source.namespace' ? all : [],
      serviceAccounts: key === 'source.serviceAccount' ? all : [],
    };
  });
  return [...sources, ...conditions];
}

function namespaceOf(principal: string): readonly string[] {
  const namespace = namespaceInPrincipal.exec(principal)?.[1];
  return namespace === undefined ? [] : [namespace];
}

/** A principal that stands for accounts with a common beginning or end names them by that: `ba*`, `*ch`. */
function accountOf(principal: string): readonly ServiceAccountName[] {
  const name = isWildcard(principal)
    ? accountAtEnd.exec(principal)?.[0].replace(/^\//, '')
    : accountInPrincipal.exec(principal)?.[1];
  return name === undefined ? [] : [{ namespace: namespaceOf(principal)[0] ?? '*', name }];
}

function isLiteral(value: string): boolean {
  return !value.includes('*');
}

/** Neither prefix, suffix nor presence. */
function isExact(value: string): boolean {
  return !isWildcard(value) && !value.endsWith('*');
}
