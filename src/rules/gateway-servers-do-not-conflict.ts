import { dequal } from 'dequal';
import { exposureOf } from '../egress/exposure.ts';
import { boundTo } from '../egress/gateway-leg.ts';
import type { DroppedServer } from '../istio/gateway-merge.ts';
import { displayGateway, displayServer, type GatewayServer, serverForm } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { isReachable } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineRule, type Problem } from './define.ts';

/** What Gateways of all namespaces put on one port of the gateway's pods goes together. */
export const gatewayServersDoNotConflict = defineRule({
  name: 'gateway-servers-do-not-conflict',
  summary: 'Servers on one port of the egress gateway do not take hosts, or the port itself, from each other.',
  why: 'Istio merges the servers of all Gateways that select the pods, by the port that the pods listen on, oldest first. A server that does not go with an older one is left out as a whole, without a word: its hosts fail, or come under a weaker server. A plaintext server beside TLS takes what no TLS server takes.',
  severity: 'error',
  subject: 'egress gateway',
  related: ['IST0145', 'KIA0301'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: team-b, name: api }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    hosts: [istio-egress/api.example.com]   # as the platform's own server
    tls: { mode: ISTIO_MUTUAL }
`,
    good: `
kind: Gateway
metadata: { namespace: team-b, name: api }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check({ workload, listeners }, reader) {
    for (const dropped of listeners.dropped) {
      if (!isReachable(dropped.server) || isIngress(reader, workload, dropped.port, dropped.server, dropped.winner))
        continue;
      yield { ...problemOf(dropped, workload), ...(isSpare(reader, dropped) && { severity: 'warning' }) };
    }
    const tlsServers = new Map<string, GatewayServer>();
    for (const { port, server } of listeners.servers) {
      const key = `${port} ${server.bind}`;
      if (!isPlaintext(server) && !tlsServers.has(key)) tlsServers.set(key, server);
    }
    for (const { port, server } of listeners.servers) {
      const beside = tlsServers.get(`${port} ${server.bind}`);
      if (beside === undefined || !isPlaintext(server) || isIngress(reader, workload, port, server, beside)) continue;
      yield {
        at: fieldOf(server.resource, `${server.field}.port`),
        key: `${displayServer(server)} beside TLS`,
        message: `server '${displayServer(server)}' is plaintext on pod port ${port}, where ${otherName(server, beside)} is TLS`,
        fix: 'move it to a port of its own',
        related: [fieldOf(beside.resource, beside.field)],
      };
    }
  },
});

/** Two servers that both lead into the mesh are no matter of egress. */
function isIngress(
  reader: MeshReader,
  workload: Workload,
  port: number,
  ...servers: readonly GatewayServer[]
): boolean {
  return servers.every((server) => exposureOf(reader, workload, port, server).leads === 'inward');
}

/**
 * A server that Istio leaves out without harm, as it is the very same, and whatever serves the hosts from the other's Gateway serves them
 * from its own: so hosts move from one Gateway to another without a gap.
 */
function isSpare(reader: MeshReader, { server, winner, reason }: DroppedServer): boolean {
  if (reason !== 'duplicate-host' || server.gateway === winner.gateway) return false;
  if (!dequal(behaviourOf(server), behaviourOf(winner)) || !server.hosts.every((host) => winner.hosts.includes(host)))
    return false;
  const bound = server.serverNames.flatMap((name) => [
    ...boundTo(reader, name.toLowerCase(), winner.gateway),
    ...boundTo(reader, name.toLowerCase(), server.gateway),
  ]);
  return (
    bound.length > 0 &&
    bound.every(({ gateways }) => gateways.includes(server.gateway) && gateways.includes(winner.gateway))
  );
}

/** What requests notice of a server, besides its hosts. */
function behaviourOf(server: GatewayServer): unknown {
  const { kind, mode, number, acceptsUntrusted, subjectAltNames, credentialName, isHttpsRedirect } = server;
  return { kind, mode, number, acceptsUntrusted, subjectAltNames, credentialName, isHttpsRedirect };
}

/** It is the younger server that is left out; where it is the platform's, the other one is what is to be changed. */
function problemOf(dropped: DroppedServer, { namespace }: Workload): Problem {
  const { server, winner } = dropped;
  const isIntruded = isOf(server, namespace) && !isOf(winner, namespace);
  const [here, there] = isIntruded ? [winner, server] : [server, winner];
  const { field, claim, fix } = clashOf(dropped);
  return {
    at: fieldOf(here.resource, `${here.field}.${field}`),
    key: `${displayServer(here)} and ${displayGateway(there)} ${displayServer(there)}`,
    message: isIntruded
      ? `server '${displayServer(here)}' ${claim}, so Istio leaves out ${otherName(here, there)}`
      : `Istio leaves out server '${displayServer(here)}': ${otherName(here, there)}, which comes first, ${claim}`,
    fix,
    related: [fieldOf(there.resource, there.field)],
  };
}

/** What the two have in common. */
interface Clash {
  readonly field: string;
  readonly claim: string;
  readonly fix: string;
}

function clashOf({ server, winner, port, reason }: DroppedServer): Clash {
  if (reason === 'duplicate-host') {
    const host = server.hosts.find((name) => winner.hosts.includes(name)) ?? '';
    const form = serverForm(server.resource.kind);
    const name = server.resource.kind === 'Gateway' ? host : host.slice(host.indexOf('/') + 1);
    return { field: form.hosts, claim: `has '${name}' on pod port ${port}`, fix: `drop '${name}' from one of them` };
  }
  if (reason === 'duplicate-route-name') {
    const claim = `has the port name '${server.portName}' on pod port ${port}`;
    return { field: 'port.name', claim, fix: 'give the port a name of its own' };
  }
  return { field: 'port', claim: `holds pod port ${port} in plaintext`, fix: 'move one of them to a port of its own' };
}

function isPlaintext({ kind }: GatewayServer): boolean {
  return kind === 'http' || kind === 'tcp';
}

function isOf({ resource }: GatewayServer, namespace: string): boolean {
  return resource.metadata.namespace === namespace;
}

function otherName(here: GatewayServer, there: GatewayServer): string {
  const where = displayGateway(here) === displayGateway(there) ? '' : ` of Gateway '${displayGateway(there)}'`;
  return `server '${displayServer(there)}'${where}`;
}
