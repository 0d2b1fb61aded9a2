import { allowRuleCanMatch } from '../../src/rules/allow-rule-can-match.ts';
import { testRule } from './test-rule.ts';

const allow = (rules: string): string => `
  kind: AuthorizationPolicy
  metadata: { namespace: istio-egress, name: allow-team-a }
  spec:
    selector: { matchLabels: { istio: egressgateway } }
    rules:
    ${rules}
`;

testRule(allowRuleCanMatch, {
  valid: {
    'a namespace and an SNI': allow(`
    - from: [{ source: { namespaces: [team-a] } }]
      when: [{ key: connection.sni, values: [api.example.com] }]
    `),
    'hosts, where the gateway handles HTTP': allow(`- to: [{ operation: { hosts: [api.example.com] } }]`),
    'a policy without rules means to allow nothing': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: allow-nothing }
      spec: {}
    `,
    'a policy for the whole mesh that is about applications': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-metrics }
      spec: { rules: [{ to: [{ operation: { ports: ["15090"] } }] }] }
    `,
    'a DENY rule is another matter': allow(`- to: [{ operation: { ports: ["80"] } }]`).replace(
      'rules:',
      'action: DENY\n    rules:',
    ),
    'a dry run': allow(`- to: [{ operation: { ports: ["80"] } }]`).replace(
      'name: allow-team-a',
      'name: allow-team-a, annotations: { istio.io/dry-run: "true" }',
    ),
  },

  invalid: {
    'the port of the Service': allow(
      `- to: [{ operation: { ports: ["80"] } }] # ✗ it allows nothing: policies compare the port of the pod, not of the Service, and the gateway's pods listen on 8080`,
    ),
    'a principal that no certificate carries': allow(
      `- from: [{ source: { principals: [spiffe://cluster.local/ns/team-a/sa/default] } }] # ✗ it allows nothing: Istio puts 'spiffe://' in front of every principal, also of 'spiffe://cluster.local/ns/team-a/sa/default'`,
    ),
    'hosts, where the gateway forwards bytes': {
      on: 'end-to-end-tls',
      yaml: allow(
        `- to: [{ operation: { hosts: [api.example.com], ports: ["8443"] } }] # ✗ it allows nothing: it is about HTTP, and where the gateway forwards bytes Istio leaves out an ALLOW rule with such a field`,
      ),
    },
    'one rule of two': {
      on: 'end-to-end-tls',
      yaml: allow(`
    - from: [{ source: { namespaces: [team-a] } }]
    - when: [{ key: 'request.headers[x-team]', values: [b] }] # ✗ it allows nothing: it is about HTTP, and where the gateway forwards bytes Istio leaves out an ALLOW rule with such a field
      `),
    },
    'an SNI that is not sent yet': allow(
      `- when: [{ key: connection.sni, values: [other.example.com] }] # ✗ it allows nothing: no route leads 'other.example.com' to the gateway, and nothing else has that SNI (incomplete)`,
    ),
  },
});
