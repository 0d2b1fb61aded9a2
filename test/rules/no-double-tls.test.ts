import { noDoubleTls } from '../../src/rules/no-double-tls.ts';
import { testRule } from './test-rule.ts';

const twice = (port = 443): string =>
  `the gateway originates TLS to 'api.example.com:${port}' around the TLS that it forwards`;

/** Both legs through a PASSTHROUGH server, the host's TLS as the application made it. */
const passthrough = `
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
        ---
`.trim();

testRule(noDoubleTls, {
  valid: {
    'the application speaks HTTP': '# the bundle as it is',
    'the application speaks TLS, and nothing originates': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'origination is limited to the port for HTTP': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] }
      `,
    },
    'the port for TLS takes origination back': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy:
            tls: { mode: SIMPLE }
            portLevelSettings: [{ port: { number: 443 }, tls: { mode: DISABLE } }]
      `,
    },
    'a rule of a client does not reach the gateway': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
    'a rule for other pods does not reach the gateway': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          workloadSelector: { matchLabels: { app: b } }
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
    'origination for another host': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-www }
        spec:
          host: www.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
    'TLS of the application that the gateway forwards as it is': {
      on: 'end-to-end-tls',
      yaml: `
        ${passthrough}
      `,
    },
    'a sidecar that originates around the TLS of the application is another matter': {
      on: 'end-to-end-tls',
      remove: ['VirtualService istio-egress/api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
  },
  invalid: {
    'a left-over rule originates for the host': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy:
            tls: { mode: SIMPLE }  # ✗ ${twice()}
      `,
    },
    'a rule of an older API version for the port alone': {
      on: 'end-to-end-tls',
      yaml: `
        apiVersion: networking.istio.io/v1beta1
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy:
            portLevelSettings:
            - port: { number: 443 }
              tls: { mode: MUTUAL, credentialName: api }  # ✗ ${twice()}
      `,
    },
    'a wildcard rule of the root namespace': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-system, name: external }
        spec:
          host: '*.com'
          trafficPolicy:
            tls: { mode: SIMPLE }  # ✗ ${twice()}
      `,
    },
    'behind a PASSTHROUGH server': {
      on: 'end-to-end-tls',
      yaml: `
        ${passthrough}
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy:
            tls: { mode: SIMPLE, sni: api.example.com }  # ✗ ${twice()}
      `,
    },
    'the gateway routes to another port of the host': {
      on: 'end-to-end-tls',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports:
          - { number: 443, name: tls, protocol: TLS }
          - { number: 8443, name: tls-alt, protocol: TLS, targetPort: 443 }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
          tcp:
          - match: [{ gateways: [egress], port: 443 }]
            route: [{ destination: { host: api.example.com, port: { number: 8443 } } }]
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy:
            tls: { mode: SIMPLE }  # ✗ ${twice(8443)}
      `,
    },
    'HTTP and TLS of the application go to one port of the host': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        - { number: 80, name: http, protocol: HTTP }
        - { number: 443, name: tls, protocol: TLS }
      ---
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
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
        tls:
        - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
        tcp:
        - match: [{ gateways: [egress], port: 443 }]
          route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: api.example.com
        trafficPolicy:
          tls: { mode: SIMPLE }  # ✗ ${twice()}
    `,
  },
});
