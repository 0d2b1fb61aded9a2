import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { idOf, refOf } from '../istio/resources.ts';
import { labelsKey } from '../istio/selectors.ts';
import { isKubernetes, type MeshPort, type MeshService } from '../istio/service.ts';
import { type EgressListener, importsService } from '../istio/sidecar.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { ClientView } from './client-view.ts';
import { type MeshReader, servicesByHost } from './indexes.ts';

/** A service as one proxy sees it: of several with the same host one was chosen, or their ports were merged. */
export interface SeenService {
  readonly service: MeshService;
  readonly ports: readonly MeshPort[];
}

/** The services of exactly that host (case as written), oldest first. */
export function servicesOfHost(reader: MeshReader, host: string): readonly MeshService[] {
  return reader.entries(servicesByHost, host.toLowerCase()).filter((service) => service.host === host);
}

/** The services whose host is, or as a wildcard covers, a host (lower case); the most specific first, then the oldest. */
export function servicesCovering(reader: MeshReader, host: string): readonly MeshService[] {
  return hostPatternsOf(host)
    .flatMap((pattern) => reader.entries(servicesByHost, pattern))
    .filter((service) => covers(service.host.toLowerCase(), host));
}

/** True when a service's host is, or as a wildcard covers, a host (lower case). */
export function isRegistered(reader: MeshReader, host: string): boolean {
  return hostPatternsOf(host).some((pattern) =>
    reader.entries(servicesByHost, pattern).some((service) => covers(service.host.toLowerCase(), host)),
  );
}

/** True for one service read twice: a memoised value may hold the object of an earlier reading, if nothing in it has changed since. */
export function isSameService(a: MeshService, b: MeshService): boolean {
  return a === b || (a.host === b.host && idOf(refOf(a.resource)) === idOf(refOf(b.resource)));
}

/** True when the client's namespace sees the service. */
export function isServiceVisible(client: ClientView, service: MeshService): boolean {
  if (service.visibility.isPublic) return true;
  for (const namespace of service.visibility.namespaces) if (client.isIn(namespace)) return true;
  return false;
}

/** True when an egress listener of the client imports the service. */
export function isServiceImported(client: ClientView, listener: EgressListener, service: MeshService): boolean {
  const { host, namespace } = service;
  const isImported = importsService(listener, host, namespace, listener.imports.has('.') && client.isIn(namespace));
  client.answers?.add({ kind: 'service', namespace, host, isImported });
  return isImported;
}

/**
 * The services of a host that an egress listener works with: of all that are visible and imported, those of one namespace,
 * the client's own first, then Kubernetes Services, then explicitly exported ones, then the oldest.
 * Source: pilot/pkg/model/sidecar.go `selectServices`; push_context.go `servicesExportedToNamespace`.
 */
export function listenerServices(client: ClientView, listener: EgressListener, host: string): readonly SeenService[] {
  const candidates = exportedFirst(
    servicesOfHost(client.reader, host).filter((service) => isServiceVisible(client, service)),
  );
  const imported = candidates.filter(
    (service) => isServiceImported(client, listener, service) && portsOn(listener, service).length > 0,
  );
  const namespace = chosenNamespace(client, imported);
  return imported
    .filter((service) => service.namespace === namespace)
    .map((service) => ({ service, ports: portsOn(listener, service) }));
}

/**
 * The service behind a host for the client's clusters: what its listeners import, and, for the destination of a VirtualService,
 * what is found besides for `routing`, the listener that imports the VirtualService.
 * Source: pilot/pkg/model/sidecar.go `collectImportedServices`.
 */
export function clusterService(client: ClientView, host: string, routing?: EgressListener): SeenService | undefined {
  let seen: SeenService | undefined;
  for (const listener of client.scope.listeners) {
    for (const service of listenerServices(client, listener, host)) seen = append(seen, service);
    const destination = listener === routing ? destinationService(client, listener, host) : undefined;
    if (destination !== undefined) seen = append(seen, destination);
  }
  return seen;
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

/** The port of a seen service, if it has it. */
export function portOf(seen: SeenService | undefined, number: number): MeshPort | undefined {
  return seen?.ports.find((port) => port.number === number);
}

/** Explicitly exported services come before public ones, each oldest first. */
export function exportedFirst(services: readonly MeshService[]): readonly MeshService[] {
  const exported = services.filter((service) => !service.visibility.isPublic);
  return exported.length === 0 ? services : [...exported, ...services.filter((service) => service.visibility.isPublic)];
}

/** The ports that a listener makes usable: its own one if it has one, else all. Source: sidecar.go `serviceMatchingListenerPort`. */
function portsOn(listener: EgressListener, service: MeshService): readonly MeshPort[] {
  if (listener.port === 0 || listener.isHttpProxy) return service.ports;
  return service.ports.filter((port) => port.number === listener.port).slice(0, 1);
}

function chosenNamespace(client: ClientView, services: readonly MeshService[]): string | undefined {
  const [first, ...others] = services;
  if (first === undefined || others.every((service) => service.namespace === first.namespace)) return first?.namespace;
  const own = services.find((service) => client.isIn(service.namespace));
  return (own ?? services.find(isKubernetes) ?? first).namespace;
}

/**
 * A destination that no listener imports is looked for in the client's namespace, else in the best visible one.
 * Source: sidecar.go `collectImportedServices`, `pickBestVisibleNamespace`.
 */
function destinationService(client: ClientView, listener: EgressListener, host: string): SeenService | undefined {
  const byNamespace = new Map<string, MeshService>();
  for (const service of servicesOfHost(client.reader, host)) {
    const known = byNamespace.get(service.namespace);
    if (known === undefined || (!isKubernetes(known) && isKubernetes(service)))
      byNamespace.set(service.namespace, service);
  }
  const services = [...byNamespace.values()];
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
