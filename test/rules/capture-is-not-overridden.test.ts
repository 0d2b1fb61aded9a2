import { captureIsNotOverridden } from '../../src/rules/capture-is-not-overridden.ts';
import { testRule } from './test-rule.ts';

const past = "it routes 'api.example.com' past the egress gateway, to which VirtualService 'istio-egress/api' leads it";

testRule(captureIsNotOverridden, {
  valid: {
    'no other VirtualService names the host': '# the bundle as it is',
    'the same where the application speaks TLS': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a VirtualService of the client leads to the gateway too': `
      kind: VirtualService
      metadata: { namespace: team-a, name: own }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http: [{ timeout: 5s, route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
    `,
    'a younger one for all': `
      kind: VirtualService
      metadata: { namespace: team-a, name: late }
      spec:
        hosts: [api.example.com]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'an older one for a wildcard is less specific': `
      kind: VirtualService
      metadata: { namespace: team-a, name: wild, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        hosts: ['*.example.com']
        http: [{ route: [{ destination: { host: www.example.com, port: { number: 80 } } }] }]
    `,
    'one for another port': `
      kind: VirtualService
      metadata: { namespace: team-a, name: own }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http: [{ match: [{ port: 8080 }], route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'one for a Gateway, not for sidecars': `
      kind: VirtualService
      metadata: { namespace: team-a, name: ingress }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        gateways: [team-a/ingress]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'one that no client sees': `
      kind: VirtualService
      metadata: { namespace: elsewhere, name: hidden, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        hosts: [api.example.com]
        exportTo: ['~']
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'a delegate of the very VirtualService: mesh-route-leads-only-to-gateway speaks': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
        - delegate: { name: parts }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: parts }
      spec:
        http:
        - match: [{ uri: { prefix: /v1 } }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'the host may be reached directly': {
      settings: 'directHosts: [api.example.com]',
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-a, name: direct }
        spec:
          hosts: [api.example.com]
          exportTo: [.]
          http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
      `,
    },
    'a host that nothing leads to the gateway': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: [search.example.org]
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP }]
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: [search.example.org]
        http: [{ timeout: 5s, route: [{ destination: { host: search.example.org } }] }]
    `,
    'a weight of the very VirtualService goes past the gateway: mesh-route-leads-only-to-gateway speaks': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route:
          - { destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }, weight: 90 }
          - { destination: { host: api.example.com, port: { number: 80 } }, weight: 10 }
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'a private one without a route for the request breaks it, and takes it nowhere': `
      kind: VirtualService
      metadata: { namespace: team-a, name: own }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http: [{ match: [{ uri: { prefix: /v2 } }], route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
  },
  invalid: {
    'a private VirtualService of the client': `
      kind: VirtualService
      metadata: { namespace: team-a, name: direct }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'one of an older API version that is exported to a client by name': `
      apiVersion: networking.istio.io/v1beta1
      kind: VirtualService
      metadata: { namespace: elsewhere, name: direct }
      spec:
        hosts: [api.example.com]
        exportTo: [team-a]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'an older one for all': `
      kind: VirtualService
      metadata: { namespace: team-a, name: early, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        hosts: [api.example.com]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'a private one for some pods of the client': `
      kind: VirtualService
      metadata: { namespace: team-a, name: own }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - match: [{ sourceLabels: { app: legacy } }]
          route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'a private one for a wildcard': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: ['*.example.com']
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
      ---
      kind: VirtualService
      metadata: { namespace: team-b, name: own }
      spec:
        hosts: ['*.example.com']
        exportTo: [.]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'an exact host before a wildcard': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: ['*.example.com']
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
      ---
      kind: VirtualService
      metadata: { namespace: team-b, name: late }
      spec:
        hosts: [api.example.com]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
    'a private tls route': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-a, name: direct }
        spec:
          hosts: [api.example.com]
          exportTo: [.]
          tls:
          - match: [{ sniHosts: [api.example.com] }]
            route:
            - destination: { host: api.example.com, port: { number: 443 } }  # ✗ ${past}
      `,
    },
    'a private one leads to a service of the mesh': `
      kind: Service
      metadata: { namespace: team-a, name: mock }
      spec: { selector: { app: mock }, ports: [{ name: http, port: 80 }] }
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: mock }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - route:
          - destination: { host: mock.team-a.svc.cluster.local, port: { number: 80 } }  # ✗ ${past}
    `,
    'two clients, each with one of its own': `
      kind: VirtualService
      metadata: { namespace: team-a, name: direct }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
      ---
      kind: VirtualService
      metadata: { namespace: team-b, name: direct }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        http:
        - route:
          - destination: { host: api.example.com, port: { number: 80 } }  # ✗ ${past}
    `,
  },
});
