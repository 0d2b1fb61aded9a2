import { meshRouteLeadsOnlyToGateway } from '../../src/rules/mesh-route-leads-only-to-gateway.ts';
import { testRule } from './test-rule.ts';

const gateway = 'host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 }';

/** The VirtualService of the bundle with other rules for sidecars. */
const meshRules = (rules: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
        ${rules.trim()}
`;

const past = (what = 'a route', where = 'api.example.com'): string =>
  `# ✗ ${what} of 'api.example.com' leads to '${where}', past the egress gateway`;

const reviews = `
      kind: Service
      metadata: { namespace: team-a, name: reviews }
      spec: { selector: { app: reviews }, ports: [{ name: http, port: 80 }] }
      ---`;

testRule(meshRouteLeadsOnlyToGateway, {
  valid: {
    'all destinations are the gateway': '# the bundle as it is',
    'the same for byte streams': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'two subsets of the gateway share the traffic': meshRules(`
        - route:
          - { destination: { ${gateway} }, weight: 50 }
          - { destination: { ${gateway.replace('api', 'other')} }, weight: 50 }
    `),
    'a destination without weight gets nothing': meshRules(`
        - route:
          - { destination: { ${gateway} }, weight: 100 }
          - { destination: { host: api.example.com }, weight: 0 }
    `),
    'a mirror that is switched off': meshRules(`
        - mirrorPercentage: { value: 0 }
          mirror: { host: api.example.com }
          route: [{ destination: { ${gateway} } }]
    `),
    'some requests are answered at once': meshRules(`
        - match: [{ uri: { prefix: /admin } }]
          directResponse: { status: 403 }
        - route: [{ destination: { ${gateway} } }]
    `),
    'a rule behind one that takes everything never applies': meshRules(`
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { ${gateway} } }]
        - match: [{ gateways: [mesh], uri: { prefix: /v1 } }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `),
    'a rule for another authority': meshRules(`
        - match: [{ authority: { exact: www.example.com } }]
          route: [{ destination: { host: www.example.com, port: { number: 80 } } }]
        - route: [{ destination: { ${gateway} } }]
    `),
    'a rule for another port': meshRules(`
        - match: [{ port: 8080 }]
          route: [{ destination: { host: api.example.com, port: { number: 8080 } } }]
        - route: [{ destination: { ${gateway} } }]
    `),
    'the host may be reached directly': {
      settings: 'directHosts: [api.example.com]',
      yaml: meshRules(`
        - route:
          - { destination: { ${gateway} }, weight: 90 }
          - { destination: { host: api.example.com, port: { number: 80 } }, weight: 10 }
      `),
    },
    'another VirtualService leads elsewhere: capture-is-not-overridden speaks': `
      kind: VirtualService
      metadata: { namespace: team-a, name: direct }
      spec:
        hosts: [api.example.com]
        exportTo: ['.']
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
  },
  invalid: {
    'a share of the traffic': meshRules(`
        - route:
          - { destination: { ${gateway} }, weight: 90 }
          - { destination: { host: api.example.com, port: { number: 80 } }, weight: 10 }  ${past()}
    `),
    'the copies of a mirror': meshRules(`
        - route: [{ destination: { ${gateway} } }]
          mirror: { host: api.example.com, port: { number: 80 } }  ${past('a mirror')}
    `),
    'the copies of one of several mirrors, to a service of the mesh': `
      ${reviews.trim()}
      ${meshRules(`
        - route: [{ destination: { ${gateway} } }]
          mirrors:
          - destination: { host: reviews.team-a.svc.cluster.local, port: { number: 80 } }  ${past('a mirror', 'reviews.team-a.svc.cluster.local')}
    `).trim()}
    `,
    'requests for a path': meshRules(`
        - match: [{ gateways: [mesh], uri: { prefix: /v1 } }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]  ${past()}
        - route: [{ destination: { ${gateway} } }]
    `),
    'requests of some pods': meshRules(`
        - match: [{ sourceLabels: { app: batch } }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]  ${past()}
        - route: [{ destination: { ${gateway} } }]
    `),
    'all requests but those for a path': meshRules(`
        - match: [{ uri: { prefix: /v1 } }]
          route: [{ destination: { ${gateway} } }]
        - route: [{ destination: { host: api.example.com, port: { number: 80 } } }]  ${past()}
    `),
    'requests for a path, to a service of the mesh': `
      ${reviews.trim()}
      ${meshRules(`
        - match: [{ gateways: [mesh], uri: { prefix: /reviews } }]
          route: [{ destination: { host: reviews.team-a.svc.cluster.local, port: { number: 80 } } }]  ${past('a route', 'reviews.team-a.svc.cluster.local')}
        - route: [{ destination: { ${gateway} } }]
    `).trim()}
    `,
    'what a delegate takes': `
      ${meshRules(`
        - delegate: { name: parts }
    `).trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: parts }
      spec:
        http:
        - match: [{ uri: { prefix: /v1 } }]
          route: [{ destination: { ${gateway} } }]
        - route: [{ destination: { host: api.example.com, port: { number: 80 } } }]  ${past()}
    `,
    'a share of byte streams': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route:
            - { destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } }, weight: 90 }
            - { destination: { host: api.example.com, port: { number: 443 } }, weight: 10 }  ${past()}
          tcp:
          - match: [{ gateways: [egress], port: 443 }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
  },
});
