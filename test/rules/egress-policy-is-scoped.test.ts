import { egressPolicyIsScoped } from '../../src/rules/egress-policy-is-scoped.ts';
import { testRule } from './test-rule.ts';

testRule(egressPolicyIsScoped, {
  valid: {
    'the policy selects the egress gateway': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'a policy beside the gateway, in a namespace of its own, needs no selector': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'the policy names the gateway that it is for': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: egress }]
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'a policy for the whole mesh that names no host': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-all }
      spec: {}
    `,
    'a policy for the whole mesh by namespace only': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        action: DENY
        rules: [{ from: [{ source: { namespaces: [team-b] } }] }]
    `,
    'the hosts are services of the mesh': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-admin }
      spec:
        action: DENY
        rules: [{ to: [{ operation: { hosts: [admin.team-a.svc.cluster.local, admin.corp.example] } }] }]
    `,
    'an AUDIT policy refuses nobody': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: audit }
      spec:
        action: AUDIT
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'another condition happens to hold the name of the host': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-referer }
      spec:
        action: DENY
        rules: [{ when: [{ key: 'request.headers[referer]', values: [api.example.com] }] }]
    `,
    'the policy stands in another namespace than the root': {
      settings: 'istio: { rootNamespace: istio-root }',
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: istio-system, name: deny-team-b }
        spec:
          action: DENY
          rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
      `,
    },
  },
  invalid: {
    'a DENY by SNI for every workload': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules:
        - from: [{ source: { namespaces: [team-b] } }]
          when: [{ key: connection.sni, values: [api.example.com] }]
    `,
    'an ALLOW by SNI for every workload': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: allow-team-a }
      spec:  # ✗ the ALLOW policy names external host 'api.example.com' and applies to every workload of the mesh
        rules:
        - from: [{ source: { namespaces: [team-a] } }]
          when: [{ key: connection.sni, values: [api.example.com] }]
    `,
    'a DENY by host and port': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ to: [{ operation: { hosts: [API.example.com, 'api.example.com:80', 'api.example.com:*'] } }] }]
    `,
    'a DENY for all but one SNI': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-others }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ when: [{ key: connection.sni, notValues: [api.example.com] }] }]
    `,
    'a DENY for all but one host': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-others }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ to: [{ operation: { notHosts: [api.example.com] } }] }]
    `,
    'a selector without labels selects every workload': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        selector: {}  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'a wildcard that covers the host': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: ['*.example.com'] }] }]
    `,
    'several hosts in several rules are one finding': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: www }
      spec:
        hosts: [www.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP }]
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and 1 more and applies to every workload of the mesh
        action: DENY
        rules:
        - when: [{ key: connection.sni, values: [www.example.com, unknown.example.com] }]
        - to: [{ operation: { hosts: [api.example.com] } }]
    `,
    'each of two policies': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-a }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ from: [{ source: { namespaces: [team-a] } }], when: [{ key: connection.sni, values: [api.example.com] }] }]
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
        action: DENY
        rules: [{ from: [{ source: { namespaces: [team-b] } }], when: [{ key: connection.sni, values: [api.example.com] }] }]
    `,
    'the root namespace has another name': {
      settings: 'istio: { rootNamespace: istio-root }',
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: istio-root, name: deny-team-b }
        spec:  # ✗ the DENY policy names external host 'api.example.com' and applies to every workload of the mesh
          action: DENY
          rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
      `,
    },
  },
});
