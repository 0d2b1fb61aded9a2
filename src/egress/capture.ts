import { prefixLength } from '../istio/address.ts';
import { covers, hostPatternsOf, isWildcard, mostSpecific, overlaps } from '../istio/hosts.ts';
import { getRequest } from '../istio/http-request.ts';
import { sectionOf } from '../istio/protocol.ts';
import { olderFirst, type Resource } from '../istio/resources.ts';
import type { MeshService } from '../istio/service.ts';
import { type EgressListener, isBound } from '../istio/sidecar.ts';
import { meshGateway, type RouteDestination, type StreamRule, type VirtualService } from '../istio/virtual-service.ts';
import { type ClientView, outboundTrafficPolicyOf } from '../mesh/client-view.ts';
import { clusterService, importsDestinations } from '../mesh/cluster-services.ts';
import { everything, type MeshReader, servicesByHost, servicesUnder } from '../mesh/indexes.ts';
import { isForAll, type SidecarListener, sectionOn, servicesOn } from '../mesh/port-listeners.ts';
import { claimInWords, type RefusedListener, refusedListener } from '../mesh/refused-listeners.ts';
import { listenerServices, portOf, precedes, type SeenService, spellingsOf } from '../mesh/services.ts';
import {
  egressListener,
  type FilterChain,
  hasHttpListener,
  isRoutedByTls,
  tcpOwner,
  tlsChainsNamed,
  tlsServices,
} from '../mesh/sidecar-listeners.ts';
import { closestTcpChain, lastTcpChainOf, type TcpChain } from '../mesh/tcp-chains.ts';
import { httpRules, mirrorsOf, sidecarVirtualServices } from '../mesh/virtual-services.ts';
import { acceptingListener, recognisesHttp } from './accepting-listener.ts';
import { gatewayServiceOf } from './hop.ts';
import { routeFor, survivingRoutes, weightless } from './http-routes.ts';
import type { Cause } from './path.ts';
import { decide, end, type Progress, type Request, type Way } from './way.ts';

/** A destination that the sidecar sends the request to. */
export interface Captured {
  readonly kind: 'captured';
  readonly destination: RouteDestination;
  /** The port of the destination: its own, else the listener's. */
  readonly port: number;
  /** The listener that imports the destination with the VirtualService; absent: it is there for another reason, or not at all. */
  readonly listener?: EgressListener;
  /** True where the sidecar routes requests, false where it passes bytes on. */
  readonly isHttp: boolean;
  readonly progress: Progress;
}

/** The request goes to a service of the registry that no VirtualService routes elsewhere. */
export interface ToService {
  readonly kind: 'service';
  readonly seen: SeenService;
  readonly port: number;
  /** As of `Captured`. */
  readonly isHttp: boolean;
  readonly progress: Progress;
}

/** What the sidecar makes of a request: somewhere to send it, or already the end of its way. */
export type Capture = Captured | ToService | { readonly kind: 'ended'; readonly way: Way };

const start: Progress = { decidedBy: [] };

/**
 * Where the client's sidecar sends a request; several with weights and mirrors.
 * Source: core/listener.go `buildSidecarOutboundListeners`, core/httproute.go `BuildSidecarOutboundVirtualHosts`.
 */
export function capture(client: ClientView, request: Request): readonly Capture[] {
  const place = acceptingListener(client, request);
  const routing = egressListener(client, request.port);
  if (place === undefined || routing === undefined)
    return [unknown(client, false, start, 'no egress listener of the Sidecar serves the port')];
  const refused = refusedListener(client, place);
  if (refused !== undefined) return [captureRefused(client, refused, request.port)];
  const closest = subnetChain(client, place, request);
  if (closest !== undefined) return captureTcp(client, place, request, closest);
  if (request.protocol === 'http' && recognisesHttp(client, place, request))
    return captureHttp(client, routing, request);
  return captureStream(client, place, request);
}

/**
 * The chain of the `tcp` rule that names the dialled address more closely than anything else does: Envoy looks at the address before the SNI
 * and before what is spoken.
 */
function subnetChain(client: ClientView, place: SidecarListener, request: Request): TcpChain | undefined {
  // Of a block whose dialled address is not known, the first address stands for all.
  const dialled = request.address ?? place.address.split('/', 1)[0] ?? '';
  const closest = closestTcpChain(client, place, dialled);
  return closest !== undefined && closest.prefix > ownPrefixOf(place.address, dialled) ? closest.chain : undefined;
}

/** The length of the block by which a service is recognised; 0 where it has an address, or none, of its own. */
function ownPrefixOf(address: string, dialled: string): number {
  return address.includes('/') ? (prefixLength(address, dialled) ?? 0) : 0;
}

/**
 * The host whose cluster the default route of a service leads to: its name in lower case, even if it is not written so.
 * Source: core/httproute.go `buildSidecarOutboundVirtualHosts`.
 */
function defaultClusterOf(listener: EgressListener, { service: { host } }: SeenService): string {
  return listener.isHttpProxy ? host : host.toLowerCase();
}

function captureHttp(client: ClientView, listener: EgressListener, request: Request): readonly Capture[] {
  for (const domain of hostPatternsOf(request.name)) {
    const owner = domainOwner(client, listener, request.port, domain);
    if (owner === undefined) continue;
    if ('service' in owner)
      return [toService(client, owner, { name: defaultClusterOf(listener, owner), port: request.port, isHttp: true })];
    return routeHttp(client, listener, owner, request);
  }
  return [unknown(client, true, start, `no route or service of port ${request.port} is known for the host`)];
}

function routeHttp(
  client: ClientView,
  listener: EgressListener,
  owner: VirtualService,
  request: Request,
): readonly Capture[] {
  const routes = survivingRoutes(httpRules(client.reader, owner), client, meshGateway, request.port);
  const route = routeFor(routes, getRequest(request.host, request.port));
  if (route === undefined)
    return [
      brokenAt(
        decide(start, owner.resource, 'spec.http'),
        'no-client-route',
        'no route of the VirtualService takes the request (404)',
      ),
    ];
  const { rule } = route;
  const progress = decide(start, rule.source, rule.field);
  if (rule.answer !== undefined) {
    const what = rule.answer.kind === 'redirect' ? 'a redirect' : `status ${rule.answer.status} itself`;
    return [brokenAt(progress, 'answered-by-sidecar', `the sidecar answers with ${what}`)];
  }
  if (rule.destinations.length === 0) return [brokenAt(progress, 'no-client-route', weightless)];
  const isImported = importsDestinations(client, rule);
  const sendTo = (destination: RouteDestination, from: Progress): Captured => ({
    kind: 'captured',
    destination,
    port: destination.port ?? request.port,
    ...(isImported && { listener }),
    isHttp: true,
    progress: decide(from, rule.source, destination.field),
  });
  return [
    ...rule.destinations.map((destination) => sendTo(destination, start)),
    ...mirrorsOf(client.reader, rule).map((mirror) => sendTo(mirror, { ...start, isMirror: true })),
  ];
}

function brokenAt(progress: Progress, cause: Cause, reason: string): Capture {
  return ended(end(progress, { outcome: 'broken', stage: 'capture', cause, reason }));
}

/**
 * Who owns a domain of the route table of a port: the first VirtualService in rank order that has routes there, else the
 * service itself. `domain` is a host or wildcard in lower case.
 * Source: core/route/route.go `BuildSidecarVirtualHostWrapper`, `separateVSHostsAndServices`.
 */
function domainOwner(
  client: ClientView,
  listener: EgressListener,
  port: number,
  domain: string,
): VirtualService | SeenService | undefined {
  const service = registeredServices(client, listener, port, domain).at(-1); // the table keeps the last of those with one name
  const candidates = sidecarVirtualServices(client, listener, domain);
  const hasRoutes = (candidate: VirtualService): boolean =>
    survivingRoutes(httpRules(client.reader, candidate), client, meshGateway, port).length > 0;
  if (service !== undefined) {
    if (!isHttpPort(service, port)) return undefined;
    const owner = candidates.find(
      (candidate) =>
        isChosenFor(client, listener, candidate, candidates, domain) &&
        appliesTo(client, candidate, service.service) &&
        hasRoutes(candidate),
    );
    return owner ?? service;
  }
  return candidates.find(
    (candidate) =>
      !candidate.hasGatewaySemantics &&
      candidate.hosts.some((host) => host.toLowerCase() === domain) &&
      !overlapsRegistry(client, listener, port, domain) &&
      (port === 80 || routesRegisteredService(client, listener, port, candidate)) &&
      hasRoutes(candidate),
  );
}

/**
 * Gateway API routes apply to the services of their own namespace, and for clients of their own namespace to all others.
 * Source: core/route/route.go `buildSidecarVirtualHostsForVirtualService`.
 */
function appliesTo(
  client: ClientView,
  { hasGatewaySemantics, metadata }: VirtualService,
  service: MeshService,
): boolean {
  return !hasGatewaySemantics || service.namespace === metadata.namespace || client.isIn(metadata.namespace);
}

/**
 * A VirtualService with the exact host serves it. Of those with wildcards, only the first of the most specific does, and that case by case:
 * services are looked up in lower case among those as they are written. Source: core/route/route.go `separateVSHostsAndServices`.
 */
function isChosenFor(
  client: ClientView,
  listener: EgressListener,
  candidate: VirtualService,
  candidates: readonly VirtualService[],
  domain: string,
): boolean {
  if (!isWildcard(domain) && candidate.hosts.some((host) => host.toLowerCase() === domain)) return true;
  if (listenerServices(client, listener, domain).length === 0) return false;
  const chosen = mostSpecific(
    domain,
    candidates.flatMap(({ hosts }) => hosts),
  );
  return chosen !== undefined && candidates.find(({ hosts }) => hosts.includes(chosen)) === candidate;
}

/** The services of exactly that host, whatever the case of its letters, that have the port. */
function registeredServices(
  client: ClientView,
  listener: EgressListener,
  port: number,
  domain: string,
): readonly SeenService[] {
  return [...spellingsOf(client.reader, domain)]
    .flatMap((host) => listenerServices(client, listener, host))
    .filter((seen) => portOf(seen, port) !== undefined);
}

function isHttpPort(seen: SeenService, port: number): boolean {
  const found = portOf(seen, port);
  const section = found === undefined ? 'none' : sectionOf(found.protocol);
  return section === 'http' || section === 'sniffed';
}

/** A wildcard host that overlaps any service of the port gets no domain of its own. */
function overlapsRegistry(client: ClientView, listener: EgressListener, port: number, domain: string): boolean {
  if (!isWildcard(domain)) return false;
  const nearby = [
    ...hostPatternsOf(domain).flatMap((pattern) => client.reader.entries(servicesByHost, pattern)),
    ...client.reader.entries(servicesUnder, domain),
  ];
  const hosts = new Set(nearby.map((service) => service.host).filter((host) => overlaps(host.toLowerCase(), domain)));
  return [...hosts].some((host) =>
    listenerServices(client, listener, host).some((seen) => portOf(seen, port) !== undefined),
  );
}

/** Except on port 80, a VirtualService is consulted only for a service that has the port. */
function routesRegisteredService(
  client: ClientView,
  listener: EgressListener,
  port: number,
  virtualService: VirtualService,
): boolean {
  return virtualService.hosts.some((host) =>
    registeredServices(client, listener, port, host.toLowerCase()).some((seen) => isHttpPort(seen, port)),
  );
}

/** TLS and raw bytes: the chain that names the SNI, else the one that takes every connection, else unknown traffic. */
function captureStream(client: ClientView, place: SidecarListener, request: Request): readonly Capture[] {
  const { listener, port, address } = place;
  const byName = request.protocol === 'tls' ? captureTls(client, place, request) : undefined;
  if (byName !== undefined && !('service' in byName)) return byName;
  const isOwnAddress = !isForAll(address);
  const tlsOwner = byName?.service ?? (isOwnAddress ? ownTls(client, place, request) : boundTls(client, place));
  const owner = tcpOwner(client, place);
  const [nameless] = byName === undefined ? tlsChainsNamed(client, place, everything) : [];
  if (nameless?.rule !== undefined && (owner === undefined || precedes(listener, nameless.seen.service, owner.service)))
    return routeStream(client, listener, nameless.rule, port, takenFor(nameless.seen, request));
  // At one address both take whatever comes: the chain of the second is left out.
  if (
    tlsOwner !== undefined &&
    (owner === undefined || (byName && !isOwnAddress) || precedes(listener, tlsOwner.service, owner.service))
  )
    return [toService(client, tlsOwner, { name: tlsOwner.service.host, port, isHttp: false })];
  if (owner !== undefined) return captureTcp(client, place, request, lastTcpChainOf(client, place, owner));
  if (isBound(listener) && hasHttpListener(client, listener, port))
    return [
      brokenAt(
        decide(start, client.scope.resource, 'spec.egress'),
        'listener-is-http',
        'the listener of the Sidecar takes nothing but HTTP',
      ),
    ];
  return [
    unknown(
      client,
      false,
      start,
      `no route or service takes ${request.protocol.toUpperCase()} to the host on port ${port}`,
    ),
  ];
}

function captureRefused(client: ClientView, { claim, chains }: RefusedListener, port: number): Capture {
  const { what, listener } = claimInWords(claim);
  const progress = { ...claims(client.reader, chains), refusedClaim: claim };
  const reason = `Envoy refuses the ${listener} of port ${port}, where ${what} is claimed twice`;
  return unknown(client, false, progress, reason);
}

/** Where chains claim what they do; the one that is too many first: rather than one for the gateway another, rather the younger. */
function claims(reader: MeshReader, chains: readonly FilterChain[]): Progress {
  const leadsToGateway = ({ rule }: FilterChain): boolean =>
    rule?.destinations.some(({ host }) => gatewayServiceOf(reader, host) !== undefined) ?? false;
  const sourceOf = ({ rule, seen }: FilterChain): Resource => rule?.source ?? seen.service.resource;
  const ordered = chains.toSorted(
    (a, b) => Number(leadsToGateway(a)) - Number(leadsToGateway(b)) || olderFirst(sourceOf(b), sourceOf(a)),
  );
  return ordered.reduce<Progress>(
    (progress, chain) => decide(progress, sourceOf(chain), chain.field ?? chain.rule?.field ?? 'spec.hosts'),
    start,
  );
}

function captureTls(
  client: ClientView,
  place: SidecarListener,
  request: Request,
): readonly Capture[] | { readonly service: SeenService } | undefined {
  for (const name of hostPatternsOf(request.name)) {
    const [chain] = tlsChainsNamed(client, place, name);
    if (chain === undefined) continue;
    if (chain.rule === undefined) return { service: chain.seen };
    return routeStream(client, place.listener, chain.rule, place.port, start);
  }
  return undefined;
}

/**
 * The TLS service with an address of its own that no VirtualService routes: its chain names no SNI, so it takes whatever comes.
 * Source: core/tls.go `buildSidecarOutboundTLSFilterChainOpts`.
 */
function ownTls(client: ClientView, place: SidecarListener, { name }: Request): SeenService | undefined {
  const [own] = [...spellingsOf(client.reader, name)].flatMap((host) => tlsServices(client, place, host));
  return own === undefined || isRoutedByTls(client, place, own.service.host) ? undefined : own;
}

/** The same on a listener that is bound to an address: of the first service whose chain asks for no name. */
function boundTls(client: ClientView, place: SidecarListener): SeenService | undefined {
  const { listener, port } = place;
  if (listener.bind === '') return undefined;
  return Iterator.from(servicesOn(client, place)).find((seen) => {
    const found = portOf(seen, port);
    const isTls = found !== undefined && sectionOn(listener, found) === 'tls';
    return isTls && seen.isNameless === true && !isRoutedByTls(client, place, seen.service.host);
  });
}

function captureTcp(
  client: ClientView,
  { listener, port }: SidecarListener,
  request: Request,
  { seen, rule }: TcpChain,
): readonly Capture[] {
  const { host } = seen.service;
  const progress = takenFor(seen, request);
  return rule === undefined
    ? [toService(client, seen, { name: host, port, isHttp: false }, progress)]
    : routeStream(client, listener, rule, port, progress);
}

/** Where a connection is taken for one to a service. */
function takenFor({ service: { host } }: SeenService, { name }: Request): Progress {
  return covers(host.toLowerCase(), name) ? start : { ...start, takenFor: host };
}

function routeStream(
  client: ClientView,
  listener: EgressListener,
  rule: StreamRule,
  listenerPort: number,
  progress: Progress,
): readonly Capture[] {
  return rule.destinations.map((destination) => {
    const seen = clusterService(client, destination.host, listener);
    const onlyPort = seen?.ports.length === 1 ? seen.ports[0]?.number : undefined;
    const port = destination.port ?? onlyPort ?? listenerPort;
    return {
      kind: 'captured',
      destination,
      port,
      listener,
      isHttp: false,
      progress: decide(progress, rule.source, destination.field),
    };
  });
}

/** Traffic to a destination that the sidecar does not know. Source: core/httproute.go `buildCatchAllVirtualHost`. */
function unknown(client: ClientView, isHttp: boolean, progress: Progress, because: string): Capture {
  client.answers?.add({ kind: 'all else' });
  const { egressProxy, resource } = client.scope;
  const policy = outboundTrafficPolicyOf(client);
  const decided = decide(
    progress,
    client.scope.outboundTrafficPolicy === undefined ? undefined : resource,
    'spec.outboundTrafficPolicy',
  );
  if (policy === 'REGISTRY_ONLY') {
    return ended(
      end(decided, {
        outcome: 'blocked',
        stage: 'capture',
        cause: 'unknown-traffic',
        reason: `${because}, and the outbound traffic policy is REGISTRY_ONLY`,
      }),
    );
  }
  if (egressProxy !== undefined && policy === 'ALLOW_ANY') {
    const port = egressProxy.port?.number ?? 0;
    const field = 'spec.outboundTrafficPolicy.egressProxy';
    const destination = { host: egressProxy.host ?? '', subset: egressProxy.subset ?? '', port, weight: 100, field };
    return { kind: 'captured', destination, port, isHttp, progress: decided };
  }
  return ended(
    end(decided, {
      outcome: 'direct',
      stage: 'capture',
      cause: 'unknown-traffic',
      reason: `${because}, and the outbound traffic policy is ${policy}`,
    }),
  );
}

/**
 * The request goes to a service's own cluster. Of services with one host there are clusters for the ports of the first alone, and for those of
 * the others that it can be merged with; for the rest there are chains and routes that lead nowhere.
 */
function toService(
  client: ClientView,
  seen: SeenService,
  { name, port, isHttp }: { readonly name: string; readonly port: number; readonly isHttp: boolean },
  progress: Progress = start,
): Capture {
  const { host, resource } = seen.service;
  const found = clusterService(client, name);
  if (found !== undefined && (portOf(found, port) !== undefined || portOf(seen, port) === undefined))
    return {
      kind: 'service',
      seen: name === host ? seen : found,
      port,
      isHttp,
      progress: decide(progress, resource, ''),
    };
  if (found === undefined) {
    const reason = `the sidecar routes '${host}' to a cluster with the name in lower case, and there is none`;
    return brokenAt(decide(progress, resource, 'spec.hosts'), 'no-such-destination', reason);
  }
  const { namespace, name: first } = found.service.resource.metadata;
  const reason = `the sidecar has no cluster for port ${port} of '${host}': it has those of '${namespace}/${first}', which comes first`;
  return brokenAt(decide(progress, resource, 'spec.ports'), 'no-such-destination', reason);
}

function ended(way: Way): Capture {
  return { kind: 'ended', way };
}
