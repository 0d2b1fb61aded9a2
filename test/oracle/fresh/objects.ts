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
} from '../../../src/istio/resources.gen.ts';

/** What may still be changed, all the way down. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Draft<T[Key]> }
    : T;

/** A flat map of strings. */
export type Labels = Record<string, string>;

interface ServicePort {
  name: string;
  port: number;
  targetPort: number | string;
  protocol: 'TCP';
}

interface PodSpec {
  serviceAccountName: string;
  containers: { name: string; image: string; ports?: { name: string; containerPort: number }[] }[];
}

/** The `spec` of each kind that designs are made of. */
interface Specs {
  ServiceEntry: Draft<ServiceEntrySpec>;
  VirtualService: Draft<VirtualServiceSpec>;
  DestinationRule: Draft<DestinationRuleSpec>;
  Gateway: Draft<IstioGatewaySpec>;
  Sidecar: Draft<SidecarSpec>;
  AuthorizationPolicy: Draft<AuthorizationPolicySpec>;
  PeerAuthentication: Draft<PeerAuthenticationSpec>;
  KubernetesGateway: Draft<K8sGatewaySpec>;
  ListenerSet: Draft<ListenerSetSpec>;
  HTTPRoute: Draft<HTTPRouteSpec>;
  GRPCRoute: Draft<GRPCRouteSpec>;
  TLSRoute: Draft<TLSRouteSpec>;
  TCPRoute: Draft<TCPRouteSpec>;
  BackendTLSPolicy: Draft<BackendTLSPolicySpec>;
  ReferenceGrant: Draft<ReferenceGrantSpec>;
  Service: { type: string; selector: Labels; ports: ServicePort[] };
  Deployment: { selector: { matchLabels: Labels }; template: { metadata: { labels: Labels }; spec: PodSpec } };
  Pod: PodSpec;
  Namespace: Record<string, never>;
}

/** A kind of object; `KubernetesGateway` is the Gateway API's Gateway. */
export type Kind = keyof Specs;

interface ObjectMetadata {
  name: string;
  namespace?: string;
  labels?: Labels;
  annotations?: Labels;
  creationTimestamp?: string;
}

/** A Kubernetes object of a case while it is being made. */
export type KubeObject = { [K in Kind]: { kind: K; metadata: ObjectMetadata; spec: Specs[K] } }[Kind];

/** The object of one kind. */
export type ObjectOf<K extends Kind> = Extract<KubeObject, { kind: K }>;

const apiVersions: Readonly<Record<Kind, string>> = {
  ServiceEntry: 'networking.istio.io/v1',
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  Gateway: 'networking.istio.io/v1',
  Sidecar: 'networking.istio.io/v1',
  AuthorizationPolicy: 'security.istio.io/v1',
  PeerAuthentication: 'security.istio.io/v1',
  KubernetesGateway: 'gateway.networking.k8s.io/v1',
  ListenerSet: 'gateway.networking.k8s.io/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  GRPCRoute: 'gateway.networking.k8s.io/v1',
  TLSRoute: 'gateway.networking.k8s.io/v1',
  TCPRoute: 'gateway.networking.k8s.io/v1alpha2',
  BackendTLSPolicy: 'gateway.networking.k8s.io/v1',
  ReferenceGrant: 'gateway.networking.k8s.io/v1beta1',
  Service: 'v1',
  Deployment: 'apps/v1',
  Pod: 'v1',
  Namespace: 'v1',
};

/** The object as a manifest has it. */
export function manifestOf({ kind, metadata, spec }: KubeObject): object {
  const written = kind === 'KubernetesGateway' ? 'Gateway' : kind;
  const body = kind === 'Namespace' ? {} : { spec };
  return { apiVersion: apiVersions[kind], kind: written, metadata, ...body };
}

/** A time in milliseconds as Kubernetes writes it: in seconds. */
export function timestamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
