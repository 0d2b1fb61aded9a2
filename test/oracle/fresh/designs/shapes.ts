import type { Random } from '../random.ts';
import type { Section, Speech } from '../scene.ts';

interface Port {
  readonly name: string;
  readonly number: number;
  readonly protocol: string;
  readonly targetPort?: number;
}

/** How a server of a gateway takes connections. */
type ServerMode = 'ISTIO_MUTUAL' | 'PASSTHROUGH' | 'plain';

/** One way to lead a host through a classic egress gateway: what has to agree, field by field. */
export interface Shape {
  readonly variant: string;
  readonly speech: Speech;
  /** Ports of the ServiceEntry; the first is the one that is led through the gateway. */
  readonly ports: readonly [Port, ...Port[]];
  readonly hopPort: number;
  readonly legPort: number;
  readonly server: { readonly protocol: string; readonly mode: ServerMode };
  readonly sections: { readonly mesh: Section; readonly gateway: Section };
  readonly isOriginated: boolean;
}

const http: Port = { name: 'http', number: 80, protocol: 'HTTP' };

const byHttp = { mesh: 'http', gateway: 'http' } as const;

function httpShape(variant: string, legPort: number, ports: Shape['ports'], hopPort = 80): Shape {
  return {
    variant,
    speech: 'http',
    ports,
    hopPort,
    legPort,
    server: { protocol: 'HTTPS', mode: 'ISTIO_MUTUAL' },
    sections: byHttp,
    isOriginated: true,
  };
}

function tlsPort(random: Random): Port {
  return { name: 'tls', number: 443, protocol: random.pick(['TLS', 'HTTPS']) };
}

/** A shape as it is drawn: what the host's designs have in common, and which ports they take. */
export type DrawShape = (random: Random) => Shape;

/** Applications speak HTTP, or TLS of their own. */
export const classicShapes: readonly [DrawShape, ...DrawShape[]] = [
  () => httpShape('http-tp', 80, [{ ...http, targetPort: 443 }]),
  (random) => httpShape('http-443', 443, [http, { ...tlsPort(random), name: 'https' }]),
  () => httpShape('http-8443', 80, [{ ...http, targetPort: 443 }], 443),
  () => ({
    ...httpShape('plain', 80, [http]),
    server: { protocol: 'HTTP', mode: 'plain' },
    isOriginated: false,
  }),
  (random) => ({
    variant: 'tls',
    speech: 'tls',
    ports: [tlsPort(random)],
    hopPort: 443,
    legPort: 443,
    server: { protocol: 'TLS', mode: 'ISTIO_MUTUAL' },
    sections: { mesh: 'tls', gateway: 'tcp' },
    isOriginated: false,
  }),
  (random) => ({
    variant: 'passthrough',
    speech: 'tls',
    ports: [tlsPort(random)],
    hopPort: 443,
    legPort: 443,
    server: { protocol: random.pick(['TLS', 'HTTPS']), mode: 'PASSTHROUGH' },
    sections: { mesh: 'tls', gateway: 'tls' },
    isOriginated: false,
  }),
  () => httpShape('grpc', 80, [{ name: 'grpc', number: 80, protocol: 'GRPC', targetPort: 443 }]),
];

/** A host that is reached as raw bytes. */
export interface StreamHost {
  readonly key: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** The hosts of the TCP designs, with the addresses that they resolve to. */
export const streamHosts: readonly [StreamHost, ...StreamHost[]] = [
  { key: 'db', host: 'db.example.com', address: '10.99.1.1', port: 5432 },
  { key: 'red', host: 'redis.other.com', address: '10.99.1.2', port: 6379 },
  { key: 'mon', host: 'mongo.example.com', address: '10.99.1.3', port: 27017 },
];

/** Plain TCP to a TCP server: the gateway does not know who calls. */
export function tcpShape({ port, key }: StreamHost, hopPort: number, protocol: string): Shape {
  return {
    variant: `tcp:${hopPort}`,
    speech: 'tcp',
    ports: [{ name: `tcp-${key}`, number: port, protocol }],
    hopPort,
    legPort: port,
    server: { protocol: 'TCP', mode: 'plain' },
    sections: { mesh: 'tcp', gateway: 'tcp' },
    isOriginated: false,
  };
}

/** TCP over ISTIO_MUTUAL. */
export function mutualTcpShape(host: StreamHost, hopPort: number, protocol: string): Shape {
  return {
    ...tcpShape(host, hopPort, protocol),
    variant: `tcp-im:${hopPort}`,
    server: { protocol: 'TLS', mode: 'ISTIO_MUTUAL' },
  };
}

/** HTTP whose bytes a TLS server forwards. */
export function httpOverTcpShape(hopPort: number, isOriginated: boolean): Shape {
  return {
    variant: `http-im:${hopPort}`,
    speech: 'http',
    ports: [{ ...http, ...(isOriginated && { targetPort: 443 }) }],
    hopPort,
    legPort: 80,
    server: { protocol: 'TLS', mode: 'ISTIO_MUTUAL' },
    sections: { mesh: 'http', gateway: 'tcp' },
    isOriginated,
  };
}
