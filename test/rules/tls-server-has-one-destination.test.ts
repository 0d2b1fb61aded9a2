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

/** A VirtualService of a tenant for the host of the bundle's server; `age`: older than the bundle's where it is set. */
const tenant = (destinations: string, mark = '', { age = '', hosts = 'api.example.com' } = {}): string => `
  kind: VirtualService
  metadata: { namespace: team-b, name: elsewhere ${age === '' ? '' : `, creationTimestamp: ${age}`} }
  spec:
    hosts: ['${hosts}']
    gateways: [istio-egress/egress]
    tcp:
    - route: [${destinations}] ${mark}
    - route: [{ destination: { host: third.example.com, port: { number: 443 } } }]
`;

/** The VirtualService of the bundle with other routes on the gateway. */
const platform = (...destinations: readonly string[]): string => `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: api }
  spec:
    hosts: [api.example.com]
    gateways: [mesh, egress]
    tls:
    - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
      route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
    tcp: [${destinations.map((destination) => `{ match: [{ gateways: [egress] }], route: [${destination}] }`).join(', ')}]
`;

const to = (host: string, port = 443): string => `{ destination: { host: ${host}, port: { number: ${port} } } }`;
const older = { age: '2025-01-01T00:00:00Z' };

const claim = (what: string, host = 'other.example.com'): string =>
  `# ✗ server 'tls-api' of Gateway 'istio-egress/egress' is for 'api.example.com': this route to '${host}' ${what}`;
const waits = claim('counts for nothing until it comes first');

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
    'two VirtualServices for the host of a server that lead there': { on, yaml: tenant(to('api.example.com')) },
    'the same where they lead to different ports': { on, yaml: tenant(to('API.example.com', 8443)) },
    'several routes of one VirtualService, of which the first leads to the host': {
      on,
      yaml: platform(to('api.example.com'), to('other.example.com')),
    },
    'several routes of one VirtualService, of which the first leads elsewhere': {
      on,
      yaml: platform(to('other.example.com'), to('api.example.com')),
    },
    'another namespace is not admitted by the server': {
      on,
      yaml: lines(server('./api.example.com'), tenant(to('other.example.com'))),
    },
    'one that is for another port': {
      on,
      yaml: tenant(to('other.example.com')).replaceAll('- route', '- match: [{ port: 444 }]\n      route'),
    },
    'a server that leads its only host elsewhere, on purpose': { on, yaml: platform(to('proxy.example.com')) },
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
    'a younger VirtualService waits for the server of one host': { on, yaml: tenant(to('other.example.com'), waits) },
    'a younger one for all hosts of a domain does': {
      on,
      yaml: tenant(to('other.example.com'), waits, { hosts: '*.example.com' }),
    },
    'a younger one that leads there in part does': {
      on,
      yaml: tenant(
        `{ destination: { host: api.example.com }, weight: 90 }, { destination: { host: other.example.com }, weight: 10 }`,
        claim('counts for nothing until it comes first', 'api.example.com'),
      ),
    },
    'an older one takes it over': {
      on,
      yaml: tenant(to('other.example.com'), claim('comes first, and takes every connection'), older),
    },
    'one waits behind another that leads elsewhere too': {
      on,
      yaml: lines(platform(to('proxy.example.com')), '---', tenant(to('other.example.com'), waits)),
    },
    'two wait, each for itself': {
      on,
      yaml: lines(
        tenant(to('other.example.com'), waits),
        '---',
        tenant(to('more.example.com'), claim('counts for nothing until it comes first', 'more.example.com')).replace(
          'name: elsewhere',
          'name: more',
        ),
      ),
    },
    'a server for every host': {
      on,
      yaml: lines(server("'*'", lost), route('other.example.com', 'other.example.com')),
    },
  },
});
