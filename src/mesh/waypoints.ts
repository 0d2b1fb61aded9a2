import { type FieldRef, fieldOf, idOf, type ResourceOf } from '../istio/resources.ts';
import {
  namedWaypoint,
  useWaypoint,
  type WaypointLack,
  type WaypointName,
  waypointClass,
  waypointLack,
} from '../istio/waypoint.ts';
import { type MeshReader, namespacesByName, resourcesById } from './indexes.ts';

/** The waypoint that is to take the traffic of a service. */
export interface WaypointUse {
  readonly waypoint: WaypointName;
  /** The label that names it: of the service, or of its namespace. */
  readonly namedAt: FieldRef;
  /** The Gateway of that name; absent where there is none. */
  readonly gateway?: ResourceOf<'KubernetesGateway'>;
  /** Why it does not take the traffic; absent where it does. */
  readonly lack?: WaypointLack | 'missing';
}

/**
 * The waypoint of what ambient clients send to a service; undefined where none is named. The service's own label outranks that of its
 * namespace. Source: pilot/pkg/serviceregistry/ambient/waypoints.go `fetchWaypointForTarget`.
 */
export function waypointOf(
  reader: MeshReader,
  service: ResourceOf<'ServiceEntry' | 'Service'>,
): WaypointUse | undefined {
  const { namespace, labels } = service.metadata;
  const own = reader.first(namespacesByName, namespace);
  const named = namedWaypoint(labels, namespace);
  const waypoint = named ?? namedWaypoint(own?.metadata.labels ?? {}, namespace);
  if (waypoint === undefined || waypoint === 'none') return undefined;
  const namedAt = fieldOf(
    named === undefined && own !== undefined ? own : service,
    `metadata.labels['${useWaypoint}']`,
  );
  const gateway = reader.first(resourcesById, idOf({ kind: 'KubernetesGateway', ...waypoint }));
  if (gateway?.kind !== 'KubernetesGateway') return { waypoint, namedAt, lack: 'missing' };
  const lack = waypointLack(gateway, { name: namespace, ...(own && { labels: own.metadata.labels }) });
  return { waypoint, namedAt, gateway, ...(lack && { lack }) };
}

/** True where a waypoint of Istio's own takes the traffic. */
export function isTaken({ gateway, lack }: WaypointUse): boolean {
  return lack === undefined && gateway?.spec.gatewayClassName === waypointClass;
}

/** True where a waypoint takes the traffic of which nothing is known: that of another vendor. */
export function isTakenByOther({ gateway, lack }: WaypointUse): boolean {
  return lack === undefined && gateway?.spec.gatewayClassName !== waypointClass;
}
