import { fqdn } from '../istio/hosts.ts';
import type { Resource, ResourceOf } from '../istio/resources.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { waypointClass } from '../istio/waypoint.ts';
import { factsOf, type MeshReader, policiesByTarget, targetKey } from '../mesh/indexes.ts';
import { isTaken, isTakenByOther, type WaypointUse, waypointOf } from '../mesh/waypoints.ts';

/** An external service whose traffic from ambient clients a waypoint is to take. */
export interface WaypointService {
  readonly resource: ResourceOf<'ServiceEntry' | 'Service'>;
  /** As written. */
  readonly hosts: readonly string[];
  readonly use: WaypointUse;
  /** `namespace/name` of the waypoint. */
  readonly name: string;
}

/** What a resource registers outside of the mesh and leads to a waypoint; undefined for anything else. */
export function waypointServiceOf(reader: MeshReader, resource: Resource): WaypointService | undefined {
  if (resource.kind !== 'ServiceEntry' && resource.kind !== 'Service') return undefined;
  const hosts = externalHostsIn(reader, resource);
  const use = hosts.length === 0 ? undefined : waypointOf(reader, resource);
  return use && { resource, hosts, use, name: `${use.waypoint.namespace}/${use.waypoint.name}` };
}

/** The external hosts that a service registers, as written. */
export function externalHostsIn(
  reader: MeshReader,
  { kind, metadata, spec }: ResourceOf<'ServiceEntry' | 'Service'>,
): readonly string[] {
  if (kind === 'ServiceEntry') return (spec.location ?? 'MESH_EXTERNAL') === 'MESH_EXTERNAL' ? (spec.hosts ?? []) : [];
  const { config, inventory } = factsOf(reader);
  const isExternal = inventory.externalNamespaces.includes(metadata.namespace);
  return isExternal ? [fqdn(metadata.name, metadata.namespace, config.clusterDomain)] : [];
}

/** The same where a waypoint of Istio's own does take the traffic. */
export function servedByWaypoint(reader: MeshReader, resource: Resource): WaypointService | undefined {
  const service = waypointServiceOf(reader, resource);
  return service !== undefined && isTaken(service.use) ? service : undefined;
}

/** True for what is meant for a waypoint of Istio's own, whether or not that takes the traffic. */
export function isMeantForWaypoint(reader: MeshReader, resource: Resource): boolean {
  const service = waypointServiceOf(reader, resource);
  return service !== undefined && !isTakenByOther(service.use);
}

/** True where a policy that decides is asked about the service. Source: pilot/pkg/model/policyattachment.go `ShouldAttachPolicy`. */
export function isGuarded(reader: MeshReader, { resource, use: { waypoint } }: WaypointService): boolean {
  const { namespace, name } = resource.metadata;
  const keys = [
    targetKey(resource.kind, namespace, name),
    targetKey('Gateway', waypoint.namespace, waypoint.name),
    targetKey('GatewayClass', factsOf(reader).config.rootNamespace, waypointClass),
  ];
  return keys.some((key) =>
    reader.entries(policiesByTarget, key).some(({ action, dryRun }) => action !== 'AUDIT' && !dryRun),
  );
}

/** True for a VirtualService of the service's host that the waypoint follows. Source: pilot/pkg/networking/core/listener_waypoint.go `getVirtualServiceForWaypoint`. */
export function isFollowed(
  { resource, use: { waypoint } }: WaypointService,
  { metadata, visibility }: VirtualService,
): boolean {
  const isNear = metadata.namespace === waypoint.namespace || metadata.namespace === resource.metadata.namespace;
  return isNear && isVisibleFrom(visibility, waypoint.namespace);
}
