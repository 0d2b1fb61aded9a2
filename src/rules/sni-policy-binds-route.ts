import { flowsWithSni } from '../egress/flows.ts';
import { guardedGateways } from '../egress/policy-hosts.ts';
import { chainFor } from '../egress/server.ts';
import type { GatewayServer } from '../istio/gateway-server.ts';
import { hostsForNamespace, serverForm } from '../istio/gateway-server.ts';
import { covers, isWildcard, overlaps } from '../istio/hosts.ts';
import { fieldOf } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { gatewayVirtualServices } from '../mesh/virtual-services.ts';
import { defineRule } from './define.ts';

/** Where policies decide by SNI, the server that takes the SNI routes to that host alone. */
export const sniPolicyBindsRoute = defineRule({
  name: 'sni-policy-binds-route',
  summary: 'Where policies decide by SNI, the server that accepts it routes to that host alone.',
  why: 'An HTTPS server picks the route by the authority of the request, a policy on `connection.sni` looks at the SNI. With several hosts behind one server a client that sends the SNI of one and asks for another is judged as the first, and served by the second.',
  severity: 'error',
  subject: 'policy',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    hosts: [./api.example.com, ./other.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  http:
  - route:
    - destination: { host: api.example.com, port: { number: 80 } }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
  - port: { number: 80, name: https-other, protocol: HTTPS }
    hosts: [./other.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  http:
  - route:
    - destination: { host: api.example.com, port: { number: 80 } }
`,
  },

  *check(policy, reader) {
    if (policy.dryRun || (policy.action !== 'DENY' && policy.action !== 'ALLOW')) return;
    const snis = new Set(policy.rules.flatMap(({ discriminators }) => [...(discriminators.sni ?? [])]));
    for (const gateway of guardedGateways(reader, policy)) {
      for (const sni of snis) {
        for (const port of portsOf(reader, gateway, sni)) {
          const server = chainFor(reader, gateway, port, sni)?.server;
          const other = server && otherHost(reader, gateway, server, sni);
          if (server === undefined || other === undefined) continue;
          yield {
            at: fieldOf(server.resource, `${server.field}.${serverForm(server.resource.kind).hosts}`),
            key: sni,
            message: `the server takes SNI '${sni}', by which policies decide, and routes to '${other}' as well`,
            fix: `give '${sni}' a server of its own`,
            related: [fieldOf(policy.resource, 'spec.rules')],
          };
        }
      }
    }
  },
});

/** The pod ports at which HTTP arrives with the SNI. */
function portsOf(reader: MeshReader, gateway: Workload, sni: string): ReadonlySet<number> {
  const flows = flowsWithSni(reader, gateway, sni).filter(({ arrival }) => arrival.chain === 'http');
  return new Set(flows.map(({ arrival }) => arrival.podPort));
}

/** A host that the server has routes for, and that is not the SNI's. */
function otherHost(reader: MeshReader, gateway: Workload, server: GatewayServer, sni: string): string | undefined {
  const [only, ...others] = server.serverNames;
  if (only !== undefined && others.length === 0 && !isWildcard(only)) return undefined;
  for (const { hosts, http, resource } of gatewayVirtualServices(reader, gateway.namespace, server.gateway)) {
    if (http.length === 0) continue;
    const admitted = hostsForNamespace(server, resource.metadata.namespace);
    const found = hosts.find(
      (host) => !covers(host.toLowerCase(), sni) && admitted.some((name) => overlaps(name, host)),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
