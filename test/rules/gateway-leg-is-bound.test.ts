import { gatewayLegIsBound } from '../../src/rules/gateway-leg-is-bound.ts';
import { testRule } from './test-rule.ts';

const meshLeg = (gateways: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        ${gateways}
        http:
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
`;

const gatewayLeg = (head: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: gateway-leg }
      spec:
        ${head}
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
`;

const unbound =
  "no VirtualService of 'api.example.com' has a route for Gateway 'istio-egress/egress', at which its requests arrive (incomplete)";

testRule(gatewayLegIsBound, {
  valid: {
    'one VirtualService has both legs': '# the bundle as it is',
    'each leg has a VirtualService': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      ${gatewayLeg('hosts: [api.example.com]\n        gateways: [egress]').trim()}
    `,
    'the one of the gateway is for a wildcard': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      ${gatewayLeg("hosts: ['*.example.com']\n        gateways: [egress]").trim()}
    `,
    'the Gateway that is listed does not exist: gateway-reference-resolves speaks': `
      ${meshLeg('gateways: [mesh, other]').trim()}
    `,
    'only some requests have a route': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: gateway-leg }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http: [{ match: [{ uri: { prefix: /v1 } }], route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
  },
  invalid: {
    'no VirtualService is bound to the Gateway': meshLeg(`gateways: [mesh]  # ✗ ${unbound}`),
    'one is, and all its rules are for sidecars': meshLeg(`gateways: [mesh, egress]  # ✗ ${unbound}`),
    'one of another host is': `
      ${meshLeg(`gateways: [mesh]  # ✗ ${unbound}`).trim()}
      ---
      ${gatewayLeg('hosts: [www.example.com]\n        gateways: [egress]').trim()}
    `,
    'a server of byte streams, which does not even listen': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh]  # ✗ ${unbound}
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
      `,
    },
    'a server that forwards TLS, on a plain hop': {
      on: 'end-to-end-tls',
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: PASSTHROUGH } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh]  # ✗ ${unbound}
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
      `,
    },
    'the route is for the SNI of another host': {
      on: 'end-to-end-tls',
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: ['*.example.com'], tls: { mode: PASSTHROUGH } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: ['*.example.com']
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
          - match:
            - gateways: [egress]
              sniHosts: [www.example.com]  # ✗ no 'tls' match for Gateway 'istio-egress/egress' names SNI 'api.example.com' (incomplete)
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
  },
});
