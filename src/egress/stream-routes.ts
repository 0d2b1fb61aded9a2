import type { GatewayServer } from '../istio/gateway-server.ts';
import { isWildcard } from '../istio/hosts.ts';
import type { ResourceOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { StreamRule } from '../istio/virtual-service.ts';
import { overlappingVirtualServices, streamRuleApplies } from '../mesh/gateways.ts';
import { type MeshReader, serversByGateway } from '../mesh/indexes.ts';
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
 * The routes that compete for a server that forwards bytes, the one that takes everything first: one of each VirtualService, those
 * that lead to the same hosts left out. Source: core/gateway.go `buildGatewayNetworkFiltersFromTCPRoutes`.
 */
export function competingRoutes(reader: MeshReader, namespace: string, server: GatewayServer): readonly StreamRule[] {
  const [only, ...others] = server.serverNames;
  const isOneHost = only !== undefined && others.length === 0 && !isWildcard(only);
  if (isOneHost && server.kind !== 'tcp') return [];
  const competing = new Map<string, StreamRule>();
  for (const { tcp } of overlappingVirtualServices(reader, namespace, server)) {
    const rule = tcp.find((candidate) => candidate.destinations.length > 0 && streamRuleApplies(candidate, server));
    if (rule === undefined) continue;
    const key = rule.destinations.map(({ host, port }) => `${host}:${port ?? ''}`).join();
    if (!competing.has(key)) competing.set(key, rule);
  }
  return [...competing.values()];
}
