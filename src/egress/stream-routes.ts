import type { GatewayServer } from '../istio/gateway-server.ts';
import { isWildcard } from '../istio/hosts.ts';
import type { ResourceOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { StreamRule } from '../istio/virtual-service.ts';
import type { Query } from '../mesh/engine.ts';
import { overlappingVirtualServices, streamRuleApplies } from '../mesh/gateways.ts';
import { type MeshReader, ruleKey, serversByGateway } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { egressWorkloads } from './flows.ts';

/** The servers of a Gateway as egress gateways see them: with the namespace of their pods, whose views count; none elsewhere. */
export function* egressServers(
  reader: MeshReader,
  { metadata, spec }: ResourceOf<'Gateway'>,
): Iterable<{ readonly server: GatewayServer; readonly namespace: string }> {
  const gateways = egressWorkloads(reader).filter(({ labels }) => selects(spec.selector ?? {}, labels));
  for (const namespace of new Set(gateways.map((gateway) => gateway.namespace))) {
    for (const server of reader.entries(serversByGateway, `${metadata.namespace}/${metadata.name}`)) {
      yield { server, namespace };
    }
  }
}

/**
 * The routes that compete for a server; the argument is `gateway pod namespace|gateway|server field`. Memoised by server: a Gateway may
 * have thousands, and a change concerns few.
 */
const competitions: Query<ModelObject, readonly StreamRule[]> = {
  name: 'competing routes',
  level: 2,
  compute(reader, argument) {
    const [namespace = '', gateway = '', field = ''] = argument.split('|');
    const server = reader.entries(serversByGateway, gateway).find((candidate) => candidate.field === field);
    if (server === undefined) return [];
    const competing = new Map<string, StreamRule>();
    for (const { tcp } of overlappingVirtualServices(reader, namespace, server)) {
      const rule = tcp.find((candidate) => candidate.destinations.length > 0 && streamRuleApplies(candidate, server));
      if (rule === undefined) continue;
      const key = rule.destinations.map(({ host, port }) => `${host}:${port ?? ''}`).join();
      if (!competing.has(key)) competing.set(key, rule);
    }
    return competing.size < 2 ? [] : [...competing.values()];
  },
};

/**
 * The routes that compete for a server that forwards bytes, the one that takes everything first: one of each VirtualService, those
 * that lead to the same hosts left out. Empty where there is no more than one.
 * Source: core/gateway.go `buildGatewayNetworkFiltersFromTCPRoutes`.
 */
export function competingRoutes(reader: MeshReader, namespace: string, server: GatewayServer): readonly StreamRule[] {
  return reader.value(competitions, ruleKey(namespace, server.gateway, server.field));
}

/** The host (lower case) of a server that is for no other; undefined for servers of several hosts. */
export function onlyHostOf({ serverNames }: GatewayServer): string | undefined {
  const [only, ...others] = serverNames;
  return only === undefined || others.length > 0 || isWildcard(only) ? undefined : only.toLowerCase();
}

/** True when all that a route takes goes to the host (lower case). */
export function leadsTo({ destinations }: StreamRule, host: string): boolean {
  return destinations.every((destination) => destination.host.toLowerCase() === host);
}
