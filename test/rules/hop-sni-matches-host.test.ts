import { hopSniMatchesHost } from '../../src/rules/hop-sni-matches-host.ts';
import { testRule } from './test-rule.ts';

const anyHostServer = `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }
`;

const wildcardDesign = `
  kind: ServiceEntry
  metadata: { namespace: istio-egress, name: wild }
  spec:
    hosts: ['*.example.org']
    location: MESH_EXTERNAL
    resolution: NONE
    ports: [{ number: 80, name: http, protocol: HTTP }]
  ---
  kind: Gateway
  metadata: { namespace: istio-egress, name: wild }
  spec:
    selector: { istio: egressgateway }
    servers:
    - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*.example.org'], tls: { mode: ISTIO_MUTUAL } }
  ---
  kind: VirtualService
  metadata: { namespace: istio-egress, name: wild }
  spec:
    hosts: ['*.example.org']
    gateways: [mesh, wild]
    http:
    - match: [{ gateways: [mesh], port: 80 }]
      route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: wild, port: { number: 80 } } }]
    - match: [{ gateways: [wild], port: 80 }]
      route: [{ destination: { host: www.example.org, port: { number: 80 } } }]
  ---
`;

testRule(hopSniMatchesHost, {
  valid: {
    'the subset pins the SNI of its host': '# the bundle as it is',
    'the same where the application speaks TLS': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'the case of letters says nothing': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: API.example.com } } }]
    `,
    'a server for every host takes the default SNI': `
      ${anyHostServer.trim().replaceAll('\n', '\n    ')}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
    `,
    'a subset without traffic policy inherits the SNI': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
        subsets: [{ name: api }]
    `,
    'a subset with other settings inherits the SNI of the port': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy:
          tls: { mode: ISTIO_MUTUAL, sni: other.example.com }
          portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
        subsets: [{ name: api, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }]
    `,
    'the SNI of the port outranks that of the subset': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL, sni: other.example.com }
            portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }]
    `,
    'another port may have another SNI': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
            portLevelSettings: [{ port: { number: 443 }, tls: { mode: ISTIO_MUTUAL, sni: other.example.com } }]
    `,
    'the younger of two rules for one subset counts for nothing': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: second }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } } }]
    `,
    'a wildcard host may be sent under one of its names': `
      ${wildcardDesign.trim().replaceAll('\n', '\n    ')}
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: wild }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: wild, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.org } } }]
    `,
    'a plaintext hop has no SNI': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: DISABLE, sni: other.example.com } } }]
    `,
    'a subset that does not exist is another matter': {
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: '# no DestinationRule at all',
    },
    'the SNI of the application passes through': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: PASSTHROUGH } }
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec: { host: istio-egressgateway.istio-egress.svc.cluster.local, subsets: [{ name: api }] }
      `,
    },
  },
  invalid: {
    'the subset pins the SNI of another host': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec: { host: istio-egressgateway.istio-egress.svc.cluster.local,
              subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL,
                sni: other.example.com  # ✗ SNI 'other.example.com' is sent for host 'api.example.com'
              }}}]}
    `,
    'the port of a tls route pins the SNI of another host': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy:
              portLevelSettings:
              - port: { number: 443 }
                tls:
                  mode: ISTIO_MUTUAL
                  sni: other.example.com  # ✗ SNI 'other.example.com' is sent for host 'api.example.com'
      `,
    },
    'no SNI is set and the server has one host': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL }  # ✗ no SNI is set for host 'api.example.com', so Istio sends 'outbound_.80_.api_.istio-egressgateway.istio-egress.svc.cluster.local'
    `,
    'no SNI is set, and no server is there yet': {
      remove: ['Gateway istio-egress/egress'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy:
              tls: { mode: ISTIO_MUTUAL }  # ✗ no SNI is set for host 'api.example.com', so Istio sends 'outbound_.80_.api_.istio-egressgateway.istio-egress.svc.cluster.local' (incomplete)
      `,
    },
    'the tls of a subset does not inherit the SNI': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL }  # ✗ no SNI is set for host 'api.example.com', so Istio sends 'outbound_.80_.api_.istio-egressgateway.istio-egress.svc.cluster.local'
    `,
    'the SNI of the port outranks the right one of the subset': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
            portLevelSettings:
            - port: { number: 80 }
              tls:
                mode: ISTIO_MUTUAL
                sni: other.example.com  # ✗ SNI 'other.example.com' is sent for host 'api.example.com'
    `,
    'an older rule for the same subset counts': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: first, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls:
              mode: ISTIO_MUTUAL
              sni: other.example.com  # ✗ SNI 'other.example.com' is sent for host 'api.example.com'
    `,
    'a server for every host takes an SNI by which policies judge another host': `
      ${anyHostServer.trim().replaceAll('\n', '\n    ')}
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls:
              mode: ISTIO_MUTUAL
              sni: other.example.com  # ✗ SNI 'other.example.com' is sent for host 'api.example.com'
    `,
    'a wildcard host is sent under a name beside it': `
      ${wildcardDesign.trim().replaceAll('\n', '\n    ')}
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: wild }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: wild
          trafficPolicy:
            tls:
              mode: ISTIO_MUTUAL
              sni: example.org  # ✗ SNI 'example.org' is sent for host '*.example.org'
    `,
    'two clients see rules of their own': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls:
              mode: ISTIO_MUTUAL
              sni: a.example.com  # ✗ SNI 'a.example.com' is sent for host 'api.example.com'
      ---
      kind: DestinationRule
      metadata: { namespace: team-b, name: own }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets:
        - name: api
          trafficPolicy:
            tls:
              mode: ISTIO_MUTUAL
              sni: b.example.com  # ✗ SNI 'b.example.com' is sent for host 'api.example.com'
    `,
  },
});
