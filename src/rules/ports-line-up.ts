import { type BoundLeg, boundTo, type LegGap, legGapOf } from '../egress/gateway-leg.ts';
import type { Hop, Path } from '../egress/path.ts';
import { displayServer, type GatewayServer } from '../istio/gateway-server.ts';
import { fieldOf, idOf, refOf } from '../istio/resources.ts';
import { isKubernetes } from '../istio/service.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import { podPort } from '../mesh/gateway-workloads.ts';
import { workloadById } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineHopRule, type Problem } from './define.ts';

/** All numbers of the way to the gateway's server mean the same server. */
export const portsLineUp = defineHopRule({
  name: 'ports-line-up',
  summary: 'The ports of mesh route, gateway Service, gateway server and gateway route lead to one server.',
  why: "The mesh route names a port of the gateway's Service, which leads to a port of the pods; a server listens on the pod port of the Service port that it declares; `match.port` of the gateway leg means the number that the server declares, not the pod port. One number that differs, and the connection meets no server or the request no route.",
  severity: 'error',
  subject: 'path',
  stage: 'server',
  related: ['IST0162'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  # the mesh route leads to port 80
  - port: { number: 443, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
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
  - match: [{ gateways: [egress], port: 443 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(path, { reader }) {
    const { hop, cause, to } = path;
    if (cause === 'service-port-missing') yield aboutService(reader, path, hop);
    const gap = legGapOf(reader, path);
    if (gap?.kind === 'other-port') yield aboutServer(reader, path, hop, gap);
    if (gap?.kind === 'match-port') yield aboutMatch(hop, to.host, gap);
  },
});

function aboutService(reader: MeshReader, { reason }: Path, { service, port, routeAt }: Hop): Problem {
  const numbers = servicePorts(reader, service).map(({ number }) => number);
  return {
    at: { ...routeAt, field: `${routeAt.field}.port` },
    key: `${service}:${port}`,
    message: reason,
    fix: `route to a port that it has: ${numbers.join(', ')}`,
  };
}

/** Where the VirtualService that routes has the leg for that very server too, no further resource is expected. */
function aboutServer(
  reader: MeshReader,
  { to }: Path,
  hop: Hop,
  { server, port }: Extract<LegGap, { readonly kind: 'other-port' }>,
): Problem {
  const workload = workloadById(reader, hop.workload ?? '');
  const fitting = servicePorts(reader, hop.service).find(({ targetPort }) => podPort(workload, targetPort) === port);
  const isWhole = boundTo(reader, to.host, server.gateway).some(
    (bound) => idOf(refOf(bound.resource)) === idOf(hop.routeAt) && hasLegFor(bound, server),
  );
  const what =
    server.resource.kind === 'Gateway'
      ? "the number of the server's port"
      : `the port of listener '${displayServer(server)}'`;
  const declare = `set ${what} to ${hop.port}`;
  return {
    at: { ...hop.routeAt, field: `${hop.routeAt.field}.port` },
    key: `${to.host}:${hop.port}`,
    message: `port ${hop.port} of '${hop.service}' leads to pod port ${hop.podPort}, and the server for '${to.host}' listens on pod port ${port}`,
    fix: fitting === undefined ? declare : `route to port ${fitting.number}, or ${declare}`,
    related: [fieldOf(server.resource, `${server.field}.port`)],
    incomplete: !isWhole,
  };
}

/** True when some rule of a VirtualService is for the port that the server declares. */
function hasLegFor({ http, tls, tcp }: VirtualService, { gateway, number }: GatewayServer): boolean {
  const isFor = (gateways: readonly string[], port = 0): boolean =>
    (port === 0 || port === number) && (gateways.length === 0 || gateways.includes(gateway));
  return (
    http.some(
      ({ matches }) => matches.length === 0 || matches.some((match) => isFor(match.gateways, match.conditions.port)),
    ) ||
    [...tls, ...tcp].some(
      ({ matches }) => matches.length === 0 || matches.some((match) => isFor(match.gateways, match.port)),
    )
  );
}

function aboutMatch(hop: Hop, host: string, { at, server, virtualService, servesElsewhere }: BoundLeg): Problem {
  return {
    at,
    key: `${server.gateway}:${host}`,
    message: `the match is not for port ${server.number}, which the server of Gateway '${server.gateway}' for '${host}' declares`,
    fix: `set \`port: ${server.number}\``,
    related: [fieldOf(server.resource, `${server.field}.port`), hop.routeAt],
    incomplete: servesElsewhere && idOf(refOf(virtualService.resource)) !== idOf(hop.routeAt),
  };
}

function servicePorts(reader: MeshReader, host: string): ReturnType<typeof servicesOfHost>[number]['ports'] {
  return servicesOfHost(reader, host).find(isKubernetes)?.ports ?? [];
}
