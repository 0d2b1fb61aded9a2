import { externalPortIsCaptured } from '../../src/rules/external-port-is-captured.ts';
import { testRule } from './test-rule.ts';

const http80 = '{ number: 80, name: http, protocol: HTTP, targetPort: 443 }';

const uncaptured = (port: number, because = ''): string =>
  `port ${port} of 'api.example.com' is not routed to the egress gateway${because && `: ${because}`} (incomplete)`;

/** The ServiceEntry of the bundle with other ports. */
const entry = (ports: string, more = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ${more}
        ports:
        ${ports}
`;

testRule(externalPortIsCaptured, {
  valid: {
    'every port is routed': '# the bundle as it is',
    'every port is routed by name': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a tls route for port 443 beside the http route': `
      ${entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }
      `).trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api-tls }
      spec:
        hosts: [api.example.com]
        tls:
        - match: [{ port: 443, sniHosts: [api.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
    `,
    'the host has no path through the gateway at all': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: www }
      spec:
        hosts: [www.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 443, name: tls, protocol: TLS }]
    `,
    'the host may be reached directly': {
      settings: "directHosts: ['*.example.com']",
      yaml: entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }
      `),
    },
    'the service is one of the mesh': `
      ${entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }
      `)
        .replace('MESH_EXTERNAL', 'MESH_INTERNAL')
        .trim()}
    `,
    'the clients see neither the service nor its route, and nothing unknown leaves': {
      on: 'registry-only',
      yaml: `
        kind: Sidecar
        metadata: { namespace: team-a, name: default }
        spec: { egress: [{ hosts: [./*] }] }
      `,
    },
    'the endpoints of the service are the egress gateway': `
      ${entry(
        `
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }
      `,
        'endpoints: [{ address: istio-egressgateway.istio-egress.svc.cluster.local, ports: { tls: 443, http: 80 } }]',
      ).trim()}
    `,
  },
  invalid: {
    'port 443 beside a routed port 80': entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }  # ✗ ${uncaptured(443)}
      `),
    'the same with protocol HTTPS': entry(`
        - ${http80}
        - { number: 443, name: https, protocol: HTTPS }  # ✗ ${uncaptured(443)}
      `),
    'a TCP port': entry(`
        - ${http80}
        - { number: 5432, name: tcp, protocol: TCP }  # ✗ ${uncaptured(5432)}
      `),
    'a second HTTP port': entry(`
        - ${http80}
        - { number: 8080, name: http-alt, protocol: HTTP }  # ✗ ${uncaptured(8080)}
      `),
    'port 80 beside a routed port 443': {
      on: 'end-to-end-tls',
      yaml: entry(`
        - { number: 80, name: http, protocol: HTTP }  # ✗ ${uncaptured(80)}
        - { number: 443, name: tls, protocol: TLS }
      `),
    },
    'an http route does not take TLS': `
      ${entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }  # ✗ ${uncaptured(443)}
      `).trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api-443 }
      spec:
        hosts: [api.example.com]
        http:
        - match: [{ port: 443 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
    `,
    'the tls route names another SNI': `
      ${entry(`
        - ${http80}
        - { number: 443, name: tls, protocol: TLS }  # ✗ ${uncaptured(443, 'no route or service takes TLS to the host on port 443, and the outbound traffic policy is ALLOW_ANY')}
      `).trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api-443 }
      spec:
        hosts: ['*.example.com']
        tls:
        - match: [{ port: 443, sniHosts: [www.example.com] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
    `,
    'the route is not exported to one of the clients': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        exportTo: [team-a, istio-egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
      # ✗ ServiceEntry istio-egress/api: ${uncaptured(80, "VirtualService 'istio-egress/api', which leads it there, is not exported to these clients")}
    `,
    'one of the clients does not import the route': `
      kind: Sidecar
      metadata: { namespace: team-a, name: default }
      spec: { egress: [{ hosts: [./*] }] }
      # ✗ ServiceEntry istio-egress/api: ${uncaptured(80, 'no route or service takes HTTP to the host on port 80, and the outbound traffic policy is ALLOW_ANY')}
    `,
    'only some of the clients see the other port': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: api-tls }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        - { number: 443, name: tls, protocol: TLS }  # ✗ ${uncaptured(443)}
    `,
  },
});
