import { unreachedRules } from '../egress/policy-reach.ts';
import { defineRule } from './define.ts';

/** A DENY rule that never matches protects nothing. */
export const denyRuleCanMatch = defineRule({
  name: 'deny-rule-can-match',
  summary: 'Every DENY rule on the egress gateway matches some request.',
  why: 'A DENY rule that never matches protects nothing, and nobody notices: Istio accepts principals that no certificate carries, ports of the Service where the port of the pod is compared, SNIs that the hop never sends, and identities where the server asks for no certificate.',
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
  - from:
    - source: { principals: [spiffe://cluster.local/ns/team-b/sa/x] }
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from:
    - source: { principals: [cluster.local/ns/team-b/sa/x] }
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
  },

  *check(policy, reader) {
    if (policy.action !== 'DENY' || policy.dryRun) return;
    for (const { at, key, reason, fix, related, isIncomplete } of unreachedRules(reader, policy))
      yield { at, key, message: `it denies nothing: ${reason}`, fix, related, incomplete: isIncomplete };
  },
});
