import { labelsKey } from '../istio/selectors.ts';
import { isKubernetes, type MeshService } from '../istio/service.ts';
import type { EgressListener } from '../istio/sidecar.ts';
import type { HttpRule, VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { ClientView } from './client-view.ts';
import { delegatingVirtualServices, everything, type MeshReader, meshVirtualServicesByDestination } from './indexes.ts';
import {
  exportedFirst,
  firstOfNamespaces,
  isServiceVisible,
  listenerServices,
  portsOn,
  type SeenService,
  servicesOfHost,
  usesAllPorts,
} from './services.ts';
import { httpRules, isSeenBy, mirrorsOf } from './virtual-services.ts';

/**
 * The service behind a host for the client's clusters: what its listeners import, and what is found besides for destinations of the
 * VirtualServices that they import. `routing` is the listener that imports one that leads to the host, where that is known already.
 * Source: pilot/pkg/model/sidecar.go `collectImportedServices`.
 */
export function clusterService(client: ClientView, host: string, routing?: EgressListener): SeenService | undefined {
  let seen: SeenService | undefined;
  for (const listener of client.scope.listeners) {
    for (const service of listenerServices(client, listener, host)) seen = append(seen, service);
    seen =
      listener === routing
        ? withDestination(client, listener, host, seen)
        : withRoutedParts(client, listener, host, seen);
  }
  return seen;
}

function withDestination(
  client: ClientView,
  listener: EgressListener,
  host: string,
  imported: SeenService | undefined,
): SeenService | undefined {
  const destination = destinationService(client, listener, host);
  return destination === undefined ? imported : append(imported, destination);
}

/** Many VirtualServices may lead to one service: they are asked only while ports of it are missing. */
function withRoutedParts(
  client: ClientView,
  listener: EgressListener,
  host: string,
  imported: SeenService | undefined,
): SeenService | undefined {
  if (isWhole(imported)) return imported;
  const destination = destinationService(client, listener, host);
  if (destination === undefined) return imported;
  let seen = imported;
  for (const part of routedParts(client, listener, host, destination)) {
    seen = append(seen, part);
    if (isWhole(seen)) break;
  }
  return seen;
}

function isWhole(seen: SeenService | undefined): boolean {
  return seen !== undefined && seen.ports.length >= seen.service.ports.length;
}

/** What each VirtualService that a listener imports makes usable of a service: all ports, or on a listener for all ports those that it names. */
function* routedParts(
  client: ClientView,
  listener: EgressListener,
  host: string,
  found: SeenService,
): Iterable<SeenService> {
  const { reader } = client;
  const delegating = reader.entries(delegatingVirtualServices, everything);
  for (const virtualService of new Set([...reader.entries(meshVirtualServicesByDestination, host), ...delegating])) {
    if (!isSeenBy(client, listener, virtualService)) continue;
    const named = destinationPorts(client, virtualService, host);
    if (named.length === 0) continue;
    const ports =
      named.includes(undefined) || !usesAllPorts(listener)
        ? found.ports
        : found.ports.filter(({ number }) => named.includes(number));
    if (ports.length > 0) yield { service: found.service, ports };
  }
}

/** The ports that the destinations of a VirtualService with a host name; undefined for those that name none. */
function destinationPorts(
  client: ClientView,
  virtualService: VirtualService,
  host: string,
): readonly (number | undefined)[] {
  const http = httpRules(client.reader, virtualService).filter((rule) => importsDestinations(client, rule));
  const destinations = [
    ...http.flatMap((rule) => [...rule.destinations, ...mirrorsOf(client.reader, rule)]),
    ...[...virtualService.tls, ...virtualService.tcp].flatMap((rule) => rule.destinations),
  ];
  return destinations.filter((destination) => destination.host === host).map(({ port }) => port);
}

/**
 * True when sidecars import the destinations of a rule with its VirtualService: where its matches name source namespaces, those of these alone,
 * even if others may take it too. Source: push_context.go `virtualServiceDestinationsFilteredBySourceNamespace`.
 */
export function importsDestinations(client: ClientView, { matches }: HttpRule): boolean {
  const named = matches.flatMap(({ conditions: { sourceNamespace = '' } }) => sourceNamespace || []);
  return named.length === 0 || named.some((namespace) => client.isIn(namespace));
}

/**
 * The service of a host that a gateway in `namespace` works with; unlike for sidecars, its own namespace is not preferred.
 * Source: pilot/pkg/model/sidecar.go `DefaultSidecarScopeForGateway`.
 */
export function gatewayService(reader: MeshReader, namespace: string, host: string): SeenService | undefined {
  const visible = servicesOfHost(reader, host).filter((service) => isVisibleFrom(service.visibility, namespace));
  let seen: SeenService | undefined;
  for (const service of exportedFirst(visible)) seen = append(seen, { service, ports: service.ports });
  return seen;
}

/**
 * A destination that no listener imports is looked for in the client's namespace, else in the best visible one.
 * Source: sidecar.go `collectImportedServices`, `pickBestVisibleNamespace`.
 */
function destinationService(client: ClientView, listener: EgressListener, host: string): SeenService | undefined {
  const services = firstOfNamespaces(servicesOfHost(client.reader, host));
  const own = services.find((service) => client.isIn(service.namespace));
  const visible = services.filter((service) => isServiceVisible(client, service));
  const service = own ?? visible.find(isKubernetes) ?? visible[0];
  const ports = service === undefined ? [] : portsOn(listener, service);
  return service === undefined || ports.length === 0 ? undefined : { service, ports };
}

/** Source: pilot/pkg/model/sidecar.go `appendSidecarServices`. */
function append(existing: SeenService | undefined, next: SeenService): SeenService {
  if (existing === undefined) return next;
  if (isKubernetes(existing.service) !== isKubernetes(next.service))
    return isKubernetes(existing.service) ? existing : next;
  if (!canMerge(existing.service, next.service)) return existing;
  const known = new Set(existing.ports.map((port) => port.number));
  const added = next.ports.filter((port) => !known.has(port.number));
  return added.length === 0 ? existing : { service: existing.service, ports: [...existing.ports, ...added] };
}

/** Source: pilot/pkg/model/sidecar.go `canMergeServices`. */
function canMerge(a: MeshService, b: MeshService): boolean {
  if (a === b) return true;
  return (
    a.namespace === b.namespace &&
    a.resolution === b.resolution &&
    labelsKey(a.resource.metadata.labels) === labelsKey(b.resource.metadata.labels) &&
    labelsKey(a.selector ?? {}) === labelsKey(b.selector ?? {}) &&
    exportKey(a) === exportKey(b)
  );
}

function exportKey(service: MeshService): string {
  const { resource } = service;
  return resource.kind === 'ServiceEntry' ? [...new Set(resource.spec.exportTo ?? [])].sort().join(',') : '';
}
