import { egressServers } from '../egress/stream-routes.ts';
import { covers } from '../istio/hosts.ts';
import { fieldOf } from '../istio/resources.ts';
import { serverMatchApplies } from '../istio/virtual-service.ts';
import { overlappingVirtualServices } from '../mesh/gateways.ts';
import { defineRule } from './define.ts';

/** A PASSTHROUGH server forwards what the `sniHosts` of its routes name, whatever its own hosts are. */
export const passthroughSniStaysWithinServer = defineRule({
  name: 'passthrough-sni-stays-within-server',
  summary: 'The `sniHosts` of a route stay within the hosts of the PASSTHROUGH server.',
  why: "The hosts of a PASSTHROUGH server only choose VirtualServices; its filter chains are made of the `sniHosts` of their routes. A route for '*.example.com' opens the gateway for all of that domain, although the server names one host of it.",
  severity: 'error',
  subject: 'Gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: passthrough }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 8444, name: tls, protocol: TLS }
    hosts: [www.example.org]
    tls: { mode: PASSTHROUGH }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: passthrough }
spec:
  hosts: ['*.example.org']
  gateways: [passthrough]
  tls:
  - match: [{ sniHosts: ['*.example.org'] }]
    route: [{ destination: { host: www.example.org, port: { number: 443 } } }]
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: passthrough }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 8444, name: tls, protocol: TLS }
    hosts: [www.example.org]
    tls: { mode: PASSTHROUGH }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: passthrough }
spec:
  hosts: [www.example.org]
  gateways: [passthrough]
  tls:
  - match: [{ sniHosts: [www.example.org] }]
    route: [{ destination: { host: www.example.org, port: { number: 443 } } }]
`,
  },

  *check(gateway, reader) {
    const servers = [...egressServers(reader, gateway)].filter(({ server }) => server.kind === 'passthrough');
    for (const { server, namespace } of servers) {
      // What one server of the port does not take, another may.
      const beside = servers.filter((other) => other.server.number === server.number);
      const names = beside.flatMap((other) => other.server.serverNames.map((name) => name.toLowerCase()));
      const isWithin = (sni: string): boolean => names.some((name) => covers(name, sni.toLowerCase()));
      for (const { resource, tls } of overlappingVirtualServices(reader, namespace, server)) {
        for (const { matches } of tls) {
          for (const match of matches) {
            if (!serverMatchApplies(match, server.gateway, server.number)) continue;
            const beyond = match.sniHosts.find((sni) => !isWithin(sni));
            if (beyond === undefined) continue;
            yield {
              at: fieldOf(resource, `${match.field}.sniHosts`),
              key: beyond,
              message: `'${beyond}' goes beyond the hosts of the PASSTHROUGH server: ${listed(names)}`,
              fix: `narrow it to ${listed(names)}, or add '${beyond}' to the hosts of the server`,
              related: [fieldOf(gateway, `${server.field}.hosts`)],
            };
          }
        }
      }
    }
  },
});

function listed(names: readonly string[]): string {
  const [first = '', ...others] = names;
  return others.length === 0 ? `'${first}'` : `'${first}' and ${others.length} more`;
}
