import type { CompiledPolicy } from '../istio/authorization.ts';
import { attaches, targetRefsOf } from '../istio/authorization-attachment.ts';
import { withoutPort } from '../istio/hosts.ts';
import type { AuthorizationPolicyRule } from '../istio/resources.gen.ts';
import type { ResourceOf } from '../istio/resources.ts';
import type { Query } from '../mesh/engine.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';

import { factsOf, type MeshReader, servicesUnder } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { egressWorkloads, gatewaysOfHop } from './flows.ts';
import { isExternalHost, waysTo } from './host-paths.ts';

/** The external hosts (lower case) that some rules of a policy name, by SNI or by authority; sorted. */
export function externalHostsOf(reader: MeshReader, rules: readonly AuthorizationPolicyRule[]): readonly string[] {
  const named = rules.flatMap((rule) => [
    ...(rule.when ?? [])
      .filter(({ key }) => key === 'connection.sni')
      .flatMap(({ values = [], notValues = [] }) => [...values, ...notValues]),
    ...(rule.to ?? []).flatMap(({ operation = {} }) => [...(operation.hosts ?? []), ...(operation.notHosts ?? [])]),
  ]);
  const hosts = new Set(named.flatMap((value) => hostsNamed(reader, withoutPort(value.toLowerCase()))));
  return [...hosts].filter((host) => isExternalHost(reader, host)).sort();
}

/** The host that a value is, or the registered hosts under the wildcard that it is. */
function hostsNamed(reader: MeshReader, value: string): readonly string[] {
  if (!value.startsWith('*.')) return [value];
  return [value, ...reader.entries(servicesUnder, value).map(({ host }) => host.toLowerCase())];
}

/** The gateways (their identities) that routes for a host lead to: policies change the paths, and not these. */
const gatewaysByHost: Query<ModelObject, readonly string[]> = {
  name: 'gateways of a host',
  level: 7,
  compute: (reader, host) => [...new Set(waysTo(reader, host).flatMap(({ hop }) => gatewaysOfHop(hop)))].sort(),
};

/** The gateways (their identities) that routes for a host (lower case) lead to. */
export function gatewaysOfHost(reader: MeshReader, host: string): readonly string[] {
  return reader.value(gatewaysByHost, host);
}

/** The egress gateways that a policy is attached to; a dry run is, too, though it decides nothing. */
export function guardedGateways(reader: MeshReader, { resource }: CompiledPolicy): readonly Workload[] {
  return egressWorkloads(reader).filter((workload) => isAttached(reader, resource, workload));
}

/** True when a policy is attached to pods. */
export function isAttached(
  reader: MeshReader,
  policy: ResourceOf<'AuthorizationPolicy'>,
  { namespace, labels }: Workload,
): boolean {
  return attaches(policy, { namespace, labels, rootNamespace: factsOf(reader).config.rootNamespace });
}

/** True for a policy that applies to every workload of the mesh: in the root namespace, without selector and targetRefs. */
export function isMeshWide(reader: MeshReader, { resource }: CompiledPolicy): boolean {
  if (resource.metadata.namespace !== factsOf(reader).config.rootNamespace) return false;
  return Object.keys(resource.spec.selector?.matchLabels ?? {}).length === 0 && targetRefsOf(resource).length === 0;
}
