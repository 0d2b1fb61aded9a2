import { competingRoutes, egressServers } from '../egress/stream-routes.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** A server that terminates TLS and forwards bytes has one route: hosts do not tell connections apart. */
export const tlsServerHasOneDestination = defineRule({
  name: 'tls-server-has-one-destination',
  summary: 'A server that terminates TLS and forwards bytes serves the host of one route.',
  why: 'Behind such a server Istio installs the first `tcp` route of the first VirtualService that fits any of its hosts, for all of them. The SNI chooses the server, not the route: what is meant for the second host goes to the first, and policies judge it as the second.',
  severity: 'error',
  subject: 'Gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com, other.example.com], tls: { mode: ISTIO_MUTUAL } }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  tcp: [{ route: [{ destination: { host: other.example.com, port: { number: 443 } } }] }]
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
  - { port: { number: 443, name: tls-other, protocol: TLS }, hosts: [other.example.com], tls: { mode: ISTIO_MUTUAL } }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  tcp: [{ route: [{ destination: { host: other.example.com, port: { number: 443 } } }] }]
`,
  },

  *check(gateway, reader) {
    for (const { server, namespace } of egressServers(reader, gateway)) {
      if (server.kind !== 'tls-tcp') continue;
      const [first, second] = competingRoutes(reader, namespace, server);
      if (first === undefined || second === undefined) continue;
      const [taken = '', lost = ''] = [first, second].map(({ destinations: [destination] }) => destination?.host);
      yield {
        at: fieldOf(gateway, `${server.field}.hosts`),
        key: server.portName,
        message: `the server forwards all its hosts to '${taken}'; the route to '${lost}' counts for nothing`,
        fix: `give '${lost}' a server of its own`,
        related: [first, second].map(({ source, field }) => fieldOf(source, field)),
      };
    }
  },
});
