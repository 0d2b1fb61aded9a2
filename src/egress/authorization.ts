import { authorize, type CompiledPolicy } from '../istio/authorization.ts';
import { attaches } from '../istio/authorization-attachment.ts';
import {
  type Facts,
  type Identity,
  noIdentity,
  unknownIdentity,
  workloadIdentity,
} from '../istio/authorization-facts.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { everything, factsOf, type MeshReader, policiesByScope, ruleKey } from '../mesh/indexes.ts';
import { type Arrival, type Authorization, type Client, otherAccounts } from './path.ts';

/**
 * The policies that may decide about an arrival: those attached to the gateway's pods, without those that ask for another
 * SNI. Source: pilot/pkg/model/authorization.go `ListAuthorizationPolicies`.
 */
export function policiesFor(reader: MeshReader, arrival: Arrival): readonly CompiledPolicy[] {
  const { rootNamespace } = factsOf(reader).config;
  const { workload, sni } = arrival;
  const found = new Set<CompiledPolicy>();
  for (const namespace of new Set([rootNamespace, workload.namespace])) {
    for (const scope of sni === undefined || sni === '' ? [everything] : [everything, sni]) {
      for (const policy of reader.entries(policiesByScope, ruleKey(namespace, scope))) {
        if (attachesTo(policy, workload, rootNamespace)) found.add(policy);
      }
    }
  }
  return [...found];
}

/** The verdict about one client; `clientAddress` is that of its pod, where it is known. */
export function verdictFor(
  reader: MeshReader,
  policies: readonly CompiledPolicy[],
  arrival: Arrival,
  client: Client,
  clientAddress: string | undefined,
): Authorization {
  const facts = {
    ...factsWith(arrival, identityOf(reader, arrival, client)),
    ...(clientAddress === undefined ? {} : { clientAddress }),
  };
  const { decision, policies: deciding, depends } = authorize(policies, facts);
  return { decision, policies: deciding, depends };
}

/** True when the server's list of client names excludes the client: the TLS handshake fails before any policy is asked. */
export function isRefusedByServer(reader: MeshReader, arrival: Arrival, client: Client): boolean {
  if (arrival.clientSans.length === 0) return false;
  const identity = identityOf(reader, arrival, client);
  return identity.kind !== 'spiffe' || !arrival.clientSans.includes(identity.uri);
}

function attachesTo(policy: CompiledPolicy, workload: Workload, rootNamespace: string): boolean {
  return attaches(policy.resource, { namespace: workload.namespace, labels: workload.labels, rootNamespace });
}

/** What policies are told about a request of somebody with that identity. */
export function factsWith(arrival: Arrival, identity: Identity): Facts {
  return {
    chain: arrival.chain,
    identity,
    sni: arrival.sni,
    sniIsClients: arrival.sniIsClients,
    podPort: arrival.podPort,
    host: arrival.authority.split(':', 1)[0] ?? '',
    authority: arrival.authority,
    authorityIsClients: arrival.authorityIsClients,
  };
}

function identityOf(reader: MeshReader, arrival: Arrival, client: Client): Identity {
  if (arrival.identity === 'none') return noIdentity;
  if (arrival.identity === 'unknown') return unknownIdentity;
  // No policy can name an account with a blank: it is none of those that policies name.
  const serviceAccount = client.serviceAccount === otherAccounts ? ' ' : client.serviceAccount;
  return workloadIdentity(factsOf(reader).config.trustDomain, client.namespace, serviceAccount);
}
