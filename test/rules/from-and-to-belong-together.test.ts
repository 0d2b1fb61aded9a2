import { fromAndToBelongTogether } from '../../src/rules/from-and-to-belong-together.ts';
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

testRule(fromAndToBelongTogether, {
  valid: {
    'clients and operations in one rule': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      to: [{ operation: { methods: [DELETE] } }]
    `),
    'two rules about clients': deny(`
    - from: [{ source: { namespaces: [team-a] } }]
    - from: [{ source: { namespaces: [team-b] } }]
    `),
    'a condition makes a rule one of its own': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
      when: [{ key: connection.sni, values: [api.example.com] }]
    - to: [{ operation: { methods: [DELETE] } }]
    `),
    'they are no neighbours': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
    - when: [{ key: connection.sni, values: [api.example.com] }]
    - to: [{ operation: { methods: [DELETE] } }]
    `),
    'a policy of an application': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: own }
      spec:
        rules:
        - from: [{ source: { namespaces: [team-b] } }]
        - to: [{ operation: { methods: [GET] } }]
    `,
  },

  invalid: {
    'one dash too many': deny(`
    - from: [{ source: { namespaces: [team-b] } }]
    - to: [{ operation: { methods: [DELETE] } }] # ✗ a rule with only 'from' is followed by one with only 'to': either matches on its own
    `),
    'the other way round': deny(`
    - to: [{ operation: { ports: ["8080"] } }]
    - from: [{ source: { namespaces: [team-b] } }] # ✗ a rule with only 'to' is followed by one with only 'from': either matches on its own
    `),
    'in an ALLOW policy': deny(`
    - from: [{ source: { namespaces: [team-a] } }]
    - to: [{ operation: { methods: [GET] } }] # ✗ a rule with only 'from' is followed by one with only 'to': either matches on its own
    `).replace('action: DENY', 'action: ALLOW'),
  },
});
