import type { GatewayServer } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { type FieldRef, fieldOf, idOf } from '../istio/resources.ts';
import { isKubernetes } from '../istio/service.ts';
import { viewerOf } from '../istio/viewer.ts';
import { meshGateway, type RouteDestination, type VirtualService } from '../istio/virtual-service.ts';
import { gatewayService } from '../mesh/cluster-services.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { type PlacedServer, serversOn } from '../mesh/gateways.ts';
import { type MeshReader, virtualServicesOfGateways } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { egressWorkloads } from './flows.ts';
import { gatewayServiceOf } from './hop.ts';
import { isInMesh, waysTo } from './host-paths.ts';
import { streamPortOf } from './route.ts';
import { destinationsAt, isServedAt } from './served-destinations.ts';
import { clusterOf } from './upstream.ts';

/** A route that leads what arrives at an egress gateway to a service of the mesh. */
interface InwardRoute {
  /** The destination in the VirtualService or route. */
  readonly at: FieldRef;
  readonly host: string;
  readonly server: GatewayServer;
}

/** The routes into the mesh that a VirtualService has on egress gateways, whether or not clients are led to them. */
export function* inwardRoutes(reader: MeshReader, virtualService: VirtualService): Iterable<InwardRoute> {
  const routed = [
    ...httpRules(reader, virtualService).flatMap(({ destinations, mirrors }) => [...destinations, ...mirrors]),
    ...[...virtualService.tls, ...virtualService.tcp].flatMap(({ destinations }) => destinations),
  ];
  const hosts = new Set(routed.map(({ host }) => host));
  if (![...hosts].some((host) => leadsIntoMesh(reader, virtualService, host))) return; // no server is looked at for most
  for (const gateway of virtualService.gateways) {
    if (gateway === meshGateway) continue;
    for (const workload of egressWorkloads(reader)) {
      for (const placed of serversOn(reader, workload.id, gateway))
        yield* inwardRoutesAt(reader, workload, placed, virtualService);
    }
  }
}

/** True where a field is the destination of such a route for a host (lower case). */
export function isInwardRoute(reader: MeshReader, host: string, at: FieldRef): boolean {
  const virtualServices = hostPatternsOf(host).flatMap((pattern) => reader.entries(virtualServicesOfGateways, pattern));
  return virtualServices
    .flatMap((virtualService) => [...inwardRoutes(reader, virtualService)])
    .some((inward) => idOf(inward.at) === idOf(at) && inward.at.field === at.field);
}

function* inwardRoutesAt(
  reader: MeshReader,
  workload: Workload,
  { port, server }: PlacedServer,
  virtualService: VirtualService,
): Iterable<InwardRoute> {
  if (!isServedAt(workload, server, virtualService)) return;
  if (!isForEgress(reader, workload, port, server, virtualService)) return;
  for (const { source, destination } of destinationsAt(reader, workload, server, virtualService)) {
    const { host, field } = destination;
    if (leadsIntoMesh(reader, virtualService, host) && !leavesByTunnel(reader, workload, server, destination))
      yield { at: fieldOf(source, field), host, server };
  }
}

/** True for bytes that a forward proxy in the cluster passes on to a host outside of the mesh. */
function leavesByTunnel(
  reader: MeshReader,
  { namespace, labels }: Workload,
  server: GatewayServer,
  destination: RouteDestination,
): boolean {
  if (server.kind === 'http' || server.kind === 'tls-http') return false; // only a TCP proxy opens a tunnel
  const { host, subset } = destination;
  const port = streamPortOf(reader, namespace, server, destination);
  const seen = gatewayService(reader, namespace, host);
  const cluster = clusterOf(reader, viewerOf(namespace, labels), seen, port, subset);
  const tunnel = 'policy' in cluster ? cluster.policy.tunnel : undefined;
  return tunnel !== undefined && !isInMesh(reader, tunnel.host.toLowerCase());
}

/** True for a host of the mesh (or a name of one) that is no gateway, and not what the VirtualService is for. */
function leadsIntoMesh(reader: MeshReader, { hosts }: VirtualService, host: string): boolean {
  const name = host.toLowerCase();
  if (!isInMesh(reader, name) || gatewayServiceOf(reader, host) !== undefined) return false;
  // An external host that its ServiceEntry places in the mesh: external-host-is-mesh-external speaks.
  const isOwn = hosts.some((own) => covers(own.toLowerCase(), name));
  return !isOwn || servicesOfHost(reader, host).every(isKubernetes);
}

/** Another server on the same pods may be for ingress: for egress are those for workloads of the mesh, and those where clients arrive. */
function isForEgress(
  reader: MeshReader,
  workload: Workload,
  port: number,
  { mode }: GatewayServer,
  { hosts }: VirtualService,
): boolean {
  if (mode === 'ISTIO_MUTUAL') return true;
  const ways = hosts.flatMap((host) => waysTo(reader, host.toLowerCase()));
  return ways.some(({ arrival }) => arrival?.workload.id === workload.id && arrival.podPort === port);
}
