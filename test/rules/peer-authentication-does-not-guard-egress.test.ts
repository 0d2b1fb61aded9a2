import { peerAuthenticationDoesNotGuardEgress } from '../../src/rules/peer-authentication-does-not-guard-egress.ts';
import { testRule } from './test-rule.ts';

const mark = (server: string, port: number): string =>
  `# ✗ STRICT does not hold on gateways: server '${server}' takes connections without mutual TLS on pod port ${port} of the egress gateway`;

/** A PeerAuthentication for the pods of the gateway. */
const strict = (spec: string, namespace = 'istio-egress'): string => `
  kind: PeerAuthentication
  metadata: { namespace: ${namespace}, name: strict }
  spec:
    ${spec}
`;

const forPods = 'selector: { matchLabels: { istio: egressgateway } }';

/** A server of a tenant on the pods, for which there is a route. */
const server = (written: string, section = 'http', destination = 'partner.example.com'): string => `
  ---
  kind: Gateway
  metadata: { namespace: istio-egress, name: partner }
  spec:
    selector: { istio: egressgateway }
    servers: [{ hosts: [partner.example.com], ${written} }]
  ---
  kind: VirtualService
  metadata: { namespace: istio-egress, name: partner }
  spec:
    hosts: [partner.example.com]
    gateways: [partner]
    ${section}:
    - ${section === 'tls' ? 'match: [{ sniHosts: [partner.example.com] }]' : 'name: partner'}
      route: [{ destination: { host: ${destination}, port: { number: 80 } } }]
`;

const plaintext = server('port: { number: 9000, name: http, protocol: HTTP }');
const passthrough = server('port: { number: 443, name: tls, protocol: TLS }, tls: { mode: PASSTHROUGH }', 'tls');
const withoutPolicy = ['AuthorizationPolicy istio-egress/deny-team-b'];

testRule(peerAuthenticationDoesNotGuardEgress, {
  valid: {
    'every server is ISTIO_MUTUAL': strict('mtls: { mode: STRICT }'),
    'the server that is not is for ingress': `
      ${strict(`${forPods}\n    mtls: { mode: STRICT }`)}
      ${server('port: { number: 9000, name: http, protocol: HTTP }', 'http', 'istio-egressgateway-admin')}
  ---
  kind: Service
  metadata: { namespace: istio-egress, name: istio-egressgateway-admin }
  spec: { selector: { app: admin }, ports: [{ name: http, port: 80 }] }
    `,
    'the server only sends clients on to HTTPS':
      strict('mtls: { mode: STRICT }') +
      server('port: { number: 9000, name: http, protocol: HTTP }, tls: { httpsRedirect: true }'),
    'nothing is STRICT': strict(`${forPods}\n    mtls: { mode: PERMISSIVE }`) + plaintext,
    'it is that of the whole mesh': strict('mtls: { mode: STRICT }', 'istio-system') + plaintext,
    'it is for other namespaces': strict('mtls: { mode: STRICT }', 'team-a') + plaintext,
    'it is for other pods of the namespace':
      strict('selector: { matchLabels: { app: shop } }\n    mtls: { mode: STRICT }') + plaintext,
    'the port of the server is left out':
      strict(`${forPods}\n    mtls: { mode: STRICT }\n    portLevelMtls: { '9000': { mode: PERMISSIVE } }`) + plaintext,
    'the namespace is STRICT, and nobody asks who sends the TLS that is forwarded': {
      remove: withoutPolicy,
      yaml: strict('mtls: { mode: STRICT }') + passthrough,
    },
  },

  invalid: {
    'the namespace of the gateway is STRICT': strict(`mtls: { mode: STRICT } ${mark('http', 9000)}`) + plaintext,
    'the pods of the gateway are': strict(`${forPods}\n    mtls: { mode: STRICT } ${mark('http', 9000)}`) + plaintext,
    'one port of them is':
      strict(
        `${forPods}\n    mtls: { mode: PERMISSIVE }\n    portLevelMtls: { '9000': { mode: STRICT } } ${mark('http', 9000)}`,
      ) + plaintext,
    'a port that sets nothing itself':
      strict(
        `${forPods}\n    mtls: { mode: STRICT } ${mark('http', 9000)}\n    portLevelMtls: { '9000': { mode: UNSET } }`,
      ) + plaintext,
    'pods are meant that forward TLS': {
      remove: withoutPolicy,
      yaml: strict(`${forPods}\n    mtls: { mode: STRICT } ${mark('tls', 8443)}`) + passthrough,
    },
    'the namespace is STRICT, and a policy depends on who sends the TLS that is forwarded':
      strict(`mtls: { mode: STRICT } ${mark('tls', 8443)}`) +
      passthrough.replaceAll('partner.example.com', 'api.example.com'),
    'of several servers the first is named':
      strict(`mtls: { mode: STRICT } ${mark('a-http', 9001)}`) +
      plaintext +
      server('port: { number: 9001, name: a-http, protocol: HTTP }')
        .replaceAll('name: partner', 'name: other')
        .replace('[partner]', '[other]'),
    'nothing says yet what the server is for': `${strict(`mtls: { mode: STRICT } ${mark('http', 9000)} (incomplete)`)}${plaintext.split('---').slice(0, 2).join('---')}`,
  },
});
