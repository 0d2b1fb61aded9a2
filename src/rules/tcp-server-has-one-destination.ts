import { competingRoutes, egressServers } from '../egress/stream-routes.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** A plain TCP server has one route. */
export const tcpServerHasOneDestination = defineRule({
  name: 'tcp-server-has-one-destination',
  summary: 'A TCP server serves the destination of one route.',
  why: 'Plain TCP carries no name: Istio installs the first `tcp` route of the first VirtualService that is bound to the Gateway, for every connection on the port. A second destination needs a port of its own.',
  severity: 'error',
  subject: 'Gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: databases }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 5432, name: tcp, protocol: TCP }
    hosts: [orders.example.org, invoices.example.org]
---
kind: VirtualService
metadata: { namespace: istio-egress, name: orders }
spec:
  hosts: [orders.example.org]
  gateways: [databases]
  tcp:
  - route:
    - destination: { host: orders.example.org, port: { number: 5432 } }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: invoices }
spec:
  hosts: [invoices.example.org]
  gateways: [databases]
  tcp:
  - route:
    - destination: { host: invoices.example.org, port: { number: 5432 } }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: databases }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 5432, name: tcp-orders, protocol: TCP }
    hosts: [orders.example.org]
  - port: { number: 5433, name: tcp-invoices, protocol: TCP }
    hosts: [invoices.example.org]
---
kind: VirtualService
metadata: { namespace: istio-egress, name: orders }
spec:
  hosts: [orders.example.org]
  gateways: [databases]
  tcp:
  - match: [{ port: 5432 }]
    route:
    - destination: { host: orders.example.org, port: { number: 5432 } }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: invoices }
spec:
  hosts: [invoices.example.org]
  gateways: [databases]
  tcp:
  - match: [{ port: 5433 }]
    route:
    - destination: { host: invoices.example.org, port: { number: 5432 } }
`,
  },

  *check(gateway, reader) {
    for (const { server, namespace } of egressServers(reader, gateway)) {
      if (server.kind !== 'tcp') continue;
      const [first, second] = competingRoutes(reader, namespace, server);
      if (first === undefined || second === undefined) continue;
      const [taken = '', lost = ''] = [first, second].map(({ destinations: [destination] }) => destination?.host);
      yield {
        at: fieldOf(gateway, server.field),
        key: server.portName,
        message: `every connection on port ${server.number} goes to '${taken}'; the route to '${lost}' counts for nothing`,
        fix: `give '${lost}' a port of its own, and match it with \`port\``,
        related: [first, second].map(({ source, field }) => fieldOf(source, field)),
      };
    }
  },
});
