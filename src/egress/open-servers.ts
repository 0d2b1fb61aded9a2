import { listenerAt, terminationFlaw } from '../istio/gateway-api-listeners.ts';
import type { GatewayServer } from '../istio/gateway-server.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import type { GatewayListeners } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { asksNoMeshIdentity, type Exposure, exposureOf } from './exposure.ts';
import { meetsMisfit } from './flows.ts';

/** A server on the pods of an egress gateway that does not learn which workload asks. */
export interface OpenServer extends Pick<Exposure, 'asksIdentity'> {
  /** Pod port. */
  readonly port: number;
  readonly server: GatewayServer;
  /** True where the pods are an ingress gateway too, and a route may still say that the server is for that. */
  readonly incomplete: boolean;
}

/** The servers that are not ISTIO_MUTUAL, but those for ingress and those that no hop fits: another rule speaks of these. */
export function openServers(
  reader: MeshReader,
  workload: Workload,
  { servers }: GatewayListeners,
): readonly OpenServer[] {
  const exposed = servers
    .filter(({ server }) => asksNoMeshIdentity(server))
    .map(({ port, server }) => ({ port, server, ...exposureOf(reader, workload, port, server) }));
  const servesIngress = exposed.some(({ leads }) => leads === 'inward');
  return exposed
    .filter(({ leads, server }) => leads !== 'inward' && (server.kind === 'http' || !meetsMisfit(reader, server)))
    .map(({ leads, ...server }) => ({ ...server, incomplete: servesIngress && leads === 'nowhere' }));
}

/** True for a listener of the Gateway API at which TLS ends otherwise than somebody may think. */
export function isMistaken({ resource, field }: GatewayServer): boolean {
  if (resource.kind === 'Gateway') return false;
  const listener = listenerAt(resource, field);
  return listener !== undefined && terminationFlaw(resource, listener) !== undefined;
}
