import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { gatewayServiceOf } from '../egress/hop.ts';
import { isFollowed, servedByWaypoint } from '../egress/waypoint-services.ts';
import { sectionOf } from '../istio/protocol.ts';
import { fieldOf } from '../istio/resources.ts';
import { meshGateway, type VirtualService } from '../istio/virtual-service.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { defineRule } from './define.ts';

/** A waypoint does not follow routes that are meant for sidecars. */
export const classicRouteIsNotOnWaypointHost = defineRule({
  name: 'classic-route-is-not-on-waypoint-host',
  summary: 'No route that leads sidecars to the egress gateway is followed by a waypoint.',
  why: "A waypoint follows the routes for `mesh` that are in its own namespace or the service's: it sends the requests on to the egress gateway, as itself. The policies of the gateway then judge the waypoint, and not the client.",
  severity: 'error',
  subject: 'resource',
  kinds: ['ServiceEntry', 'Service'],
  related: [],
  examples: {
    bad: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { namespace: istio-egress, name: egress-wp }
spec:
  gatewayClassName: istio-waypoint
  listeners: [{ name: mesh, port: 15008, protocol: HBONE }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  namespace: istio-egress
  name: api
  # the VirtualService of the host is for sidecars
  labels: { istio.io/use-waypoint: egress-wp }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: api-for-team-a }
spec:
  targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
  rules: [{ from: [{ source: { namespaces: [team-a] } }] }]
`,
    good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check(resource, reader) {
    const service = servedByWaypoint(reader, resource);
    if (service === undefined) return;
    for (const host of service.hosts) {
      for (const virtualService of capturingVirtualServices(reader, host.toLowerCase())) {
        if (!isFollowed(service, virtualService)) continue;
        const rule = ruleToGateway(reader, virtualService, host);
        if (rule === undefined) continue;
        yield {
          at: fieldOf(rule.source, rule.field),
          key: host.toLowerCase(),
          message: `waypoint '${service.name}' follows this route for '${host}': the egress gateway sees the waypoint instead of the client`,
          fix: 'drop it, or keep it in the namespaces of clients with sidecars',
          related: [service.use.namedAt],
        };
      }
    }
  },
});

/** The first rule for sidecars, of a section that a port of the host consults, that leads to an egress gateway. */
function ruleToGateway(
  reader: MeshReader,
  virtualService: VirtualService,
  host: string,
): VirtualService['http' | 'tls' | 'tcp'][number] | undefined {
  const ports = servicesOfHost(reader, host).flatMap((service) => service.ports);
  const hasHttp = ports.some(({ protocol }) => sectionOf(protocol) === 'http');
  const hasStreams = ports.some(({ protocol }) => sectionOf(protocol) !== 'http');
  const rules = [
    ...(hasHttp ? httpRules(reader, virtualService) : []),
    ...(hasStreams ? [...virtualService.tls, ...virtualService.tcp] : []),
  ];
  return rules.find(
    ({ matches, destinations }) =>
      isForMesh(matches) &&
      destinations.some((destination) => gatewayServiceOf(reader, destination.host, host.toLowerCase()) !== undefined),
  );
}

function isForMesh(matches: readonly { readonly gateways: readonly string[] }[]): boolean {
  return (
    matches.length === 0 || matches.some(({ gateways }) => gateways.length === 0 || gateways.includes(meshGateway))
  );
}
