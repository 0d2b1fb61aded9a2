import { delegatedRules } from '../istio/delegate.ts';
import { covers, hostPatternsOf, isWildcard, overlaps } from '../istio/hosts.ts';
import { earlierFirst, idOf, type Resource, refOf } from '../istio/resources.ts';
import { type EgressListener, importsService, importsVirtualService } from '../istio/sidecar.ts';
import type { HttpRule, RouteDestination, VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { ClientView } from './client-view.ts';
import type { SortedIndex } from './engine.ts';
import {
  gatewayHostKey,
  generatedVirtualServices,
  type MeshReader,
  meshVirtualServices,
  meshVirtualServicesBySni,
  meshVirtualServicesUnder,
  virtualServicesByGateway,
  virtualServicesByGatewayHost,
  virtualServicesByName,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import { servicesOfHost } from './services.ts';

/**
 * The VirtualServices with a host that covers `host` (lower case) as a sidecar ranks them: its namespace's private ones,
 * those exported to it by name, then public ones, each oldest first, but with the namespace's own Gateway API routes before
 * all others; without those that its listener does not import.
 * Source: pilot/pkg/model/virtualservice.go `SelectVirtualServices`.
 */
export function sidecarVirtualServices(
  client: ClientView,
  listener: EgressListener,
  host: string,
): readonly VirtualService[] {
  return ranked(
    client,
    listener,
    covering(client.reader, meshVirtualServices, host, (pattern) => pattern),
  );
}

/**
 * The same for what may have a `tls` match of a server name (lower case): the hostnames of a TLSRoute may be broader than the
 * host that it is for, where those of a VirtualService are not.
 */
export function sidecarVirtualServicesBySni(
  client: ClientView,
  listener: EgressListener,
  name: string,
): readonly VirtualService[] {
  const found = covering(client.reader, meshVirtualServices, name, (pattern) => pattern);
  const broader = client.reader
    .entries(meshVirtualServicesBySni, name)
    .filter((virtualService) => virtualService.hasGatewaySemantics && !found.includes(virtualService));
  return ranked(client, listener, broader.length === 0 ? found : [...found, ...broader]);
}

/** The VirtualServices with a host that overlaps that of a service, also in the case of its letters. Source: core/tls.go `getConfigsForHost`. */
export function overlappingVirtualServices(
  client: ClientView,
  listener: EgressListener,
  host: string,
): readonly VirtualService[] {
  const lower = host.toLowerCase();
  const found = new Set(covering(client.reader, meshVirtualServices, lower, (pattern) => pattern));
  if (isWildcard(host)) for (const one of client.reader.entries(meshVirtualServicesUnder, lower)) found.add(one);
  const overlapping = [...found].filter(({ hosts }) => hosts.some((name) => overlaps(name, host)));
  return ranked(client, listener, overlapping);
}

function ranked(
  client: ClientView,
  listener: EgressListener,
  found: readonly VirtualService[],
): readonly VirtualService[] {
  const ranks = found.map((virtualService) => [rankFor(client, virtualService), virtualService] as const);
  return inRankOrder(
    ranks.filter(([rank, virtualService]) => rank !== undefined && isImported(client, listener, virtualService)),
  );
}

/**
 * The VirtualServices bound to a Gateway as a gateway pod in `namespace` ranks them; all of them, or those with a host that
 * covers `host` (lower case). Source: pilot/pkg/model/push_context.go `VirtualServicesForGateway`.
 */
export function gatewayVirtualServices(
  reader: MeshReader,
  namespace: string,
  gateway: string,
  host?: string,
): readonly VirtualService[] {
  const found =
    host === undefined
      ? reader.entries(virtualServicesByGateway, gateway)
      : covering(reader, virtualServicesByGatewayHost, host, (pattern) => gatewayHostKey(gateway, pattern));
  const ranks = found
    .filter((virtualService) => isVisibleFrom(virtualService.visibility, namespace))
    .map((virtualService) => [rankIn(namespace, virtualService), virtualService] as const);
  return inRankOrder(ranks);
}

/**
 * The `http` rules of a VirtualService with its delegates in their place; a delegate that is missing, or not exported to the
 * VirtualService's namespace, is silently nothing. Source: pilot/pkg/model/virtualservice_controller.go `mergeVirtualServices`.
 */
export function httpRules(reader: MeshReader, virtualService: VirtualService): readonly HttpRule[] {
  if (virtualService.http.every((rule) => rule.delegate === undefined)) return virtualService.http;
  const { namespace } = virtualService.metadata;
  return virtualService.http.flatMap((rule) => {
    if (rule.delegate === undefined) return [rule];
    const delegate = reader.first(virtualServicesByName, `${rule.delegate.namespace}/${rule.delegate.name}`);
    if (delegate === undefined || delegate.hosts.length > 0 || !isVisibleFrom(delegate.visibility, namespace))
      return [];
    return delegatedRules(rule, delegate);
  });
}

/** What Istio reads out of, or generates from, a VirtualService or a route of the Gateway API; of a delegate nothing. */
export function virtualServicesFrom(reader: MeshReader, resource: Resource): readonly VirtualService[] {
  if (resource.kind !== 'VirtualService') return reader.entries(generatedVirtualServices, idOf(refOf(resource)));
  const { namespace, name } = resource.metadata;
  const virtualService = reader.first(virtualServicesByName, `${namespace}/${name}`);
  return virtualService === undefined || virtualService.hosts.length === 0 ? [] : [virtualService];
}

/**
 * The mirrors of a rule that get a copy: a Gateway API route drops one whose backend nothing registers.
 * Source: config/kube/gateway/conversion.go `createMirrorFilter`.
 */
export function mirrorsOf(reader: MeshReader, { source, mirrors }: HttpRule): readonly RouteDestination[] {
  if (source.kind === 'VirtualService') return mirrors;
  return mirrors.filter(({ host }) => servicesOfHost(reader, host).length > 0);
}

type Ranked = readonly [rank: number | undefined, virtualService: VirtualService];

function inRankOrder(ranks: readonly Ranked[]): readonly VirtualService[] {
  return ranks
    .toSorted(([a = 0, left], [b = 0, right]) => a - b || earlierFirst(left.metadata, right.metadata))
    .map(([, virtualService]) => virtualService);
}

/** 0: private; 1: exported by name; 2: public; half a rank earlier: a Gateway API route of the client's namespace; undefined: not visible. */
function rankFor(
  client: ClientView,
  { visibility, metadata, hasGatewaySemantics }: VirtualService,
): number | undefined {
  const { namespace } = metadata;
  const preference = hasGatewaySemantics && client.isIn(namespace) ? 0.5 : 0;
  if (visibility.isPublic) return 2 - preference;
  if (visibility.namespaces.has(namespace) && client.isIn(namespace)) return 0 - preference;
  return [...visibility.namespaces].some((name) => client.isIn(name)) ? 1 - preference : undefined;
}

function rankIn(namespace: string, { visibility, metadata, hasGatewaySemantics }: VirtualService): number {
  const isOwn = metadata.namespace === namespace;
  if (visibility.isPublic) return hasGatewaySemantics && isOwn ? 1.5 : 2;
  return isOwn ? 0 : 1;
}

/** True when the client sees the VirtualService and its listener imports it. */
export function isSeenBy(client: ClientView, listener: EgressListener, virtualService: VirtualService): boolean {
  return rankFor(client, virtualService) !== undefined && isImported(client, listener, virtualService);
}

function isImported(client: ClientView, listener: EgressListener, virtualService: VirtualService): boolean {
  const { hosts, metadata, hasGatewaySemantics } = virtualService;
  const { namespace, name } = metadata;
  const isOwn = listener.imports.has('.') && client.isIn(namespace);
  if (hasGatewaySemantics) return hosts.some((host) => isHostImported(client, listener, namespace, host, isOwn));
  const isImported = importsVirtualService(listener, hosts, namespace, isOwn);
  client.answers?.add({ kind: 'VirtualService', namespace, name, hosts, isImported });
  return isImported;
}

/** Gateway API routes are imported as services are. Source: pilot/pkg/model/sidecar.go `VSMatches`. */
function isHostImported(
  client: ClientView,
  listener: EgressListener,
  namespace: string,
  host: string,
  isOwn: boolean,
): boolean {
  const isImported = importsService(listener, host, namespace, isOwn);
  client.answers?.add({ kind: 'service', namespace, host, isImported });
  return isImported;
}

function covering(
  reader: MeshReader,
  index: SortedIndex<ModelObject, VirtualService>,
  host: string,
  keyOf: (pattern: string) => string,
): readonly VirtualService[] {
  const found = new Set<VirtualService>();
  for (const pattern of hostPatternsOf(host)) {
    for (const virtualService of reader.entries(index, keyOf(pattern))) {
      if (virtualService.hosts.some((name) => covers(name.toLowerCase(), host))) found.add(virtualService);
    }
  }
  return [...found];
}
