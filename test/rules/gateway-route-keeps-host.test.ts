import { expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import { gatewayRouteKeepsHost } from '../../src/rules/gateway-route-keeps-host.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { testRule } from './test-rule.ts';

const registered = (host: string): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: other }
      spec:
        hosts: [${host}]
        exportTo: ['.']
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }]
      ---`;

/** The VirtualService of the bundle, its gateway leg leading elsewhere. */
const leadingTo = (destination: string): string => `
      ${registered('other.example.com').trim()}
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route:
          - destination: { host: other.example.com, port: { number: 80 } }  ${destination}
`;

/** A forward proxy that byte streams are led to; with a tunnel they reach the host that is meant. */
const throughProxy = (policy: string, mark: string): string => `
      ${registered('proxy.example.net').trim()}
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: proxy }
      spec: { host: proxy.example.net, ${policy} }
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
          route:
          - destination: { host: proxy.example.net, subset: tunnelled, port: { number: 443 } }  ${mark}
`;

/** A VirtualService beside the bundle's, which is bound to the same Gateway. */
const beside = (rule: string): string => `
      ${registered('other.example.com').trim()}
      kind: VirtualService
      metadata: { namespace: istio-egress, name: beside }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http:
${rule}
`;

const some = "# ✗ it leads some requests for 'api.example.com' to";

const tunnel = 'tunnel: { protocol: CONNECT, targetHost: api.example.com, targetPort: 443 }';
const other = "# ✗ the gateway's route leads to 'other.example.com', not to 'api.example.com'";

testRule(gatewayRouteKeepsHost, {
  valid: {
    'another route for some requests keeps the host': beside(`
        - match: [{ uri: { prefix: /slow } }]
          timeout: 60s
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `),
    'a younger VirtualService without conditions never gets a request': beside(`
        - route: [{ destination: { host: other.example.com, port: { number: 80 } } }]
    `),
    'some requests are led to a service of the mesh: egress-gateway-routes-only-outside speaks': beside(`
        - match: [{ headers: { x-team: { exact: b } } }]
          route: [{ destination: { host: b.team-b.svc.cluster.local, port: { number: 80 } } }]
    `),
    'another Gateway of a plaintext port leads to the mesh: egress-gateway-routes-only-outside speaks': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [www.example.com] }]
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: other }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [api.example.com] }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec: { host: istio-egressgateway.istio-egress.svc.cluster.local, subsets: [{ name: api }] }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, other]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [other], port: 80 }]
          route: [{ destination: { host: b.team-b.svc.cluster.local, port: { number: 80 } } }]
      ---
      kind: Service
      metadata: { namespace: team-b, name: b }
      spec: { selector: { app: b }, ports: [{ name: http, port: 80 }] }
    `,
    'the gateway routes the host to itself': '# the bundle as it is',
    'the same for byte streams': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'a tunnel through a forward proxy': {
      on: 'end-to-end-tls',
      yaml: throughProxy(`subsets: [{ name: tunnelled }], trafficPolicy: { ${tunnel} }`, ''),
    },
    'a tunnel of the subset': {
      on: 'end-to-end-tls',
      yaml: throughProxy(`subsets: [{ name: tunnelled, trafficPolicy: { ${tunnel} } }]`, ''),
    },
    'one name serves all of a wildcard': `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [www.example.com, '*.example.com']
        location: MESH_EXTERNAL
        resolution: DNS
        endpoints: [{ address: www.example.com }]
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*.example.com'], tls: { mode: ISTIO_MUTUAL } }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: ['*.example.com']
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: www.example.com, port: { number: 80 } } }]
    `,
    'the SNI of another host leads there: hop-sni-matches-host speaks': {
      on: 'end-to-end-tls',
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-api }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
        ---
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          exportTo: ['.']
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]
        ---
        kind: Gateway
        metadata: { namespace: istio-egress, name: www }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [www.example.com], tls: { mode: ISTIO_MUTUAL } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          gateways: [www]
          tcp: [{ route: [{ destination: { host: www.example.com, port: { number: 443 } } }] }]
      `,
    },
    'a server of byte streams has routes of several hosts: tls-server-has-one-destination speaks': {
      on: 'end-to-end-tls',
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com, www.example.com], tls: { mode: ISTIO_MUTUAL } }
        ---
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]
        ---
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: egress-www }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [www.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: www, port: { number: 443 } } }]
          tcp:
          - match: [{ gateways: [egress], port: 443 }]
            route: [{ destination: { host: www.example.com, port: { number: 443 } } }]
      `,
    },
    'a PASSTHROUGH server with a route for SNIs beyond its hosts: passthrough-sni-stays-within-server speaks': {
      on: 'end-to-end-tls',
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: [api.example.com], tls: { mode: PASSTHROUGH } }
        ---
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: ['*.example.com']
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: ['*.example.com'] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
          - match: [{ gateways: [egress], port: 443, sniHosts: ['*.example.com'] }]
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
    'an older VirtualService that takes over the server of one host is what another rule speaks of': {
      on: 'end-to-end-tls',
      yaml: `
        ${registered('other.example.com').trim().split('\n').join('\n  ')}
        kind: VirtualService
        metadata: { namespace: team-b, name: elsewhere, creationTimestamp: 2025-01-01T00:00:00Z }
        spec:
          hosts: [api.example.com]
          gateways: [istio-egress/egress]
          tcp:
          - route:
            - destination: { host: other.example.com, port: { number: 443 } }
      `,
    },
    'a backend that Istio does not know leads nowhere': {
      on: 'gateway-api',
      yaml: `
        kind: HTTPRoute
        metadata: { namespace: istio-egress, name: from-egress }
        spec:
          parentRefs: [{ name: api-egress }]
          hostnames: [api.example.com]
          rules: [{ backendRefs: [{ group: example.org, kind: Host, name: api, port: 80 }] }]
      `,
    },
  },
  invalid: {
    'some requests are led to another host': beside(`
        - match: [{ uri: { prefix: /v2 } }]
          route:
          - destination: { host: other.example.com, port: { number: 80 } } ${some} 'other.example.com'
    `),
    'some requests are copied to another host': beside(`
        - match: [{ uri: { prefix: /v2 } }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
          mirrors:
          - destination: { host: other.example.com, port: { number: 80 } } ${some} 'other.example.com'
    `),
    'a tunnel through a forward proxy to another host': {
      on: 'end-to-end-tls',
      yaml: throughProxy(
        `subsets: [{ name: tunnelled }], trafficPolicy: { ${tunnel.replace('api.', 'other.')} }`,
        other,
      ),
    },
    'another external host': leadingTo(other),
    'the same where policies ask for nothing of the host': {
      remove: ['AuthorizationPolicy istio-egress/deny-team-b'],
      yaml: leadingTo(other),
    },
    'a proxy without a tunnel': {
      on: 'end-to-end-tls',
      yaml: throughProxy(
        'subsets: [{ name: tunnelled }]',
        "# ✗ the gateway's route leads to 'proxy.example.net', not to 'api.example.com'",
      ),
    },
  },
});

/** The policy of the bundle with another rule. */
const policy = (rule: string): string => `
      ---
      kind: AuthorizationPolicy
      metadata: { namespace: istio-egress, name: deny-team-b }
      spec:
        selector: { matchLabels: { istio: egressgateway } }
        action: DENY
        rules: [${rule}]
`;

it.each([
  ['an error where a policy asks for the SNI', '', 'error'],
  [
    'an error where a policy asks for the host',
    policy('{ to: [{ operation: { hosts: ["api.example.com:*"] } }] }'),
    'error',
  ],
  [
    'a warning where policies ask for namespaces',
    policy('{ from: [{ source: { namespaces: [team-b] } }] }'),
    'warning',
  ],
  [
    'a warning where a policy asks for another host',
    policy('{ to: [{ operation: { hosts: [www.example.com] } }] }'),
    'warning',
  ],
])('is %s', (_, policies, severity) => {
  const yaml = `${leadingTo('')}${policies}`.replaceAll(/^ {6}/gm, '');
  const files = [...bundleFiles('http-origination'), parseManifests('case.yaml', yaml)];
  const options = { today: () => '2026-01-01', assumesGateways: true };
  const findings = createGuard(readInput(files).resources, parseSettings('', 'settings.yaml', []), options).check();
  const own = findings.filter(({ rule }) => rule === gatewayRouteKeepsHost.name);
  expect(own.map((finding) => finding.severity)).toEqual([severity]);
});
