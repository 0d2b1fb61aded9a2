import { denyRuleIsNotWiderThanWritten } from '../../src/rules/deny-rule-is-not-wider-than-written.ts';
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

const message =
  "# ✗ it is about HTTP and counts for nothing where the gateway forwards bytes: the rule denies 'api.example.com:443' as well";

testRule(denyRuleIsNotWiderThanWritten, {
  valid: {
    'hosts, where the gateway handles HTTP': deny(
      `- to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }]`,
    ),
    'identities, SNI and ports mean the same everywhere': {
      on: 'end-to-end-tls',
      yaml: deny(`
      - from: [{ source: { namespaces: [team-b], notPrincipals: [cluster.local/ns/team-b/sa/good] } }]
        to: [{ operation: { ports: ["8443"] } }]
        when: [{ key: connection.sni, values: [api.example.com] }]
      `),
    },
    'ports keep the rule from servers that forward bytes': {
      on: 'end-to-end-tls',
      yaml: deny(`- to: [{ operation: { hosts: [api.example.com], ports: ["8080"] } }]`),
    },
    'the SNI keeps the rule from them': {
      on: 'end-to-end-tls',
      yaml: deny(`
      - to: [{ operation: { methods: [DELETE] } }]
        when: [{ key: connection.sni, values: [www.example.com] }]
      `),
    },
    'an ALLOW rule is left out there, which is another matter': {
      on: 'end-to-end-tls',
      yaml: deny(`- to: [{ operation: { hosts: [api.example.com] } }]`).replace('DENY', 'ALLOW'),
    },
  },

  invalid: {
    'a host': {
      on: 'end-to-end-tls',
      yaml: deny(`- to: [{ operation: { hosts: [unrelated.example.com] } }] ${message}`),
    },
    'a host that is excluded': {
      on: 'end-to-end-tls',
      yaml: deny(`- to: [{ operation: { notHosts: [api.example.com, "api.example.com:*"] } }] ${message}`),
    },
    'a method beside a namespace': {
      on: 'end-to-end-tls',
      yaml: deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { methods: [DELETE] } }] ${message}
      `),
    },
    'a header': {
      on: 'end-to-end-tls',
      yaml: deny(`- when: [{ key: 'request.headers[x-team]', values: [b] }] ${message}`),
    },
    'a policy for the whole mesh': {
      on: 'end-to-end-tls',
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: istio-system, name: no-trace }
        spec:
          action: DENY
          rules:
          - to: [{ operation: { methods: [TRACE] } }] ${message}
      `,
    },
  },
});
