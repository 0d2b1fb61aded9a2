import type { GatewayBinding } from '../istio/gateway-api-listeners.ts';
import { type MergedListener, mergeServers, type ResolvedServer } from '../istio/gateway-merge.ts';
import { type GatewayServer, hostsForNamespace } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf, indexKeyOf, isWildcard, overlaps } from '../istio/hosts.ts';
import { compareText, earlierFirst, type Metadata, olderFirst, type ResourceOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import { isKubernetes, type MeshService } from '../istio/service.ts';
import {
  type StreamMatch,
  type StreamRule,
  serverMatchApplies,
  type VirtualService,
} from '../istio/virtual-service.ts';
import type { DerivedIndex, Query } from './engine.ts';
import { podPort, promisedWorkload, type Workload, workloadOf, workloadsBehind } from './gateway-workloads.ts';
import {
  bindingsByNamespace,
  everything,
  factsOf,
  gatewaysBySelector,
  kubernetesServices,
  labelKey,
  type MeshReader,
  ruleKey,
  serversByGateway,
  workloadsByNamespace,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import { servicesOfHost } from './services.ts';
import { gatewayVirtualServices } from './virtual-services.ts';

/** One filter chain of a gateway's listener. */
export interface Chain {
  /** The server; of plaintext HTTP servers, which share a chain, the first. */
  readonly server: GatewayServer;
  /** SNIs that it takes, case as written; empty: every connection that no other chain takes. */
  readonly serverNames: readonly string[];
  /** The route of a PASSTHROUGH chain. */
  readonly rule?: StreamRule;
}

/** Chains of one pod port that claim one name. */
interface Clash {
  readonly port: number;
  /** The name, in lower case; empty: every connection. */
  readonly serverName: string;
  /** At least two, or one that names it twice. */
  readonly chains: readonly Chain[];
}

/** A listener that Envoy refuses, and why. */
export interface RefusedListener extends Pick<Clash, 'port' | 'serverName'> {
  /** The chain that has it first, and the one that makes Envoy refuse; one where a chain names it twice. */
  readonly chains: readonly [Chain, ...Chain[]];
}

/** A server of a Gateway that selects the workload, by pod port. */
export interface PlacedServer {
  readonly port: number;
  readonly server: GatewayServer;
  /** True for a server that Istio leaves out. */
  readonly isDropped: boolean;
}

/**
 * What listens on the pods of a gateway. A server that forwards bytes is here with its chain whether or not it has a route, and `isBuilt`
 * tells: so a route that comes or goes rebuilds no listener.
 */
export interface GatewayListeners {
  readonly chains: readonly { readonly port: number; readonly chain: Chain }[];
  /** Every server that is not left out, also where it has no chain yet. Plaintext HTTP servers of a port share one route table. */
  readonly servers: readonly PlacedServer[];
  readonly clashes: readonly Clash[];
  readonly dropped: ReturnType<typeof mergeServers>['dropped'];
}

/** Filter chains by `workload|port|server name` (lower case); the name is empty for chains without one. */
const chainsByServerName: DerivedIndex<Chain> = { kind: 'derived', name: 'filter chains', compare: () => 0 };

/** Filter chains by `workload|port`. */
const chainsByPort: DerivedIndex<Chain> = { kind: 'derived', name: 'filter chains of a port', compare: () => 0 };

/** Chains that claim one name, by `workload|port`. */
const clashesByPort: DerivedIndex<Clash> = { kind: 'derived', name: 'clashes of filter chains', compare: () => 0 };

/** The ports that a workload has a chain for, by workload. */
const portsByWorkload: DerivedIndex<number> = { kind: 'derived', name: 'listening ports', compare: (a, b) => a - b };

/** Plaintext HTTP servers by `workload|port|host` (lower case), in the order of their Gateways. */
const httpServersByHost: DerivedIndex<GatewayServer> = {
  kind: 'derived',
  name: 'HTTP servers',
  compare: (a, b) => olderFirst(a.resource, b.resource) || compareText(a.field, b.field),
};

/** Servers by `workload|host` (lower case), oldest Gateway first. */
const serversByHost: DerivedIndex<PlacedServer> = {
  kind: 'derived',
  name: 'servers by host',
  compare: (a, b) =>
    olderFirst(a.server.resource, b.server.resource) || compareText(a.server.field, b.server.field) || a.port - b.port,
};

/** The workloads (their identities) that a Gateway (`namespace/name`) is on, also where its servers are left out. */
const workloadsByGateway: DerivedIndex<string> = {
  kind: 'derived',
  name: 'workloads by Gateway',
  compare: compareText,
};

/** The identities of the workloads that an object declares or promises. */
export function* workloadsOf({ resource }: ModelObject): Iterable<string> {
  if (resource?.kind === 'Workload') yield workloadOf(resource).id;
  if (resource?.kind === 'Service' && resource.spec.selector !== undefined) {
    yield promisedWorkload(resource.metadata.namespace, resource.spec.selector).id;
  }
}

/**
 * The listeners of every workload that could be a gateway; the argument is the workload's id.
 * Source: pilot/pkg/model/push_context.go `mergeGateways`; core/gateway.go `buildGatewayListeners`.
 */
export const gatewayListeners: Query<ModelObject, GatewayListeners> = {
  name: 'gateway listeners',
  level: 4,
  rootsOf: workloadsOf,
  compute: (reader, id) => buildListeners(reader, workloadById(reader, id)),
  contribute(value, id, contribute) {
    const ports = new Set<number>();
    for (const { port, chain } of value.chains) {
      ports.add(port);
      contribute(chainsByPort, ruleKey(id, String(port)), chain);
      const serverNames = chain.serverNames.length === 0 ? [everything] : new Set(chain.serverNames.map(lowerCase));
      for (const name of serverNames) contribute(chainsByServerName, chainKey(id, port, name), chain);
    }
    for (const { port, server } of value.servers) {
      if (server.kind !== 'http') continue;
      for (const host of new Set(server.serverNames.map(lowerCase))) {
        contribute(httpServersByHost, chainKey(id, port, indexKeyOf(host)), server);
      }
    }
    const dropped = value.dropped.map(({ port, server }) => ({ port, server, isDropped: true }));
    for (const placed of [...value.servers, ...dropped.filter(({ server }) => isReachable(server))]) {
      for (const host of new Set(placed.server.serverNames.map(lowerCase)))
        contribute(serversByHost, ruleKey(id, indexKeyOf(host)), placed);
    }
    const gateways = [...value.servers, ...value.dropped].map(({ server }) => server.gateway);
    for (const gateway of new Set(gateways)) contribute(workloadsByGateway, gateway, id);
    for (const clash of value.clashes) contribute(clashesByPort, ruleKey(id, String(clash.port)), clash);
    for (const port of ports) contribute(portsByWorkload, id, port);
  },
};

/**
 * The route of a server that forwards bytes: the first `tcp` rule that matches, of the first VirtualService that overlaps any
 * of its hosts. The argument is `gateway pod namespace|gateway|server field`.
 * Source: core/gateway.go `buildGatewayNetworkFiltersFromTCPRoutes`.
 */
const tcpRoutes: Query<ModelObject, StreamRule | undefined> = {
  name: 'TCP routes',
  level: 2,
  compute(reader, argument) {
    const [namespace = '', gateway = '', field = ''] = argument.split('|');
    const server = reader.entries(serversByGateway, gateway).find((candidate) => candidate.field === field);
    if (server === undefined) return undefined;
    for (const virtualService of overlappingVirtualServices(reader, namespace, server)) {
      const rule = streamRulesFor(virtualService, server).find(
        (candidate) => candidate.destinations.length > 0 && streamRuleApplies(candidate, server),
      );
      if (rule !== undefined) return rule;
    }
    return undefined;
  },
};

/** The `tcp` rules of a VirtualService; of a Gateway API route also the `tls` rules, where the server terminates TLS. */
export function streamRulesFor(
  { tcp, tls, hasGatewaySemantics }: VirtualService,
  { kind }: GatewayServer,
): readonly StreamRule[] {
  return hasGatewaySemantics && kind === 'tls-tcp' ? [...tcp, ...tls] : tcp;
}

/** Whether a server has such a route: all that the listeners depend on, however the route changes. */
const hasTcpRoute: Query<ModelObject, boolean> = {
  name: 'has a TCP route',
  level: 3,
  compute: (reader, argument) => reader.value(tcpRoutes, argument) !== undefined,
};

/** The route of a server that forwards bytes; `namespace` is the gateway pod's. */
export function tcpRouteOf(reader: MeshReader, namespace: string, server: GatewayServer): StreamRule | undefined {
  return reader.value(tcpRoutes, tcpRouteKey(namespace, server));
}

function tcpRouteKey(namespace: string, server: GatewayServer): string {
  return ruleKey(namespace, server.gateway, server.field);
}

/** The chains of a pod port that name exactly this server name (lower case); empty: those that name none. */
export function chainsNamed(reader: MeshReader, workload: Workload, port: number, name: string): readonly Chain[] {
  return reader
    .entries(chainsByServerName, chainKey(workload.id, port, name))
    .filter((chain) => isBuilt(reader, workload, chain));
}

/** True for a chain that Istio builds: one that forwards bytes needs a route. */
function isBuilt(reader: MeshReader, { namespace }: Workload, { server }: Chain): boolean {
  const forwards = server.kind === 'tls-tcp' || server.kind === 'tcp';
  return !forwards || reader.value(hasTcpRoute, tcpRouteKey(namespace, server));
}

/** The first plaintext HTTP servers of a pod port whose hosts include exactly this pattern (lower case). */
export function httpServersNamed(
  reader: MeshReader,
  workload: Workload,
  port: number,
  pattern: string,
): readonly GatewayServer[] {
  return reader.entries(httpServersByHost, chainKey(workload.id, port, pattern));
}

/** The servers of a workload (its identity) whose hosts cover a host (lower case), on whichever port; the most specific first. */
export function serversForHost(reader: MeshReader, workload: string, host: string): readonly PlacedServer[] {
  const found = new Map<string, PlacedServer>();
  for (const pattern of hostPatternsOf(host)) {
    for (const placed of reader.entries(serversByHost, ruleKey(workload, pattern))) {
      const { server, port } = placed;
      if (server.serverNames.some((name) => covers(lowerCase(name), host)))
        found.set(ruleKey(server.gateway, server.field, String(port)), placed);
    }
  }
  return [...found.values()];
}

/** The servers of a Gateway (`namespace/name`) on a workload (its identity). Looks at all of them: for few Gateways only. */
export function serversOn(reader: MeshReader, workload: string, gateway: string): readonly PlacedServer[] {
  return reader.value(gatewayListeners, workload).servers.filter(({ server }) => server.gateway === gateway);
}

/** The workloads that a Gateway (`namespace/name`) is on. */
export function workloadsUnder(reader: MeshReader, gateway: string): readonly Workload[] {
  return reader.entries(workloadsByGateway, gateway).map((id) => workloadById(reader, id));
}

/** Why Envoy refuses the listener of a pod port, if it does. */
export function refusedListener(reader: MeshReader, workload: Workload, port: number): RefusedListener | undefined {
  for (const { serverName, chains } of reader.entries(clashesByPort, ruleKey(workload.id, String(port)))) {
    const [first, second] = chains.filter((chain) => isBuilt(reader, workload, chain));
    if (first !== undefined && second !== undefined)
      return { port, serverName, chains: first === second ? [first] : [first, second] };
  }
  return undefined;
}

/** All listeners of a workload that Envoy refuses. */
export function refusedListeners(reader: MeshReader, workload: Workload): readonly RefusedListener[] {
  return reader
    .entries(portsByWorkload, workload.id)
    .map((port) => refusedListener(reader, workload, port))
    .filter((refused) => refused !== undefined);
}

/** The pod ports that a workload listens on. */
export function listeningPorts(reader: MeshReader, workload: Workload): readonly number[] {
  return reader.entries(portsByWorkload, workload.id).filter((port) => listensOn(reader, workload, port));
}

/** True where a Service leads to the address: not to a listener that is bound to one of its own. */
export function isReachable({ bind }: Pick<GatewayServer, 'bind'>): boolean {
  return bind === '' || bind === '0.0.0.0' || bind === '::';
}

/** True when anything listens on the pod port. */
export function listensOn(reader: MeshReader, workload: Workload, port: number): boolean {
  const key = ruleKey(workload.id, String(port));
  const first = reader.first(chainsByPort, key);
  if (first === undefined) return false;
  return (
    isBuilt(reader, workload, first) ||
    reader.entries(chainsByPort, key).some((chain) => isBuilt(reader, workload, chain))
  );
}

/** True when some Gateway selects the workload: it is a gateway, not a sidecar. */
export function isGateway(reader: MeshReader, workload: Workload): boolean {
  return reader.value(isSelected, workload.id);
}

/** Whether some Gateway selects a workload (the argument is its identity). Asked for every route, and true of few. */
const isSelected: Query<ModelObject, boolean> = {
  name: 'is selected by a Gateway',
  level: 0,
  compute: (reader, id) => selectingGateways(reader, workloadById(reader, id)).length > 0,
};

/** A Gateway, or a listener of the Gateway API, that is on a workload. */
interface SelectingGateway {
  readonly metadata: Metadata;
  /** `namespace/name`, by which its servers are filed. */
  readonly gateway: string;
  /** The Services through which a listener is on the workload; absent for what selects pods by their labels. */
  readonly services?: readonly MeshService[];
}

/**
 * What is on a workload, oldest first. Beside listeners of a gateway that Istio deploys, Gateways of other namespaces do not
 * count. Source: push_context.go `mergeGateways`, `filterStrictGatewayMerging`.
 */
function selectingGateways(reader: MeshReader, workload: Workload): readonly SelectingGateway[] {
  const bound = boundListeners(reader, workload);
  const managed = new Set(bound.filter(({ isManaged }) => isManaged).map(({ metadata }) => metadata.namespace));
  const selecting = gatewaysFor(reader, workload)
    .filter(({ metadata }) => managed.size === 0 || managed.has(metadata.namespace))
    .map(({ metadata }) => ({ metadata, gateway: `${metadata.namespace}/${metadata.name}` }));
  return [...selecting, ...bound].sort((a, b) => earlierFirst(a.metadata, b.metadata));
}

/** The listeners of the Gateway API on a workload: those of a Service that selects it. */
function boundListeners(
  reader: MeshReader,
  workload: Workload,
): readonly (SelectingGateway & Pick<GatewayBinding, 'isManaged'>)[] {
  const { scopeGatewayToNamespace } = factsOf(reader).config;
  return reader.entries(bindingsByNamespace, workload.namespace).flatMap((binding) => {
    if (scopeGatewayToNamespace && binding.metadata.namespace !== workload.namespace) return [];
    const services = binding.services
      .flatMap((host) => servicesOfHost(reader, host))
      .filter((service) => isKubernetes(service) && service.namespace === workload.namespace)
      .filter((service) => workloadsBehind(reader, service).some(({ id }) => id === workload.id));
    return services.length === 0 ? [] : [{ ...binding, services }];
  });
}

/** The Gateways that select a workload by its labels. */
function gatewaysFor(reader: MeshReader, workload: Workload): readonly ResourceOf<'Gateway'>[] {
  const { scopeGatewayToNamespace } = factsOf(reader).config;
  const found: ResourceOf<'Gateway'>[] = [...reader.entries(gatewaysBySelector, everything)];
  for (const [name, value] of Object.entries(workload.labels))
    found.push(...reader.entries(gatewaysBySelector, labelKey(name, value)));
  return found
    .filter((gateway) => selects(gateway.spec.selector ?? {}, workload.labels))
    .filter((gateway) => !scopeGatewayToNamespace || gateway.metadata.namespace === workload.namespace);
}

function chainKey(id: string, port: number, name: string): string {
  return ruleKey(id, String(port), name);
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

/** The pods of a workload's identity. */
export function workloadById(reader: MeshReader, id: string): Workload {
  const separator = id.indexOf('|');
  const namespace = id.slice(0, separator);
  const known = reader.entries(workloadsByNamespace, namespace).find((resource) => workloadOf(resource).id === id);
  if (known !== undefined) return workloadOf(known);
  const entries: [string, string][] = JSON.parse(id.slice(separator + 1));
  return promisedWorkload(namespace, Object.fromEntries(entries));
}

function buildListeners(reader: MeshReader, workload: Workload): GatewayListeners {
  const podPorts = new Map<number, readonly number[]>();
  const portsOf = ({ number }: GatewayServer): readonly number[] => {
    const ports = podPorts.get(number) ?? [listeningPort(reader, workload, number)];
    podPorts.set(number, ports);
    return ports;
  };
  const resolved = selectingGateways(reader, workload).flatMap(({ gateway, services }): ResolvedServer[] =>
    reader.entries(serversByGateway, gateway).map((server) => ({
      server,
      ports: services === undefined ? portsOf(server) : servicePorts(workload, services, server.number),
    })),
  );
  const { listeners, dropped } = mergeServers(resolved);
  const chains: { port: number; chain: Chain }[] = [];
  const servers: PlacedServer[] = [];
  const clashes: Clash[] = [];
  for (const listener of listeners.filter(isReachable)) {
    const built = buildChains(reader, workload, listener);
    for (const chain of built) chains.push({ port: listener.port, chain });
    for (const group of listener.groups)
      for (const server of group.servers) servers.push({ port: listener.port, server, isDropped: false });
    for (const clash of clashesOf(built)) clashes.push({ port: listener.port, ...clash });
  }
  return { chains, servers, clashes, dropped };
}

/**
 * The pod port that a declared port listens on: the target port of the first Service of the pods that has it, else itself.
 * Source: pilot/pkg/model/gateway.go `resolvePorts`.
 */
function listeningPort(reader: MeshReader, workload: Workload, number: number): number {
  for (const service of reader.entries(kubernetesServices, workload.namespace)) {
    if ('experimental.istio.io/disable-gateway-port-translation' in service.resource.metadata.labels) continue;
    if (!workloadsBehind(reader, service).some((candidate) => candidate.id === workload.id)) continue;
    const port = service.ports.find((candidate) => candidate.number === number);
    const target = port === undefined ? undefined : podPort(workload, port.targetPort);
    if (target !== undefined) return target;
  }
  return number;
}

/** The pod ports behind a port of Services; none without such a port: then nothing listens. Source: `resolvePorts`. */
function servicePorts(workload: Workload, services: readonly MeshService[], number: number): readonly number[] {
  const targets = services
    .flatMap(({ ports }) => ports.filter((port) => port.number === number))
    .map((port) => podPort(workload, port.targetPort))
    .filter((port) => port !== undefined);
  return [...new Set(targets)];
}

/** Source: core/gateway.go `buildGatewayTCPBasedFilterChains`, `createGatewayTCPFilterChainOpts`. */
function buildChains(reader: MeshReader, workload: Workload, listener: MergedListener): readonly Chain[] {
  const claimed = new Set<string>();
  return listener.groups.flatMap(({ isHttp, servers }): readonly Chain[] => {
    const [first] = servers;
    if (isHttp) return first === undefined ? [] : [{ server: first, serverNames: [] }];
    return servers.flatMap((server) => serverChains(reader, workload, server, claimed));
  });
}

function serverChains(
  reader: MeshReader,
  workload: Workload,
  server: GatewayServer,
  claimed: Set<string>,
): readonly Chain[] {
  const serverNames = matchedNames(server.serverNames);
  switch (server.kind) {
    case 'tls-http':
    case 'tls-tcp':
      return [{ server, serverNames }];
    case 'tcp':
      return [{ server, serverNames: [] }];
    case 'passthrough':
      return passthroughChains(reader, workload, server, claimed);
    default:
      // AUTO_PASSTHROUGH has chains for services of the mesh only; external ones are left out.
      return [];
  }
}

/** A list with `*` matches everything. Source: core/listener.go `toFilterChainMatch`. */
function matchedNames(names: readonly string[]): readonly string[] {
  return names.includes('*') ? [] : names;
}

/**
 * One chain per `tls` match of the VirtualServices that overlap the server's hosts; a match with an SNI that an earlier one
 * has is left out. Source: core/gateway.go `buildGatewayNetworkFiltersFromTLSRoutes`.
 */
function passthroughChains(
  reader: MeshReader,
  workload: Workload,
  server: GatewayServer,
  claimed: Set<string>,
): readonly Chain[] {
  const chains: Chain[] = [];
  for (const virtualService of overlappingVirtualServices(reader, workload.namespace, server)) {
    for (const rule of virtualService.tls) {
      if (rule.destinations.length === 0) continue;
      for (const match of rule.matches) {
        if (!serverMatchApplies(match, server.gateway, server.number) || !claim(match, claimed)) continue;
        chains.push({ server, serverNames: matchedNames(match.sniHosts), rule });
      }
    }
  }
  return chains;
}

function claim(match: StreamMatch, claimed: Set<string>): boolean {
  if (match.sniHosts.some((host) => claimed.has(host))) return false;
  for (const host of match.sniHosts) claimed.add(host);
  return true;
}

/**
 * VirtualServices bound to the server's Gateway of which a host overlaps one of the server's, as a gateway pod in `namespace` ranks
 * them. Source: pilot/pkg/networking/core/gateway.go `pickMatchingGatewayHosts`.
 */
export function overlappingVirtualServices(
  reader: MeshReader,
  namespace: string,
  server: GatewayServer,
): readonly VirtualService[] {
  const [only, ...others] = server.serverNames;
  const isOneExactHost = only !== undefined && others.length === 0 && !isWildcard(only);
  const candidates = isOneExactHost
    ? gatewayVirtualServices(reader, namespace, server.gateway, only.toLowerCase())
    : gatewayVirtualServices(reader, namespace, server.gateway);
  return candidates.filter((virtualService) => {
    const admitted = hostsForNamespace(server, virtualService.metadata.namespace);
    return virtualService.hosts.some((host) => admitted.some((name) => overlaps(name, host)));
  });
}

/** True when a `tls` or `tcp` rule applies to a server. */
export function streamRuleApplies(rule: StreamRule, server: GatewayServer): boolean {
  return (
    rule.matches.length === 0 || rule.matches.some((match) => serverMatchApplies(match, server.gateway, server.number))
  );
}

/** The names that two chains, or one chain twice, have but for their case: Envoy refuses the whole listener. */
function clashesOf(chains: readonly Chain[]): readonly Omit<Clash, 'port'>[] {
  const owners = new Map<string, Chain[]>();
  for (const chain of chains) {
    const names = chain.serverNames.length === 0 ? [''] : chain.serverNames.map(lowerCase);
    for (const name of names) {
      const there = owners.get(name);
      if (there === undefined) owners.set(name, [chain]);
      else there.push(chain);
    }
  }
  return [...owners]
    .filter(([, { length }]) => length > 1)
    .map(([serverName, claiming]) => ({ serverName, chains: claiming }));
}
