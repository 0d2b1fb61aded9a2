import { originationFix } from '../egress/origination-fix.ts';
import { clusterOf, connect } from '../egress/upstream.ts';
import { isFollowed, servedByWaypoint, type WaypointService } from '../egress/waypoint-services.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { gatewayNameLabel } from '../istio/managed-gateway.ts';
import { sectionOf } from '../istio/protocol.ts';
import { idOf, refOf } from '../istio/resources.ts';
import type { MeshService } from '../istio/service.ts';
import { viewerOf } from '../istio/viewer.ts';
import { type MeshReader, meshVirtualServices } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineRule, type Problem } from './define.ts';

/** HTTP that leaves a waypoint is originated as TLS. */
export const waypointOriginatesTls = defineRule({
  name: 'waypoint-originates-tls',
  summary: 'HTTP that leaves a waypoint for an external service is originated as TLS.',
  why: "Without a DestinationRule that the waypoint's namespace applies to the host and port of the ServiceEntry, the waypoint sends plain HTTP: to port 443 it fails, to port 80 everybody on the way reads it.",
  severity: 'error',
  subject: 'resource',
  kinds: ['ServiceEntry', 'Service'],
  related: [],
  examples: {
    bad: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    # the ServiceEntry declares port 80
    portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }]
`,
    good: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }]
`,
  },

  *check(resource, reader) {
    const service = servedByWaypoint(reader, resource);
    if (service === undefined) return;
    for (const host of service.hosts) {
      const own = servicesOfHost(reader, host).find((other) => idOf(refOf(other.resource)) === idOf(refOf(resource)));
      if (own === undefined || hasRoute(reader, service, host.toLowerCase())) continue;
      for (const { number, protocol } of own.ports)
        if (sectionOf(protocol) === 'http') yield* aboutPort(reader, service, own, number);
    }
  },
});

/** True where the waypoint follows a route for a host (lower case), which may lead it elsewhere. */
function hasRoute(reader: MeshReader, service: WaypointService, host: string): boolean {
  return hostPatternsOf(host)
    .flatMap((pattern) => reader.entries(meshVirtualServices, pattern))
    .some(
      (virtualService) =>
        virtualService.hosts.some((name) => covers(name.toLowerCase(), host)) && isFollowed(service, virtualService),
    );
}

function* aboutPort(
  reader: MeshReader,
  { use: { waypoint }, name }: WaypointService,
  service: MeshService,
  number: number,
): Iterable<Problem> {
  const proxy = viewerOf(waypoint.namespace, { [gatewayNameLabel]: waypoint.name });
  const cluster = clusterOf(reader, proxy, { service, ports: service.ports }, number, '');
  if ('missing' in cluster) return;
  const stream = { protocol: 'http', isHttp: true, authorityHost: service.host, port: number } as const;
  const { origination } = connect(cluster, stream, false, '');
  const { at, entry, isTlsPort, plaintextPort } = origination;
  if (plaintextPort === undefined) return;
  yield {
    at: at ?? entry,
    key: `${service.host}:${number}`,
    message: `waypoint '${name}' sends plain HTTP to '${service.host}:${plaintextPort}'`,
    fix: originationFix(origination, plaintextPort, waypoint.namespace),
    related: at === undefined ? [] : [entry],
    severity: isTlsPort ? 'error' : 'warning',
    incomplete: at === undefined,
  };
}
