import { hostPatternsOf, isWildcard, overlaps } from '../istio/hosts.ts';
import { type Protocol, sectionOf } from '../istio/protocol.ts';
import type { MeshService } from '../istio/service.ts';
import { type EgressListener, importsService, type SidecarScope } from '../istio/sidecar.ts';
import { type StreamRule, streamMatchApplies, type VirtualService } from '../istio/virtual-service.ts';
import { type ClientView, scopeWithKey } from './client-view.ts';
import type { DerivedIndex, Query } from './engine.ts';
import {
  everything,
  exportedHttpServices,
  httpServiceNamespaces,
  httpServicesByNamespace,
  type MeshReader,
  meshVirtualServicesBySni,
  meshVirtualServicesUnder,
  publicHttpServices,
  ruleKey,
  servicesByHost,
  servicesUnder,
  snisOfMatches,
  tcpServicesByAddress,
  tlsServicesByName,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import { hasPlace, sectionOn, servicesOnOwnPort } from './port-listeners.ts';
import type { ScopeAnswer } from './scope-answers.ts';
import {
  exportedFirst,
  isSameService,
  isServiceImported,
  isServiceVisible,
  listenerServices,
  portOf,
  type SeenService,
  servicesOfHost,
} from './services.ts';
import { isSeenBy, sidecarVirtualServices, sidecarVirtualServicesBySni } from './virtual-services.ts';

/** A sidecar's filter chain for TLS with certain SNIs. */
export interface TlsChain {
  /** Case as written; empty: every SNI. */
  readonly serverNames: readonly string[];
  /** The VirtualService rule that routes it; absent: it goes to the service itself. */
  readonly rule?: StreamRule;
  /** The match of that rule. */
  readonly field?: string;
  readonly seen: SeenService;
}

/** The egress listener of the client's scope that serves a port: the one that names it, else the one without a port. */
export function egressListener(client: ClientView, port: number): EgressListener | undefined {
  const { listeners } = client.scope;
  return listeners.find((listener) => listener.port === port) ?? listeners.find((listener) => listener.port === 0);
}

/**
 * True when the sidecar has an HTTP listener for all addresses on a port: any imported HTTP service with that port makes one,
 * and without it no route of the port is consulted. Source: core/listener.go `buildSidecarOutboundListener`.
 */
export function hasHttpListener(client: ClientView, listener: EgressListener, port: number): boolean {
  const { reader } = client;
  if (listener.protocol !== undefined) return hasOwnHttpListener(client, listener, listener.protocol);
  if (!hasPlace(client, listener, port, '', 'HTTP')) return false;
  const isUsable = (service: MeshService): boolean => {
    if (!isServiceVisible(client, service) || !isServiceImported(client, listener, service)) return false;
    return listenerServices(client, listener, service.host).some((seen) => isSameService(seen.service, service));
  };
  const publicHttp = publicHttpImportsOf(client, listener, port);
  client.answers?.add(answerOf(port, publicHttp));
  if (publicHttp.isCertain || publicHttp.contested.some(isUsable)) return true;
  if (reader.entries(exportedHttpServices, String(port)).some(isUsable)) return true;
  client.answers?.add({ kind: 'all else' });
  if (!listener.imports.has('.')) return false;
  const own = reader.distinct(httpServiceNamespaces, String(port)).find((namespace) => client.isIn(namespace));
  return own !== undefined && reader.entries(httpServicesByNamespace, ruleKey(String(port), own)).some(isUsable);
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
  /** True when every client of the scope has one. */
  readonly isCertain: boolean;
  /** Those that not every client has: of whose host another namespace has a service too. */
  readonly contested: readonly MeshService[];
}

const noPublicHttp: PublicHttpImports = { isCertain: false, contested: [] };

function answerOf(port: number, { isCertain, contested }: PublicHttpImports): ScopeAnswer {
  return contested.length > 0 ? { kind: 'all else' } : { kind: 'public HTTP services', port, isCertain };
}

/** Whether clients of a scope that serves whole namespaces import a public HTTP service of a port; undefined: it depends on the client. */
export function importsPublicHttp(reader: MeshReader, port: number, scope: SidecarScope): boolean | undefined {
  const { isCertain, contested } = reader.value(publicHttpImports, ruleKey(String(port), '0', scope.key));
  return contested.length > 0 ? undefined : isCertain;
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
  for (const service of reader.entries(publicHttpServices, port)) {
    if (!importsService(listener, service.host, service.namespace, false)) continue;
    const rivals = servicesOfHost(reader, service.host);
    const isCertain = !mayExcludeOwn && rivals.every((rival) => rival.namespace === service.namespace);
    if (isCertain) return { isCertain, contested: [] };
    contested.push(service);
  }
  return { isCertain: false, contested };
}

/**
 * The chains of a TLS listener that name exactly `name` (a host or wildcard in lower case), in the order in which istiod
 * builds them. `address` is empty for the listener on all addresses.
 * Source: core/tls.go `buildSidecarOutboundTLSFilterChainOpts`.
 */
export function tlsChainsNamed(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
  name: string,
): readonly TlsChain[] {
  const chains = new Map<string, TlsChain>();
  for (const virtualService of sidecarVirtualServicesBySni(client, listener, name)) {
    for (const rule of virtualService.tls) {
      if (rule.destinations.length === 0) continue;
      for (const match of rule.matches) {
        const key = match.sniHosts.join(',');
        if (chains.has(key) || !match.sniHosts.some((host) => host.toLowerCase() === name)) continue;
        if (!streamMatchApplies(match, client, port)) continue;
        const seen = tlsServiceFor(client, listener, port, address, virtualService);
        if (seen !== undefined) chains.set(key, { serverNames: match.sniHosts, rule, field: match.field, seen });
      }
    }
  }
  for (const seen of ownChains(client, listener, port, address, name)) {
    if (!chains.has(seen.service.host)) chains.set(seen.service.host, { serverNames: [seen.service.host], seen });
  }
  return [...chains.values()];
}

/** The services of a name that no VirtualService routes on the port: they have a chain of their own. */
function ownChains(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
  name: string,
): readonly SeenService[] {
  const index = listener.protocol === undefined ? tlsServicesByName : servicesByHost;
  const services = client.reader.entries(index, name).filter((service) => service.host.toLowerCase() === name);
  const hosts = new Set(services.map((service) => service.host));
  return [...hosts].flatMap((host) =>
    tlsServices(client, listener, port, address, host)
      .filter(() => !isRoutedByTls(client, listener, port, host))
      .slice(0, 1),
  );
}

/** True when any `tls` match applies to the service on the port, whatever its SNIs: then it has no chain of its own. */
export function isRoutedByTls(client: ClientView, listener: EgressListener, port: number, host: string): boolean {
  const under = isWildcard(host)
    ? client.reader
        .entries(meshVirtualServicesUnder, host.toLowerCase())
        .filter((candidate) => isSeenBy(client, listener, candidate))
    : [];
  return [...sidecarVirtualServices(client, listener, host.toLowerCase()), ...under].some(
    (virtualService) =>
      virtualService.hosts.some((name) => overlaps(name, host)) &&
      virtualService.tls.some(
        (rule) => rule.destinations.length > 0 && rule.matches.some((match) => streamMatchApplies(match, client, port)),
      ),
  );
}

/** The TLS services of exactly one host on a port and address, as the listener sees them. */
export function tlsServices(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
  host: string,
): readonly SeenService[] {
  return listenerServices(client, listener, host).filter(
    ({ service, ports }) =>
      isOnAddress(service, address) &&
      ports.some((candidate) => candidate.number === port && sectionOn(listener, candidate) === 'tls') &&
      hasPlace(client, listener, port, address, 'TLS'),
  );
}

/** A TLS service on the port that one of the VirtualService's hosts overlaps: without one its rules are not consulted. */
function tlsServiceFor(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
  virtualService: VirtualService,
): SeenService | undefined {
  for (const name of virtualService.hosts) {
    const lower = name.toLowerCase();
    const candidates = hostPatternsOf(lower).flatMap((pattern) => client.reader.entries(servicesByHost, pattern));
    if (isWildcard(name)) candidates.push(...client.reader.entries(servicesUnder, lower));
    for (const host of new Set(
      candidates.filter((service) => overlaps(name, service.host)).map((service) => service.host),
    )) {
      const [seen] = tlsServices(client, listener, port, address, host);
      if (seen !== undefined) return seen;
    }
  }
  return undefined;
}

/**
 * The service whose TCP chain takes every connection to an address and port: the first that istiod comes to; all later ones
 * have the same match and are left out. Source: core/listener.go `mergeTCPFilterChains`.
 */
export function tcpOwner(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
): SeenService | undefined {
  if (listener.protocol !== undefined) return tcpOwnerOnOwnPort(client, listener, listener.protocol, address);
  const candidates = client.reader.entries(tcpServicesByAddress, ruleKey(address, String(port)));
  const visible = candidates.filter(
    (service) => isServiceVisible(client, service) && isServiceImported(client, listener, service),
  );
  for (const service of exportedFirst(visible)) {
    const seen = listenerServices(client, listener, service.host).find((candidate) =>
      isSameService(candidate.service, service),
    );
    const found = portOf(seen, port);
    if (found !== undefined && hasPlace(client, listener, port, address, found.protocol)) return seen;
  }
  return undefined;
}

function tcpOwnerOnOwnPort(
  client: ClientView,
  listener: EgressListener,
  protocol: Protocol,
  address: string,
): SeenService | undefined {
  const section = sectionOf(protocol);
  if (section !== 'tcp' && section !== 'sniffed') return undefined;
  return Iterator.from(servicesOnOwnPort(client, listener)).find(({ service }) => isOnAddress(service, address));
}

/** True when an egress listener with a port of its own makes a listener of the sidecar for an address; empty: for all, blocks included. */
export function hasOwnListener(client: ClientView, listener: EgressListener, address: string): boolean {
  if (listener.protocol === undefined) return true;
  const section = sectionOf(listener.protocol);
  if (section === 'none' || (section === 'http' && address !== '')) return false;
  return Iterator.from(servicesOnOwnPort(client, listener)).some(({ service }) => {
    if (section === 'http' || isOnAddress(service, address)) return true;
    return address === '' && service.addresses.some((block) => block.includes('/'));
  });
}

/** Names that several TLS chains of sidecars may claim in different lists; there are none in a sound mesh. */
const contestedNames: DerivedIndex<string> = {
  kind: 'derived',
  name: 'contested TLS names',
  compare: (a, b) => (a < b ? -1 : 1),
};

/** Whether a name (the argument) occurs in lists that are not the same. */
export const contestedTlsNames: Query<ModelObject, boolean> = {
  name: 'contested TLS names',
  level: 1,
  *rootsOf({ virtualService, services }) {
    if (virtualService !== undefined) yield* snisOfMatches(virtualService);
    for (const service of services)
      if (service.ports.some((port) => sectionOf(port.protocol) === 'tls')) yield service.host.toLowerCase();
  },
  compute(reader, name) {
    const claims = new Set(reader.entries(tlsServicesByName, name).map((service) => service.host));
    for (const virtualService of reader.entries(meshVirtualServicesBySni, name)) {
      for (const { sniHosts } of virtualService.tls.flatMap((rule) => rule.matches)) {
        const spellings = sniHosts.filter((host) => host.toLowerCase() === name);
        if (spellings.length > 1) return true;
        if (spellings.length === 1) claims.add(sniHosts.join(','));
      }
    }
    return claims.size > 1;
  },
  contribute(isContested, name, contribute) {
    if (isContested) contribute(contestedNames, everything, name);
  },
};

/** A name that several TLS chains of a sidecar claim, or one does twice. */
export interface RefusedTlsName {
  readonly name: string;
  readonly chains: readonly TlsChain[];
}

/**
 * The name for which Envoy refuses the client's TLS listener: two of its chains claim it, or one does twice. A fresh proxy
 * then has no such listener. Source: Envoy's check for filter chains with the same matching rules.
 */
export function refusedTlsName(
  client: ClientView,
  listener: EgressListener,
  port: number,
  address: string,
): RefusedTlsName | undefined {
  for (const name of client.reader.entries(contestedNames, everything)) {
    const chains = tlsChainsNamed(client, listener, port, address, name);
    const isTwice = ({ serverNames }: TlsChain): boolean =>
      serverNames.filter((host) => host.toLowerCase() === name).length > 1;
    if (chains.length > 1 || chains.some(isTwice)) return { name, chains };
  }
  return undefined;
}

function isOnAddress(service: MeshService, address: string): boolean {
  return address === '' ? service.addresses.length === 0 : service.addresses.includes(address);
}
