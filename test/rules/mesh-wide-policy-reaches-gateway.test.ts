import { meshWidePolicyReachesGateway } from '../../src/rules/mesh-wide-policy-reaches-gateway.ts';
import { testRule } from './test-rule.ts';

const closed =
  "it applies to every workload of the mesh: the egress gateway in 'istio-egress' denies what no ALLOW policy matches";

testRule(meshWidePolicyReachesGateway, {
  valid: {
    'no such policy': '# the bundle as it is',
    'the policy selects workloads': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-nothing }
      spec: { selector: { matchLabels: { app: istiod } } }
    `,
    'the policy stands in the namespace of a team': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: allow-nothing }
      spec: {}
    `,
    'a policy that names an external host is not scoped, which is worse': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny }
      spec:
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'a DENY that nothing at the gateway matches': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: no-debug }
      spec:
        action: DENY
        rules: [{ to: [{ operation: { ports: ["15000"] } }] }]
    `,
    'a dry run': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-nothing, annotations: { istio.io/dry-run: "true" } }
      spec: {}
    `,
    'nothing goes through a gateway': {
      remove: ['VirtualService istio-egress/api'],
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: istio-system, name: allow-nothing }
        spec: {}
      `,
    },
  },

  invalid: {
    'an empty policy closes everything': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-nothing }
      spec: {} # ✗ ${closed}
    `,
    'an ALLOW policy for applications closes the gateway': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-metrics }
      spec: { rules: [{ to: [{ operation: { ports: ["15090"] } }] }] } # ✗ ${closed}
    `,
    'a DENY by namespace': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: quarantine }
      spec: # ✗ it applies to every workload of the mesh, and denies requests at the egress gateway in 'istio-egress' as well
        action: DENY
        rules: [{ from: [{ source: { namespaces: [team-b] } }] }]
    `,
  },
});
