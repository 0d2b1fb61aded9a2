import { type GatewayServer, hostsForNamespace } from '../istio/gateway-server.ts';
import { overlaps } from '../istio/hosts.ts';
import { viewerOf } from '../istio/viewer.ts';
import type { HttpRule, RouteDestination, StreamRule, VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { streamRuleApplies, streamRulesFor } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { survivingRoutes } from './http-routes.ts';

/** A destination that a rule sends requests or copies to, with the resource that the rule is written in. */
interface ServedDestination {
  readonly source: (HttpRule | StreamRule)['source'];
  readonly destination: RouteDestination;
}

/** True when a VirtualService that is bound to a server's Gateway is asked there: the pods see it, and the server admits one of its hosts. */
export function isServedAt({ namespace }: Workload, server: GatewayServer, virtualService: VirtualService): boolean {
  if (!isVisibleFrom(virtualService.visibility, namespace)) return false;
  const admitted = hostsForNamespace(server, virtualService.metadata.namespace);
  return virtualService.hosts.some((host) => admitted.some((name) => overlaps(name, host)));
}

/** The destinations in the section that a server consults of a VirtualService that is bound to its Gateway. */
export function destinationsAt(
  reader: MeshReader,
  { namespace, labels }: Workload,
  server: GatewayServer,
  virtualService: VirtualService,
): readonly ServedDestination[] {
  if (server.kind === 'http' || server.kind === 'tls-http') {
    const proxy = viewerOf(namespace, labels);
    return survivingRoutes(httpRules(reader, virtualService), proxy, server.gateway, server.number).flatMap(
      ({ rule: { source, destinations, mirrors } }) =>
        [...destinations, ...mirrors].map((destination) => ({ source, destination })),
    );
  }
  if (server.kind === 'auto-passthrough') return []; // it asks no VirtualService
  const rules = server.kind === 'passthrough' ? virtualService.tls : streamRulesFor(virtualService, server);
  return rules
    .filter((rule) => streamRuleApplies(rule, server))
    .flatMap(({ source, destinations }) => destinations.map((destination) => ({ source, destination })));
}
