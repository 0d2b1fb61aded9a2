import { sniPolicyBindsRoute } from '../../src/rules/sni-policy-binds-route.ts';
import { testRule } from './test-rule.ts';

const server = (hosts: string): string => `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [${hosts}], tls: { mode: ISTIO_MUTUAL } }
  ---
`;

const route = (host: string, gateways = '[egress]'): string => `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: other }
  spec:
    hosts: ['${host}']
    gateways: ${gateways}
    http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
  ---
`;

const indented = (text: string): string => text.trim().replaceAll('\n', '\n    ');

const marked = (hosts: string, other: string): string =>
  server(hosts).replace(
    'tls: { mode: ISTIO_MUTUAL } }',
    `tls: { mode: ISTIO_MUTUAL } } # ✗ the server takes SNI 'api.example.com', by which policies decide, and routes to '${other}' as well`,
  );

testRule(sniPolicyBindsRoute, {
  valid: {
    'a server for the host alone': '# the bundle as it is',
    'a server with room for more hosts': server("'*'"),
    'another host that is not bound to the gateway': `
      ${indented(server("'*'"))}
      ${indented(route('other.example.com', '[mesh]'))}
    `,
    'another host that the server does not take': `
      ${indented(server("'*.example.com'"))}
      ${indented(route('other.example.org'))}
    `,
    'another host behind a server of its own': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
        - { port: { number: 80, name: https-other, protocol: HTTPS }, hosts: [other.example.com], tls: { mode: ISTIO_MUTUAL } }
      ---
      ${indented(route('other.example.com'))}
    `,
    'policies decide by namespace only': `
      ${indented(server("'*'"))}
      ${indented(route('other.example.com'))}
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: [{ from: [{ source: { namespaces: [team-b] } }] }]
    `,
    'a server that forwards bytes has one route': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
        ---
        ${route('other.example.com').trim().replaceAll('\n', '\n      ')}
      `,
    },
  },

  invalid: {
    'a server for every host': `
      ${indented(marked("'*'", 'other.example.com'))}
      ${indented(route('other.example.com'))}
    `,
    'a server with two hosts': `
      ${indented(marked('api.example.com, ./other.example.com', 'other.example.com'))}
      ${indented(route('other.example.com'))}
    `,
    'a server for a domain': `
      ${indented(marked("'*.example.com'", 'other.example.com'))}
      ${indented(route('other.example.com'))}
    `,
  },
});
