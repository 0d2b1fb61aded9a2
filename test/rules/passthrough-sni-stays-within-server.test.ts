import { passthroughSniStaysWithinServer } from '../../src/rules/passthrough-sni-stays-within-server.ts';
import { testRule } from './test-rule.ts';

const server = (hosts: string, mode = 'PASSTHROUGH'): string => `
  kind: Gateway
  metadata: { namespace: istio-egress, name: passthrough }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 8444, name: tls, protocol: TLS }, hosts: [${hosts}], tls: { mode: ${mode} } }
  ---
`;

const route = (host: string, sni: string, mark = '', match = ''): string => `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: passthrough }
  spec:
    hosts: ['${host}']
    gateways: [passthrough]
    tls:
    - match:
      - sniHosts: ['${sni}'] ${mark}
        ${match}
      route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
`;

const lines = (...texts: readonly string[]): string => texts.join('');

testRule(passthroughSniStaysWithinServer, {
  valid: {
    'the SNI is the host of the server': lines(server('www.example.com'), route('www.example.com', 'www.example.com')),
    'in another case': lines(server('www.example.com'), route('WWW.example.com', 'WWW.example.com')),
    'a server for the domain': lines(server("'*.example.com'"), route('*.example.com', 'www.example.com')),
    'a server for every host': lines(server("'*'"), route('*.example.com', '*.example.com')),
    'another server of the port takes the rest': lines(
      server('www.example.com').replace(
        '\n  ---',
        `\n    - { port: { number: 8444, name: tls-all, protocol: TLS }, hosts: ['*.example.com'], tls: { mode: PASSTHROUGH } }
  ---`,
      ),
      route('*.example.com', '*.example.com'),
    ),
    'the route is for another port': lines(
      server('www.example.com'),
      route('*.example.com', '*.example.com', '', 'port: 9443'),
    ),
    'a server that ends TLS has no use for the SNI of routes': lines(
      server('www.example.com', 'ISTIO_MUTUAL'),
      route('*.example.com', '*.example.com'),
    ),
  },

  invalid: {
    'a domain where the server names one host': lines(
      server('www.example.com'),
      route(
        '*.example.com',
        '*.example.com',
        "# ✗ '*.example.com' goes beyond the hosts of the PASSTHROUGH server: 'www.example.com'",
      ),
    ),
    'another host of the domain': lines(
      server('www.example.com'),
      route(
        '*.example.com',
        'mail.example.com',
        "# ✗ 'mail.example.com' goes beyond the hosts of the PASSTHROUGH server: 'www.example.com'",
      ),
    ),
    'the mode is omitted, which means PASSTHROUGH': lines(
      server('www.example.com').replace('tls: { mode: PASSTHROUGH }', 'tls: {}'),
      route(
        '*.example.com',
        '*.example.com',
        "# ✗ '*.example.com' goes beyond the hosts of the PASSTHROUGH server: 'www.example.com'",
      ),
    ),
  },
});
