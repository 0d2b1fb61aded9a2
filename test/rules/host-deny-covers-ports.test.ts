import { hostDenyCoversPorts } from '../../src/rules/host-deny-covers-ports.ts';
import { testRule } from './test-rule.ts';

const deny = (rules: string): string => `
  kind: AuthorizationPolicy
  metadata: { namespace: istio-egress, name: deny-team-b }
  spec:
    selector: { matchLabels: { istio: egressgateway } }
    action: DENY
    rules:
    ${rules}
`;

const withPort = "does not match requests for 'api.example.com' with a port, as in 'Host: api.example.com:80'";

testRule(hostDenyCoversPorts, {
  valid: {
    'the host with and without port': deny(`- to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }]`),
    'in two alternatives of one rule': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { hosts: [api.example.com] } }, { operation: { hosts: ["api.example.com:*"] } }]
    `),
    'in two rules that ask for the same otherwise': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { hosts: [api.example.com] } }]
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { hosts: ["api.example.com:*"] } }]
    `),
    'a prefix that leaves the port open': deny(`- to: [{ operation: { hosts: [api.example.*] } }]`),
    'every host': deny(`- to: [{ operation: { hosts: ['*'] } }]`),
    'no host at all, but the SNI': '# the bundle as it is',
    'a host that does not go through the gateway': deny(`- to: [{ operation: { hosts: [www.example.com] } }]`),
    'a byte stream has no authority': {
      on: 'end-to-end-tls',
      yaml: deny(`- to: [{ operation: { hosts: [api.example.com], ports: ["8080"] } }]`),
    },
    'an ALLOW rule that misses a port lets nobody through': deny(
      `- to: [{ operation: { hosts: [api.example.com] } }]`,
    ).replace('DENY', 'ALLOW'),
    'a route that sets the authority leaves the client no choice': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          rewrite: { authority: api.example.com }
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
      ---
      ${deny(`- to: [{ operation: { hosts: [api.example.com] } }]`).trim().replaceAll('\n', '\n    ')}
    `,
  },

  invalid: {
    'the host alone': deny(`- to: [{ operation: { hosts: [api.example.com] } }] # ✗ 'api.example.com' ${withPort}`),
    'in whatever case': deny(`- to: [{ operation: { hosts: [API.example.com] } }] # ✗ 'API.example.com' ${withPort}`),
    'one port of all': deny(`
    - to:
      - operation:
          hosts:
          - api.example.com # ✗ 'api.example.com' ${withPort}
          - api.example.com:80
    `),
    'only with a port': deny(
      `- to: [{ operation: { hosts: ["api.example.com:*"] } }] # ✗ 'api.example.com:*' does not match requests for 'api.example.com' without a port`,
    ),
    'the value with ports is in a rule about others': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { hosts: [api.example.com] } }] # ✗ 'api.example.com' ${withPort}
    - from: [{ source: { namespaces: [team-a] } }]
      to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }]
    `),
    'the hosts under a domain': deny(
      `- to: [{ operation: { hosts: ['*.example.com'] } }] # ✗ '*.example.com' ${withPort}`,
    ),
  },
});
