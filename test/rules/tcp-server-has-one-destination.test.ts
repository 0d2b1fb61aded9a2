import { tcpServerHasOneDestination } from '../../src/rules/tcp-server-has-one-destination.ts';
import { testRule } from './test-rule.ts';

const server = (mark = ''): string => `
  kind: Gateway
  metadata: { namespace: istio-egress, name: databases }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 5432, name: tcp, protocol: TCP }, hosts: ['*'] } ${mark}
  ---
`;

const route = (name: string, port = 5432): string => `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: ${name} }
  spec:
    hosts: [${name}.example.com]
    gateways: [databases]
    tcp: [{ match: [{ port: ${port} }], route: [{ destination: { host: ${name}.example.com, port: { number: 5432 } } }] }]
  ---
`;

const lines = (...texts: readonly string[]): string => texts.join('');

testRule(tcpServerHasOneDestination, {
  valid: {
    'one route': lines(server(), route('orders')),
    'a second route for another port': lines(server(), route('orders'), route('invoices', 5433)),
    'no route yet': server(),
    'a TLS server tells hosts apart by server': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
  },

  invalid: {
    'two routes': lines(
      server(
        "# ✗ every connection on port 5432 goes to 'orders.example.com'; the route to 'invoices.example.com' counts for nothing",
      ),
      route('orders'),
      route('invoices'),
    ),
    'two routes where the server names one of the hosts: hosts do not count': lines(
      server(
        "# ✗ every connection on port 5432 goes to 'orders.example.com'; the route to 'invoices.example.com' counts for nothing",
      ).replace("'*'", 'orders.example.com, invoices.example.com'),
      route('orders'),
      route('invoices'),
    ),
  },
});
