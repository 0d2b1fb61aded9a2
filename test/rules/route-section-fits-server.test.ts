import { routeSectionFitsServer } from '../../src/rules/route-section-fits-server.ts';
import { testRule } from './test-rule.ts';

const server = (port: string, tls: string): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - hosts: [api.example.com]
          port: { ${port} }
          ${tls}
`;

const plainHop = `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec: { host: istio-egressgateway.istio-egress.svc.cluster.local, subsets: [{ name: api }] }
`;

/** Routes for TLS that the gateway forwards; those of the gateway in a section of choice. */
const forwarded = (section: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        tls:
        - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
        ${section}
`;

const isIn = (server: string, wanted: string, written: string): string =>
  `a server with ${server} consults '${wanted}' only, and the routes of 'api.example.com' for Gateway 'istio-egress/egress' are in '${written}'`;

testRule(routeSectionFitsServer, {
  valid: {
    'an HTTPS server with http routes': '# the bundle as it is',
    'a TLS server with tcp routes': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a PASSTHROUGH server with tls routes': {
      on: 'end-to-end-tls',
      yaml: `
      ${plainHop.trim()}
      ---
      ${server('number: 443, name: tls, protocol: TLS', 'tls: { mode: PASSTHROUGH }').trim()}
      ---
      ${forwarded('- { match: [{ gateways: [egress], port: 443, sniHosts: [api.example.com] }], route: [{ destination: { host: api.example.com, port: { number: 443 } } }] }').trim()}
      `,
    },
    'a server of byte streams whose SNI nobody sends: hop-sni-matches-host speaks': `
      ${server('number: 80, name: tls, protocol: TLS', 'tls: { mode: ISTIO_MUTUAL }').trim()}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
    `,
    'plaintext on its way to it: hop-uses-istio-mutual speaks': `
      ${server('number: 80, name: tls, protocol: TLS', 'tls: { mode: ISTIO_MUTUAL }').trim()}
      ---
      ${plainHop.trim()}
    `,
    'a Gateway without any route: gateway-leg-is-bound speaks': `
      ${server('number: 80, name: tls, protocol: TLS', 'tls: { mode: ISTIO_MUTUAL }').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
    `,
    'two servers of one host, each with its section': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
        - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
        tls:
        - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
        tcp:
        - match: [{ gateways: [egress], port: 443 }]
          route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
    `,
  },
  invalid: {
    'http routes for a server of byte streams': `
      ${server('number: 80, name: tls, protocol: TLS', 'tls: { mode: ISTIO_MUTUAL }').trim()}
      # ✗ VirtualService istio-egress/api: ${isIn('protocol TLS and TLS mode ISTIO_MUTUAL', 'tcp', 'http')}
    `,
    'http routes for a server that forwards TLS, as its mode is left out': `
      ${server('number: 80, name: https, protocol: HTTPS', 'tls: {}').trim()}
      # ✗ VirtualService istio-egress/api: ${isIn('protocol HTTPS and TLS mode PASSTHROUGH', 'tls', 'http')}
    `,
    'tcp routes for a server that forwards TLS': {
      on: 'end-to-end-tls',
      yaml: `
      ${plainHop.trim()}
      ---
      ${server('number: 443, name: tls, protocol: TLS', 'tls: { mode: PASSTHROUGH }').trim()}
      # ✗ VirtualService istio-egress/api: ${isIn('protocol TLS and TLS mode PASSTHROUGH', 'tls', 'tcp')}
      `,
    },
    'the same where the hop is mesh TLS, which the server is to terminate': {
      on: 'end-to-end-tls',
      yaml: `
      ${server('number: 443, name: https, protocol: HTTPS', 'tls: { mode: PASSTHROUGH }').trim()}
      # ✗ VirtualService istio-egress/api: ${isIn('protocol HTTPS and TLS mode PASSTHROUGH', 'tls', 'tcp')}
      `,
    },
    'tls routes for a server that terminates TLS': {
      on: 'end-to-end-tls',
      yaml: forwarded(
        `- match: [{ gateways: [egress], port: 443, sniHosts: [api.example.com] }]  # ✗ ${isIn('protocol TLS and TLS mode ISTIO_MUTUAL', 'tcp', 'tls')}
          route: [{ destination: { host: api.example.com, port: { number: 443 } } }]`,
      ),
    },
    'a mode that consults no VirtualService': {
      on: 'end-to-end-tls',
      yaml: `
      ${plainHop.trim()}
      ---
      ${server('number: 443, name: tls, protocol: TLS', 'tls: { mode: AUTO_PASSTHROUGH }').trim()}
      # ✗ VirtualService istio-egress/api: a server with protocol TLS and TLS mode AUTO_PASSTHROUGH consults no routes, and the routes of 'api.example.com' for Gateway 'istio-egress/egress' are in 'tcp'
      `,
    },
    'routes that serve another server of the Gateway: those for this one may come in another VirtualService': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api-http }
        spec:
          hosts: [api.example.com]
          gateways: [egress]
          http:
          - route: [{ destination: { host: api.example.com, port: { number: 443 } } }]  # ✗ ${isIn('protocol TLS and TLS mode ISTIO_MUTUAL', 'tcp', 'http')} (incomplete)
      `,
    },
    'the TLS of the application inside the hop, at a server that handles HTTP': {
      on: 'end-to-end-tls',
      yaml: server(
        "number: 443, name: https, protocol: HTTPS }  # ✗ TLS arrives inside the hop at a server that handles HTTP (for 'api.example.com')",
        'tls: { mode: ISTIO_MUTUAL }',
      ).replace(/ \}\n {10}tls/, '\n          tls'),
    },
  },
});
