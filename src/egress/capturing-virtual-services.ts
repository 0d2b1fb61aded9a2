import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { idOf, type ResourceOf, type ResourceRef, refOf } from '../istio/resources.ts';
import { meshGateway, type RouteDestination, type VirtualService } from '../istio/virtual-service.ts';
import type { Query } from '../mesh/engine.ts';
import { type MeshReader, meshVirtualServices } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { gatewayServiceOf } from './hop.ts';

/** The VirtualServices that lead a host to an egress gateway, by host. */
const capturing: Query<ModelObject, readonly VirtualService[]> = {
  name: 'capturing VirtualServices',
  level: 5,
  compute(reader, host) {
    const found = new Set(hostPatternsOf(host).flatMap((pattern) => reader.entries(meshVirtualServices, pattern)));
    return [...found]
      .filter(({ hosts }) => hosts.some((name) => covers(name.toLowerCase(), host)))
      .filter((virtualService) => leadsToGateway(reader, virtualService, host));
  },
};

/** Whether one of these has a destination for sidecars that is no egress gateway, by host. */
const detours: Query<ModelObject, boolean> = {
  name: 'detours',
  level: 6,
  compute: (reader, host) =>
    reader
      .value(capturing, host)
      .some((virtualService) =>
        meshDestinations(reader, virtualService).some(
          (destination) => gatewayServiceOf(reader, destination.host, host) === undefined,
        ),
      ),
};

/** The VirtualServices on sidecars that lead a host (lower case) to an egress gateway, whoever sees them; the most specific first. */
export function capturingVirtualServices(reader: MeshReader, host: string): readonly VirtualService[] {
  return reader.value(capturing, host);
}

/** True where a VirtualService that leads a host (lower case) to an egress gateway may lead it elsewhere as well. */
export function hasDetour(reader: MeshReader, host: string): boolean {
  return reader.value(detours, host);
}

/** What the rules of a VirtualService that apply to sidecars send requests and copies to. */
function meshDestinations(reader: MeshReader, virtualService: VirtualService): readonly RouteDestination[] {
  const isForMesh = (matches: readonly { readonly gateways: readonly string[] }[]): boolean =>
    matches.length === 0 || matches.some(({ gateways }) => gateways.length === 0 || gateways.includes(meshGateway));
  return [
    ...httpRules(reader, virtualService)
      .filter(({ matches }) => isForMesh(matches))
      .flatMap(({ destinations, mirrors }) => [...destinations, ...mirrors]),
    ...[...virtualService.tls, ...virtualService.tcp]
      .filter(({ matches }) => isForMesh(matches))
      .flatMap(({ destinations }) => destinations),
  ];
}

function leadsToGateway(reader: MeshReader, virtualService: VirtualService, host: string): boolean {
  const rules = [...httpRules(reader, virtualService), ...virtualService.tls, ...virtualService.tcp];
  const destinations = rules.flatMap((rule) => rule.destinations);
  return destinations.some((destination) => gatewayServiceOf(reader, destination.host, host) !== undefined);
}

/** True when a rule of the VirtualService, or of a delegate of its, is written in the resource. */
export function isWrittenIn(reader: MeshReader, virtualService: VirtualService, ref: ResourceRef): boolean {
  const sources = [virtualService.resource, ...httpRules(reader, virtualService).map((rule) => rule.source)];
  return sources.some((source) => idOf(refOf(source)) === idOf(ref));
}

/** True for a ServiceEntry whose endpoints are an egress gateway: a capture without a VirtualService. */
export function hasGatewayEndpoints(
  reader: MeshReader,
  { spec: { endpoints = [] } }: ResourceOf<'ServiceEntry'>,
): boolean {
  return (
    endpoints.length > 0 &&
    endpoints.every(({ address }) => address !== undefined && gatewayServiceOf(reader, address) !== undefined)
  );
}
