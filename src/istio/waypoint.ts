import { selectsNamespace } from './label-selector.ts';
import type { Labels, ResourceOf } from './resources.ts';

/** The label of a service, or of its namespace, that names the waypoint of its traffic. */
export const useWaypoint = 'istio.io/use-waypoint';

/** The class of Istio's own waypoints; what those of other vendors do is not known. */
export const waypointClass = 'istio-waypoint';

const useWaypointNamespace = 'istio.io/use-waypoint-namespace';
/** The label of a waypoint that says whose traffic it takes. */
export const waypointFor = 'istio.io/waypoint-for';
const inboundBinding = 'ambient.istio.io/waypoint-inbound-binding';
/** The label of a ServiceEntry that says whether istiod allocates addresses. */
export const autoAllocate = 'networking.istio.io/enable-autoallocate-ip';

/** Classes of Istio's Gateways that are no waypoints. Source: pkg/config/constants/constants.go. */
const otherClasses: ReadonlySet<string | undefined> = new Set([
  'istio',
  'istio-remote',
  'istio-east-west',
  'istio-agentgateway',
]);

/** A Gateway as a service names its waypoint. */
export interface WaypointName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The waypoint that labels name, by default in the namespace of what carries them; `none` where they ask for none, undefined where they
 * say nothing. Source: pilot/pkg/serviceregistry/ambient/waypoints.go `GetUseWaypoint`.
 */
export function namedWaypoint(labels: Labels, namespace: string): WaypointName | 'none' | undefined {
  const name = labels[useWaypoint];
  if (name === undefined || name === 'none') return name;
  return { name, namespace: labels[useWaypointNamespace] ?? namespace };
}

/** Why a Gateway is no waypoint for a service: `class`: of another kind; `traffic`: for workloads only; `namespace`: it does not admit it. */
export type WaypointLack = 'class' | 'traffic' | 'namespace';

/** A namespace with its labels; they are absent where they are not known. */
export interface KnownNamespace {
  readonly name: string;
  readonly labels?: Labels;
}

/**
 * Why a Gateway does not take the traffic of services of a namespace; undefined where it does, and for waypoints of other vendors.
 * Source: pilot/pkg/serviceregistry/ambient/waypoints.go `fetchWaypointForService`, `makeAllowedRoutes`.
 */
export function waypointLack(
  { spec, metadata }: ResourceOf<'KubernetesGateway'>,
  from: KnownNamespace,
): WaypointLack | undefined {
  if (otherClasses.has(spec.gatewayClassName)) return 'class';
  if (spec.gatewayClassName !== waypointClass) return undefined;
  const traffic = metadata.labels[waypointFor] ?? 'service';
  if (traffic !== 'service' && traffic !== 'all') return 'traffic';
  if (inboundBinding in metadata.annotations) return undefined; // says which listener counts
  const listener = spec.listeners?.find(({ protocol, port }) => protocol === 'HBONE' && port === 15_008);
  const { from: scope = 'Same', selector = {} } = listener?.allowedRoutes?.namespaces ?? {};
  if (scope === 'All') return undefined;
  if (scope !== 'Selector') return from.name === metadata.namespace ? undefined : 'namespace';
  return from.labels === undefined || selectsNamespace(selector, from.name, from.labels) ? undefined : 'namespace';
}

/** True for a Gateway that is there for ambient traffic, whoever makes it work. */
export function isWaypoint({ spec, metadata }: ResourceOf<'KubernetesGateway'>): boolean {
  return spec.gatewayClassName === waypointClass || waypointFor in metadata.labels;
}

/**
 * True for a ServiceEntry whose host has an address by which ztunnel knows it: its own, or one that istiod allocates. Without one, no
 * waypoint is asked. Source: pilot/pkg/serviceregistry/ambient/services.go `constructServiceEntries`;
 * pilot/pkg/networking/serviceentry/ip_autoallocation.go `ShouldV2AutoAllocateIP`.
 */
export function hasVirtualAddress({ spec, metadata }: ResourceOf<'ServiceEntry'>, host: string): boolean {
  if ((spec.addresses ?? []).length > 0) return true;
  const resolution = spec.resolution ?? 'NONE';
  if (resolution === 'NONE' || metadata.labels[autoAllocate]?.toLowerCase() === 'false') return false;
  return !host.startsWith('*') || resolution === 'DYNAMIC_DNS';
}
