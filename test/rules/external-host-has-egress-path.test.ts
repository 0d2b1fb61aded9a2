import { externalHostHasEgressPath } from '../../src/rules/external-host-has-egress-path.ts';
import { testRule } from './test-rule.ts';

const direct = (host: string): string =>
  `'${host}' leaves directly from the sidecars: no route leads it to an egress gateway (incomplete)`;

const entry = (hosts: string, more = '', ports = '{ number: 443, name: tls, protocol: TLS }'): string => `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: ${hosts}
        location: MESH_EXTERNAL
        resolution: DNS
        ${more}
        ports: [${ports}]
`;

testRule(externalHostHasEgressPath, {
  valid: {
    'a route leads the host to the gateway': '# the bundle as it is',
    'a route leads its TLS to the gateway': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'the host may be reached directly': {
      settings: 'directHosts: [search.example.org]',
      yaml: entry('[search.example.org]'),
    },
    'all hosts of the domain may be reached directly': {
      settings: "directHosts: ['*.EXAMPLE.org']",
      yaml: entry('[search.example.org]'),
    },
    'one of its ports leads to the gateway: external-port-is-captured speaks of the other': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        - { number: 80, name: http, protocol: HTTP, targetPort: 443 }
        - { number: 443, name: tls, protocol: TLS }
    `,
    'no client sees the route that leads it to the gateway: external-port-is-captured speaks': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        exportTo: [.]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'an older route takes it past the gateway for all: capture-is-not-overridden speaks': `
      kind: VirtualService
      metadata: { namespace: team-a, name: direct, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        hosts: [api.example.com]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
    'a wildcard route leads it to the gateway': `
      ${entry('[search.example.org]', '', '{ number: 80, name: http, protocol: HTTP }').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: org }
      spec:
        hosts: ['*.example.org']
        http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }] }]
    `,
    'a delegate leads it to the gateway': `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        exportTo: [team-b]
        http: [{ delegate: { namespace: istio-egress, name: lead } }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: lead }
      spec:
        http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }] }]
    `,
    'some clients send whatever they do not know to the gateway: external-port-is-captured speaks': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Sidecar
        metadata: { namespace: team-b, name: default }
        spec:
          egress: [{ hosts: [./*, istio-egress/istio-egressgateway.istio-egress.svc.cluster.local] }]
          outboundTrafficPolicy:
            mode: ALLOW_ANY
            egressProxy: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } }
        ---
        kind: ServiceEntry
        metadata: { namespace: team-a, name: search }
        spec:
          hosts: [search.example.org]
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]
      `,
    },
    'the endpoints of the service are the egress gateway': entry(
      '[search.example.org]',
      'endpoints: [{ address: istio-egressgateway.istio-egress.svc.cluster.local, ports: { tls: 443 } }]',
    ),
    'the service is one of the mesh': entry('[search.example.org]').replace('MESH_EXTERNAL', 'MESH_INTERNAL'),
    'no client sees the service': entry('[search.example.org]', 'exportTo: ["~"]'),
    'the service is for a namespace without clients': `
      ${entry('[search.example.org]', 'exportTo: [elsewhere]').trim()}
      ---
      kind: Namespace
      metadata: { name: elsewhere, labels: { istio-injection: disabled } }
    `,
    'the host is registered nowhere': {
      on: 'mesh',
      yaml: `
        kind: VirtualService
        metadata: { namespace: team-a, name: search }
        spec:
          hosts: [search.example.org]
          http: [{ timeout: 5s, route: [{ destination: { host: search.example.org } }] }]
      `,
    },
  },
  invalid: {
    'a ServiceEntry alone': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: [search.example.org]  # ✗ ${direct('search.example.org')}
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        - { number: 443, name: tls, protocol: TLS }
        - { number: 80, name: http, protocol: HTTP }
    `,
    'also where unknown traffic is blocked': {
      on: 'registry-only',
      yaml: entry(`[search.example.org]  # ✗ ${direct('search.example.org')}`),
    },
    'a ServiceEntry of an older API version, for its own namespace only': `
      apiVersion: networking.istio.io/v1beta1
      kind: ServiceEntry
      metadata: { namespace: team-b, name: database }
      spec:
        hosts: [db.example.org]  # ✗ ${direct('db.example.org')}
        exportTo: [.]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 5432, name: tcp, protocol: TCP }]
    `,
    'a wildcard host, for which the sidecars know the address': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: all }
      spec:
        hosts: ['*.example.org']  # ✗ ${direct('*.example.org')}
        location: MESH_EXTERNAL
        resolution: NONE
        ports: [{ number: 443, name: tls, protocol: TLS }]
    `,
    'several hosts, each for itself': entry(
      `[a.example.org, b.example.org]  # ✗ ${direct('a.example.org')} # ✗ ${direct('b.example.org')}`,
    ),
    'the location is external by default': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: [search.example.org]  # ✗ ${direct('search.example.org')}
        resolution: DNS
        ports: [{ number: 443, name: tls, protocol: TLS }]
    `,
    'a route with a timeout leads it nowhere else': `
      ${entry(`[search.example.org]  # ✗ ${direct('search.example.org')}`, '', '{ number: 80, name: http, protocol: HTTP }').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: search }
      spec:
        hosts: [search.example.org]
        http: [{ timeout: 5s, route: [{ destination: { host: search.example.org } }] }]
    `,
    'the VirtualService is for the gateway alone': `
      ${entry(`[search.example.org]  # ✗ ${direct('search.example.org')}`, '', '{ number: 80, name: http, protocol: HTTP }').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: search }
      spec:
        hosts: [search.example.org]
        gateways: [egress]
        http: [{ route: [{ destination: { host: search.example.org } }] }]
    `,
    'the settings let another host out': {
      settings: 'directHosts: [example.org]',
      yaml: entry(`[search.example.org]  # ✗ ${direct('search.example.org')}`),
    },
  },
});
