import { covers, hostPatternsOf, isWildcard, withoutPort } from '../istio/hosts.ts';
import { sectionOf } from '../istio/protocol.ts';
import type { MeshService } from '../istio/service.ts';
import { isKubernetes } from '../istio/service.ts';
import { meshGateway, type VirtualService } from '../istio/virtual-service.ts';
import { clientNamespaces, hasSidecars } from '../mesh/clients.ts';
import type { Query } from '../mesh/engine.ts';
import { factsOf, type MeshReader, meshVirtualServices, servicesByHost, snisOfMatches } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesCovering } from '../mesh/services.ts';
import { trimmed } from '../mesh/trimmed.ts';
import { type ClassPath, hasScope, type TargetPaths } from './class-paths.ts';
import { contributeFlows } from './flows.ts';
import { gatewayServiceOf } from './hop.ts';
import { type GuardedWay, guardedWays, judge } from './judge.ts';
import { type AppProtocol, anyAccount, otherAccounts, type Path, type Target } from './path.ts';
import { scopeKeyOf, type ViewClass, viewClasses } from './view-classes.ts';

/** The protocols and ports of an external host (the argument). */
const hostTargets: Query<ModelObject, readonly Target[]> = { name: 'targets', level: 5, compute: targetsOf };

/** True for an external host (lower case) to which there are paths at all. */
export function isExternalHost(reader: MeshReader, host: string): boolean {
  return reader.value(hostTargets, host).length > 0;
}

/**
 * The paths to an external host by class of clients, for each of its ports. The argument is the host, or a wildcard for the
 * names under it that nothing mentions, in lower case; what is no external host has no paths.
 */
export const hostPaths: Query<ModelObject, readonly TargetPaths[]> = {
  name: 'paths',
  level: 6,
  rootsOf: hostsOf,
  compute(reader, host) {
    return reader.value(hostTargets, host).map((to) => ({ to, classes: pathsTo(reader, to) }));
  },
  contribute: contributeFlows,
};

/** Every way of every client to a host (lower case), the alternatives of a path included. */
export function waysTo(reader: MeshReader, host: string): readonly Path[] {
  const paths = reader.value(hostPaths, host).flatMap(({ classes }) => classes.map(({ path }) => path));
  return paths.flatMap((path) => [path, ...path.alternatives]);
}

/** The hosts that an object may make external, or mention under a wildcard, in lower case, each once. */
export function hostsOf(object: ModelObject): Iterable<string> {
  return new Set(mentionedHosts(object));
}

function* mentionedHosts({ services, virtualService, servers, policy }: ModelObject): Iterable<string> {
  for (const service of services) yield service.host.toLowerCase();
  for (const host of virtualService?.hosts ?? []) yield host.toLowerCase();
  if (virtualService?.gateways.includes(meshGateway)) yield* snisOfMatches(virtualService);
  for (const server of servers) for (const name of server.serverNames) if (name !== '*') yield name.toLowerCase();
  for (const rule of policy?.rules ?? []) for (const sni of rule.discriminators.sni ?? []) yield sni.toLowerCase();
  for (const { to = [] } of policy?.resource.spec.rules ?? []) {
    for (const value of to.flatMap(({ operation }) => operation?.hosts ?? [])) {
      const host = withoutPort(value.toLowerCase());
      if (!host.includes('*')) yield host;
    }
  }
}

/** The protocols and ports of an external host: those that ServiceEntries register, and those that mesh routes lead to a gateway. */
function targetsOf(reader: MeshReader, host: string): readonly Target[] {
  const targets = new Map<string, Target>();
  const add = (protocol: AppProtocol, port: number): void => {
    targets.set(`${protocol}:${port}`, { protocol, host, port });
  };
  for (const service of externalServices(reader, host)) {
    for (const port of service.ports) {
      const section = sectionOf(port.protocol);
      if (section !== 'none') add(section === 'sniffed' ? 'tcp' : section, port.number);
    }
  }
  if (!isInMesh(reader, host)) {
    for (const virtualService of coveringVirtualServices(reader, host))
      routedTargets(reader, virtualService, host, add);
  }
  return [...targets.values()];
}

function externalServices(reader: MeshReader, host: string): readonly MeshService[] {
  const { externalNamespaces } = factsOf(reader).inventory;
  return servicesCovering(reader, host).filter((service) =>
    isKubernetes(service) ? externalNamespaces.includes(service.namespace) : service.isExternal,
  );
}

/** True for the name of a cluster Service, or a host that a ServiceEntry places inside the mesh. */
export function isInMesh(reader: MeshReader, host: string): boolean {
  const { config, inventory } = factsOf(reader);
  if (host.endsWith(`.svc.${config.clusterDomain}`))
    return !inventory.externalNamespaces.some((namespace) =>
      host.endsWith(`.${namespace}.svc.${config.clusterDomain}`),
    );
  const registered = reader.entries(servicesByHost, host).filter((service) => service.host.toLowerCase() === host);
  return registered.length > 0 && registered.every((service) => !service.isExternal);
}

function coveringVirtualServices(reader: MeshReader, host: string): readonly VirtualService[] {
  const found = hostPatternsOf(host).flatMap((pattern) => reader.entries(meshVirtualServices, pattern));
  return [...new Set(found)].filter((candidate) => candidate.hosts.some((name) => covers(name.toLowerCase(), host)));
}

/** Ports that a VirtualService on sidecars routes to an egress gateway; a match without port means the protocol's usual one. */
function routedTargets(
  reader: MeshReader,
  virtualService: VirtualService,
  host: string,
  add: (protocol: AppProtocol, port: number) => void,
): void {
  const leadsToGateway = (rule: { readonly destinations: readonly { readonly host: string }[] }): boolean =>
    rule.destinations.some((destination) => gatewayServiceOf(reader, destination.host, nameFor(host)) !== undefined);
  for (const rule of virtualService.http.filter(leadsToGateway)) {
    const ports = rule.matches
      .filter((match) => appliesToMesh(match.gateways))
      .map((match) => match.conditions.port ?? 0);
    for (const port of rule.matches.length === 0 ? [0] : ports) add('http', port === 0 ? 80 : port);
  }
  for (const rule of virtualService.tls.filter(leadsToGateway)) {
    for (const match of rule.matches) {
      const isNamed = match.sniHosts.some((name) => covers(name.toLowerCase(), host));
      if (isNamed && appliesToMesh(match.gateways)) add('tls', match.port === 0 ? 443 : match.port);
    }
  }
  for (const rule of virtualService.tcp.filter(leadsToGateway)) {
    for (const match of rule.matches) if (match.port !== 0 && appliesToMesh(match.gateways)) add('tcp', match.port);
  }
}

function appliesToMesh(gateways: readonly string[]): boolean {
  return gateways.length === 0 || gateways.includes(meshGateway);
}

/** A name under a wildcard that nothing mentions. */
function nameFor(host: string): string {
  return isWildcard(host) ? `any-other-name${host.slice(1)}` : host;
}

function pathsTo(reader: MeshReader, to: Target): readonly ClassPath[] {
  const target = { protocol: to.protocol, name: nameFor(to.host), port: to.port };
  const classes = viewClasses(reader, target, (namespace) => hasSidecars(reader, namespace));
  const special = classes.flatMap((viewClass) => ('namespace' in viewClass ? [viewClass.namespace] : []));
  return trimmed(classes.flatMap((viewClass) => splitByIdentity(reader, viewClass, special, to)));
}

/** The paths of one class, told apart where a policy tells its clients apart. */
function splitByIdentity(
  reader: MeshReader,
  viewClass: ViewClass,
  special: readonly string[],
  to: Target,
): readonly ClassPath[] {
  const ways = guardedWays(reader, viewClass.ways);
  const named = namedIdentities(reader, ways);
  if ('namespace' in viewClass) return accountPaths(reader, ways, viewClass.namespace, named, to);
  const { scopes } = viewClass;
  const own = [...named.namespaces].filter(
    (namespace) =>
      !special.includes(namespace) && hasSidecars(reader, namespace) && hasScope(scopes, scopeKeyOf(reader, namespace)),
  );
  const paths = own.flatMap((namespace) => accountPaths(reader, ways, namespace, named, to));
  const except = [...special, ...own].sort();
  const path = judge(reader, ways, { namespace: '', serviceAccount: anyAccount }, to);
  return [{ clients: { kind: 'rest', scopes, except, serviceAccount: anyAccount }, path }, ...paths];
}

interface NamedIdentities {
  readonly namespaces: ReadonlySet<string>;
  readonly accounts: readonly { readonly namespace: string; readonly name: string }[];
}

/** The namespaces and service accounts that the policies on the way tell apart. */
function namedIdentities(reader: MeshReader, ways: readonly GuardedWay[]): NamedIdentities {
  const namespaces = new Set<string>();
  const accounts: { namespace: string; name: string }[] = [];
  for (const { way, policies } of ways) {
    for (const rule of policies.flatMap((policy) => policy.rules)) {
      for (const namespace of rule.discriminators.namespaces) namespaces.add(namespace);
      if (rule.discriminators.patterns.length > 0)
        for (const namespace of clientNamespaces(reader)) namespaces.add(namespace);
      accounts.push(...rule.discriminators.serviceAccounts);
    }
    for (const name of way.arrival?.clientSans ?? []) {
      const [, namespace, account] = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(name) ?? [];
      if (namespace === undefined || account === undefined) continue;
      namespaces.add(namespace);
      accounts.push({ namespace, name: account });
    }
  }
  return { namespaces, accounts };
}

function accountPaths(
  reader: MeshReader,
  ways: readonly GuardedWay[],
  namespace: string,
  named: NamedIdentities,
  to: Target,
): readonly ClassPath[] {
  const names = new Set(
    named.accounts
      .filter((account) => account.namespace === namespace || account.namespace === '*')
      .map((account) => account.name),
  );
  const accounts = [...[...names].sort(), names.size === 0 ? anyAccount : otherAccounts];
  return accounts.map((serviceAccount) => {
    const from = { namespace, serviceAccount };
    return { clients: { kind: 'account', ...from }, path: judge(reader, ways, from, to) };
  });
}
