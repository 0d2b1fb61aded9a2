import type { Path } from '../../src/egress/path.ts';
import type { FieldRef } from '../../src/istio/resources.ts';

/** A field of a resource in `istio-egress`. */
export function fieldAt(kind: FieldRef['kind'], name: string, field: string): FieldRef {
  return { kind, namespace: 'istio-egress', name, field };
}

const service = 'istio-egressgateway.istio-egress.svc.cluster.local';

/** The canonical path: HTTP to the gateway, TLS to the host. */
export const allowedPath: Path = {
  from: { namespace: 'team-a', serviceAccount: 'default' },
  to: { protocol: 'http', host: 'api.example.com', port: 80 },
  outcome: 'allowed',
  stage: 'upstream',
  reason: 'reaches api.example.com:443 with TLS origination; no policy denies it',
  hop: {
    service,
    port: 80,
    podPort: 8080,
    subset: 'api',
    tls: 'ISTIO_MUTUAL',
    sni: 'api.example.com',
    sniIsDefault: false,
    routeAt: fieldAt('VirtualService', 'api', 'spec.http[0].route[0].destination'),
    tlsAt: fieldAt('DestinationRule', 'gateway', 'spec.subsets[0].trafficPolicy.tls'),
  },
  server: {
    gateway: 'istio-egress/egress',
    port: 8080,
    protocol: 'HTTPS',
    mode: 'ISTIO_MUTUAL',
    hosts: ['api.example.com'],
    at: fieldAt('Gateway', 'egress', 'spec.servers[0]'),
    acceptsAnySni: false,
  },
  authorization: { decision: 'ALLOW', policies: [], depends: [] },
  upstream: { host: 'api.example.com', port: 443, tls: 'SIMPLE', sni: 'api.example.com' },
  notes: [],
  decidedBy: [
    fieldAt('VirtualService', 'api', 'spec.http[0].route[0].destination'),
    fieldAt('Gateway', 'egress', 'spec.servers[0]'),
    fieldAt('VirtualService', 'api', 'spec.http[1].route[0].destination'),
  ],
  origination: {
    at: fieldAt('DestinationRule', 'api', 'spec.trafficPolicy.tls'),
    entry: fieldAt('ServiceEntry', 'api', ''),
    host: 'api.example.com',
    port: 80,
    isTlsPort: true,
  },
  alternatives: [],
};

/** A path that a policy refuses. */
export const deniedPath: Path = {
  ...withoutUpstream(allowedPath),
  from: { namespace: 'team-b', serviceAccount: 'default' },
  outcome: 'denied',
  stage: 'authorization',
  reason: 'AuthorizationPolicy istio-egress/deny-team-b denies it',
  authorization: { decision: 'DENY', policies: ['istio-egress/deny-team-b'], depends: ['istio-egress/deny-post'] },
  decidedBy: [...allowedPath.decidedBy.slice(0, 2), fieldAt('AuthorizationPolicy', 'deny-team-b', 'spec.rules[0]')],
};

/** A path that never meets the gateway. */
export const directPath: Path = {
  from: { namespace: 'team-a', serviceAccount: 'batch' },
  to: { protocol: 'tls', host: 'api.example.com', port: 443 },
  outcome: 'direct',
  stage: 'capture',
  reason: 'no VirtualService routes port 443 of api.example.com',
  upstream: { host: 'api.example.com', port: 443, tls: 'DISABLE', sni: '' },
  notes: [],
  decidedBy: [fieldAt('ServiceEntry', 'api', 'spec.ports[1]')],
  alternatives: [],
};

/** A path that fails on the way to the gateway. */
export const brokenPath: Path = {
  from: { namespace: 'team-c', serviceAccount: 'default' },
  to: { protocol: 'http', host: 'api.example.com', port: 80 },
  outcome: 'broken',
  stage: 'hop',
  reason: "subset 'nope' is not defined: the sidecar answers 503",
  hop: {
    service,
    port: 80,
    subset: 'nope',
    sniIsDefault: false,
    routeAt: fieldAt('VirtualService', 'api', 'spec.http[0].route[0].destination'),
  },
  notes: [],
  decidedBy: [fieldAt('VirtualService', 'api', 'spec.http[0].route[0].destination')],
  alternatives: [allowedPath],
};

function withoutUpstream({ upstream: _, ...path }: Path): Path {
  return path;
}
