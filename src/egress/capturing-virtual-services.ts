import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { idOf, type ResourceOf, type ResourceRef, refOf } from '../istio/resources.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import { type MeshReader, meshVirtualServices } from '../mesh/indexes.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { gatewayServiceOf } from './hop.ts';

/** The VirtualServices on sidecars that lead a host (lower case) to an egress gateway, whoever sees them; the most specific first. */
export function capturingVirtualServices(reader: MeshReader, host: string): readonly VirtualService[] {
  const found = new Set(hostPatternsOf(host).flatMap((pattern) => reader.entries(meshVirtualServices, pattern)));
  return [...found]
    .filter(({ hosts }) => hosts.some((name) => covers(name.toLowerCase(), host)))
    .filter((virtualService) => leadsToGateway(reader, virtualService, host));
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
