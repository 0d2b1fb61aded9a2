import { portsLineUp } from '../../src/rules/ports-line-up.ts';
import { testRule } from './test-rule.ts';

const gatewayOn = (number: number): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: ${number}, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
`;

/** The VirtualService of the bundle with other ports; what follows a port of the route may be a mark. */
const routes = (servicePort: string, gatewayMatch: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route:
          - destination:
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: api
              ${servicePort}
        - match:
          - gateways: [egress]
            ${gatewayMatch}
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`;

const service = "'istio-egressgateway.istio-egress.svc.cluster.local'";
const elsewhere = `port 80 of ${service} leads to pod port 8080, and the server for 'api.example.com' listens on pod port 8443`;
const declared = (number: number): string =>
  `the match is not for port ${number}, which the server of Gateway 'istio-egress/egress' for 'api.example.com' declares`;

testRule(portsLineUp, {
  valid: {
    'all numbers lead to one server': '# the bundle as it is',
    'the same for byte streams': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'the server declares the port of the pods, and the route of the gateway means it': `
      ${gatewayOn(8080).trim()}
      ---
      ${routes('port: { number: 80 }', 'port: 8080').trim()}
    `,
    'a match without a port': routes('port: { number: 80 }', "uri: { prefix: '/' }"),
    'another port all along': `
      ${gatewayOn(443).trim()}
      ---
      ${routes('port: { number: 443 }', 'port: 443').trim()}
    `,
    'the Gateway does not exist yet: gateway-reference-resolves speaks': {
      remove: ['Gateway istio-egress/egress'],
      yaml: '# the bundle without it',
    },
    'the server for the host is of other pods: gateway-serves-host speaks': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: other }
        servers:
        - { port: { number: 443, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
    `,
  },
  invalid: {
    'a listener of the Gateway API is on another port of the pods': {
      on: 'gateway-api',
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: { namespace: istio-egress, name: api-egress }
        spec:
          gatewayClassName: istio
          addresses: [{ type: Hostname, value: istio-egressgateway }]
          listeners:
          - name: https
            port: 443
            protocol: HTTPS
            hostname: api.example.com
            tls: { options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } }
        ---
        kind: HTTPRoute
        metadata: { namespace: istio-egress, name: to-egress }
        spec:
          parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
          rules:
          - backendRefs:
            - name: istio-egressgateway
              port: 80 # ✗ port 80 of 'istio-egressgateway.istio-egress.svc.cluster.local' leads to pod port 8080, and the server for 'api.example.com' listens on pod port 8443 (incomplete)
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
      `,
    },
    'the Service has no such port': routes(
      `port: { number: 8080 }  # ✗ the Service ${service} has no port 8080`,
      'port: 80',
    ),
    'the server listens on another port of the pods': `
      ${gatewayOn(443).trim()}
      ---
      ${routes(`port: { number: 80 }  # ✗ ${elsewhere}`, 'port: 443').trim()}
    `,
    'a server of byte streams does': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 80, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route:
            - destination:
                host: istio-egressgateway.istio-egress.svc.cluster.local
                subset: api
                port: { number: 443 }  # ✗ port 443 of ${service} leads to pod port 8443, and the server for 'api.example.com' listens on pod port 8080
          tcp:
          - match: [{ gateways: [egress] }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
    'only other hosts are served on the port of the route': `
      ${gatewayOn(443).trim()}
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: www }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [www.example.com], tls: { mode: ISTIO_MUTUAL } }
      ---
      ${routes(`port: { number: 80 }  # ✗ ${elsewhere}`, 'port: 443').trim()}
    `,
    'the VirtualService of the gateway is another: so may be the Gateway for this port': `
      ${gatewayOn(443).trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        http:
        - route:
          - destination:
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: api
              port: { number: 80 }  # ✗ ${elsewhere} (incomplete)
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api-gateway }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'the route of the gateway is for the port of the pods': routes(
      'port: { number: 80 }',
      `port: 8080  # ✗ ${declared(80)}`,
    ),
    'the route of a server of byte streams is': {
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
          - match:
            - gateways: [egress]
              port: 8443  # ✗ ${declared(443)}
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
  },
});
