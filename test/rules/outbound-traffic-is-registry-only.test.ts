import { outboundTrafficIsRegistryOnly } from '../../src/rules/outbound-traffic-is-registry-only.ts';
import { testRule } from './test-rule.ts';

testRule(outboundTrafficIsRegistryOnly, {
  valid: {
    'the mesh lets only registered traffic out': { on: 'registry-only', yaml: '# the bundle as it is' },
    'a policy without a mode is REGISTRY_ONLY': `
      kind: ConfigMap
      metadata: { namespace: istio-system, name: istio }
      data: { mesh: 'outboundTrafficPolicy: {}' }
    `,
    'no egress is designed': { on: 'mesh', yaml: '# the bundle as it is' },
    'the configuration of the mesh is not in the input': {
      remove: ['ConfigMap istio-system/istio'],
      yaml: '# nobody knows what the mesh lets out',
    },
    'the settings know better': {
      settings: 'istio: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }',
      yaml: '# the bundle as it is',
    },
    'the ConfigMap is that of another revision': {
      on: 'registry-only',
      yaml: `
        kind: ConfigMap
        metadata: { namespace: istio-system, name: istio-canary }
        data: { mesh: 'outboundTrafficPolicy: { mode: ALLOW_ANY }' }
      `,
    },
    'the Sidecar of the mesh lets only registered traffic out': `
      kind: Sidecar
      metadata: { namespace: istio-system, name: default }
      spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY }, egress: [{ hosts: ['*/*'] }] }
    `,
    'a Sidecar says nothing about unknown traffic, or what the mesh says': {
      on: 'registry-only',
      yaml: `
        kind: Sidecar
        metadata: { namespace: team-a, name: default }
        spec: { egress: [{ hosts: ['*/*'] }] }
        ---
        kind: Sidecar
        metadata: { namespace: team-b, name: default }
        spec: { outboundTrafficPolicy: {}, egress: [{ hosts: ['*/*'] }] }
      `,
    },
    'a Sidecar sends unknown traffic to the gateway': {
      on: 'registry-only',
      yaml: `
        kind: Sidecar
        metadata: { namespace: team-a, name: default }
        spec:
          outboundTrafficPolicy:
            mode: ALLOW_ANY
            egressProxy: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } }
          egress: [{ hosts: ['*/*'] }]
      `,
    },
  },
  invalid: {
    'the mesh lets everything out': `
      kind: ConfigMap
      metadata: { namespace: istio-system, name: istio }
      data:
        mesh: 'outboundTrafficPolicy: { mode: ALLOW_ANY }' # ✗ the mesh lets unknown traffic out past the egress gateway (ALLOW_ANY)
    `,
    'the default is to let everything out': `
      kind: ConfigMap
      metadata: { namespace: istio-system, name: istio }
      data:
        mesh: 'trustDomain: cluster.local' # ✗ the mesh lets unknown traffic out past the egress gateway (ALLOW_ANY)
    `,
    'a Sidecar opens again what the mesh has closed': {
      on: 'registry-only',
      yaml: `
        kind: Sidecar
        metadata: { namespace: team-a, name: default }
        spec:
          outboundTrafficPolicy:
            mode: ALLOW_ANY # ✗ the Sidecar lets unknown traffic out past the egress gateway (ALLOW_ANY), which the mesh does not
          egress: [{ hosts: ['*/*'] }]
      `,
    },
    'where the mesh is open, a Sidecar changes nothing': `
      kind: Sidecar
      metadata: { namespace: team-a, name: default }
      spec: { outboundTrafficPolicy: { mode: ALLOW_ANY }, egress: [{ hosts: ['*/*'] }] }
      # ✗ ConfigMap istio-system/istio: the mesh lets unknown traffic out past the egress gateway (ALLOW_ANY)
    `,
  },
});
