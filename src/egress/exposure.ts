import type { CompiledPolicy } from '../istio/authorization.ts';
import { attaches } from '../istio/authorization-attachment.ts';
import type { GatewayServer } from '../istio/gateway-server.ts';
import { covers, isWildcard, overlaps } from '../istio/hosts.ts';
import type { AuthorizationPolicyRule } from '../istio/resources.gen.ts';
import { isKubernetes } from '../istio/service.ts';
import type { RouteDestination, VirtualService } from '../istio/virtual-service.ts';
import type { Query } from '../mesh/engine.ts';
import { type Workload, workloadsBehind } from '../mesh/gateway-workloads.ts';
import { overlappingVirtualServices, workloadById } from '../mesh/gateways.ts';
import {
  everything,
  factsOf,
  type MeshReader,
  policiesByScope,
  policiesUnder,
  ruleKey,
  serversByGateway,
} from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { isInMesh } from './host-paths.ts';
import { destinationsAt } from './served-destinations.ts';

/** What a server of a gateway's pods gives access to, and which policies want to know by whom. */
export interface Exposure {
  /** Where its routes lead: `nowhere` yet, to services of the mesh only (`inward`), or also out of it. */
  readonly leads: 'nowhere' | 'inward' | 'outward';
  /** The first policy on the pods that tells clients apart by identity and may be about its hosts. */
  readonly asksIdentity?: CompiledPolicy;
}

/**
 * The exposure of one server; the argument is `gateway|server field|pod port|workload id`. Memoised by server: a gateway has
 * thousands, and a change concerns few.
 */
const exposures: Query<ModelObject, Exposure> = {
  name: 'exposure of servers',
  level: 7,
  compute(reader, argument) {
    const [gateway = '', field = '', port = '', ...id] = argument.split('|');
    const workload = workloadById(reader, id.join('|'));
    const server = reader.entries(serversByGateway, gateway).find((candidate) => candidate.field === field);
    if (server === undefined) return { leads: 'nowhere' };
    const bound = overlappingVirtualServices(reader, workload.namespace, server);
    const hosts = bound.length === 0 ? server.serverNames : servedHosts(server, bound);
    const asksIdentity = identityPolicyAbout(reader, workload, hosts, Number(port));
    const served = bound.flatMap((virtualService) => destinationsAt(reader, workload, server, virtualService));
    const destinations = served.map(({ destination }) => destination);
    const leads = whereTo(reader, workload, destinations);
    return { leads, ...(asksIdentity && { asksIdentity }) };
  },
};

/** What a server on a pod port of a workload gives access to. */
export function exposureOf(reader: MeshReader, workload: Workload, port: number, server: GatewayServer): Exposure {
  return reader.value(exposures, ruleKey(server.gateway, server.field, String(port), workload.id));
}

/** True for a server that serves clients without a certificate of the mesh; one that only sends them on to HTTPS serves none. */
export function asksNoMeshIdentity({ mode, isHttpsRedirect }: GatewayServer): boolean {
  return mode !== 'ISTIO_MUTUAL' && !isHttpsRedirect;
}

/** Servers that hand bytes on, or ask for certificates of another CA: right where no policy asks for a workload. */
export function knowsItsClientsOtherwise({ kind, mode }: GatewayServer): boolean {
  return kind === 'passthrough' || kind === 'auto-passthrough' || kind === 'tcp' || mode === 'MUTUAL';
}

/** What the server and its VirtualServices have in common. That routes go beyond the server is for another rule. */
function servedHosts({ serverNames }: GatewayServer, bound: readonly VirtualService[]): readonly string[] {
  return bound.flatMap(({ hosts }) =>
    hosts.flatMap((host) =>
      serverNames.filter((name) => overlaps(name, host)).map((name) => (covers(name, host) ? host : name)),
    ),
  );
}

/** A route to a gateway's own Service is no service of the mesh that the server is there for. */
function whereTo(reader: MeshReader, workload: Workload, destinations: readonly RouteDestination[]): Exposure['leads'] {
  if (destinations.length === 0) return 'nowhere';
  const isInward = destinations.every(
    ({ host }) => isInMesh(reader, host.toLowerCase()) && !leadsBack(reader, workload, host),
  );
  return isInward ? 'inward' : 'outward';
}

function leadsBack(reader: MeshReader, workload: Workload, host: string): boolean {
  const service = servicesOfHost(reader, host).find(isKubernetes);
  return service !== undefined && workloadsBehind(reader, service).some(({ id }) => id === workload.id);
}

/** Policies are found by the hosts as SNIs; those that name no SNI are about every host. */
function identityPolicyAbout(
  reader: MeshReader,
  workload: Workload,
  hosts: readonly string[],
  port: number,
): CompiledPolicy | undefined {
  const { rootNamespace } = factsOf(reader).config;
  const { namespace, labels } = workload;
  const names = [...new Set(hosts.map((host) => host.toLowerCase()))];
  for (const from of new Set([rootNamespace, namespace])) {
    const candidates = [everything, ...names].flatMap((name) => reader.entries(policiesByScope, ruleKey(from, name)));
    for (const name of names)
      if (isWildcard(name)) candidates.push(...reader.entries(policiesUnder, ruleKey(from, name)));
    const found = candidates.find(
      (policy) =>
        (policy.action === 'ALLOW' || policy.action === 'DENY') &&
        !policy.dryRun &&
        attaches(policy.resource, { namespace, labels, rootNamespace }) &&
        asksIdentityAbout(policy, names, port),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True when some rule of the policy names identities, and nothing else in it excludes the hosts and the port. */
function asksIdentityAbout(policy: CompiledPolicy, hosts: readonly string[], port: number): boolean {
  const written = policy.resource.spec.rules ?? [];
  return policy.rules.some(({ discriminators }, index) => {
    const { namespaces, serviceAccounts, patterns, sni } = discriminators;
    if (namespaces.size === 0 && serviceAccounts.length === 0 && patterns.length === 0) return false;
    if (sni !== undefined && ![...sni].some((name) => isAbout(hosts, name))) return false;
    return mayApply(written[index], hosts, port);
  });
}

function mayApply(rule: AuthorizationPolicyRule | undefined, names: readonly string[], port: number): boolean {
  const operations = (rule?.to ?? []).map(({ operation = {} }) => operation);
  return (
    operations.length === 0 ||
    operations.some(
      ({ hosts = [], ports = [] }) =>
        (hosts.length === 0 || hosts.some((host) => isAbout(names, host.replace(/:(\d+|\*)$/, '')))) &&
        (ports.length === 0 || ports.includes(String(port))),
    )
  );
}

function isAbout(hosts: readonly string[], name: string): boolean {
  return hosts.some((host) => overlaps(host, name.toLowerCase()));
}
