import type { GatewayServer } from './gateway-server.ts';

/** Where a server without `bind` listens. Source: core/listener_address.go `getWildcardsAndLocalHost`. */
const everyAddress = '0.0.0.0';

/** A server and the pod ports that it listens on. */
export interface ResolvedServer {
  readonly server: GatewayServer;
  readonly ports: readonly number[];
}

/** A server that Istio leaves out, and the one that it lost to. */
export interface DroppedServer {
  readonly server: GatewayServer;
  readonly port: number;
  readonly reason: 'duplicate-host' | 'plaintext-conflict' | 'duplicate-route-name';
  readonly winner: GatewayServer;
}

/** Plaintext HTTP servers that share one route table, or servers of which each has a filter chain of its own. */
interface ServerGroup {
  readonly isHttp: boolean;
  readonly servers: readonly GatewayServer[];
}

/** What listens on one address and port of a gateway pod. */
export interface MergedListener {
  readonly port: number;
  readonly bind: string;
  /** In the order of their filter chains. */
  readonly groups: readonly ServerGroup[];
}

/** All listeners of a gateway workload. */
export interface MergedGateway {
  readonly listeners: readonly MergedListener[];
  readonly dropped: readonly DroppedServer[];
}

/**
 * Merges the servers of all Gateways that select one workload; `servers` come oldest Gateway first.
 * Source: pilot/pkg/model/gateway.go `mergeGateways`.
 */
export function mergeServers(servers: readonly ResolvedServer[]): MergedGateway {
  const merge = new Merge();
  for (const { server, ports } of servers) for (const port of ports) merge.add(server, port);
  return merge.result();
}

interface OpenGroup {
  readonly key: string;
  readonly port: number;
  readonly bind: string;
  readonly isHttp: boolean;
  readonly servers: GatewayServer[];
}

class Merge {
  /** By port, protocol and bind, in order of appearance: Istio's `mergedServers` and `serverPorts`. */
  private readonly groups = new Map<string, OpenGroup>();
  /** The first plaintext group of a port. */
  private readonly plaintext = new Map<number, OpenGroup>();
  private readonly ports = new Set<number>();
  /** By port, the bind and owner of every host of a server with `tls`. */
  private readonly tlsHosts = new Map<number, Map<string, { readonly bind: string; readonly owner: GatewayServer }>>();
  private readonly routeNames = new Map<string, GatewayServer>();
  private readonly dropped: DroppedServer[] = [];

  add(server: GatewayServer, port: number): void {
    if (server.hasTls && !this.claimHosts(server, port)) return;
    const isNewPort = !this.ports.has(port);
    this.ports.add(port);
    const current = this.plaintext.get(port);
    if (!isNewPort && current !== undefined) this.addBesidePlaintext(server, port, current);
    else if (!isTlsServer(server)) this.plaintext.set(port, this.open(server, port));
    else if (this.claimRouteName(server, port)) this.open(server, port);
  }

  result(): MergedGateway {
    const listeners = new Map<string, { port: number; bind: string; groups: OpenGroup[] }>();
    for (const group of this.groups.values()) {
      const key = `${group.bind || everyAddress}_${group.port}`;
      const listener = listeners.get(key) ?? { port: group.port, bind: group.bind, groups: [] };
      listener.groups.push(group);
      listeners.set(key, listener);
    }
    return { listeners: [...listeners.values()], dropped: this.dropped };
  }

  /** False when a host is another server's already: the whole server is left out. Source: `CheckDuplicates`. */
  private claimHosts(server: GatewayServer, port: number): boolean {
    const known = this.tlsHosts.get(port) ?? new Map<string, { bind: string; owner: GatewayServer }>();
    this.tlsHosts.set(port, known);
    for (const host of server.hosts) {
      const claim = known.get(host);
      if (claim === undefined || claim.bind !== server.bind) continue;
      this.dropped.push({ server, port, reason: 'duplicate-host', winner: claim.owner });
      return false;
    }
    for (const host of server.hosts) known.set(host, { bind: server.bind, owner: server });
    return true;
  }

  /** Only HTTP merges with HTTP; anything else on the same bind is left out. */
  private addBesidePlaintext(server: GatewayServer, port: number, current: OpenGroup): void {
    if (current.bind !== server.bind) {
      this.open(server, port);
      return;
    }
    if (server.kind === 'http' && current.isHttp) {
      current.servers.push(server);
      return;
    }
    const [winner = server] = current.servers;
    this.dropped.push({ server, port, reason: 'plaintext-conflict', winner });
  }

  /** Two HTTPS servers of one Gateway with the same port number and name would share a route table. */
  private claimRouteName(server: GatewayServer, port: number): boolean {
    if (server.kind !== 'tls-http') return true;
    const name = `${server.number}.${server.portName}.${server.gateway}.${server.bind}`;
    const winner = this.routeNames.get(name);
    if (winner !== undefined) {
      this.dropped.push({ server, port, reason: 'duplicate-route-name', winner });
      return false;
    }
    this.routeNames.set(name, server);
    return true;
  }

  private open(server: GatewayServer, port: number): OpenGroup {
    const key = `${port} ${server.protocol} ${server.bind}`;
    const existing = this.groups.get(key);
    if (existing !== undefined) {
      existing.servers.push(server);
      return existing;
    }
    const group: OpenGroup = { key, port, bind: server.bind, isHttp: server.kind === 'http', servers: [server] };
    this.groups.set(key, group);
    return group;
  }
}

function isTlsServer(server: GatewayServer): boolean {
  return server.kind !== 'http' && server.hasTls;
}
