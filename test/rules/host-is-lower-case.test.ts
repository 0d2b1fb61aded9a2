import { hostIsLowerCase } from '../../src/rules/host-is-lower-case.ts';
import { testRule } from './test-rule.ts';

const upper = (host: string): string =>
  `# ✗ host '${host}' has upper-case letters, which proxies fold and Istio does not`;

testRule(hostIsLowerCase, {
  valid: {
    'everything is in lower case': '# the bundle as it is',
    'a service of the mesh': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: vm }
      spec:
        hosts: [VM.team-a.example]
        location: MESH_INTERNAL
        resolution: STATIC
        ports: [{ number: 80, name: http, protocol: HTTP }]
    `,
    'a server of another gateway': `
      kind: Gateway
      metadata: { namespace: team-a, name: ingress }
      spec:
        selector: { istio: ingressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [Shop.example.com] }]
    `,
    'the SNI of the hop may be in any case': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: API.example.com } } }]
    `,
  },

  invalid: {
    'a ServiceEntry': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: other }
      spec:
        hosts: [Other.example.com] ${upper('Other.example.com')}
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP }]
    `,
    'a server of the egress gateway': `
      kind: Gateway
      metadata: { namespace: team-b, name: mine }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https, protocol: HTTPS }
          hosts:
          - ./API.example.com ${upper('./API.example.com')}
          tls: { mode: ISTIO_MUTUAL }
    `,
    'a VirtualService, told once for host and SNI': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-b, name: mine }
        spec:
          hosts: [API.example.com] ${upper('API.example.com')}
          tls:
          - match: [{ port: 443, sniHosts: [API.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
      `,
    },
  },
});
