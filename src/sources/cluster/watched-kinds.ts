import { isJsonObject, type JsonObject } from '../../istio/json-object.ts';
import { readResource } from '../../istio/read-resource.ts';
import { readMeshConfigMap } from '../mesh-config-map.ts';
import type { Reflected } from './reflector.ts';

/** One kind of objects that say what the mesh is. */
export interface WatchedKind {
  /** The API group; empty for Kubernetes' own. */
  readonly group: string;
  readonly kind: string;
  /** Its name in paths. */
  readonly plural: string;
  /** The versions that may be served, the best first: any will do, as one schema reads them all. */
  readonly versions: readonly string[];
}

const networking = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] };
const security = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] };
const gatewayApi = { group: 'gateway.networking.k8s.io' };

/** All kinds that are watched as a whole. The Gateway API, and its younger kinds, need not be installed. */
export const watchedKinds: readonly WatchedKind[] = [
  { ...networking, kind: 'ServiceEntry', plural: 'serviceentries' },
  { ...networking, kind: 'WorkloadEntry', plural: 'workloadentries' },
  { ...networking, kind: 'VirtualService', plural: 'virtualservices' },
  { ...networking, kind: 'DestinationRule', plural: 'destinationrules' },
  { ...networking, kind: 'Gateway', plural: 'gateways' },
  { ...networking, kind: 'Sidecar', plural: 'sidecars' },
  { ...security, kind: 'AuthorizationPolicy', plural: 'authorizationpolicies' },
  { ...security, kind: 'PeerAuthentication', plural: 'peerauthentications' },
  { ...gatewayApi, kind: 'Gateway', plural: 'gateways', versions: ['v1', 'v1beta1'] },
  { ...gatewayApi, kind: 'HTTPRoute', plural: 'httproutes', versions: ['v1', 'v1beta1'] },
  { ...gatewayApi, kind: 'GRPCRoute', plural: 'grpcroutes', versions: ['v1', 'v1alpha2'] },
  { ...gatewayApi, kind: 'TLSRoute', plural: 'tlsroutes', versions: ['v1', 'v1alpha3', 'v1alpha2'] },
  { ...gatewayApi, kind: 'TCPRoute', plural: 'tcproutes', versions: ['v1', 'v1alpha2'] },
  { ...gatewayApi, kind: 'BackendTLSPolicy', plural: 'backendtlspolicies', versions: ['v1', 'v1alpha3'] },
  { ...gatewayApi, kind: 'ReferenceGrant', plural: 'referencegrants', versions: ['v1', 'v1beta1'] },
  { ...gatewayApi, kind: 'ListenerSet', plural: 'listenersets', versions: ['v1'] },
  { group: 'gateway.networking.x-k8s.io', kind: 'XListenerSet', plural: 'xlistenersets', versions: ['v1alpha1'] },
  { group: '', kind: 'Service', plural: 'services', versions: ['v1'] },
  { group: '', kind: 'Namespace', plural: 'namespaces', versions: ['v1'] },
];

const meshConfigName = 'MeshConfig';
const podName = 'Pod';

/** How metrics and messages call a kind: the two Gateways apart. */
function labelOf({ group, kind }: WatchedKind): string {
  return group === gatewayApi.group && kind === 'Gateway' ? 'KubernetesGateway' : kind;
}

/** All names that metrics and messages have for what is watched. */
export const reflectedNames: readonly string[] = [...watchedKinds.map(labelOf), meshConfigName, podName];

/** All objects of a kind. */
export function reflectedKind(watched: WatchedKind): Reflected {
  const { group, kind, plural, versions } = watched;
  return {
    kind: labelOf(watched),
    paths: versions.map((version) => `${group === '' ? '/api' : `/apis/${group}`}/${version}/${plural}`),
    read: (raw) => readResource(withType(raw, `${group === '' ? '' : `${group}/`}${versions[0]}`, kind), 0),
  };
}

/** One ConfigMap, which holds the mesh's configuration. */
export function reflectedMeshConfig({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): Reflected {
  return {
    kind: meshConfigName,
    paths: [`/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`],
    query: { fieldSelector: `metadata.name=${name}` },
    read: (raw) => readMeshConfigMap(withType(raw, 'v1', 'ConfigMap'), 0),
  };
}

/** Which pods: everywhere, or in one namespace. */
export interface PodSelector {
  readonly namespace?: string;
  /** As the API writes it: `istio=egressgateway,app=x`. */
  readonly labels: string;
}

/** Pods with labels that have not ended. */
export function reflectedPods({ namespace, labels }: PodSelector): Reflected {
  return {
    kind: podName,
    paths: [namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`],
    query: { labelSelector: labels, fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
    read: (raw) => readResource(withoutAnnotations(withType(raw, 'v1', 'Pod')), 0),
  };
}

/** Lists of Kubernetes' own kinds do not tell it of each item. */
function withType(raw: JsonObject, apiVersion: string, kind: string): JsonObject {
  return { ...raw, apiVersion, kind };
}

/** Nothing reads those of pods, and sidecar injection and CNIs write long ones. */
function withoutAnnotations(pod: JsonObject): JsonObject {
  const { metadata } = pod;
  return { ...pod, metadata: { ...(isJsonObject(metadata) && metadata), annotations: {} } };
}
