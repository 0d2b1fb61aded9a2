import { delegatedRules } from '../istio/delegate.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { olderFirst } from '../istio/resources.ts';
import { type EgressListener, importsVirtualService } from '../istio/sidecar.ts';
import type { HttpRule, VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { ClientView } from './client-view.ts';
import type { SortedIndex } from './engine.ts';
import {
  gatewayHostKey,
  type MeshReader,
  meshVirtualServices,
  virtualServicesByGateway,
  virtualServicesByGatewayHost,
  virtualServicesByName,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';

/**
 * The VirtualServices with a host that covers `host` (lower case) as a sidecar ranks them: its namespace's private ones,
 * those exported to it by name, then public ones, each oldest first; without those that its listener does not import.
 * Source: pilot/pkg/model/virtualservice.go `SelectVirtualServices`.
 */
export function sidecarVirtualServices(
  client: ClientView,
  listener: EgressListener,
  host: string,
): readonly VirtualService[] {
  const found = covering(client.reader, meshVirtualServices, host, (pattern) => pattern);
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
  const { namespace } = virtualService.resource.metadata;
  return virtualService.http.flatMap((rule) => {
    if (rule.delegate === undefined) return [rule];
    const delegate = reader.first(virtualServicesByName, `${rule.delegate.namespace}/${rule.delegate.name}`);
    if (delegate === undefined || delegate.hosts.length > 0 || !isVisibleFrom(delegate.visibility, namespace))
      return [];
    return delegatedRules(rule, delegate);
  });
}

type Ranked = readonly [rank: number | undefined, virtualService: VirtualService];

function inRankOrder(ranks: readonly Ranked[]): readonly VirtualService[] {
  return ranks
    .toSorted(([a = 0, left], [b = 0, right]) => a - b || olderFirst(left.resource, right.resource))
    .map(([, virtualService]) => virtualService);
}

/** 0: private; 1: exported by name; 2: public; undefined: not visible. */
function rankFor(client: ClientView, { visibility, resource }: VirtualService): number | undefined {
  if (visibility.isPublic) return 2;
  const { namespace } = resource.metadata;
  if (visibility.namespaces.has(namespace) && client.isIn(namespace)) return 0;
  return [...visibility.namespaces].some((name) => client.isIn(name)) ? 1 : undefined;
}

function rankIn(namespace: string, { visibility, resource }: VirtualService): number {
  if (visibility.isPublic) return 2;
  return resource.metadata.namespace === namespace ? 0 : 1;
}

/** True when the client sees the VirtualService and its listener imports it. */
export function isSeenBy(client: ClientView, listener: EgressListener, virtualService: VirtualService): boolean {
  return rankFor(client, virtualService) !== undefined && isImported(client, listener, virtualService);
}

function isImported(client: ClientView, listener: EgressListener, { hosts, resource }: VirtualService): boolean {
  const { namespace, name } = resource.metadata;
  const isOwn = listener.imports.has('.') && client.isIn(namespace);
  const isImported = importsVirtualService(listener, hosts, namespace, isOwn);
  client.answers?.add({ kind: 'VirtualService', namespace, name, hosts, isImported });
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
