import type { CompiledPolicy } from '../istio/authorization.ts';
import { type Facts, type Identity, noIdentity, unknownIdentity } from '../istio/authorization-facts.ts';
import { type CompiledRule, evaluateRule, explainRule, type RuleExplanation } from '../istio/authorization-rule.ts';
import { never } from '../istio/authorization-truth.ts';
import { digestOf } from '../istio/digest.ts';
import { serverForm } from '../istio/gateway-server.ts';
import { covers } from '../istio/hosts.ts';
import { identityCandidates } from '../istio/identity-candidates.ts';
import { flawedValues } from '../istio/policy-values.ts';
import type { AuthorizationPolicyRule } from '../istio/resources.gen.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { trustDomainsOf } from '../istio/trust-domain.ts';
import { hasClients } from '../mesh/clients.ts';
import { type Workload, workloadsBehind } from '../mesh/gateway-workloads.ts';
import { listeningPorts } from '../mesh/gateways.ts';
import { factsOf, kubernetesServices, type MeshReader } from '../mesh/indexes.ts';
import { factsWith } from './authorization.ts';
import { type Flow, flowShapes, flowsOf, flowsWithSni, gatewaysOfHop } from './flows.ts';
import { waysTo } from './host-paths.ts';
import type { Path, ServerMatch } from './path.ts';
import { externalHostsOf, gatewaysOfHost, guardedGateways, isMeshWide } from './policy-hosts.ts';

/** Why a rule of a policy, or one of its values, matches no request that arrives at an egress gateway. */
export interface Unreached {
  readonly at: FieldRef;
  /** Stable within the policy. */
  readonly key: string;
  /** What is, as a clause. */
  readonly reason: string;
  /** What to do, as an imperative. */
  readonly fix: string;
  readonly related: readonly FieldRef[];
  /** True when a host, a route or a server that does not exist yet would change it. */
  readonly isIncomplete: boolean;
}

/** One rule of a policy with all that is asked about it. */
interface Case {
  readonly reader: MeshReader;
  readonly policy: CompiledPolicy;
  readonly rule: CompiledRule;
  readonly raw: AuthorizationPolicyRule;
  readonly gateways: readonly Workload[];
  readonly identities: readonly Identity[];
}

/**
 * What of a policy matches nothing at the egress gateways that it is attached to. Of the rules of a policy that is in force
 * everywhere in the mesh only those are asked about that name external hosts. Says nothing of what is broken before policies
 * are asked, and of clients that do not exist yet.
 */
export function* unreachedRules(reader: MeshReader, policy: CompiledPolicy): Iterable<Unreached> {
  for (const each of casesOf(reader, policy)) {
    const flaws = [...flawedOf(each)];
    yield* flaws;
    if (flaws.length > 0) continue;
    const unsent = [...unsentSnis(each)];
    yield* unsent;
    if (unsent.length === 0) yield* unmatchedRule(each);
  }
}

/** The flows on TCP chains that a rule matches there, though it says something about HTTP that is left out: one of each gateway. */
export function* widenedRules(
  reader: MeshReader,
  policy: CompiledPolicy,
): Iterable<{ readonly rule: CompiledRule; readonly raw: AuthorizationPolicyRule; readonly flow: Flow }> {
  for (const each of casesOf(reader, policy, true)) {
    if (each.rule.lost === undefined) continue;
    const flow = flowsFor(each).find((candidate) => candidate.arrival.chain === 'tcp' && isMatched(each, candidate));
    if (flow !== undefined) yield { rule: each.rule, raw: each.raw, flow };
  }
}

/** True when some rule of a policy matches some request that arrives at an egress gateway. */
export function matchesSomeFlow(reader: MeshReader, policy: CompiledPolicy): boolean {
  return casesOf(reader, policy, true).some((each) => flowsFor(each).some((flow) => isMatched(each, flow)));
}

function casesOf(reader: MeshReader, policy: CompiledPolicy, isAlsoMeshWide = false): readonly Case[] {
  const gateways = guardedGateways(reader, policy);
  if (gateways.length === 0) return [];
  const { resource } = policy;
  const isNamed = (raw: AuthorizationPolicyRule): boolean => externalHostsOf(reader, [raw]).length > 0;
  const mustName = !isAlsoMeshWide && isMeshWide(reader, policy);
  const { namespace } = resource.metadata;
  const { trustDomain } = factsOf(reader).config;
  return policy.rules.flatMap((rule, index): Case[] => {
    const raw = resource.spec.rules?.[index];
    if (raw === undefined || (mustName && !isNamed(raw))) return [];
    const isOfClients = hasClients(reader, namespace);
    const identities = identityCandidates(raw, { trustDomain, ...(isOfClients && { ownNamespace: namespace }) });
    return [{ reader, policy, rule, raw, gateways, identities }];
  });
}

/** Values that match nothing, however they are used. */
function* flawedOf({ reader, policy: { resource }, rule, raw }: Case): Iterable<Unreached> {
  const { trustDomain, trustDomainAliases } = factsOf(reader).config;
  const { namespace } = resource.metadata;
  const trustDomains = trustDomainsOf(trustDomain, trustDomainAliases);
  for (const { field, value, reason, fix } of flawedValues(raw, rule.field, trustDomains))
    yield { at: fieldOf(resource, field), key: value, reason, fix, related: [], isIncomplete: false };
  if (hasClients(reader, namespace)) return;
  for (const { field, value } of bareAccounts(raw, rule.field)) {
    yield {
      at: fieldOf(resource, field),
      key: value,
      reason: `'${value}' without a namespace is an account of '${namespace}', where no clients are`,
      fix: `write 'NAMESPACE/${value}'`,
      related: [],
      isIncomplete: false,
    };
  }
}

/** Service accounts without a namespace. */
function* bareAccounts(
  { from = [], when = [] }: AuthorizationPolicyRule,
  field: string,
): Iterable<{ readonly field: string; readonly value: string }> {
  const lists = [
    ...from.map(({ source }, index) => ({
      list: `${field}.from[${index}].source.serviceAccounts`,
      values: source?.serviceAccounts ?? [],
    })),
    ...when.map(({ key, values = [] }, index) => ({
      list: `${field}.when[${index}].values`,
      values: key === 'source.serviceAccount' ? values : [],
    })),
  ];
  for (const { list, values } of lists) {
    for (const [index, value] of values.entries())
      if (!value.includes('/')) yield { field: `${list}[${index}]`, value };
  }
}

/** SNIs that the rule waits for, and that no connection carries, although requests for that host do arrive or might. */
function* unsentSnis({ reader, policy: { resource }, rule, raw, gateways }: Case): Iterable<Unreached> {
  const ids = new Set(gateways.map(({ id }) => id));
  for (const sni of rule.discriminators.sni ?? []) {
    if (gateways.some((gateway) => flowsWithSni(reader, gateway, sni).length > 0)) continue;
    const ways = waysTo(reader, sni).filter(({ hop }) => gatewaysOfHop(hop).some((id) => ids.has(id)));
    const at = fieldOf(resource, fieldOfSni(raw, rule.field, sni));
    const common = { at, key: sni };
    const arrived = ways.filter(({ arrival }) => arrival !== undefined);
    const [first] = arrived;
    if (first?.arrival !== undefined) {
      if (arrived.every(hasWrongSni)) continue; // hop-sni-matches-host speaks
      const isPlain = first.arrival.sni === undefined;
      yield {
        ...common,
        reason: `requests for '${sni}' arrive ${isPlain ? 'without TLS, hence without SNI' : `with SNI '${first.arrival.sni}'`}`,
        fix: `set \`tls: {mode: ISTIO_MUTUAL, sni: ${sni}}\` in the DestinationRule of the hop${isPlain ? ', and ISTIO_MUTUAL with protocol HTTPS or TLS at the server' : ''}`,
        related: first.hop?.tlsAt === undefined ? [] : [first.hop.tlsAt],
        isIncomplete: false,
      };
    } else if (ways.length === 0 && gatewaysOfHost(reader, sni).length === 0) {
      yield {
        ...common,
        reason: `no route leads '${sni}' to the gateway, and nothing else has that SNI`,
        fix: `route '${sni}' to the gateway, or name an SNI that is sent`,
        related: [],
        isIncomplete: true,
      };
    } // else what breaks the path on its way, or the policy's attachment, is what there is to say
  }
}

/** True where a DestinationRule sets an SNI, and it is not the host's. */
function hasWrongSni({ hop }: Path): boolean {
  return hop?.tls === 'ISTIO_MUTUAL' && !hop.sniIsDefault;
}

function fieldOfSni({ when = [] }: AuthorizationPolicyRule, field: string, sni: string): string {
  for (const [index, { key, values = [] }] of when.entries()) {
    const place = values.indexOf(sni);
    if (key === 'connection.sni' && place !== -1) return `${field}.when[${index}].values[${place}]`;
  }
  return field;
}

/** A rule that matches no flow at all; silent without flows. */
function* unmatchedRule(each: Case): Iterable<Unreached> {
  const flows = flowsFor(each);
  if (flows.length === 0 || flows.some((flow) => isMatched(each, flow))) return;
  const found = explanationOf(each, flows);
  if (found === undefined) return;
  yield {
    at: fieldOf(each.policy.resource, found.explanation.field),
    key: `rule ${digestOf(each.raw)}`,
    ...explained(each, found.explanation, found.flow, flows),
  };
}

interface Explained {
  readonly explanation: RuleExplanation;
  readonly flow: Flow;
}

/** Why a rule matches none of the flows; that one identity does not fulfil it says nothing where another may. */
function explanationOf({ rule, identities }: Case, flows: readonly Flow[]): Explained | undefined {
  let last: Explained | undefined;
  for (const flow of flows) {
    for (const identity of identities) {
      const explanation = explainRule(rule, factsOfFlow(flow, identity));
      if (explanation === undefined) continue;
      last = { explanation, flow };
      if (explanation.obstacle !== 'identity') return last;
    }
  }
  return last;
}

/** The flows that a rule may be about: all that could tell whether it matches any. */
function flowsFor({ reader, rule, raw, gateways }: Case): readonly Flow[] {
  const { sni } = rule.discriminators;
  if (sni !== undefined)
    return gateways.flatMap((gateway) => [...sni].flatMap((name) => flowsWithSni(reader, gateway, name)));
  const asksForSni = (raw.when ?? []).some(({ key }) => key === 'connection.sni');
  return gateways.flatMap((gateway) => (asksForSni ? flowsOf(reader, gateway) : flowShapes(reader, gateway)));
}

function isMatched({ rule, identities }: Case, flow: Flow): boolean {
  const possible = flow.arrival.identity === 'workload' ? identities : [noIdentity];
  return possible.some((identity) => evaluateRule(rule, factsOfFlow(flow, identity)) !== never);
}

/** What is known of the requests of a flow, whatever authority the client writes. */
function factsOfFlow({ arrival }: Flow, identity: Identity): Facts {
  const seen = arrival.identity === 'unknown' ? unknownIdentity : arrival.identity === 'none' ? noIdentity : identity;
  return { ...factsWith(arrival, seen), isAnyAuthority: true };
}

/** How server and hop come to speak mesh TLS; a listener of the Gateway API says it in other words than the hop. */
function mutualFix(server: ServerMatch | undefined): string {
  const { mutual } = serverForm('Gateway');
  const own = serverForm(server?.at.kind ?? 'Gateway').mutual;
  return own === mutual
    ? `set \`${mutual}\`${server?.mode === '' ? ', with protocol HTTPS or TLS,' : ''} at the server and on the hop`
    : `set \`${own}\` at the listener, and \`${mutual}\` on the hop`;
}

function explained(
  { reader, gateways, raw }: Case,
  { field, obstacle }: RuleExplanation,
  flow: Flow,
  flows: readonly Flow[],
): Omit<Unreached, 'at' | 'key'> {
  const certain = { related: [], isIncomplete: false };
  if (/\.not[A-Z]\w*$/.test(field))
    return {
      reason: 'it excludes every request that arrives',
      fix: 'drop what excludes the requests that are meant',
      ...certain,
    };
  switch (obstacle) {
    case 'no-identity': {
      const server = waysTo(reader, flow.to.host).find(({ arrival }) => arrival !== undefined)?.server;
      return {
        reason: `requests arrive without a client certificate, as the server is ${server?.mode || 'plaintext'}`,
        fix: mutualFix(server),
        related: server === undefined ? [] : [server.at],
        isIncomplete: false,
      };
    }
    case 'no-sni': {
      const server = waysTo(reader, flow.to.host).find(({ arrival }) => arrival !== undefined)?.server;
      return { reason: 'requests arrive without TLS, hence without SNI', fix: mutualFix(server), ...certain };
    }
    case 'sni': {
      const patterns = (raw.when ?? []).flatMap(({ key, values = [] }) => (key === 'connection.sni' ? values : []));
      const hasHost = flows.some(({ to }) => patterns.some((pattern) => covers(pattern, to.host)));
      return {
        reason: `no connection has such an SNI; one has '${flow.arrival.sni ?? ''}'`,
        fix: 'set `sni` in the DestinationRule of the hop, or name an SNI that is sent',
        related: [],
        isIncomplete: !hasHost,
      };
    }
    case 'port': {
      const ports = [...new Set(gateways.flatMap((gateway) => listeningPorts(reader, gateway)))].sort((a, b) => a - b);
      const isServicePort = gateways.some((gateway) => hasServicePort(reader, gateway, portsIn(raw)));
      return {
        reason: `policies compare the port of the pod, not of the Service, and the gateway's pods listen on ${listed(ports)}`,
        fix: `use the port of the pod: ${listed(ports)}`,
        related: [],
        isIncomplete: !isServicePort,
      };
    }
    case 'http-only':
      return {
        reason:
          'it is about HTTP, and where the gateway forwards bytes Istio leaves out an ALLOW rule with such a field',
        fix: 'use only `connection.sni`, ports and identities',
        ...certain,
      };
    case 'unknown-attribute':
      return { reason: 'Istio does not know the attribute', fix: 'use an attribute of the documentation', ...certain };
    default:
      return {
        reason: 'no request fulfils all of its conditions at once',
        fix: 'split the rule, or drop the condition that excludes the others',
        ...certain,
      };
  }
}

function listed(ports: readonly number[]): string {
  return ports.join(' and ');
}

function portsIn({ to = [], when = [] }: AuthorizationPolicyRule): readonly string[] {
  return [
    ...to.flatMap(({ operation }) => operation?.ports ?? []),
    ...when.flatMap(({ key, values = [] }) => (key === 'destination.port' ? values : [])),
  ];
}

/** True when one of the ports is a port of the pods' Service. */
function hasServicePort(reader: MeshReader, workload: Workload, ports: readonly string[]): boolean {
  return reader
    .entries(kubernetesServices, workload.namespace)
    .filter((service) => workloadsBehind(reader, service).some(({ id }) => id === workload.id))
    .some((service) => service.ports.some(({ number }) => ports.includes(String(number))));
}
