import { hopTlsMatchesServer } from '../../src/rules/hop-tls-matches-server.ts';
import { testRule } from './test-rule.ts';

/** The Gateway of the bundle with another server. */
const server = (port: string, tls: string, hosts = '[api.example.com]'): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: ${port} }
          hosts: ${hosts}
          ${tls}
`;

/** The DestinationRule of the bundle with other TLS. */
const hop = (tls: string): string => `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls:
              ${tls}
`;

/** The route for TLS that the gateway forwards as it is. */
const passthroughRoute = `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
          - match: [{ gateways: [egress], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
        ---
`.trim();

const notOfTheMesh = (mode: string): string =>
  `the hop is ISTIO_MUTUAL, and the server is ${mode} with a certificate that is not the mesh's (for 'api.example.com')`;
const intoPlaintext = "TLS arrives at a plaintext HTTP server (for 'api.example.com')";
const throughUntouched = (mode: string): string =>
  `mesh TLS goes through a ${mode} server to the external host, which does not know the mesh (for 'api.example.com')`;
const gatewayName = 'spiffe://cluster.local/ns/istio-egress/sa/istio-egressgateway';

testRule(hopTlsMatchesServer, {
  valid: {
    'both sides are ISTIO_MUTUAL': '# the bundle as it is',
    'both sides are ISTIO_MUTUAL around the TLS of the application': {
      on: 'end-to-end-tls',
      yaml: '# the bundle as it is',
    },
    'a server for every host is ISTIO_MUTUAL': server(
      '80, name: https, protocol: HTTPS',
      'tls: { mode: ISTIO_MUTUAL }',
      "['*']",
    ),
    "a server shows the certificate of the gateway's workload": server(
      '80, name: https, protocol: HTTPS',
      "tls: { mode: SIMPLE, credentialName: 'builtin://' }",
    ),
    'a PASSTHROUGH server forwards the TLS of the application': {
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
    'a hop that accepts the name of the gateway': hop(
      `{ mode: ISTIO_MUTUAL, sni: api.example.com, subjectAltNames: ['${gatewayName}'] }`,
    ),
    'a plaintext hop to an ISTIO_MUTUAL server is another matter': hop('{ mode: DISABLE }'),
    'a hop without a certificate of the mesh is another matter': hop('{ mode: SIMPLE, sni: api.example.com }'),
    'neither side is ISTIO_MUTUAL: the hop comes first': `
      ${hop('{ mode: DISABLE }').trim()}
      ---
      ${server('80, name: https, protocol: HTTPS', 'tls: { mode: SIMPLE, credentialName: api }').trim()}
    `,
    'a plaintext hop to a plaintext server is another matter': `
      ${hop('{ mode: DISABLE }').trim()}
      ---
      ${server('80, name: http, protocol: HTTP', '# no tls').trim()}
    `,
    'mutual TLS with certificates of the users on both sides': `
      ${hop('{ mode: MUTUAL, sni: api.example.com, clientCertificate: /c.pem, privateKey: /k.pem }').trim()}
      ---
      ${server('80, name: https, protocol: HTTPS', 'tls: { mode: MUTUAL, credentialName: api }').trim()}
    `,
    'an ISTIO_MUTUAL server that handles HTTP where a byte stream arrives is another matter': {
      on: 'end-to-end-tls',
      yaml: server('443, name: https, protocol: HTTPS', 'tls: { mode: ISTIO_MUTUAL }'),
    },
    'an SNI of another host leads to a server without certificate of the mesh: hop-sni-matches-host speaks': `
      ${hop('{ mode: ISTIO_MUTUAL, sni: www.example.com }').trim()}
      ---
      kind: Gateway
      metadata: { namespace: team-b, name: wild }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*.example.com'], tls: { mode: SIMPLE, credentialName: wild } }
    `,
    'a server of another host is none of it': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: www }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: [www.example.com]
          tls: { mode: SIMPLE, credentialName: www }
    `,
    'an older Gateway that makes the port plaintext for another host is another matter': `
      kind: Gateway
      metadata: { namespace: team-b, name: web, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: http, protocol: HTTP }
          hosts: [www.example.com]
    `,
  },
  invalid: {
    'a SIMPLE server has no certificate of the mesh': server(
      '80, name: https, protocol: HTTPS',
      `tls: { mode: SIMPLE, credentialName: api }  # ✗ ${notOfTheMesh('SIMPLE')}`,
    ),
    'a MUTUAL server has none either': server(
      '80, name: https, protocol: HTTPS',
      `tls: { mode: MUTUAL, credentialName: api }  # ✗ ${notOfTheMesh('MUTUAL')}`,
    ),
    'a server of TLS streams that terminates with a certificate of its own': {
      on: 'end-to-end-tls',
      yaml: server(
        '443, name: tls, protocol: TLS',
        `tls: { mode: SIMPLE, credentialName: api }  # ✗ ${notOfTheMesh('SIMPLE')}`,
      ),
    },
    'a server for every host, before there is one for the very host': server(
      '80, name: https, protocol: HTTPS',
      `tls: { mode: SIMPLE, credentialName: wild }  # ✗ ${notOfTheMesh('SIMPLE')} (incomplete)`,
      "['*.example.com']",
    ),
    'pods of the gateway that are marked for mutual TLS get it without a rule': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }] }]
        ---
        kind: Deployment
        metadata: { namespace: istio-egress, name: istio-egressgateway }
        spec:
          template:
            metadata: { labels: { istio: egressgateway, app: istio-egressgateway, security.istio.io/tlsMode: istio } }
            spec: { serviceAccountName: istio-egressgateway, containers: [{ name: istio-proxy, image: auto }] }
        ---
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - hosts: [api.example.com]  # ✗ ${intoPlaintext}
            port: { number: 80, name: http, protocol: HTTP }
      `,
    },
    'a server for every host that takes the default SNI': `
      ${hop('{ mode: ISTIO_MUTUAL }').trim()}
      ---
      ${server('80, name: https, protocol: HTTPS', `tls: { mode: SIMPLE, credentialName: all }  # ✗ ${notOfTheMesh('SIMPLE')} (incomplete)`, "['*']").trim()}
    `,
    'a plaintext server': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - hosts: [api.example.com]  # ✗ ${intoPlaintext}
          port: { number: 80, name: http, protocol: HTTP }
    `,
    'a plaintext server of an older API version, for a wildcard': `
      apiVersion: networking.istio.io/v1beta1
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - hosts: ['*.example.com']  # ✗ ${intoPlaintext}
          port: { number: 80, name: http, protocol: HTTP }
    `,
    'a plaintext server beside an older one of another host': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: www, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        selector: { istio: egressgateway }
        servers:
        - hosts: [www.example.com]
          port: { number: 80, name: http, protocol: HTTP }
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - hosts: [api.example.com]  # ✗ ${intoPlaintext}
          port: { number: 80, name: http, protocol: HTTP }
    `,
    'a PASSTHROUGH server': {
      on: 'end-to-end-tls',
      yaml: `
        ${passthroughRoute}
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - port: { number: 443, name: tls, protocol: TLS }
            hosts: [api.example.com]
            tls: { mode: PASSTHROUGH }  # ✗ ${throughUntouched('PASSTHROUGH')}
      `,
    },
    'a TCP server': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - hosts: [api.example.com]  # ✗ ${throughUntouched('TCP')}
            port: { number: 443, name: tcp, protocol: TCP }
      `,
    },
    'a Gateway of another namespace': {
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: Gateway
        metadata: { namespace: team-a, name: web }
        spec:
          selector: { istio: egressgateway }
          servers:
          - port: { number: 80, name: https, protocol: HTTPS }
            hosts: [api.example.com]
            tls: { mode: SIMPLE, credentialName: api }  # ✗ ${notOfTheMesh('SIMPLE')}
      `,
    },
    'the hop expects the name of the external host': hop(`
              mode: ISTIO_MUTUAL
              sni: api.example.com
              subjectAltNames: [api.example.com]  # ✗ the hop accepts only the server names 'api.example.com', and the gateway presents '${gatewayName}'
    `),
    'the hop expects another service account': hop(`
              mode: ISTIO_MUTUAL
              sni: api.example.com
              subjectAltNames: [spiffe://cluster.local/ns/istio-egress/sa/gateway]  # ✗ the hop accepts only the server names 'spiffe://cluster.local/ns/istio-egress/sa/gateway', and the gateway presents '${gatewayName}'
    `),
    "the sidecar originates TLS around the application's, and the gateway forwards it": {
      on: 'end-to-end-tls',
      yaml: `
        ${passthroughRoute}
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: PASSTHROUGH } }
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy:
              tls: { mode: SIMPLE, sni: api.example.com }  # ✗ the sidecar originates TLS around the TLS of the application
      `,
    },
  },
});
