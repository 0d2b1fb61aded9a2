import { guardedGateways } from '../egress/policy-hosts.ts';
import { digestOf } from '../istio/digest.ts';
import type { AuthorizationPolicyRule } from '../istio/resources.gen.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** One dash too many turns "these clients, that operation" into "these clients, or that operation". */
export const fromAndToBelongTogether = defineRule({
  name: 'from-and-to-belong-together',
  summary: 'What a rule says of clients and what it says of operations belong to one rule.',
  why: 'Rules of a policy are alternatives. A rule with only `from` beside one with only `to` matches everything that these clients do, and everybody who does that: far more than the two in one rule. Often it is one dash too many.',
  severity: 'warning',
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
  - to: [{ operation: { methods: [DELETE] } }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    to: [{ operation: { methods: [DELETE] } }]
`,
  },

  *check(policy, reader) {
    const { resource, action } = policy;
    if (action === 'AUDIT' || guardedGateways(reader, policy).length === 0) return;
    const rules = resource.spec.rules ?? [];
    for (const [index, rule] of rules.entries()) {
      const before = rules[index - 1];
      if (before === undefined || !areHalves(before, rule)) continue;
      yield {
        at: fieldOf(resource, `spec.rules[${index}]`),
        key: digestOf([before, rule]),
        message: `a rule with only '${clauseOf(before)}' is followed by one with only '${clauseOf(rule)}': either matches on its own`,
        fix: 'merge the two into one rule, or move them into two policies if both are meant alone',
      };
    }
  },
});

type Clause = 'from' | 'to';

function areHalves(one: AuthorizationPolicyRule, other: AuthorizationPolicyRule): boolean {
  const clauses = [clauseOf(one), clauseOf(other)];
  return clauses.includes('from') && clauses.includes('to');
}

/** The only clause of a rule, if it is one of these. */
function clauseOf({ from = [], to = [], when = [] }: AuthorizationPolicyRule): Clause | undefined {
  if (when.length > 0 || from.length > 0 === to.length > 0) return undefined;
  return from.length > 0 ? 'from' : 'to';
}
