/** A port's protocol as Istio knows it; `Unsupported` is sniffed at run time. Source: pkg/config/protocol/instance.go. */
export type Protocol =
  | 'GRPC'
  | 'GRPC-Web'
  | 'HTTP'
  | 'HTTP_PROXY'
  | 'HTTP2'
  | 'HTTPS'
  | 'TCP'
  | 'TLS'
  | 'UDP'
  | 'Mongo'
  | 'Redis'
  | 'MySQL'
  | 'Unsupported';

/** The section of a VirtualService that a sidecar consults for a port; `sniffed` consults `http` or `tcp`, never `tls`. */
export type Section = 'http' | 'tls' | 'tcp' | 'sniffed' | 'none';

const protocols = new Map<string, Protocol>([
  ['grpc', 'GRPC'],
  ['grpc-web', 'GRPC-Web'],
  ['http', 'HTTP'],
  ['http_proxy', 'HTTP_PROXY'],
  ['http2', 'HTTP2'],
  ['https', 'HTTPS'],
  ['tcp', 'TCP'],
  ['tls', 'TLS'],
  ['udp', 'UDP'],
  ['mongo', 'Mongo'],
  ['redis', 'Redis'],
  ['mysql', 'MySQL'],
]);

const sections: Readonly<Record<Protocol, Section>> = {
  GRPC: 'http',
  'GRPC-Web': 'http',
  HTTP: 'http',
  HTTP_PROXY: 'http',
  HTTP2: 'http',
  HTTPS: 'tls',
  TLS: 'tls',
  TCP: 'tcp',
  Mongo: 'tcp',
  Redis: 'tcp',
  MySQL: 'tcp',
  UDP: 'none',
  Unsupported: 'sniffed',
};

/** Ports on which sniffing would break server-first protocols. Source: pkg/config/kube/conversion.go `wellKnownPorts`. */
const serverFirstPorts: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

const applicationProtocols = new Map<string, Protocol>([
  ['kubernetes.io/h2c', 'HTTP2'],
  ['kubernetes.io/ws', 'HTTP'],
  ['kubernetes.io/wss', 'HTTPS'],
]);

/** Reads a protocol as ServiceEntries and Gateways write it, whatever its case. Source: pkg/config/protocol/instance.go `Parse`. */
export function parseProtocol(text: string | undefined): Protocol {
  return protocols.get((text ?? '').toLowerCase()) ?? 'Unsupported';
}

/** The section of a VirtualService that a sidecar consults for a port of this protocol. */
export function sectionOf(protocol: Protocol): Section {
  return sections[protocol];
}

/**
 * The protocol of a Kubernetes Service's port: `appProtocol`, else the prefix of its name.
 * Source: pkg/config/kube/conversion.go `ConvertProtocol`.
 */
export function kubernetesProtocol(port: {
  readonly port: number;
  readonly name?: string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}): Protocol {
  if (port.protocol === 'UDP') return 'UDP';
  const standard = port.appProtocol === undefined ? undefined : applicationProtocols.get(port.appProtocol);
  if (standard !== undefined) return standard;
  const name = (port.appProtocol ?? port.name ?? '').toLowerCase();
  if (name.startsWith('grpc-web')) return 'GRPC-Web';
  const parsed = parseProtocol(name.split('-', 1)[0]);
  return parsed === 'Unsupported' && serverFirstPorts.has(port.port) ? 'TCP' : parsed;
}
