import { parse, parseAllDocuments } from 'yaml';
import { identityOf } from '../demo/manifests.ts';
import { isManifest, type Manifest } from './admission-review.ts';

/** The egress gateway's Service, as hosts of routes and DestinationRules name it. */
export const gatewayService = 'istio-egressgateway.istio-egress.svc.cluster.local';

/** Another Service of the same pods. */
export const secondService = 'second-gateway.istio-egress.svc.cluster.local';

const surroundings = `
apiVersion: v1
kind: Namespace
metadata: { name: team-a, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: team-b, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { namespace: istio-egress, name: istio-egressgateway }
spec:
  template:
    metadata: { labels: { istio: egressgateway } }
    spec: { containers: [{ name: istio-proxy, image: auto }] }
---
apiVersion: v1
kind: Service
metadata: { namespace: istio-egress, name: istio-egressgateway }
spec:
  selector: { istio: egressgateway }
  ports: [{ name: http2, port: 80, targetPort: 8080 }, { name: https, port: 443, targetPort: 8443 }]
---
apiVersion: v1
kind: Service
metadata: { namespace: istio-egress, name: second-gateway }
spec:
  selector: { istio: egressgateway }
  ports: [{ name: http2, port: 80, targetPort: 8080 }]
---
# Sound, as are the next two; changes of them are what the mistakes are about.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [api.example.com] }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: team-a, name: defaults }
spec: { host: "*.internal", trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: istio-egress, name: outliers }
spec: { host: metrics.istio-egress.svc.cluster.local, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } }
---
# A fault of old: it applies to the whole mesh.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: unscoped-of-old }
spec:
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [no-mutual.example.com] }]
---
# A fault of old: a tenant goes around the gateway.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { namespace: team-b, name: bypass-of-old }
spec:
  hosts: [wrong-sni.example.com]
  exportTo: ["."]
  http: [{ route: [{ destination: { host: wrong-sni.example.com, port: { number: 80 } } }] }]
`;

/** How the hop to the gateway is set up for a host. */
export interface Hop {
  /** Namespace of the DestinationRule; default: that of the Service. */
  readonly namespace?: string;
  readonly service?: string;
  /** The \`trafficPolicy\` of the subset. */
  readonly trafficPolicy: string;
}

/** The DestinationRule of the hop to the gateway, for the subset of a host. */
export function hopRule(subset: string, { namespace = 'istio-egress', service = gatewayService, trafficPolicy }: Hop) {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: ${namespace}, name: hop-${subset} }
spec:
  host: ${service}
  subsets: [{ name: ${subset}, trafficPolicy: ${trafficPolicy} }]
`;
}

/** A host that applications reach by HTTP through the gateway, which originates TLS; without the DestinationRule of the hop. */
function routedHost(name: string, service = gatewayService): string {
  const host = `${name}.example.com`;
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { namespace: istio-egress, name: ${name} }
spec:
  hosts: [${host}]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { namespace: istio-egress, name: ${name} }
spec:
  selector: { istio: egressgateway }
  servers:
  - { port: { number: 80, name: https-${name}, protocol: HTTPS }, hosts: [${host}], tls: { mode: ISTIO_MUTUAL } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { namespace: istio-egress, name: ${name} }
spec:
  hosts: [${host}]
  gateways: [mesh, ${name}]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route: [{ destination: { host: ${service}, subset: ${name}, port: { number: 80 } } }]
  - match: [{ gateways: [${name}], port: 80 }]
    route: [{ destination: { host: ${host}, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: istio-egress, name: ${name} }
spec:
  host: ${host}
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] }
`;
}

/** TLS settings as they have to be. */
export function mutualFor(name: string): string {
  return `{ mode: ISTIO_MUTUAL, sni: ${name}.example.com }`;
}

/**
 * A mesh in which something is wrong already: two hosts are routed as they have to be, one of them through a Service whose DestinationRule
 * lives in the root namespace; one waits for its DestinationRule; each namesake mistake is there once.
 */
export const faultyMesh: Readonly<Record<string, string>> = {
  'surroundings.yaml': surroundings,
  'api.yaml': `${routedHost('api')}---${hopRule('api', { trafficPolicy: `{ tls: ${mutualFor('api')} }` })}`,
  'second.yaml': `${routedHost('second', secondService)}---${hopRule('second', {
    namespace: 'istio-system',
    service: secondService,
    trafficPolicy: `{ tls: ${mutualFor('second')} }`,
  })}`,
  'waiting.yaml': routedHost('waiting'),
  'wrong-sni.yaml': `${routedHost('wrong-sni')}---${hopRule('wrong-sni', { trafficPolicy: `{ tls: ${mutualFor('other')} }` })}`,
  'no-mutual.yaml': `${routedHost('no-mutual')}---${hopRule('no-mutual', { trafficPolicy: '{}' })}`,
};

const manifests: ReadonlyMap<string, Manifest> = new Map(
  Object.values(faultyMesh)
    .flatMap((text) => [...parseAllDocuments(text)].map((document): unknown => document.toJS()))
    .filter(isManifest)
    .map((manifest) => [identityOf(manifest), manifest]),
);

/** An object of the faulty mesh: `inMesh('DestinationRule istio-egress/api')`. */
export function inMesh(identity: string): Manifest {
  const found = manifests.get(identity);
  if (found === undefined) throw new Error(`there is no ${identity}`);
  return found;
}

/** One manifest, with another version of its API group where one is given. */
export function manifest(text: string, version?: string): Manifest {
  const value: unknown = parse(text);
  if (!isManifest(value)) throw new Error(`no manifest: ${text}`);
  return version === undefined ? value : inVersion(value, version);
}

/** The same object in another version of its API group. */
export function inVersion(object: Manifest, version: string): Manifest {
  return { ...object, apiVersion: object.apiVersion.replace(/\/.*/, `/${version}`) };
}
