import { hopUsesIstioMutual } from '../../src/rules/hop-uses-istio-mutual.ts';
import { testRule } from './test-rule.ts';

/** The design without a subset: what no DestinationRule sets is plaintext. */
const routeWithoutSubset = `
  kind: VirtualService
  metadata: { namespace: istio-egress, name: api }
  spec:
    hosts: [api.example.com]
    gateways: [mesh, egress]
    http:
    - match: [{ gateways: [mesh], port: 80 }]
      route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }]
    - match: [{ gateways: [egress], port: 80 }]
      route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`;

testRule(hopUsesIstioMutual, {
  valid: {
    'the subset is ISTIO_MUTUAL': '# the bundle as it is',
    'the port of the subset is ISTIO_MUTUAL': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a subset without traffic policy inherits ISTIO_MUTUAL': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
        subsets: [{ name: api }]
    `,
    'a subset with other settings inherits ISTIO_MUTUAL of the port': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy:
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
        subsets: [{ name: api, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }]
    `,
    'a route without subset has the ISTIO_MUTUAL of the top level': `
      ${routeWithoutSubset.trim().replaceAll('\n', '\n    ')}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
    `,
    'a wildcard rule serves the gateway': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        ${routeWithoutSubset.trim().replaceAll('\n', '\n      ')}
        ---
        kind: DestinationRule
        metadata: { namespace: istio-system, name: everything }
        spec:
          host: '*.local'
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
      `,
    },
    'pods of the gateway that are marked for mutual TLS need no rule': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        ${routeWithoutSubset.trim().replaceAll('\n', '\n      ')}
        ---
        kind: Deployment
        metadata: { namespace: istio-egress, name: istio-egressgateway }
        spec:
          template:
            metadata: { labels: { istio: egressgateway, app: istio-egressgateway, security.istio.io/tlsMode: istio } }
            spec: { serviceAccountName: istio-egressgateway, containers: [{ name: istio-proxy, image: auto }] }
      `,
    },
    'a PASSTHROUGH server that has no route yet': {
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
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
      `,
    },
    'a PASSTHROUGH server gets the bytes of the application': {
      on: 'end-to-end-tls',
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
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
          - match: [{ gateways: [egress], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
    'a subset that does not exist is another matter': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: '# no DestinationRule at all',
    },
    "a rule that another one of the client's namespace hides is another matter": `
      ${routeWithoutSubset.trim().replaceAll('\n', '\n    ')}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
      ---
      kind: DestinationRule
      metadata: { namespace: team-a, name: wild }
      spec:
        host: '*.local'
        trafficPolicy:
          connectionPool: { tcp: { maxConnections: 10 } }
    `,
    'a subset that nobody routes to may be anything': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: second }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: unused, trafficPolicy: { tls: { mode: DISABLE } } }]
    `,
  },
  invalid: {
    'TLS of the application without a hop of its own waits for the server, which may pass it on': {
      on: 'end-to-end-tls',
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 443 (incomplete)
      `,
    },
    'TLS that the sidecar originates waits for the server, which may pass it on': {
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy:
              tls: { mode: SIMPLE, sni: api.example.com }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is TLS without a certificate of the mesh (SIMPLE) for subset 'api' and port 80 (incomplete)
      `,
    },
    'a plaintext hop for HTTP waits for nothing: no server makes it mutual': {
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
      `,
    },
    'a tls without mode is plaintext': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { sni: api.example.com }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
    `,
    'DISABLE is plaintext': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: DISABLE }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
    `,
    'SIMPLE shows no certificate of the mesh': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: SIMPLE, sni: api.example.com }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is TLS without a certificate of the mesh (SIMPLE) for subset 'api' and port 80
    `,
    'MUTUAL shows a certificate of the users': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: MUTUAL, sni: api.example.com, clientCertificate: /c.pem, privateKey: /k.pem }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is TLS without a certificate of the mesh (MUTUAL) for subset 'api' and port 80
    `,
    'an empty subset sets nothing': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api }]  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
    `,
    'the settings are those of another port': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
          trafficPolicy:
            portLevelSettings: [{ port: { number: 443 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
    `,
    'the settings are those of the port of the pods': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
          trafficPolicy:
            portLevelSettings: [{ port: { number: 8080 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
    `,
    'settings of the port without tls replace the tls of the subset': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
            portLevelSettings:
            - port: { number: 80 }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
              connectionPool: { tcp: { maxConnections: 10 } }
    `,
    'no rule applies to the hop yet': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          http:
          - match: [{ gateways: [mesh], port: 80 }]
            route:
            - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for port 80 (incomplete)
      `,
    },
    'the rule stands in a namespace that nobody looks into': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http:
          - route:
            - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } }  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for port 80 (incomplete)
        ---
        kind: DestinationRule
        metadata: { namespace: elsewhere, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
      `,
    },
    'a plaintext hop reaches a plaintext server': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [api.example.com] }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api }]  # ✗ the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'api' and port 80
    `,
  },
});
