import { gatewayServesHost } from '../../src/rules/gateway-serves-host.ts';
import { testRule } from './test-rule.ts';

const gateway = (head: string, hosts: string): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        ${head}
        servers:
        - port: { number: 80, name: https, protocol: HTTPS }
          tls: { mode: ISTIO_MUTUAL }
          hosts: ${hosts}
`;

const pods = 'selector: { istio: egressgateway }';
const missing = "no server of Gateway 'istio-egress/egress' has the host 'api.example.com' (incomplete)";

testRule(gatewayServesHost, {
  valid: {
    'a server has the host': '# the bundle as it is',
    'a server has all hosts': gateway(pods, "['*']"),
    'a server has the names under a domain': gateway(pods, "['*.example.com']"),
    'host and VirtualService are both in upper case': `
      ${gateway(pods, '[API.example.com]').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [API.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'the SNI is of another host: hop-sni-matches-host speaks': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
    `,
    'an older Gateway has taken the host: gateway-servers-do-not-conflict speaks': `
      kind: Gateway
      metadata: { namespace: team-b, name: web, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: http, protocol: HTTP }, hosts: [www.example.com] }
    `,
    'the server is on another port: ports-line-up speaks': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 443, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }
    `,
    'the Gateway is for other pods: gateway-selects-a-workload speaks': gateway(
      'selector: { istio: egress }',
      '[api.example.com]',
    ),
    'listeners of the Gateway API are not looked at': {
      remove: ['Gateway istio-egress/egress', 'Deployment istio-egress/istio-egressgateway'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
        ---
        kind: Deployment
        metadata: { namespace: istio-egress, name: managed }
        spec:
          template:
            metadata:
              labels: { istio: egressgateway, app: istio-egressgateway, gateway.networking.k8s.io/gateway-name: api }
            spec: { containers: [{ name: istio-proxy, image: auto }] }
      `,
    },
  },
  invalid: {
    'a wildcard does not have the name itself': gateway(pods, "['*.api.example.com']").replace(
      'servers:',
      `servers:  # ✗ ${missing}`,
    ),
    'the server of the Gateway has another host': gateway(pods, '[www.example.com]').replace(
      'servers:',
      `servers:  # ✗ ${missing}`,
    ),
    'nobody has a Gateway for the host yet': {
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http:
          - route:
            - destination:  # ✗ no server for 'api.example.com' listens on pod port 8080 of the gateway (incomplete)
                host: istio-egressgateway.istio-egress.svc.cluster.local
                subset: api
                port: { number: 80 }
      `,
    },
    'the default SNI, which no DestinationRule replaces, at a server for the host': {
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
            - destination:  # ✗ no server on pod port 8080 of the gateway takes SNI 'outbound_.80_._.istio-egressgateway.istio-egress.svc.cluster.local' (for 'api.example.com') (incomplete)
                host: istio-egressgateway.istio-egress.svc.cluster.local
                port: { number: 80 }
          - match: [{ gateways: [egress], port: 80 }]
            route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
        ---
        kind: Deployment
        metadata: { namespace: istio-egress, name: istio-egressgateway }
        spec:
          template:
            metadata: { labels: { istio: egressgateway, app: istio-egressgateway, security.istio.io/tlsMode: istio } }
            spec: { containers: [{ name: istio-proxy, image: auto }] }
      `,
    },
    'the server writes the host in upper case': gateway(
      pods,
      "[API.example.com]  # ✗ the host is not spelt as in the VirtualService of 'api.example.com': istiod tells upper from lower case",
    ),
    'a rule of the sidecar gives the request another authority': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          rewrite: { authority: www.example.com }
          route:
          - destination:  # ✗ requests for 'api.example.com' arrive with authority 'www.example.com', for which the gateway has no route
              host: istio-egressgateway.istio-egress.svc.cluster.local
              subset: api
              port: { number: 80 }
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
  },
});
