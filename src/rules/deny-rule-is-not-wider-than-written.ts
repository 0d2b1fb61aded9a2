import { widenedRules } from '../egress/policy-reach.ts';
import { digestOf } from '../istio/digest.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** What a DENY rule says about HTTP counts for nothing where the gateway forwards bytes. */
export const denyRuleIsNotWiderThanWritten = defineRule({
  name: 'deny-rule-is-not-wider-than-written',
  summary: 'No DENY rule with conditions about HTTP applies where the gateway forwards bytes.',
  why: 'On a TCP filter chain Istio drops what a DENY rule says about hosts, methods, paths, headers and tokens, and keeps the rest. The rule then denies more than it says: without any other condition, everything.',
  severity: 'error',
  subject: 'policy',
  related: [],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
  },

  *check(policy, reader) {
    if (policy.action !== 'DENY' || policy.dryRun) return;
    for (const { rule, raw, flow } of widenedRules(reader, policy)) {
      const { host, port } = flow.to;
      yield {
        at: fieldOf(policy.resource, rule.lost ?? rule.field),
        key: `rule ${digestOf(raw)}`,
        message: `it is about HTTP and counts for nothing where the gateway forwards bytes: the rule denies '${host}:${port}' as well`,
        fix: 'use `connection.sni` instead, or add `ports` of the pods that only HTTP servers listen on',
      };
    }
  },
});
