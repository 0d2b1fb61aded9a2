import { egressPolicyIsAttached } from '../../src/rules/egress-policy-is-attached.ts';
import { testRule } from './test-rule.ts';

const rules = 'rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]';
const nowhere =
  "the DENY policy names external host 'api.example.com', and applies to no egress gateway that serves it";

const ingress = `
  apiVersion: v1
  kind: Pod
  metadata: { namespace: istio-ingress, name: ingress, labels: { istio: ingressgateway } }
  spec: { containers: [{ name: istio-proxy, image: auto }] }
  ---
  apiVersion: v1
  kind: Service
  metadata: { namespace: istio-ingress, name: ingress }
  spec: { selector: { istio: ingressgateway }, ports: [{ name: https, port: 443, targetPort: 8443 }] }
  ---
`;

const noWaypoint = "the DENY policy targets ServiceEntry 'api', which has no waypoint: nothing asks the policy";

testRule(egressPolicyIsAttached, {
  valid: {
    'the policy selects the gateway pods': '# the bundle as it is',
    'a policy without selector beside the gateway': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec: { action: DENY, ${rules} }
    `,
    'a policy in the root namespace with a selector': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny }
      spec: { selector: { matchLabels: { istio: egressgateway } }, action: DENY, ${rules} }
    `,
    'the policy of an application names its own hosts': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: own }
      spec: { action: DENY, rules: [{ to: [{ operation: { hosts: [a.team-a.svc.cluster.local] } }] }] }
    `,
    'the policy names no host': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: nothing }
      spec: {}
    `,
    'the host comes in by another gateway, which the policy is for': `
      ${ingress.trim().replaceAll('\n', '\n    ')}
      kind: Gateway
      metadata: { namespace: istio-ingress, name: ingress }
      spec:
        selector: { istio: ingressgateway }
        servers:
        - { port: { number: 443, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: SIMPLE, credentialName: api } }
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-ingress, name: deny-admin }
      spec:
        selector: { matchLabels: { istio: ingressgateway } }
        action: DENY
        rules: [{ to: [{ operation: { hosts: [api.example.com, "api.example.com:*"], paths: [/admin*] } }] }]
    `,
    'the policy of a waypoint, which serves the host beside the egress gateway': `
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: { namespace: team-a, name: waypoint }
      spec: { gatewayClassName: istio-waypoint, listeners: [{ name: mesh, port: 15008, protocol: HBONE }] }
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: waypoint }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: waypoint }]
        action: DENY
        rules: [{ to: [{ operation: { hosts: [api.example.com] } }] }]
    `,
    'a policy of the root namespace for all waypoints': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: waypoints }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint }]
        action: DENY
        ${rules}
    `,
    'a policy on a Service of the mesh': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: own }
      spec:
        targetRefs: [{ group: "", kind: Service, name: own }]
        action: DENY
        ${rules}
    `,
    'a policy on a ServiceEntry of the mesh': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: vm }
      spec: { hosts: [vm.internal], location: MESH_INTERNAL, resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: vm }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: vm }]
        action: DENY
        ${rules}
    `,
    'a policy on a ServiceEntry with a waypoint': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api, labels: { istio.io/use-waypoint: egress } }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
        action: DENY
        ${rules}
    `,
    'a policy on a ServiceEntry in a namespace with a waypoint': `
      kind: Namespace
      metadata: { name: istio-egress, labels: { istio.io/use-waypoint: egress } }
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
        action: DENY
        ${rules}
    `,
    'an AUDIT policy decides nothing': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: audit }
      spec: { action: AUDIT, ${rules} }
    `,
    'as long as nothing leads to the gateway, a policy on it waits': {
      remove: ['VirtualService istio-egress/api'],
      yaml: '# the rest of the bundle',
    },
  },

  invalid: {
    'a policy on a ServiceEntry is in another namespace': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-a, name: waypoint }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }] # ✗ the DENY policy targets ServiceEntry 'api', which is not in namespace 'team-a': nothing asks the policy (incomplete)
        action: DENY
        rules: [{ to: [{ operation: { hosts: [api.example.com] } }] }]
    `,
    'a policy for all waypoints is not in the root namespace': {
      on: 'ambient-waypoint',
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: egress, name: waypoints }
        spec:
          targetRefs: [{ group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint }] # ✗ the DENY policy targets all waypoints, which only one in 'istio-system' does: nothing asks the policy
          action: DENY
          ${rules}
      `,
    },
    'a waypoint asks no policy without a target': {
      on: 'ambient-waypoint',
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: egress, name: deny }
        spec:
          selector: { matchLabels: { gateway.networking.k8s.io/gateway-name: egress-wp } } # ✗ the DENY policy names external host 'api.example.com', and applies to no waypoint that serves it
          action: DENY
          ${rules}
        ---
        kind: AuthorizationPolicy
        metadata: { namespace: team-b, name: deny }
        spec: # ✗ the DENY policy names external host 'api.example.com', and applies to no waypoint that serves it
          action: DENY
          ${rules}
      `,
    },
    'a Service that counts as external, without a waypoint': {
      settings: 'externalNamespaces: [mesh-external]',
      yaml: `
        kind: Namespace
        metadata: { name: mesh-external }
        ---
        kind: Service
        metadata: { namespace: mesh-external, name: partner }
        spec: { ports: [{ name: http, port: 80 }] }
        ---
        kind: AuthorizationPolicy
        metadata: { namespace: mesh-external, name: deny }
        spec:
          targetRefs: [{ group: "", kind: Service, name: partner }] # ✗ the DENY policy targets Service 'partner', which has no waypoint: nothing asks the policy
          action: DENY
          ${rules}
      `,
    },
    'a policy in the namespace of the application is asked about nothing that leaves': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-b, name: deny } # ✗ ${nowhere}
      spec: { action: DENY, ${rules} }
    `,
    'the same for a host by its authority': `
      kind: AuthorizationPolicy
      metadata: { namespace: team-b, name: deny } # ✗ ${nowhere}
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: [{ to: [{ operation: { hosts: ["api.example.com:*"] } }] }]
    `,
    'the selector fits no gateway pod': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        selector: { matchLabels: { app: nope } } # ✗ ${nowhere}
        action: DENY
        ${rules}
    `,
    'the selector names labels of the Gateway resource': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny }
      spec:
        selector: { matchLabels: { gateway: egress } } # ✗ ${nowhere}
        action: DENY
        ${rules}
    `,
    'pods of a classic gateway ignore targetRefs': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: egress }] # ✗ ${nowhere}
        action: DENY
        ${rules}
    `,
    'a ServiceEntry without a waypoint asks no policy': `
      kind: Namespace
      metadata: { name: istio-egress, labels: {  } }
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }] # ✗ ${noWaypoint}
        action: DENY
        ${rules}
    `,
    'one that is taken out of the waypoint of its namespace, too': `
      kind: Namespace
      metadata: { name: istio-egress, labels: { istio.io/use-waypoint: egress } }
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api, labels: { istio.io/use-waypoint: none } }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }] # ✗ ${noWaypoint}
        action: DENY
        ${rules}
    `,
    'before the namespace is there, it may have one': {
      remove: ['VirtualService istio-egress/api'],
      yaml: `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }] # ✗ ${noWaypoint} (incomplete)
        action: DENY
        ${rules}
      `,
    },
    'the deprecated single one as well': `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        targetRef: { group: gateway.networking.k8s.io, kind: Gateway, name: egress } # ✗ ${nowhere}
        action: DENY
        ${rules}
    `,
    'before there is a route, the policy may be its first part': {
      remove: ['VirtualService istio-egress/api'],
      yaml: `
        kind: AuthorizationPolicy
        metadata: { namespace: team-b, name: deny }
        spec:
          selector: { matchLabels: { app: b } } # ✗ ${nowhere} (incomplete)
          action: DENY
          ${rules}
      `,
    },
    'one of two hosts goes through another gateway': `
      ${ingress.trim().replaceAll('\n', '\n    ')}
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: other }
      spec: { hosts: [other.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }] }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: other }
      spec:
        hosts: [other.example.com]
        http: [{ route: [{ destination: { host: ingress.istio-ingress.svc.cluster.local, port: { number: 443 } } }] }]
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: # ✗ the DENY policy names external host 'other.example.com', which another egress gateway serves, in 'istio-ingress'
        - when: [{ key: connection.sni, values: [api.example.com, other.example.com] }]
    `,
    'a dry run only reports': `
      kind: AuthorizationPolicy
      metadata:
        namespace: istio-egress
        name: deny
        annotations: { istio.io/dry-run: "true" } # ✗ the DENY policy is a dry run: it reports, and decides nothing
      spec: { selector: { matchLabels: { istio: egressgateway } }, action: DENY, ${rules} }
    `,
  },
});
