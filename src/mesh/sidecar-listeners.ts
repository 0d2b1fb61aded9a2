import { type Protocol, sectionOf } from '../istio/protocol.ts';
import type { MeshService } from '../istio/service.ts';
import { type EgressListener, importsService, isForAllPorts, type SidecarScope } from '../istio/sidecar.ts';
import { type StreamRule, streamMatchApplies, type VirtualService } from '../istio/virtual-service.ts';
import { type ClientView, scopeWithKey } from './client-view.ts';
import type { Query } from './engine.ts';
import {
  exportedHttpServices,
  httpServiceNamespaces,
  httpServicesByNamespace,
  type MeshReader,
  namesOfMatch,
  publicHttpServices,
  ruleKey,
  servicesByHost,
  servicesByPort,
  tcpServicesByAddress,
  tlsServicesByName,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import {
  hasPlace,
  isFirstOn,
  isForAll,
  type SidecarListener,
  sectionOn,
  servicesOnOwnPort,
  usable,
} from './port-listeners.ts';
import type { ScopeAnswer } from './scope-answers.ts';
import {
  hostsOverlapping,
  listenerServices,
  portOf,
  precedes,
  type SeenService,
  seenOn,
  servicesOfHost,
  spellingsOf,
} from './services.ts';
import { overlappingVirtualServices, sidecarVirtualServicesBySni } from './virtual-services.ts';

/** A sidecar's filter chain. */
export interface FilterChain {
  /** The VirtualService rule that routes it; absent: it goes to the service itself. */
  readonly rule?: StreamRule;
  /** Where it says what the chain takes. */
  readonly field?: string;
  readonly seen: SeenService;
}

/** A filter chain for TLS with certain SNIs. */
export interface TlsChain extends FilterChain {
  /** Case as written; empty: every SNI. */
  readonly serverNames: readonly string[];
}

/** The egress listener of the client's scope that serves a port: the one that names it, else the one without a port. */
export function egressListener(client: ClientView, port: number): EgressListener | undefined {
  const { listeners } = client.scope;
  return listeners.find((listener) => listener.port === port) ?? listeners.find(isForAllPorts);
}

/**
 * True when the sidecar has an HTTP listener for all addresses on a port: any imported HTTP service with that port makes one,
 * and without it no route of the port is consulted. Source: core/listener.go `buildSidecarOutboundListener`.
 */
export function hasHttpListener(client: ClientView, listener: EgressListener, port: number): boolean {
  const { reader } = client;
  if (listener.protocol !== undefined) return hasOwnHttpListener(client, listener, listener.protocol);
  if (!hasPlace(client, { listener, port, address: '' }, 'HTTP')) return false;
  const publicHttp = publicHttpImportsOf(client, listener, port);
  client.answers?.add(answerOf(port, publicHttp));
  const isUsable = (service: MeshService): boolean => seenOn(client, listener, service) !== undefined;
  if (publicHttp.certain !== undefined || publicHttp.contested.some(isUsable)) return true;
  if (reader.entries(exportedHttpServices, String(port)).some(isUsable)) return true;
  client.answers?.add({ kind: 'all else' });
  return ownHttpServices(client, listener, port).some(isUsable);
}

/** HTTP services of a port that are there for no other reason than that the client's own namespace is imported. */
function ownHttpServices(client: ClientView, listener: EgressListener, port: number): readonly MeshService[] {
  const { reader } = client;
  if (!listener.imports.has('.')) return [];
  const own = reader.distinct(httpServiceNamespaces, String(port)).find((namespace) => client.isIn(namespace));
  return own === undefined ? [] : reader.entries(httpServicesByNamespace, ruleKey(String(port), own));
}

/** Whatever the services' ports speak: sniffing has the listener for all addresses only where a service has none of its own. */
function hasOwnHttpListener(client: ClientView, listener: EgressListener, protocol: Protocol): boolean {
  const section = sectionOf(protocol);
  if (section !== 'http' && section !== 'sniffed') return false;
  const services = Iterator.from(servicesOnOwnPort(client, listener));
  return services.some(({ service }) => section === 'http' || service.addresses.length === 0);
}

/** Which public HTTP services of a port a scope imports, whatever the namespace that it serves. */
interface PublicHttpImports {
  /** The first that every client of the scope has. */
  readonly certain?: MeshService;
  /** Those before it that not every client has: of whose host another namespace has a service too. */
  readonly contested: readonly MeshService[];
}

const noPublicHttp: PublicHttpImports = { contested: [] };

function answerOf(port: number, { certain, contested }: PublicHttpImports): ScopeAnswer {
  if (certain === undefined && contested.length > 0) return { kind: 'all else' };
  return { kind: 'public HTTP services', port, isCertain: certain !== undefined };
}

/** Whether clients of a scope that serves whole namespaces import a public HTTP service of a port; undefined: it depends on the client. */
export function importsPublicHttp(reader: MeshReader, port: number, scope: SidecarScope): boolean | undefined {
  const { certain, contested } = reader.value(publicHttpImports, ruleKey(String(port), '0', scope.key));
  return certain === undefined && contested.length > 0 ? undefined : certain !== undefined;
}

/** The argument is `port|listener|scope key`. */
const publicHttpImports: Query<ModelObject, PublicHttpImports> = {
  name: 'imports of public HTTP services',
  level: 3,
  compute(reader, argument) {
    const [port = '', index = '', ...key] = argument.split('|');
    const listener = reader.value(scopeWithKey, key.join('|'))?.listeners[Number(index)];
    return listener === undefined ? noPublicHttp : importedPublicHttp(reader, listener, port);
  },
};

/** Scopes that serve whole namespaces are asked once for all; those of single workloads each time. */
function publicHttpImportsOf(client: ClientView, listener: EgressListener, port: number): PublicHttpImports {
  const { reader, scope } = client;
  if (reader.value(scopeWithKey, scope.key) === undefined) return importedPublicHttp(reader, listener, String(port));
  return reader.value(publicHttpImports, ruleKey(String(port), String(scope.listeners.indexOf(listener)), scope.key));
}

function importedPublicHttp(reader: MeshReader, listener: EgressListener, port: string): PublicHttpImports {
  const contested: MeshService[] = [];
  const mayExcludeOwn = (listener.imports.get('.')?.excluded ?? []).length > 0;
  const isImported = ({ host, namespace }: MeshService): boolean => importsService(listener, host, namespace, false);
  const isCertain = ({ host, namespace }: MeshService): boolean => {
    const rivals = servicesOfHost(reader, host);
    const isAlone = listener.looksUp ? rivals.length === 1 : rivals.every((rival) => rival.namespace === namespace);
    return isAlone && !mayExcludeOwn;
  };
  // Most often it is the first: then what becomes of all the others does not matter.
  const first = reader.first(publicHttpServices, port);
  if (first !== undefined && isImported(first) && isCertain(first)) return { certain: first, contested };
  for (const service of reader.entries(publicHttpServices, port)) {
    if (!isImported(service)) continue;
    if (isCertain(service)) return { certain: service, contested };
    contested.push(service);
  }
  return { contested };
}

/**
 * The chains of a TLS listener that name exactly `name` (a host or wildcard in lower case, or empty for chains that name none), in the order
 * in which istiod builds them. Source: core/tls.go `buildSidecarOutboundTLSFilterChainOpts`.
 */
export function tlsChainsNamed(client: ClientView, place: SidecarListener, name: string): readonly TlsChain[] {
  const { listener, port } = place;
  const chains = new Map<string, TlsChain>();
  for (const virtualService of sidecarVirtualServicesBySni(client, listener, name)) {
    for (const rule of virtualService.tls) {
      if (rule.destinations.length === 0) continue;
      for (const match of rule.matches) {
        const key = match.sniHosts.join(',');
        if (chains.has(key) || !namesOfMatch(match).some((host) => host.toLowerCase() === name)) continue;
        if (!streamMatchApplies(match, client, port)) continue;
        const seen = tlsServiceFor(client, place, virtualService);
        if (seen !== undefined)
          chains.set(key, { serverNames: match.sniHosts, rule, field: `${match.field}.sniHosts`, seen });
      }
    }
  }
  for (const seen of ownChains(client, place, name)) {
    if (!chains.has(seen.service.host)) chains.set(seen.service.host, { serverNames: [seen.service.host], seen });
  }
  return [...chains.values()];
}

/** The services of a name that no VirtualService routes on the port: they have a chain of their own. */
function ownChains(client: ClientView, place: SidecarListener, name: string): readonly SeenService[] {
  const index = place.listener.protocol === undefined ? tlsServicesByName : servicesByHost;
  return [...spellingsOf(client.reader, name, index)].flatMap((host) =>
    tlsServices(client, place, host)
      .filter(({ isNameless }) => isNameless !== true && !isRoutedByTls(client, place, host))
      .slice(0, 1),
  );
}

/** True when any `tls` match applies to the service on the port, whatever its SNIs: then it has no chain of its own. */
export function isRoutedByTls(client: ClientView, { listener, port }: SidecarListener, host: string): boolean {
  return overlappingVirtualServices(client, listener, host).some((virtualService) =>
    virtualService.tls.some(
      (rule) => rule.destinations.length > 0 && rule.matches.some((match) => streamMatchApplies(match, client, port)),
    ),
  );
}

/** The TLS services of exactly one host, as a listener sees them. */
export function tlsServices(client: ClientView, place: SidecarListener, host: string): readonly SeenService[] {
  const { listener, port, address } = place;
  return listenerServices(client, listener, host).filter(
    ({ service, ports }) =>
      isOnAddress(service, address) &&
      ports.some((candidate) => candidate.number === port && sectionOn(listener, candidate) === 'tls') &&
      hasPlace(client, place, 'TLS'),
  );
}

/** A TLS service on the port that one of the VirtualService's hosts overlaps: without one its rules are not consulted. */
function tlsServiceFor(
  client: ClientView,
  place: SidecarListener,
  virtualService: VirtualService,
): SeenService | undefined {
  for (const name of virtualService.hosts) {
    for (const host of hostsOverlapping(client.reader, name)) {
      const [seen] = tlsServices(client, place, host);
      if (seen !== undefined) return seen;
    }
  }
  return undefined;
}

/**
 * The service whose TCP chain takes every connection to a listener: the first that istiod comes to; all later ones have the same match and
 * are left out. Source: core/listener.go `mergeTCPFilterChains`.
 */
export function tcpOwner(client: ClientView, place: SidecarListener): SeenService | undefined {
  return Iterator.from(tcpCandidates(client, place)).find((seen) => hasTcpChains(client, place, seen));
}

function tcpCandidates(client: ClientView, { listener, port, address }: SidecarListener): Iterable<SeenService> {
  const { reader } = client;
  if (listener.protocol !== undefined)
    return Iterator.from(servicesOnOwnPort(client, listener)).filter(({ service }) => isOnAddress(service, address));
  const services =
    listener.bind === ''
      ? reader.entries(tcpServicesByAddress, ruleKey(address, String(port)))
      : reader.entries(servicesByPort, String(port));
  return usable(client, listener, services);
}

/**
 * True where istiod makes chains for bytes of a service on a listener: for a port without protocol only if nothing that is HTTP or sniffed
 * came before. Source: core/listener.go `buildSidecarOutboundListener`.
 */
export function hasTcpChains(client: ClientView, place: SidecarListener, seen: SeenService): boolean {
  const { listener, port } = place;
  const found = portOf(seen, port);
  if (found === undefined) return false;
  const section = sectionOn(listener, found);
  if (section === 'sniffed' && listener.protocol !== undefined) return isFirstOn(client, place, seen);
  if (section !== 'tcp' && section !== 'sniffed') return false;
  return (
    hasPlace(client, place, found.protocol) && (section === 'tcp' || !isSniffedBefore(client, place, seen.service))
  );
}

function isSniffedBefore(client: ClientView, place: SidecarListener, service: MeshService): boolean {
  const { listener, port, address } = place;
  const { reader } = client;
  const isEarlier = (other: MeshService): boolean =>
    precedes(listener, other, service) && seenOn(client, listener, other) !== undefined;
  if (!isForAll(address)) {
    const rivals = reader.entries(tcpServicesByAddress, ruleKey(address, String(port)));
    return rivals.some(
      (other) =>
        other.ports.some(({ number, protocol }) => number === port && sectionOf(protocol) === 'sniffed') &&
        isEarlier(other),
    );
  }
  const { certain, contested } = publicHttpImportsOf(client, listener, port);
  client.answers?.add({ kind: 'all else' });
  if (certain !== undefined && precedes(listener, certain, service)) return true;
  const others = [
    contested,
    reader.entries(exportedHttpServices, String(port)),
    ownHttpServices(client, listener, port),
  ];
  return others.some((some) => some.some(isEarlier));
}

/** True when an egress listener with a port of its own makes a listener of the sidecar for an address; empty: for all, blocks included. */
export function hasOwnListener(client: ClientView, listener: EgressListener, address: string): boolean {
  if (listener.protocol === undefined) return true;
  const section = sectionOf(listener.protocol);
  if (section === 'none' || (section === 'http' && address !== '')) return false;
  return Iterator.from(servicesOnOwnPort(client, listener)).some(({ service }) => {
    if (section === 'http' || isOnAddress(service, address)) return true;
    return address === '' && service.addresses.some(isForAll);
  });
}

/** True for a service of the listener on an address (or block); empty: on all addresses. */
function isOnAddress(service: MeshService, address: string): boolean {
  return address === '' ? service.addresses.length === 0 : service.addresses.includes(address);
}
