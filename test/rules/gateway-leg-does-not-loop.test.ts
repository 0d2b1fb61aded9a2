import { gatewayLegDoesNotLoop } from '../../src/rules/gateway-leg-does-not-loop.ts';
import { testRule } from './test-rule.ts';

const loop =
  "the gateway's route leads back to 'istio-egressgateway.istio-egress.svc.cluster.local', a gateway itself (for 'api.example.com')";

testRule(gatewayLegDoesNotLoop, {
  valid: {
    'the rule that leads to the gateway is for sidecars': '# the bundle as it is',
    'the same for byte streams': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a rule for all in a VirtualService for sidecars only': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: gateway-leg }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
  },
  invalid: {
    'the rule that leads to the gateway applies there too': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - route:
          - destination:  # ✗ ${loop}
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: api
              port: { number: 80 }
    `,
    'the rule for the gateway leads to itself': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route:
          - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } }  # ✗ ${loop}
    `,
    'a rule of a server of byte streams': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
          tcp:
          - route:
            - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } }  # ✗ ${loop}
      `,
    },
  },
});
