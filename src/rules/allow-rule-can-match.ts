import { unreachedRules } from '../egress/policy-reach.ts';
import { defineRule } from './define.ts';

/** An ALLOW rule that never matches allows nobody, and its policy closes the gateway for all others. */
export const allowRuleCanMatch = defineRule({
  name: 'allow-rule-can-match',
  summary: 'Every ALLOW rule on the egress gateway matches some request.',
  why: 'Where there is an ALLOW policy, everything is denied that no ALLOW rule matches. A rule that never matches, because of a principal that no certificate carries, a port of the Service or a field about HTTP where the gateway forwards bytes, denies those whom it means to allow.',
  severity: 'error',
  subject: 'policy',
  related: [],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: allow-team-a }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: ALLOW
  rules:
  - from: [{ source: { namespaces: [team-a] } }]
    to: [{ operation: { ports: ["80"] } }]   # the pods listen on 8080
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: allow-team-a }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: ALLOW
  rules:
  - from: [{ source: { namespaces: [team-a] } }]
    to: [{ operation: { ports: ["8080"] } }]
`,
  },

  *check(policy, reader) {
    if (policy.action !== 'ALLOW' || policy.dryRun) return;
    for (const { at, key, reason, fix, related, isIncomplete } of unreachedRules(reader, policy))
      yield { at, key, message: `it allows nothing: ${reason}`, fix, related, incomplete: isIncomplete };
  },
});
