import type { Rule } from './define.ts';
import { egressPolicyIsScoped } from './egress-policy-is-scoped.ts';
import { externalPortIsCaptured } from './external-port-is-captured.ts';
import { hopSniMatchesHost } from './hop-sni-matches-host.ts';
import { hopUsesIstioMutual } from './hop-uses-istio-mutual.ts';

/** All rules, sorted by name. */
export const rules: readonly Rule[] = [
  egressPolicyIsScoped,
  externalPortIsCaptured,
  hopSniMatchesHost,
  hopUsesIstioMutual,
];
