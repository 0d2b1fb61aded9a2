import { capturingVirtualServices, hasDetour, isWrittenIn } from '../egress/capturing-virtual-services.ts';
import { gatewayServiceOf } from '../egress/hop.ts';
import { survivingRoutes } from '../egress/http-routes.ts';
import type { Path, Target } from '../egress/path.ts';
import { covers } from '../istio/hosts.ts';
import { getRequest, takesRequest } from '../istio/http-request.ts';
import { type FieldRef, fieldOf, isRouting } from '../istio/resources.ts';
import { type Viewer, viewerOf } from '../istio/viewer.ts';
import {
  meshGateway,
  type RouteDestination,
  type StreamMatch,
  streamMatchApplies,
  type VirtualService,
} from '../istio/virtual-service.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { defineRule } from './define.ts';

/** A VirtualService that leads a host to the gateway leads it nowhere else. */
export const meshRouteLeadsOnlyToGateway = defineRule({
  name: 'mesh-route-leads-only-to-gateway',
  summary: 'No weight, mirror, match or delegate of the mesh leg leads a host past the egress gateway.',
  why: 'Whatever part of the traffic has another destination leaves past the gateway and its policies: a share by weight, the copies of a mirror, or the requests that an alternative match takes, which a client can choose to send.',
  severity: 'error',
  subject: 'path',
  stage: 'capture',
  related: [],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
      weight: 90
    - destination: { host: api.example.com, port: { number: 80 } }
      weight: 10
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
    good: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
  },

  *check(path, { reader }) {
    const { to } = path;
    const { inventory } = factsOf(reader);
    const chosen = routeOf(path);
    if (chosen === undefined || !hasDetour(reader, to.host) || isDirectHost(inventory, to.host)) return;
    const captures = capturingVirtualServices(reader, to.host).find((one) => isWrittenIn(reader, one, chosen));
    if (captures === undefined) return; // capture-is-not-overridden speaks, or nothing leads the host to the gateway
    const seen = new Set<string>();
    for (const { destination, source, what } of destinationsFor(reader, captures, path)) {
      const { host, subset, field } = destination;
      const key = `${to.host}:${host}:${subset}`;
      if (destination.refused !== undefined || seen.has(key) || isDirectHost(inventory, host)) continue;
      if (gatewayServiceOf(reader, host, to.host) !== undefined) continue;
      seen.add(key);
      yield {
        at: fieldOf(source, field),
        key,
        message: `${what} of '${to.host}' leads to '${host}', past the egress gateway`,
        fix: 'lead it to the egress gateway, or drop it',
        related: [chosen],
      };
    }
  },
});

/** The rule or destination of the VirtualService that decided where the sidecar sends the request. */
function routeOf({ hop, cause, decidedBy }: Path): FieldRef | undefined {
  if (hop !== undefined) return hop.routeAt;
  const isLedElsewhere = cause === 'routed-elsewhere' || cause === 'mirrored-elsewhere' || cause === 'routed-into-mesh';
  return isLedElsewhere ? decidedBy.findLast(({ kind }) => isRouting(kind)) : undefined;
}

interface FoundDestination {
  readonly destination: RouteDestination;
  readonly source: VirtualService['resource'];
  readonly what: 'a route' | 'a mirror';
}

/** Every destination that requests of the client to the target may get, whatever else they carry. */
function destinationsFor(
  reader: MeshReader,
  captures: VirtualService,
  { from, to }: Path,
): readonly FoundDestination[] {
  if (to.protocol === 'http') {
    const rules = httpRules(reader, captures);
    const routes = viewersIn(from.namespace).flatMap((viewer) => survivingRoutes(rules, viewer, meshGateway, to.port));
    const request = getRequest(to.host, to.port);
    return routes
      .filter(({ match }) => {
        const { authority } = match?.conditions ?? {};
        return authority === undefined || takesRequest({ authority }, request);
      })
      .flatMap(({ rule: { source, destinations, mirrors } }) => [
        ...destinations.map((destination) => ({ destination, source, what: 'a route' }) as const),
        ...mirrors.map((destination) => ({ destination, source, what: 'a mirror' }) as const),
      ]);
  }
  const rules = to.protocol === 'tls' && captures.tls.length > 0 ? captures.tls : captures.tcp;
  return rules
    .filter(({ matches }) => matches.length === 0 || matches.some((match) => takesStream(match, from.namespace, to)))
    .flatMap(({ source, destinations }) =>
      destinations.map((destination) => ({ destination, source, what: 'a route' }) as const),
    );
}

function takesStream(match: StreamMatch, namespace: string, { protocol, host, port }: Target): boolean {
  if (!viewersIn(namespace).some((viewer) => streamMatchApplies(match, viewer, port))) return false;
  return (
    protocol !== 'tls' || match.sniHosts.length === 0 || match.sniHosts.some((sni) => covers(sni.toLowerCase(), host))
  );
}

/** Pods of a namespace: some with all labels that a match may ask for, some with none. */
function viewersIn(namespace: string): readonly Viewer[] {
  const viewer = viewerOf(namespace, {});
  return [{ ...viewer, hasLabels: () => true }, viewer];
}
