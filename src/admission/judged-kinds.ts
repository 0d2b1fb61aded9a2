import type { Kind } from '../istio/resources.ts';

/** The kinds whose changes are judged, by API group; requests about all others are admitted unread. Versions do not matter. */
export const judgedKinds = {
  '': { Service: 'Service', Namespace: 'Namespace' },
  'networking.istio.io': {
    ServiceEntry: 'ServiceEntry',
    WorkloadEntry: 'WorkloadEntry',
    VirtualService: 'VirtualService',
    DestinationRule: 'DestinationRule',
    Gateway: 'Gateway',
    Sidecar: 'Sidecar',
  },
  'security.istio.io': {
    AuthorizationPolicy: 'AuthorizationPolicy',
    PeerAuthentication: 'PeerAuthentication',
  },
  'gateway.networking.k8s.io': {
    Gateway: 'KubernetesGateway',
    ListenerSet: 'ListenerSet',
    HTTPRoute: 'HTTPRoute',
    GRPCRoute: 'GRPCRoute',
    TLSRoute: 'TLSRoute',
    TCPRoute: 'TCPRoute',
    BackendTLSPolicy: 'BackendTLSPolicy',
    ReferenceGrant: 'ReferenceGrant',
  },
  'gateway.networking.x-k8s.io': { XListenerSet: 'ListenerSet' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>;

const kindByGroupKind: ReadonlyMap<string, Kind> = new Map(
  Object.entries(judgedKinds).flatMap(([group, kinds]) =>
    Object.entries(kinds).map(([name, kind]) => [`${group}/${name}`, kind] as const),
  ),
);

/** The model's kind of an API kind, or undefined if it is not judged. */
export function judgedKind(apiKind: { readonly group: string; readonly kind: string }): Kind | undefined {
  return kindByGroupKind.get(`${apiKind.group}/${apiKind.kind}`);
}
