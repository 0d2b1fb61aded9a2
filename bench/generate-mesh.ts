import { stringify } from 'yaml';
import type { Manifest } from '../test/webhook/admission-review.ts';

/** How large a generated mesh is. */
export interface MeshSize {
  /** External hosts, with five Istio resources each. */
  readonly hosts: number;
  /** Client namespaces. */
  readonly namespaces: number;
  /** Every client namespace has a Sidecar of its own, and no two are alike. */
  readonly hasSidecars: boolean;
}

/** What belongs to one external host. */
export interface GeneratedHost {
  readonly host: string;
  readonly serviceEntry: Manifest;
  readonly gateway: Manifest;
  readonly virtualService: Manifest;
  /** Of the hop from sidecar to gateway. */
  readonly hopRule: Manifest;
  /** Of the connection from the gateway to the host. */
  readonly hostRule: Manifest;
}

/** A mesh in which nothing is wrong. */
export interface GeneratedMesh {
  readonly hosts: readonly GeneratedHost[];
  /** Gateway, namespaces, policies and Sidecars. */
  readonly surroundings: readonly Manifest[];
}

/** Of the egress gateway. */
export const namespace = 'istio-egress';
const gatewayName = 'istio-egressgateway';
const gatewayHost = `${gatewayName}.${namespace}.svc.cluster.local`;
/** Of its pods. */
export const gatewayLabels = { istio: 'egressgateway' };

/**
 * Generates a mesh: three hosts of four are reached by HTTP, and the gateway originates TLS; the fourth by TLS end to end, inside mutual
 * TLS of the mesh. Everything about hosts lives in the namespace of the gateway. The same seed gives the same mesh.
 */
export function generateMesh({ hosts, namespaces, hasSidecars }: MeshSize, seed = 1): GeneratedMesh {
  const random = randomFrom(seed);
  const clients = Array.from({ length: namespaces }, (_, index) => `team-${index}`);
  const generated = Array.from({ length: hosts }, (_, index) =>
    index % 4 === 3 ? tlsHost(`host-${index}`) : httpHost(`host-${index}`),
  );
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const policies = Array.from({ length: 10 }, (_, index) =>
    policy(`policy-${index}`, pick(clients) ?? '', pick(generated)?.host ?? ''),
  );
  return {
    hosts: generated,
    surroundings: [
      ...gatewayObjects,
      ...clients.map(clientNamespace),
      ...policies,
      ...(hasSidecars ? clients.map(sidecar) : []),
    ],
  };
}

/** A host that the mesh does not have, with all that belongs to it. */
export function furtherHost(name: string): GeneratedHost {
  return httpHost(name);
}

/** The objects of one host: five Istio resources. */
export function objectsOf({ host: _, ...objects }: GeneratedHost): readonly Manifest[] {
  return Object.values(objects);
}

/** A policy that denies a client namespace the way to a host, and concerns no other host. */
export function hostPolicy(name: string, client: string, host: string): Manifest {
  return policy(name, client, host);
}

/** The objects of a mesh as files: one for each host, one for all else. */
export function* meshFiles({ hosts, surroundings }: GeneratedMesh): Generator<readonly [name: string, text: string]> {
  yield ['surroundings.yaml', textOf(surroundings)];
  for (const host of hosts) yield [`${host.host}.yaml`, textOf(objectsOf(host))];
}

/** Objects as the text of a file. */
export function textOf(objects: readonly Manifest[]): string {
  return objects.map((object) => stringify(object)).join('---\n');
}

function httpHost(name: string): GeneratedHost {
  const host = `${name}.example.com`;
  return {
    host,
    serviceEntry: serviceEntry(name, host, { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 }),
    gateway: gateway(name, host, { number: 80, name: `https-${name}`, protocol: 'HTTPS' }),
    virtualService: istio('networking', 'VirtualService', name, {
      hosts: [host],
      gateways: ['mesh', name],
      http: [
        { match: [{ gateways: ['mesh'], port: 80 }], route: [toGateway(name, 80)] },
        { match: [{ gateways: [name], port: 80 }], route: [toHost(host, 80)] },
      ],
    }),
    hopRule: istio('networking', 'DestinationRule', `hop-${name}`, {
      host: gatewayHost,
      subsets: [{ name, trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: host } } }],
    }),
    hostRule: istio('networking', 'DestinationRule', name, {
      host,
      trafficPolicy: {
        portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'SIMPLE', sni: host, subjectAltNames: [host] } }],
      },
    }),
  };
}

function tlsHost(name: string): GeneratedHost {
  const host = `${name}.example.com`;
  const tls = { mode: 'ISTIO_MUTUAL', sni: host };
  return {
    host,
    serviceEntry: serviceEntry(name, host, { number: 443, name: 'tls', protocol: 'TLS' }),
    gateway: gateway(name, host, { number: 443, name: `tls-${name}`, protocol: 'TLS' }),
    virtualService: istio('networking', 'VirtualService', name, {
      hosts: [host],
      gateways: ['mesh', name],
      tls: [{ match: [{ gateways: ['mesh'], port: 443, sniHosts: [host] }], route: [toGateway(name, 443)] }],
      tcp: [{ match: [{ gateways: [name], port: 443 }], route: [toHost(host, 443)] }],
    }),
    hopRule: istio('networking', 'DestinationRule', `hop-${name}`, {
      host: gatewayHost,
      subsets: [{ name, trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls }] } }],
    }),
    hostRule: istio('networking', 'DestinationRule', name, {
      host,
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } },
    }),
  };
}

interface Port {
  readonly number: number;
  readonly name: string;
  readonly protocol: string;
  readonly targetPort?: number;
}

function serviceEntry(name: string, host: string, port: Port): Manifest {
  return istio('networking', 'ServiceEntry', name, {
    hosts: [host],
    location: 'MESH_EXTERNAL',
    resolution: 'DNS',
    ports: [port],
  });
}

function gateway(name: string, host: string, port: Port): Manifest {
  const servers = [{ port, hosts: [host], tls: { mode: 'ISTIO_MUTUAL' } }];
  return istio('networking', 'Gateway', name, { selector: gatewayLabels, servers });
}

function toGateway(subset: string, number: number) {
  return { destination: { host: gatewayHost, subset, port: { number } } };
}

function toHost(host: string, number: number) {
  return { destination: { host, port: { number } } };
}

function policy(name: string, client: string, host: string): Manifest {
  return istio('security', 'AuthorizationPolicy', name, {
    selector: { matchLabels: gatewayLabels },
    action: 'DENY',
    rules: [{ from: [{ source: { namespaces: [client] } }], when: [{ key: 'connection.sni', values: [host] }] }],
  });
}

/** No two import the same: each what its own team shares with others. */
function sidecar(client: string): Manifest {
  const hosts = ['./*', `${namespace}/*`, `shared-by-${client}/*`];
  const object = istio('networking', 'Sidecar', 'default', { egress: [{ hosts }] });
  return { ...object, metadata: { ...object.metadata, namespace: client } };
}

function clientNamespace(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { namespace: '', name, labels: { 'istio-injection': 'enabled' } },
  };
}

function istio(
  group: 'networking' | 'security',
  kind: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Manifest {
  return { apiVersion: `${group}.istio.io/v1`, kind, metadata: { namespace, name }, spec };
}

const gatewayObjects: readonly Manifest[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: gatewayName },
    spec: {
      template: {
        metadata: { labels: gatewayLabels },
        spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: gatewayName },
    spec: {
      selector: gatewayLabels,
      ports: [
        { name: 'http2', port: 80, targetPort: 8080 },
        { name: 'https', port: 443, targetPort: 8443 },
      ],
    },
  },
];

/** Numbers from 0 to 1, the same for the same seed. Source: mulberry32, https://github.com/cprosche/mulberry32 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
