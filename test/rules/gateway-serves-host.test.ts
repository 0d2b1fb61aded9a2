import { gatewayServesHost } from '../../src/rules/gateway-serves-host.ts';
import { type RuleCase, testRule } from './test-rule.ts';

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

const mutual = '{ options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } }';

/** The Gateway of the bundle with the Gateway API, with another listener. */
const listener = (protocol: string, hostname: string, tls: string, mark = ''): RuleCase => ({
  on: 'gateway-api',
  yaml: `
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: { namespace: istio-egress, name: api-egress }
    spec:
      gatewayClassName: istio
      listeners: ${mark}
      - name: https
        port: 80
        hostname: ${hostname}
        protocol: ${protocol}
        tls: ${tls}
  `,
});

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
    'a listener of the Gateway API has the host': { on: 'gateway-api', yaml: '# the bundle as it is' },
  },
  invalid: {
    'no listener of the Gateway API has the host': listener(
      'HTTPS',
      'other.example.com',
      mutual,
      "# ✗ no listener of Gateway 'istio-egress/api-egress' has the hostname 'api.example.com' (incomplete)",
    ),
    'Istio does not know the protocol of the listener': listener(
      "https  # ✗ Istio does not accept listener 'https', which has the host 'api.example.com': there is no protocol 'https'",
      'api.example.com',
      mutual,
    ),
    'Istio may not use the certificate of the listener': listener(
      'HTTPS',
      'api.example.com',
      "{ certificateRefs: [{ name: api, namespace: other }] } # ✗ Istio does not accept listener 'https', which has the host 'api.example.com': it may not use the certificate (incomplete)",
    ),
    'the Gateway for which Istio has deployed the pods is missing': {
      remove: ['Gateway istio-egress/egress', 'Deployment istio-egress/istio-egressgateway'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }] # ✗ no server for 'api.example.com' listens on pod port 8080 of the gateway (incomplete)
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
      "[API.example.com]  # ✗ the host is not spelt as in the VirtualService of 'api.example.com': Istio tells upper from lower case",
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
