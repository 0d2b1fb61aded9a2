import type {
  AuthorizationPolicySpec,
  BackendTLSPolicySpec,
  DestinationRuleSpec,
  GRPCRouteSpec,
  HTTPRouteSpec,
  IstioGatewaySpec,
  K8sGatewaySpec,
  ListenerSetSpec,
  PeerAuthenticationSpec,
  ReferenceGrantSpec,
  ServiceEntrySpec,
  SidecarSpec,
  TCPRouteSpec,
  TLSRouteSpec,
  VirtualServiceSpec,
  WorkloadEntrySpec,
} from './resources.gen.ts';

/** Labels, annotations and selectors: a flat map of strings. */
export type Labels = Readonly<Record<string, string>>;

/** The metadata that changes an outcome; everything else is dropped when a resource is read. */
export interface Metadata {
  readonly name: string;
  /** Empty for cluster-scoped kinds (Namespace). */
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `creationTimestamp` in milliseconds since the epoch; `-Infinity` where there is none: as in files, older than what is created now. */
  readonly created: number;
  /** Place in the input. Decides the age among resources without a `creationTimestamp`: earlier is older. */
  readonly place: number;
  /** The API server's `resourceVersion`, where there is one. */
  readonly resourceVersion?: string;
}

/** One resource of kind `K`. */
interface Of<K extends string, S> {
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: S;
}

/** A port of a Kubernetes Service. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  /** A number, or the name of a container port. Absent: the same as `port`. */
  readonly targetPort?: number | string;
  /** `TCP`, `UDP` or `SCTP`. Absent: `TCP`. */
  readonly protocol?: string;
  /** The application protocol; outranks the prefix of `name` when Istio chooses a protocol. */
  readonly appProtocol?: string;
}

/** What of a Kubernetes Service changes an outcome. */
export interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly externalName?: string;
  readonly selector?: Labels;
  readonly ports?: readonly ServicePort[];
}

/**
 * Pods, however they were declared: a Pod itself, or the template of a Deployment, DaemonSet, StatefulSet or ReplicaSet. What declares
 * them is part of their name: see `workloadName`.
 */
export interface WorkloadSpec {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `default` where the pod names none. */
  readonly serviceAccount: string;
  /** Container port numbers by name, for Services whose `targetPort` is a name. */
  readonly containerPorts: Readonly<Record<string, number>>;
  /** True when Istio's proxy is all that runs in the pods: a gateway, whether or not a Gateway selects it. */
  readonly isProxyOnly: boolean;
  /** True for pods that nobody has declared and Istio is about to deploy. */
  readonly isPromised?: boolean;
}

/** The mesh configuration as written in the ConfigMap `istio` (already parsed from its YAML text). */
export type MeshConfigSpec = Readonly<Record<string, unknown>>;

/** One Kubernetes object, sanitised: every field that is present has the type that its schema promises. */
export type Resource =
  | Of<'ServiceEntry', ServiceEntrySpec>
  | Of<'WorkloadEntry', WorkloadEntrySpec>
  | Of<'VirtualService', VirtualServiceSpec>
  | Of<'DestinationRule', DestinationRuleSpec>
  | Of<'Gateway', IstioGatewaySpec>
  | Of<'Sidecar', SidecarSpec>
  | Of<'AuthorizationPolicy', AuthorizationPolicySpec>
  | Of<'PeerAuthentication', PeerAuthenticationSpec>
  | Of<'KubernetesGateway', K8sGatewaySpec>
  | Of<'ListenerSet', ListenerSetSpec>
  | Of<'HTTPRoute', HTTPRouteSpec>
  | Of<'GRPCRoute', GRPCRouteSpec>
  | Of<'TLSRoute', TLSRouteSpec>
  | Of<'TCPRoute', TCPRouteSpec>
  | Of<'BackendTLSPolicy', BackendTLSPolicySpec>
  | Of<'ReferenceGrant', ReferenceGrantSpec>
  | Of<'Service', ServiceSpec>
  | Of<'Workload', WorkloadSpec>
  | Of<'Namespace', Readonly<Record<string, never>>>
  | Of<'MeshConfig', MeshConfigSpec>;

/** The kinds that the model knows. `KubernetesGateway` is the Gateway API's Gateway, as Istio itself calls it. */
export type Kind = Resource['kind'];

/** The resource of one kind. */
export type ResourceOf<K extends Kind> = Extract<Resource, { readonly kind: K }>;

/** The Gateway API's routes, by kind. */
export const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** The kind of a Gateway API route. */
export type RouteKind = (typeof routeKinds)[number];

/** True for what routes are written in: a VirtualService, or a Gateway API route. */
export function isRouting(kind: ResourceRef['kind']): boolean {
  return kind === 'VirtualService' || routeKinds.some((route) => route === kind);
}

/** Names one resource; or the settings, which are no Kubernetes object: then `name` is their file. */
export interface ResourceRef {
  readonly kind: Kind | 'Settings';
  readonly namespace: string;
  readonly name: string;
}

/** Names a field of a resource, as a rule points at it: `spec.http[0].route[0].destination.subset`. */
export interface FieldRef extends ResourceRef {
  /** Path below the object; empty for the object as a whole. */
  readonly field: string;
}

/** A resource as users name it. */
export interface WrittenRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The kind and name that users write: both Gateways are `Gateway`, the mesh configuration is a ConfigMap, and pods are named by what declares them. */
export function writtenRef({ kind, namespace, name }: ResourceRef): WrittenRef {
  if (kind === 'KubernetesGateway') return { kind: 'Gateway', namespace, name };
  if (kind === 'MeshConfig') return { kind: 'ConfigMap', namespace, name };
  if (kind !== 'Workload') return { kind, namespace, name };
  const [declaredBy = '', ...rest] = name.split('/');
  return rest.length === 0 ? { kind, namespace, name } : { kind: declaredBy, namespace, name: rest.join('/') };
}

/** The name of pods in the model, where a Pod and a Deployment of one name are two: `Deployment/name`. */
export function workloadName(declaredBy: string, name: string): string {
  return `${declaredBy}/${name}`;
}

/** `Kind namespace/name`, as messages print it. */
export function displayRef(ref: ResourceRef): string {
  const { kind, namespace, name } = writtenRef(ref);
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** The reference of a resource. */
export function refOf(resource: Resource): ResourceRef {
  return { kind: resource.kind, namespace: resource.metadata.namespace, name: resource.metadata.name };
}

/** The identity of a resource as a map key: `Kind namespace/name`. */
export function idOf(ref: ResourceRef): string {
  return `${ref.kind} ${ref.namespace}/${ref.name}`;
}

/** The same of a resource, to be kept: what a template makes is kept with its parts, what is joined is not. */
export function keptIdOf({ kind, metadata }: Resource): string {
  return [kind, ' ', metadata.namespace, '/', metadata.name].join('');
}

/** Points at a field of a resource. */
export function fieldOf(resource: Resource, field: string): FieldRef {
  const { kind, metadata } = resource;
  return { kind, namespace: metadata.namespace, name: metadata.name, field };
}

/**
 * Orders resources oldest first: creation time, then name, then namespace; among resources without a creation time, place
 * in the input. Source: pilot/pkg/model/config.go `configCompareByCreationTime`.
 */
export function olderFirst(a: Resource, b: Resource): number {
  return earlierFirst(a.metadata, b.metadata);
}

/** The same order by metadata alone: what Istio generates has its own name, and the age of what it is generated from. */
export function earlierFirst(a: Metadata, b: Metadata): number {
  return compareAge(a, b) || compareText(a.name, b.name) || compareText(a.namespace, b.namespace);
}

/** Orders by creation time; without one, by place in the input. Of two that are as old as each other neither comes first. */
export function compareAge(a: Metadata, b: Metadata): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  return Number.isFinite(a.created) ? 0 : a.place - b.place;
}

/** Compares by UTF-16 code units, as Go compares ASCII strings; never by locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
