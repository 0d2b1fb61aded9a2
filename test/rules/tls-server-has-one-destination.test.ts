import { tlsServerHasOneDestination } from '../../src/rules/tls-server-has-one-destination.ts';
import { testRule } from './test-rule.ts';

const server = (hosts: string, mark = ''): string => `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 443, name: tls, protocol: TLS }, hosts: [${hosts}], tls: { mode: ISTIO_MUTUAL } } ${mark}
  ---
`;

const route = (host: string, destination: string, extra = ''): string => `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: other }
  spec:
    hosts: ['${host}']
    gateways: [egress]
    ${extra}
    tcp: [{ route: [{ destination: { host: ${destination}, port: { number: 443 } } }] }]
  ---
`;

const on = 'end-to-end-tls';
const lines = (...texts: readonly string[]): string => texts.join('');

const lost =
  "# ✗ the server forwards all its hosts to 'api.example.com'; the route to 'other.example.com' counts for nothing";

testRule(tlsServerHasOneDestination, {
  valid: {
    'a server for one host': { on, yaml: '# the bundle as it is' },
    'a server for several hosts with one route': { on, yaml: server('api.example.com, other.example.com') },
    'two routes that lead to the same host': {
      on,
      yaml: lines(server("'*.example.com'"), route('other.example.com', 'api.example.com')),
    },
    'a route of another host that the server does not take': {
      on,
      yaml: lines(server("'*.example.com'"), route('other.example.org', 'other.example.org')),
    },
    'a route that the gateway does not see': {
      on,
      yaml: lines(server("'*.example.com'"), route('other.example.com', 'other.example.com', 'exportTo: [team-a]')),
    },
    'a server that handles HTTP tells hosts apart': '# the bundle as it is',
    'a gateway that nothing leads out by': {
      on,
      remove: ['VirtualService istio-egress/api'],
      yaml: lines(
        server("'*.example.com'"),
        route('other.example.com', 'other.example.com'),
        route('more.example.com', 'more.example.com').replace('name: other', 'name: more'),
      ),
    },
  },

  invalid: {
    'two hosts, two routes': {
      on,
      yaml: lines(server('api.example.com, other.example.com', lost), route('other.example.com', 'other.example.com')),
    },
    'a server for every host': {
      on,
      yaml: lines(server("'*'", lost), route('other.example.com', 'other.example.com')),
    },
  },
});
