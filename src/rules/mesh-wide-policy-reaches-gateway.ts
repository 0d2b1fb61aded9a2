import { egressWorkloads, flowShapes } from '../egress/flows.ts';
import { externalHostsOf, isMeshWide } from '../egress/policy-hosts.ts';
import { matchesSomeFlow } from '../egress/policy-reach.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** A policy for the whole mesh that decides about egress says so. */
export const meshWidePolicyReachesGateway = defineRule({
  name: 'mesh-wide-policy-reaches-gateway',
  summary: 'A policy for the whole mesh does not decide about egress unnoticed.',
  why: 'A policy without selector in the root namespace is in force on the egress gateway, too. An ALLOW policy there denies every request that no ALLOW policy matches, and `spec: {}` is one that matches none: this may be meant, and it may be how egress stops working when somebody secures the mesh.',
  severity: 'warning',
  subject: 'policy',
  related: [],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: allow-nothing }
spec: {}
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: team-a, name: allow-nothing }
spec: {}
`,
  },

  *check(policy, reader) {
    const { resource, action, dryRun } = policy;
    if (dryRun || (action !== 'ALLOW' && action !== 'DENY') || !isMeshWide(reader, policy)) return;
    if (externalHostsOf(reader, resource.spec.rules ?? []).length > 0) return; // egress-policy-is-scoped speaks
    const [gateway] = egressWorkloads(reader).filter((workload) => flowShapes(reader, workload).length > 0);
    if (gateway === undefined || (action === 'DENY' && !matchesSomeFlow(reader, policy))) return;
    yield {
      at: fieldOf(resource, 'spec'),
      key: 'spec',
      message:
        action === 'DENY'
          ? `it applies to every workload of the mesh, and denies requests at the egress gateway in '${gateway.namespace}' as well`
          : `it applies to every workload of the mesh: the egress gateway in '${gateway.namespace}' denies what no ALLOW policy matches`,
      fix: 'add a selector for the workloads that are meant, or verify that egress is meant, too',
    };
  },
});
