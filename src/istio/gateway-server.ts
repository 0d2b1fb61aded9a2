import { type Protocol, parseProtocol, sectionOf } from './protocol.ts';
import type { IstioGatewayServer } from './resources.gen.ts';
import type { ResourceOf, ResourceRef } from './resources.ts';
import { sharedPath } from './shared-path.ts';

/** The TLS mode of a server; `NONE` without TLS. */
type ServerTlsMode =
  | 'NONE'
  | 'PASSTHROUGH'
  | 'SIMPLE'
  | 'MUTUAL'
  | 'ISTIO_MUTUAL'
  | 'OPTIONAL_MUTUAL'
  | 'AUTO_PASSTHROUGH';

/**
 * What a server's filter chain does: `http` plaintext HTTP; `tls-http` terminates TLS, then HTTP; `tls-tcp` terminates TLS,
 * then forwards bytes; `passthrough` forwards TLS by SNI; `auto-passthrough` likewise, by cluster name; `tcp` forwards bytes.
 */
type ServerKind = 'http' | 'tls-http' | 'tls-tcp' | 'passthrough' | 'auto-passthrough' | 'tcp';

/** One `servers[]` element of a Gateway, its zero values resolved. */
export interface GatewayServer {
  readonly resource: ResourceOf<'Gateway' | 'KubernetesGateway' | 'ListenerSet'>;
  /** `namespace/name`, by which VirtualServices refer to the Gateway. */
  readonly gateway: string;
  /** Path in `resource`. */
  readonly field: string;
  /** `host`, or `namespace/host` where only VirtualServices of that namespace may bind. */
  readonly hosts: readonly string[];
  /** The hosts without their namespaces, each once. */
  readonly serverNames: readonly string[];
  /** The port as declared: the one that `match.port` of the gateway leg means. */
  readonly number: number;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly bind: string;
  readonly kind: ServerKind;
  /** As Envoy terminates it: `NONE` for plaintext HTTP whatever `tls` says. */
  readonly mode: ServerTlsMode;
  /** True when `tls` is present at all, which makes its hosts count as duplicates. */
  readonly hasTls: boolean;
  readonly isHttpsRedirect: boolean;
  readonly acceptsUntrusted: boolean;
  /** SANs of which the client's certificate carries one; empty: any. */
  readonly subjectAltNames: readonly string[];
  readonly credentialName: string;
}

/** The servers of an Istio Gateway. Source: pilot/pkg/model/gateway.go `mergeGateways`, `sanitizeServerHostNamespace`. */
export function readServers(resource: ResourceOf<'Gateway'>): readonly GatewayServer[] {
  const { namespace, name } = resource.metadata;
  const servers = (resource.spec.servers ?? []).map((server, index) =>
    readServer(server, { resource, namespace, gateway: `${namespace}/${name}`, field: `spec.servers[${index}]` }),
  );
  return servers.some(({ number }) => number === 0) ? servers.filter(({ number }) => number !== 0) : servers;
}

/** Where a server is written. */
interface ServerPlace {
  readonly resource: GatewayServer['resource'];
  readonly namespace: string;
  readonly gateway: string;
  readonly field: string;
}

/** Reads one server. `PASSTHROUGH` is the zero value of the mode. */
export function readServer(server: IstioGatewayServer, place: ServerPlace): GatewayServer {
  const protocol = parseProtocol(server.port?.protocol);
  const hosts = sanitizeHosts(server.hosts ?? [], place.namespace);
  const declared = server.tls === undefined ? 'NONE' : (server.tls.mode ?? 'PASSTHROUGH');
  const kind = kindOf(protocol, declared);
  return {
    resource: place.resource,
    gateway: place.gateway,
    field: sharedPath(place.field),
    hosts,
    serverNames: [...new Set(hosts.map((host) => host.slice(host.indexOf('/') + 1)))].sort(),
    number: server.port?.number ?? 0,
    portName: server.port?.name ?? '',
    protocol,
    bind: server.bind ?? '',
    kind,
    mode: kind === 'http' ? 'NONE' : declared,
    hasTls: server.tls !== undefined,
    isHttpsRedirect: server.tls?.httpsRedirect ?? false,
    acceptsUntrusted: server.tls?.insecureSkipVerify ?? false,
    subjectAltNames: server.tls?.subjectAltNames ?? [],
    credentialName: server.tls?.credentialName ?? server.tls?.credentialNames?.[0] ?? '',
  };
}

/** How a server is written in its kind of resource. */
interface ServerForm {
  /** The fields below the server's own that hold its hosts and its protocol. */
  readonly hosts: string;
  readonly protocol: string;
  /** What makes it speak mesh TLS. */
  readonly mutual: string;
}

/** The form of servers in a Gateway, or of listeners in a Gateway or ListenerSet of the Gateway API. */
export function serverForm(kind: ResourceRef['kind']): ServerForm {
  if (kind !== 'KubernetesGateway' && kind !== 'ListenerSet')
    return { hosts: 'hosts', protocol: 'port.protocol', mutual: 'tls: {mode: ISTIO_MUTUAL}' };
  const mutual = 'tls: {mode: Terminate, options: {gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL}}';
  return { hosts: 'hostname', protocol: 'protocol', mutual };
}

/** What the Gateway of a server is called in messages: `namespace/name`, as it is written. */
export function displayGateway({ resource: { metadata } }: GatewayServer): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** What a server is called in messages: the name of its port, else the number; a listener of the Gateway API by its own name. */
export function displayServer({ resource, gateway, portName, number }: GatewayServer): string {
  if (resource.kind !== 'Gateway') return gateway.slice(gateway.lastIndexOf('~') + 1);
  return portName === '' ? String(number) : portName;
}

/** True for a server whose host list admits a VirtualService of `namespace`. Source: pkg/config/host/names.go `NamesForNamespace`. */
export function hostsForNamespace(server: GatewayServer, namespace: string): readonly string[] {
  const admitted: string[] = [];
  for (const host of server.hosts) {
    const slash = host.indexOf('/');
    if (slash === -1) admitted.push(host);
    else if (host.slice(0, slash) === namespace || host.slice(0, slash) === '*') admitted.push(host.slice(slash + 1));
  }
  return admitted;
}

/** Source: core/gateway.go `buildGatewayTCPBasedFilterChains`, pkg/config/gateway/gateway.go. */
function kindOf(protocol: Protocol, mode: ServerTlsMode): ServerKind {
  if (sectionOf(protocol) === 'http') return 'http';
  if (mode === 'NONE') return 'tcp';
  if (mode === 'AUTO_PASSTHROUGH') return 'auto-passthrough';
  if (mode === 'PASSTHROUGH') return 'passthrough';
  return protocol === 'HTTPS' ? 'tls-http' : 'tls-tcp';
}

/** `./host` is the Gateway's namespace, `*` before the slash any; a host that is `*` in both parts replaces the whole list. */
function sanitizeHosts(hosts: readonly string[], namespace: string): readonly string[] {
  if (hosts.includes('*/*')) return ['*'];
  return hosts.map((host) => {
    if (host.startsWith('./')) return namespace + host.slice(1);
    return host.startsWith('*/') ? host.slice(2) : host;
  });
}
