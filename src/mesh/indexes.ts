import { blocksOf } from '../istio/address.ts';
import type { CompiledPolicy } from '../istio/authorization.ts';
import { type TargetKind, targetKindOf, targetRefsOf } from '../istio/authorization-attachment.ts';
import type { DestinationRule } from '../istio/destination-rule.ts';
import type { GatewayBinding } from '../istio/gateway-api-listeners.ts';
import { hostnamesOf, type ParentId, parentOf, type Route } from '../istio/gateway-api-routes.ts';
import type { GatewayServer } from '../istio/gateway-server.ts';
import { hostPatternsOf, indexKeyOf, overlaps } from '../istio/hosts.ts';
import { type Protocol, sectionOf } from '../istio/protocol.ts';
import {
  compareText,
  earlierFirst,
  idOf,
  type Kind,
  type Labels,
  olderFirst,
  type Resource,
  type ResourceOf,
  refOf,
  routeKinds,
} from '../istio/resources.ts';
import { isKubernetes, type MeshService, olderServiceFirst } from '../istio/service.ts';
import type { SidecarScope } from '../istio/sidecar.ts';
import { meshGateway, type StreamMatch, type VirtualService } from '../istio/virtual-service.ts';
import { isWaypoint, namedWaypoint } from '../istio/waypoint.ts';
import type { DistinctIndex, IndexGroup, Reader, SortedIndex } from './engine.ts';
import type { MeshFacts, ModelObject } from './model-object.ts';

/** How everything reads the mesh. */
export type MeshReader = Reader<ModelObject>;

/** The key of indexes that have only one. */
export const everything = '';

type Entries<T> = Iterable<readonly [key: string, entry: T]>;

/** An index over objects of the model, its entries oldest resource first unless `compare` says otherwise. */
function index<T extends { readonly resource: Resource }>(
  name: string,
  entriesOf: (object: ModelObject) => Entries<T>,
  compare: (a: T, b: T) => number = (a, b) => olderFirst(a.resource, b.resource),
): SortedIndex<ModelObject, T> {
  return { kind: 'sorted', name, entriesOf, compare };
}

/** An index over services, oldest first. */
function serviceIndex(
  name: string,
  entriesOf: (object: ModelObject) => Entries<MeshService>,
): SortedIndex<ModelObject, MeshService> {
  return index(name, entriesOf, olderServiceFirst);
}

/** An index over DestinationRules, oldest first unless `compare` says otherwise. */
function ruleIndex(
  name: string,
  entriesOf: (object: ModelObject) => Entries<DestinationRule>,
  compare: (a: DestinationRule, b: DestinationRule) => number = (a, b) => earlierFirst(a.metadata, b.metadata),
): SortedIndex<ModelObject, DestinationRule> {
  return index(name, entriesOf, compare);
}

/** An index over VirtualServices, oldest first. */
function virtualServiceIndex(
  name: string,
  entriesOf: (object: ModelObject) => Entries<VirtualService>,
): SortedIndex<ModelObject, VirtualService> {
  return index(name, entriesOf, (a, b) => earlierFirst(a.metadata, b.metadata));
}

function distinctIndex(name: string, entriesOf: (object: ModelObject) => Entries<string>): DistinctIndex<ModelObject> {
  return { kind: 'distinct', name, entriesOf };
}

/** The facts of the mesh: always exactly one. */
const factsIndex: SortedIndex<ModelObject, MeshFacts> = {
  kind: 'sorted',
  name: 'facts',
  entriesOf: ({ facts }) => (facts === undefined ? [] : [[everything, facts]]),
  compare: () => 0,
  isFixed: true,
};

/** The mesh's configuration and inventory. */
export function factsOf(reader: MeshReader): MeshFacts {
  const facts = reader.first(factsIndex, everything);
  if (facts === undefined) throw new Error('the mesh has no facts');
  return facts;
}

/** Every resource, by `Kind namespace/name`. */
export const resourcesById: SortedIndex<ModelObject, Resource> = {
  kind: 'sorted',
  name: 'resources',
  entriesOf: ({ resource, id }) => (resource === undefined || id === undefined ? [] : [[id, resource]]),
  compare: olderFirst,
};

/** Services by lower-case host: proxies fold the hosts of HTTP routes. */
export const servicesByHost = serviceIndex('services by host', function* ({ services }) {
  for (const service of services) yield [indexKeyOf(service.host.toLowerCase()), service];
});

/** Services by each wildcard that is broader than their host: what a wildcard overlaps. */
export const servicesUnder = serviceIndex('services under', function* ({ services }) {
  for (const service of services) {
    for (const pattern of hostPatternsOf(service.host.toLowerCase()).slice(1))
      if (pattern !== '*') yield [pattern, service];
  }
});

/** Public services that give their port an HTTP listener on sidecars, by port. */
export const publicHttpServices = serviceIndex('public HTTP services', function* ({ services }) {
  for (const service of services)
    if (service.visibility.isPublic) for (const port of httpPorts(service)) yield [String(port), service];
});

/** The same for services that are not public. */
export const exportedHttpServices = serviceIndex('exported HTTP services', function* ({ services }) {
  for (const service of services)
    if (!service.visibility.isPublic) for (const port of httpPorts(service)) yield [String(port), service];
});

/** The namespaces that have a service with an HTTP port, by port. */
export const httpServiceNamespaces = distinctIndex('HTTP service namespaces', function* ({ services }) {
  for (const service of services) for (const port of httpPorts(service)) yield [String(port), service.namespace];
});

/** The same by `port|namespace`. */
export const httpServicesByNamespace = serviceIndex('HTTP services by namespace', function* ({ services }) {
  for (const service of services)
    for (const port of httpPorts(service)) yield [ruleKey(String(port), service.namespace), service];
});

/** HTTP ports share a listener on all addresses; sniffed ones join it unless the service has an address of its own. */
function httpPorts(service: MeshService): ReadonlySet<number> {
  const ports = new Set<number>();
  if (service.resolution === 'ALIAS') return ports;
  const joinsSniffed = service.addresses.every((address) => address.includes('/')) && !listensOnPods(service);
  for (const { number, protocol } of service.ports) {
    const section = sectionOf(protocol);
    if (section === 'http' || (section === 'sniffed' && joinsSniffed)) ports.add(number);
  }
  return ports;
}

/** True when TCP connections are recognised by the addresses of pods. Source: core/listener.go `buildSidecarOutboundListeners`. */
function listensOnPods(service: MeshService): boolean {
  if (service.resolution !== 'NONE' || service.addresses.length > 0) return false;
  return isKubernetes(service) || service.selector !== undefined;
}

/** All services that proxies listen for, by port. */
export const servicesByPort = serviceIndex('services by port', function* ({ services }) {
  for (const service of services) {
    if (service.resolution === 'ALIAS') continue;
    for (const number of new Set(service.ports.map((port) => port.number))) yield [String(number), service];
  }
});

/** Services of protocols that share a listener with no other, by `address|port` of the listener; the address is empty for all. */
export const serverFirstServices = serviceIndex('server-first services', function* ({ services }) {
  for (const service of services) {
    for (const { number, protocol } of service.ports) {
      if (protocol !== 'Mongo' && protocol !== 'MySQL') continue;
      for (const address of sharedAddressesOf(service, protocol)) yield [ruleKey(address, String(number)), service];
    }
  }
});

/** The addresses of the listeners that a service's port shares with those of others; a block is a matter of the one for all addresses. */
export function sharedAddressesOf(service: MeshService, protocol: Protocol): readonly string[] {
  const section = sectionOf(protocol);
  if (section === 'none') return [];
  if (section === 'http') return [everything];
  if (service.addresses.length === 0) return listensOnPods(service) ? [] : [everything];
  return [...new Set(service.addresses.map((address) => (address.includes('/') ? everything : address)))];
}

/** `address host`, by port, of ServiceEntries whose connections are recognised by an address or block: all but HTTP. */
export const serviceAddresses = distinctIndex('service addresses', function* ({ services }) {
  for (const service of services) {
    if (isKubernetes(service)) continue;
    for (const { number, protocol } of service.ports) {
      if (sectionOf(protocol) === 'http') continue;
      for (const address of service.addresses) yield [String(number), `${address} ${service.host}`];
    }
  }
});

/**
 * Services whose ports take raw TCP, by `address|port`; the address is empty for those without one. Pods of their own, which
 * headless services have, get listeners of their own.
 */
export const tcpServicesByAddress = serviceIndex('TCP services by address', function* ({ services }) {
  for (const service of services) {
    if (listensOnPods(service)) continue;
    for (const { number, protocol } of service.ports) {
      const section = sectionOf(protocol);
      if (section !== 'tcp' && section !== 'sniffed') continue;
      for (const address of service.addresses.length === 0 ? [everything] : service.addresses) {
        yield [ruleKey(address, String(number)), service];
      }
    }
  }
});

/** Services whose ports take raw TCP to a block of addresses, by that block. */
export const tcpServicesByBlock = serviceIndex('TCP services by block', function* ({ services }) {
  for (const service of services) {
    const isTcp = service.ports.some(({ protocol }) => ['tcp', 'sniffed'].includes(sectionOf(protocol)));
    if (isTcp) for (const block of blocksOfService(service)) yield [block, service];
  }
});

/** The blocks among the addresses of a service. */
export function blocksOfService({ addresses }: MeshService): readonly string[] {
  return blocksOf(addresses.filter((address) => address.includes('/')));
}

/** Services with a TLS port, by lower-case host. */
export const tlsServicesByName = serviceIndex('TLS services', function* ({ services }) {
  for (const service of services) {
    if (service.ports.some((port) => sectionOf(port.protocol) === 'tls')) yield [service.host.toLowerCase(), service];
  }
});

/** Kubernetes Services by namespace: what can select a gateway's pods. */
export const kubernetesServices = serviceIndex('Kubernetes services', function* ({ services }) {
  for (const service of services) if (isKubernetes(service)) yield [service.namespace, service];
});

/** An index over the VirtualServices on sidecars, by the keys of each; a key that occurs twice counts once. */
function meshVirtualServiceIndex(
  name: string,
  keysOf: (virtualService: VirtualService) => Iterable<string>,
): SortedIndex<ModelObject, VirtualService> {
  return virtualServiceIndex(name, function* ({ virtualService }) {
    if (virtualService === undefined || !virtualService.gateways.includes(meshGateway)) return;
    for (const key of new Set(keysOf(virtualService))) yield [key, virtualService];
  });
}

/** VirtualServices on sidecars by lower-case host. */
export const meshVirtualServices = meshVirtualServiceIndex('mesh VirtualServices', ({ hosts }) =>
  hosts.map((name) => indexKeyOf(name.toLowerCase())),
);

/** Mesh VirtualServices by each wildcard that is broader than one of their hosts: what a wildcard overlaps. */
export const meshVirtualServicesUnder = meshVirtualServiceIndex('mesh VirtualServices under', ({ hosts }) => {
  const patterns = hosts.flatMap((host) => hostPatternsOf(host.toLowerCase()).slice(1));
  return patterns.filter((pattern) => pattern !== '*');
});

/** Mesh VirtualServices by the lower-case SNIs of their `tls` matches. */
export const meshVirtualServicesBySni = meshVirtualServiceIndex('mesh VirtualServices by SNI', snisOfMatches);

/** Mesh VirtualServices by the blocks of addresses that their `tcp` matches name, as `blockOf` writes them. */
export const meshVirtualServicesByBlock = meshVirtualServiceIndex('mesh VirtualServices by block', blocksOfMatches);

/** VirtualServices on sidecars by the hosts that their rules lead or mirror to, case as written. */
export const meshVirtualServicesByDestination = meshVirtualServiceIndex(
  'mesh VirtualServices by destination',
  ({ http, tls, tcp }) => [
    ...http.flatMap((rule) => [...rule.destinations, ...rule.mirrors].map(({ host }) => host)),
    ...[...tls, ...tcp].flatMap((rule) => rule.destinations.map(({ host }) => host)),
  ],
);

/** VirtualServices on sidecars of which others decide destinations. */
export const delegatingVirtualServices = meshVirtualServiceIndex('delegating VirtualServices', ({ http }) =>
  http.some((rule) => rule.delegate !== undefined) ? [everything] : [],
);

/** The SNIs of all `tls` matches of a VirtualService, in lower case, each once; empty for every SNI. */
export function snisOfMatches(virtualService: VirtualService): ReadonlySet<string> {
  const matches = virtualService.tls.flatMap((rule) => rule.matches);
  return new Set(matches.flatMap(namesOfMatch).map((host) => host.toLowerCase()));
}

/** The SNIs of a `tls` match; an empty one where it asks for none. */
export function namesOfMatch({ sniHosts }: StreamMatch): readonly string[] {
  return sniHosts.length === 0 ? [everything] : sniHosts;
}

/** The lengths of the prefixes of all blocks that chains for bytes may name. */
export const blockLengths = distinctIndex('lengths of blocks', function* ({ virtualService, services }) {
  const named = virtualService === undefined ? [] : [...blocksOfMatches(virtualService)];
  for (const block of [...named, ...services.flatMap(blocksOfService)]) yield [everything, block.split('/')[1] ?? '0'];
});

/** The blocks in all `tcp` matches of a VirtualService, each once. */
export function blocksOfMatches({ tcp }: VirtualService): ReadonlySet<string> {
  return new Set(tcp.flatMap((rule) => rule.matches).flatMap(blocksNamedBy));
}

/** The blocks of addresses that a match names; an empty one where they come to every address. */
export function blocksNamedBy({ destinationSubnets }: StreamMatch): readonly string[] {
  const blocks = blocksOf(destinationSubnets);
  return blocks.length === 0 && destinationSubnets.length > 0 ? [everything] : blocks;
}

/** VirtualServices by the Gateway that they are bound to. */
export const virtualServicesByGateway = virtualServiceIndex(
  'VirtualServices by Gateway',
  function* ({ virtualService }) {
    if (virtualService === undefined || virtualService.hosts.length === 0) return;
    for (const gateway of new Set(virtualService.gateways)) yield [gateway, virtualService];
  },
);

/** The same by Gateway and lower-case host; those on sidecars are found by host alone. */
export const virtualServicesByGatewayHost = virtualServiceIndex(
  'VirtualServices by Gateway and host',
  function* ({ virtualService }) {
    if (virtualService === undefined) return;
    const hosts = new Set(virtualService.hosts.map((name) => name.toLowerCase()));
    for (const gateway of new Set(virtualService.gateways)) {
      if (gateway !== meshGateway) for (const host of hosts) yield [gatewayHostKey(gateway, host), virtualService];
    }
  },
);

/** The key of `virtualServicesByGatewayHost`; `host` in lower case. */
export function gatewayHostKey(gateway: string, host: string): string {
  return ruleKey(gateway, indexKeyOf(host));
}

/**
 * `bound` under the lower-case hosts that VirtualServices bound to a Gateway lead to themselves, as the gateway leg of egress does. What
 * comes in by a Gateway is led to a service instead.
 */
export const gatewayBoundHosts = distinctIndex('Gateway-bound hosts', function* ({ virtualService }) {
  if (virtualService?.gateways.some((gateway) => gateway !== meshGateway)) {
    const { http, tls, tcp } = virtualService;
    const reached = [...http, ...tls, ...tcp].flatMap((rule) =>
      rule.destinations.map(({ host }) => host.toLowerCase()),
    );
    for (const host of virtualService.hosts.map((name) => name.toLowerCase()))
      if (reached.some((destination) => overlaps(destination, host))) yield [indexKeyOf(host), 'bound'];
  }
});

/** VirtualServices that are bound to a Gateway, or mean one in a match, by lower-case host. */
export const virtualServicesOfGateways = virtualServiceIndex(
  'VirtualServices of gateways by host',
  function* ({ virtualService }) {
    if (virtualService === undefined || !namesGateway(virtualService)) return;
    for (const host of new Set(virtualService.hosts.map((name) => name.toLowerCase())))
      yield [indexKeyOf(host), virtualService];
  },
);

function namesGateway({ gateways, http, tls, tcp }: VirtualService): boolean {
  const matches = [...http, ...tls, ...tcp].flatMap(
    (rule): readonly { readonly gateways: readonly string[] }[] => rule.matches,
  );
  return [{ gateways }, ...matches].some((match) => match.gateways.some((name) => name !== meshGateway));
}

/** VirtualServices by `namespace/name`: delegates are referred to so. */
export const virtualServicesByName = virtualServiceIndex('VirtualServices by name', ({ virtualService }) =>
  virtualService === undefined || virtualService.hasGatewaySemantics
    ? []
    : [[nameOf(virtualService.resource), virtualService]],
);

/** What Istio generates from Gateway API routes, by each route (`Kind namespace/name`) that has a rule in it. */
export const generatedVirtualServices = virtualServiceIndex('generated VirtualServices', ({ virtualService }) => {
  if (virtualService?.hasGatewaySemantics !== true) return [];
  const { http, tls, tcp } = virtualService;
  const sources = new Set([...http, ...tls, ...tcp].map(({ source }) => idOf(refOf(source))));
  return [...sources].map((source) => [source, virtualService] as const);
});

/** Resources of one kind under one key each. */
function resourceIndex<K extends Kind>(
  name: string,
  kind: K,
  keysOf: (resource: ResourceOf<K>) => Iterable<string>,
): SortedIndex<ModelObject, ResourceOf<K>> {
  return {
    kind: 'sorted',
    name,
    *entriesOf({ resource }) {
      if (resource === undefined || !isOfKind(resource, kind)) return;
      for (const key of keysOf(resource)) yield [key, resource];
    },
    compare: olderFirst,
  };
}

function isOfKind<K extends Kind>(resource: Resource, kind: K): resource is ResourceOf<K> {
  return resource.kind === kind;
}

/** Gateways by `namespace/name`. */
export const gatewaysByName = resourceIndex('Gateways by name', 'Gateway', (gateway) => [nameOf(gateway)]);

/** Gateways by their names alone. */
export const gatewaysByBareName = resourceIndex('Gateways by bare name', 'Gateway', ({ metadata }) => [metadata.name]);

/** Gateways by one label of their selector (the alphabetically first), or by `everything` without a selector. */
export const gatewaysBySelector = resourceIndex('Gateways by selector', 'Gateway', (gateway) => [
  selectorKey(gateway.spec.selector ?? {}),
]);

/** Listeners of the Gateway API by the namespace of the Services that they are behind. */
export const bindingsByNamespace = index<GatewayBinding>(
  'bound listeners',
  ({ binding }) => (binding === undefined ? [] : [[binding.namespace, binding]]),
  (a, b) => earlierFirst(a.metadata, b.metadata),
);

/** Gateway API routes that are for a gateway, by the lower-case hosts that they name: as hostnames, or as where they lead. */
export const gatewayRoutesByHost: SortedIndex<ModelObject, Route> = {
  kind: 'sorted',
  name: 'gateway routes by host',
  *entriesOf({ resource }) {
    if (resource === undefined || !isRoute(resource)) return;
    const { parentRefs = [] } = resource.spec;
    const isForGateway = parentRefs.some((reference) => isListening(parentOf(reference, resource.metadata.namespace)));
    if (isForGateway) for (const host of new Set(hostsNamedBy(resource))) yield [indexKeyOf(host), resource];
  },
  compare: olderFirst,
};

/** True for a Gateway API route. */
function isRoute(resource: Resource): resource is Route {
  return routeKinds.some((kind) => kind === resource.kind);
}

function isListening(parent: ParentId | undefined): boolean {
  return parent?.kind === 'KubernetesGateway' || parent?.kind === 'ListenerSet';
}

function* hostsNamedBy(route: Route): Iterable<string> {
  for (const hostname of hostnamesOf(route)) if (hostname !== '*') yield hostname.toLowerCase();
  const backends = (route.spec.rules ?? []).flatMap(({ backendRefs = [] }) => [...backendRefs]);
  for (const { kind, name = '' } of backends) if (kind === 'Hostname') yield name.toLowerCase();
}

/** The servers of a Gateway by its `namespace/name`, in the order of the list. */
export const serversByGateway: SortedIndex<ModelObject, GatewayServer> = {
  kind: 'sorted',
  name: 'servers',
  *entriesOf({ servers }) {
    for (const server of servers) yield [server.gateway, server];
  },
  compare: () => 0,
};

/** The key of `gatewaysBySelector`. */
function selectorKey(selector: Labels): string {
  const [first] = Object.entries(selector).sort(([a], [b]) => compareText(a, b));
  return first === undefined ? everything : labelKey(...first);
}

/** A label as a key. */
export function labelKey(name: string, value: string): string {
  return `${name}=${value}`;
}

/** Pods by namespace. */
export const workloadsByNamespace = resourceIndex('workloads', 'Workload', (workload) => [workload.metadata.namespace]);

/** Namespace objects by name. */
export const namespacesByName = resourceIndex('namespaces', 'Namespace', (namespace) => [namespace.metadata.name]);

/** PeerAuthentications without a selector by namespace: the oldest holds. */
export const peerAuthentications = resourceIndex('PeerAuthentications', 'PeerAuthentication', (policy) =>
  Object.keys(policy.spec.selector?.matchLabels ?? {}).length === 0 ? [policy.metadata.namespace] : [],
);

/** WorkloadEntries by namespace. */
export const workloadEntries = resourceIndex('WorkloadEntries', 'WorkloadEntry', (entry) => [entry.metadata.namespace]);

/** Sidecars by namespace; Istio asks those with a selector first, then the oldest. */
export const sidecarsByNamespace: SortedIndex<ModelObject, SidecarScope> = {
  kind: 'sorted',
  name: 'Sidecars',
  entriesOf: ({ resource, sidecar }) =>
    resource === undefined || sidecar === undefined ? [] : [[resource.metadata.namespace, sidecar]],
  compare: (a, b) =>
    selectorFirst(a.resource?.spec.workloadSelector, b.resource?.spec.workloadSelector) || olderScope(a, b),
};

function olderScope(a: SidecarScope, b: SidecarScope): number {
  return a.resource === undefined || b.resource === undefined ? 0 : olderFirst(a.resource, b.resource);
}

function selectorFirst(a: unknown, b: unknown): number {
  return Number(a === undefined) - Number(b === undefined);
}

/** The namespaces that have a Sidecar. */
export const sidecarNamespaces = distinctIndex('Sidecar namespaces', ({ resource, sidecar }) =>
  resource === undefined || sidecar === undefined ? [] : [[everything, resource.metadata.namespace]],
);

/** Namespaces in which an Istio resource lives, or a Gateway API route of the mesh. */
export const usedNamespaces = distinctIndex('used namespaces', ({ resource, virtualService }) => {
  if (resource === undefined && virtualService?.gateways.includes(meshGateway))
    return [[everything, virtualService.metadata.namespace]];
  return resource === undefined || !istioKinds.has(resource.kind) ? [] : [[everything, resource.metadata.namespace]];
});

const istioKinds: ReadonlySet<Kind> = new Set<Kind>([
  'ServiceEntry',
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'Sidecar',
  'AuthorizationPolicy',
  'PeerAuthentication',
]);

/** `uses` under the namespaces with a ServiceEntry that names a waypoint. */
export const waypointUsers = distinctIndex('waypoint users', ({ resource }) => {
  if (resource?.kind !== 'ServiceEntry') return [];
  const { labels, namespace } = resource.metadata;
  return typeof namedWaypoint(labels, namespace) === 'object' ? [[namespace, 'uses']] : [];
});

/** All namespaces with a waypoint. */
export const waypointNamespaces = distinctIndex('waypoint namespaces', ({ resource }) =>
  resource?.kind === 'KubernetesGateway' && isWaypoint(resource) ? [[everything, resource.metadata.namespace]] : [],
);

/** All namespaces that are declared. */
export const declaredNamespaces = distinctIndex('declared namespaces', ({ resource }) =>
  resource?.kind === 'Namespace' ? [[everything, resource.metadata.name]] : [],
);

/** DestinationRules by `namespace|host`, in the order in which Istio merges them: those with a selector, then the oldest. */
export const rulesByHost = ruleIndex(
  'DestinationRules by host',
  ({ destinationRule: rule }) => (rule === undefined ? [] : [[ruleKey(rule.namespace, rule.host), rule]]),
  (a, b) => selectorFirst(a.selector, b.selector) || earlierFirst(a.metadata, b.metadata),
);

/** The same by `namespace|host|group`. */
export const rulesByGroup = ruleIndex('DestinationRules by group', ({ destinationRule: rule }) =>
  rule === undefined ? [] : [[ruleKey(rule.namespace, rule.host, rule.group), rule]],
);

/** Those of a group that have a top-level policy. */
export const rulesWithPolicy = ruleIndex('DestinationRules with a policy', ({ destinationRule: rule }) =>
  rule?.policy === undefined ? [] : [[ruleKey(rule.namespace, rule.host, rule.group), rule]],
);

/** Those of a group that define a subset, by `namespace|host|group|subset`. */
export const rulesWithSubset = ruleIndex('DestinationRules with a subset', function* ({ destinationRule: rule }) {
  if (rule === undefined) return;
  const names = new Set(rule.subsets.map(({ subset }) => subset.name ?? ''));
  for (const name of names) yield [ruleKey(rule.namespace, rule.host, rule.group, name), rule];
});

/** `host|group` of the DestinationRules of a `namespace|pattern`. */
export const ruleGroups = distinctIndex('DestinationRule groups', ({ destinationRule: rule }) =>
  rule === undefined ? [] : [[ruleKey(rule.namespace, indexKeyOf(rule.host)), ruleKey(rule.host, rule.group)]],
);

/** The namespaces that have a DestinationRule for a host pattern. */
export const ruleNamespaces = distinctIndex('DestinationRule namespaces', ({ destinationRule: rule }) =>
  rule === undefined ? [] : [[indexKeyOf(rule.host), rule.namespace]],
);

/** Joins parts of a key; `|` occurs in none of them. */
export function ruleKey(...parts: readonly string[]): string {
  return parts.join('|');
}

/** AuthorizationPolicies by `namespace|` (any SNI) or `namespace|sni`: see `policyKeysOf`. */
export const policiesByScope = index<CompiledPolicy>('AuthorizationPolicies', function* ({ policy }) {
  if (policy === undefined) return;
  for (const sni of snisOf(policy)) yield [ruleKey(policy.resource.metadata.namespace, sni), policy];
});

/** AuthorizationPolicies that are about certain SNIs only, by `namespace|wildcard` for each wildcard that covers one. */
export const policiesUnder = index<CompiledPolicy>('AuthorizationPolicies under', function* ({ policy }) {
  if (policy === undefined) return;
  const patterns = [...snisOf(policy)].flatMap((sni) => hostPatternsOf(sni.toLowerCase()).slice(1));
  for (const pattern of new Set(patterns)) yield [ruleKey(policy.resource.metadata.namespace, pattern), policy];
});

/** AuthorizationPolicies by `namespace/name`. */
export const policiesById = index<CompiledPolicy>('AuthorizationPolicies by name', ({ policy }) =>
  policy === undefined ? [] : [[policy.id, policy]],
);

/** AuthorizationPolicies by what their targetRefs name: see `targetKey`. */
export const policiesByTarget = index<CompiledPolicy>('AuthorizationPolicies by target', function* ({ policy }) {
  if (policy === undefined) return;
  for (const ref of targetRefsOf(policy.resource)) {
    const kind = targetKindOf(ref);
    if (kind !== undefined) yield [targetKey(kind, policy.resource.metadata.namespace, ref.name ?? ''), policy];
  }
});

/** The key of `policiesByTarget`: the kind and name of a target, and the policy's namespace. */
export function targetKey(kind: TargetKind, namespace: string, name: string): string {
  return ruleKey(kind, namespace, name);
}

/** The exact SNIs outside of which a policy changes nothing; `''` stands for any. The presence of an ALLOW policy changes everything. */
function snisOf(policy: CompiledPolicy): Iterable<string> {
  if (policy.action === 'ALLOW' || policy.rules.length === 0) return [everything];
  const snis = new Set<string>();
  for (const rule of policy.rules) {
    const required = rule.discriminators.sni;
    if (required === undefined) return [everything];
    for (const sni of required) snis.add(sni);
  }
  return snis;
}

/** `namespace/name`. */
function nameOf(resource: Resource): string {
  return `${resource.metadata.namespace}/${resource.metadata.name}`;
}

/** All indexes of the model, by the part of an object that they file. */
export const indexGroups: readonly IndexGroup<ModelObject>[] = [
  { concerns: ({ facts }) => facts !== undefined, sorted: [factsIndex], distinct: [] },
  {
    concerns: ({ services }) => services.length > 0,
    sorted: [
      servicesByHost,
      servicesUnder,
      publicHttpServices,
      exportedHttpServices,
      httpServicesByNamespace,
      servicesByPort,
      serverFirstServices,
      tcpServicesByAddress,
      tcpServicesByBlock,
      tlsServicesByName,
      kubernetesServices,
    ],
    distinct: [serviceAddresses, httpServiceNamespaces],
  },
  {
    concerns: ({ virtualService }) => virtualService !== undefined,
    sorted: [
      meshVirtualServices,
      meshVirtualServicesUnder,
      meshVirtualServicesBySni,
      meshVirtualServicesByBlock,
      meshVirtualServicesByDestination,
      delegatingVirtualServices,
      virtualServicesByGateway,
      virtualServicesByGatewayHost,
      virtualServicesOfGateways,
      virtualServicesByName,
      generatedVirtualServices,
    ],
    distinct: [gatewayBoundHosts],
  },
  {
    concerns: ({ destinationRule }) => destinationRule !== undefined,
    sorted: [rulesByHost, rulesByGroup, rulesWithPolicy, rulesWithSubset],
    distinct: [ruleGroups, ruleNamespaces],
  },
  { concerns: ({ servers }) => servers.length > 0, sorted: [serversByGateway], distinct: [] },
  { concerns: ({ binding }) => binding !== undefined, sorted: [bindingsByNamespace], distinct: [] },
  { concerns: ({ sidecar }) => sidecar !== undefined, sorted: [sidecarsByNamespace], distinct: [sidecarNamespaces] },
  {
    concerns: ({ policy }) => policy !== undefined,
    sorted: [policiesByScope, policiesUnder, policiesById, policiesByTarget],
    distinct: [],
  },
  { concerns: isOneOf('Gateway'), sorted: [gatewaysByName, gatewaysByBareName, gatewaysBySelector], distinct: [] },
  { concerns: isOneOf(...routeKinds), sorted: [gatewayRoutesByHost], distinct: [] },
  { concerns: isOneOf('Workload'), sorted: [workloadsByNamespace], distinct: [] },
  { concerns: isOneOf('Namespace'), sorted: [namespacesByName], distinct: [declaredNamespaces] },
  { concerns: isOneOf('PeerAuthentication'), sorted: [peerAuthentications], distinct: [] },
  { concerns: isOneOf('WorkloadEntry'), sorted: [workloadEntries], distinct: [] },
  { concerns: isOneOf('ServiceEntry'), sorted: [], distinct: [waypointUsers] },
  { concerns: isOneOf('KubernetesGateway'), sorted: [], distinct: [waypointNamespaces] },
  { concerns: () => true, sorted: [resourcesById], distinct: [usedNamespaces, blockLengths] },
];

function isOneOf(...kinds: readonly Kind[]): (object: ModelObject) => boolean {
  return ({ resource }) => resource !== undefined && kinds.includes(resource.kind);
}
