import { covers, hostPatternsOf, isWildcard, overlaps } from '../istio/hosts.ts';
import { idOf, refOf } from '../istio/resources.ts';
import { isKubernetes, type MeshPort, type MeshService, olderServiceFirst } from '../istio/service.ts';
import { type EgressListener, importsService } from '../istio/sidecar.ts';
import type { ClientView } from './client-view.ts';
import { type MeshReader, servicesByHost, servicesUnder } from './indexes.ts';

/** A service as one proxy sees it: of several with the same host one was chosen, or their ports were merged. */
export interface SeenService {
  readonly service: MeshService;
  readonly ports: readonly MeshPort[];
  /** True where its TLS chain asks for no name, although the listener is not its address's own: that is bound to an address. */
  readonly isNameless?: boolean;
}

/** The services of exactly that host (case as written), oldest first. */
export function servicesOfHost(reader: MeshReader, host: string): readonly MeshService[] {
  return reader.entries(servicesByHost, host.toLowerCase()).filter((service) => service.host === host);
}

/** The services of a host (lower case), whatever the case of its letters, oldest first. */
export function servicesSpelling(reader: MeshReader, host: string, index = servicesByHost): readonly MeshService[] {
  return reader.entries(index, host).filter((service) => service.host.toLowerCase() === host);
}

/** How the hosts of services spell a host (lower case). `index`: of which services, by lower-case host. */
export function spellingsOf(reader: MeshReader, host: string, index = servicesByHost): ReadonlySet<string> {
  return new Set(servicesSpelling(reader, host, index).map((service) => service.host));
}

/** The services whose host is, or as a wildcard covers, a host (lower case); the most specific first, then the oldest. */
export function servicesCovering(reader: MeshReader, host: string): readonly MeshService[] {
  return hostPatternsOf(host)
    .flatMap((pattern) => reader.entries(servicesByHost, pattern))
    .filter((service) => covers(service.host.toLowerCase(), host));
}

/** The hosts of services, case as written, that a host (exact or wildcard) overlaps. */
export function hostsOverlapping(reader: MeshReader, name: string): ReadonlySet<string> {
  const lower = name.toLowerCase();
  const services = hostPatternsOf(lower).flatMap((pattern) => reader.entries(servicesByHost, pattern));
  if (isWildcard(name)) services.push(...reader.entries(servicesUnder, lower));
  return new Set(services.filter((service) => overlaps(name, service.host)).map((service) => service.host));
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
function isServiceImported(client: ClientView, listener: EgressListener, service: MeshService): boolean {
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
  const known = servicesOfHost(client.reader, host);
  const found = listener.looksUp ? firstOfNamespaces(known) : known;
  const candidates = inOrderOf(
    listener,
    found.filter((service) => isServiceVisible(client, service)),
  );
  const imported = candidates.filter(
    (service) => isServiceImported(client, listener, service) && hasPortOf(listener, service),
  );
  const namespace = chosenNamespace(client, imported);
  return imported.filter((service) => service.namespace === namespace).map((service) => seenBy(listener, service));
}

/** A service as a listener works with it; undefined: it does not. */
export function seenOn(client: ClientView, listener: EgressListener, service: MeshService): SeenService | undefined {
  if (!isServiceVisible(client, service) || !isServiceImported(client, listener, service)) return undefined;
  return listenerServices(client, listener, service.host).find((seen) => isSameService(seen.service, service));
}

/**
 * On a listener that is bound to an address, those of services do not count, nor do blocks; a name does where there would be a listener for all
 * addresses, or a block. Source: core/listener.go `buildSidecarOutboundListener`, core/tls.go `buildSidecarOutboundTLSFilterChainOpts`.
 */
function seenBy(listener: EgressListener, service: MeshService): SeenService {
  const ports = portsOn(listener, service);
  if (listener.bind === '') return { service, ports };
  const { addresses } = service;
  const isForAll = listener.bind === '0.0.0.0' && addresses.length === 0;
  const isNamed = isForAll || (addresses.length > 0 && addresses.every((address) => address.includes('/')));
  return { service: { ...service, addresses: [] }, ports, ...(!isNamed && { isNameless: true }) };
}

/** The port of a seen service, if it has it. */
export function portOf(seen: SeenService | undefined, number: number): MeshPort | undefined {
  return seen?.ports.find((port) => port.number === number);
}

/** Of the services of a host (oldest first) the first of each namespace, a Kubernetes Service before others. Source: push_context.go `initServiceRegistry`. */
export function firstOfNamespaces(services: readonly MeshService[]): readonly MeshService[] {
  const byNamespace = new Map<string, MeshService>();
  for (const service of services) {
    const known = byNamespace.get(service.namespace);
    if (known === undefined || (!isKubernetes(known) && isKubernetes(service)))
      byNamespace.set(service.namespace, service);
  }
  return [...byNamespace.values()];
}

/** Services, the oldest first, as istiod comes to them for a listener. */
export function inOrderOf({ looksUp }: EgressListener, services: readonly MeshService[]): readonly MeshService[] {
  return looksUp ? services : exportedFirst(services);
}

/** True where istiod comes to one service before another. */
export function precedes({ looksUp }: EgressListener, a: MeshService, b: MeshService): boolean {
  const { isPublic } = a.visibility;
  return looksUp || isPublic === b.visibility.isPublic ? olderServiceFirst(a, b) < 0 : !isPublic;
}

/** Explicitly exported services come before public ones, each oldest first. */
export function exportedFirst(services: readonly MeshService[]): readonly MeshService[] {
  const exported = services.filter((service) => !service.visibility.isPublic);
  return exported.length === 0 ? services : [...exported, ...services.filter((service) => service.visibility.isPublic)];
}

function hasPortOf(listener: EgressListener, service: MeshService): boolean {
  return usesAllPorts(listener) || portsOn(listener, service).length > 0;
}

/** True for a listener that makes all ports of services usable. Source: sidecar.go `needsPortMatch`. */
export function usesAllPorts({ port, isHttpProxy }: EgressListener): boolean {
  return port === 0 || isHttpProxy;
}

/** The ports that a listener makes usable: its own one if it has one, else all. Source: sidecar.go `serviceMatchingListenerPort`. */
export function portsOn(listener: EgressListener, service: MeshService): readonly MeshPort[] {
  if (usesAllPorts(listener)) return service.ports;
  return service.ports.filter((port) => port.number === listener.port).slice(0, 1);
}

function chosenNamespace(client: ClientView, services: readonly MeshService[]): string | undefined {
  const [first, ...others] = services;
  if (first === undefined || others.every((service) => service.namespace === first.namespace)) return first?.namespace;
  const own = services.find((service) => client.isIn(service.namespace));
  return (own ?? services.find(isKubernetes) ?? first).namespace;
}
