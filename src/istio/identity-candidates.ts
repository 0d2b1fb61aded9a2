import { type Identity, workloadIdentity } from './authorization-facts.ts';
import type { AuthorizationPolicyRule } from './resources.gen.ts';

/** Stands for a name that no rule mentions. */
const anyName = 'any-other-name';

/** The names of which identities are made. */
interface Names {
  readonly trustDomains: Set<string>;
  readonly namespaces: Set<string>;
  readonly accounts: Set<string>;
}

/** The mesh, as far as identities are concerned. */
export interface IdentityContext {
  readonly trustDomain: string;
  /** The namespace of the policy, if clients live there: service accounts without a namespace are of it. */
  readonly ownNamespace?: string;
}

/**
 * Identities of which at least one satisfies the positive identity conditions of a rule, if any identity does: every trust domain,
 * namespace and service account that the rule names, and one that it does not name, in all combinations. What the rule names may
 * be a client that does not exist yet: of that nothing is said.
 */
export function identityCandidates(rule: AuthorizationPolicyRule, context: IdentityContext): readonly Identity[] {
  const names: Names = {
    trustDomains: new Set([context.trustDomain]),
    namespaces: new Set([anyName]),
    accounts: new Set([anyName]),
  };
  for (const { source = {} } of rule.from ?? []) {
    addPrincipals(names, source.principals);
    addNamespaces(names, source.namespaces);
    addAccounts(names, source.serviceAccounts, context);
    addTrustDomains(names, source.trustDomains);
  }
  for (const { key, values } of rule.when ?? []) {
    if (key === 'source.principal') addPrincipals(names, values);
    if (key === 'source.namespace') addNamespaces(names, values);
    if (key === 'source.serviceAccount') addAccounts(names, values, context);
    if (key === 'source.trustDomain') addTrustDomains(names, values);
  }
  return [...names.trustDomains].flatMap((trustDomain) =>
    [...names.namespaces].flatMap((namespace) =>
      [...names.accounts].map((account) => workloadIdentity(trustDomain, namespace, account)),
    ),
  );
}

function addNamespaces({ namespaces }: Names, values: readonly string[] = []): void {
  for (const value of values) namespaces.add(filled(value));
}

function addTrustDomains({ trustDomains }: Names, values: readonly string[] = []): void {
  for (const value of values) trustDomains.add(filled(value));
}

function addAccounts(names: Names, values: readonly string[] = [], { ownNamespace }: IdentityContext): void {
  for (const value of values) {
    const slash = value.indexOf('/');
    if (slash === -1 && ownNamespace === undefined) continue;
    names.namespaces.add(slash === -1 ? (ownNamespace ?? anyName) : value.slice(0, slash));
    names.accounts.add(value.slice(slash + 1));
  }
}

function addPrincipals(names: Names, values: readonly string[] = []): void {
  for (const value of values) {
    if (value.startsWith('*')) addEnding(names, value);
    else addBeginning(names, value.split('/'));
  }
}

function addBeginning(names: Names, [trustDomain = '', , namespace, , account]: readonly string[]): void {
  // `cluster.local` points to the mesh's own trust domain.
  if (trustDomain !== 'cluster.local') names.trustDomains.add(filled(trustDomain));
  if (namespace !== undefined) names.namespaces.add(filled(namespace));
  if (account !== undefined) names.accounts.add(filled(account));
}

/** The last part is the account's, the one before `sa` the namespace's, the one before `ns` the trust domain's. */
function addEnding(names: Names, value: string): void {
  const [account = '', , namespace, , trustDomain] = value.split('/').reverse();
  names.accounts.add(filled(account));
  if (namespace !== undefined && namespace !== '*') names.namespaces.add(filled(namespace));
  if (trustDomain !== undefined && trustDomain !== '*') names.trustDomains.add(filled(trustDomain));
}

/** A name that a pattern describes. */
function filled(pattern: string): string {
  const name = pattern.replaceAll('*', '');
  return name === '' ? anyName : name;
}
