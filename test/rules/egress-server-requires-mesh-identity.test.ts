import { egressServerRequiresMeshIdentity } from '../../src/rules/egress-server-requires-mesh-identity.ts';
import { testRule } from './test-rule.ts';

/** The application's TLS goes through the gateway untouched. */
const passthrough = (mark = '', tls = 'tls: { mode: PASSTHROUGH }'): string => `
  kind: Gateway
  metadata: { namespace: istio-egress, name: egress }
  spec:
    selector: { istio: egressgateway }
    servers:
    - port: { number: 443, name: tls-api, protocol: TLS }
      hosts: [api.example.com]
      ${tls}${mark}
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
`;

const withoutPolicy = ['DestinationRule istio-egress/egress-api', 'AuthorizationPolicy istio-egress/deny-team-b'];
const withoutRule = ['DestinationRule istio-egress/egress-api'];

const forwards =
  "server 'tls-api' forwards TLS untouched (PASSTHROUGH) on pod port 8443 of the egress gateway: it does not learn which workload asks";
const forwardsUnasked = ` # ✗ ${forwards}`;
const forwardsAsked = ` # ✗ ${forwards}, and DENY policy 'istio-egress/deny-team-b' depends on that`;

/** A server of another namespace on the platform's pods. */
const tenant = (server: string): string => `
  kind: Gateway
  metadata: { namespace: team-b, name: tenant }
  spec:
    selector: { istio: egressgateway }
    servers:
    - ${server}
`;

const policy = (rules: string, more = ''): string => `
  ---
  kind: AuthorizationPolicy
  metadata: { namespace: istio-egress, name: deny-team-b }
  spec:
    selector: { matchLabels: { istio: egressgateway } }
    action: DENY
    rules: [${rules}]
    ${more}
`;

/** The pods serve ingress too: a route leads to a service of the mesh. */
const ingress = (destination = 'shop.team-a.svc.cluster.local'): string => `
  kind: Gateway
  metadata: { namespace: team-a, name: shop }
  spec:
    selector: { istio: egressgateway }
    servers:
    - port: { number: 8090, name: https-shop, protocol: HTTPS }
      hosts: [shop.example.org]
      tls: { mode: SIMPLE, credentialName: shop }
  ---
  kind: Service
  metadata: { namespace: team-a, name: shop }
  spec: { selector: { app: shop }, ports: [{ name: http, port: 80 }] }
  ---
  kind: VirtualService
  metadata: { namespace: team-a, name: shop }
  spec:
    hosts: [shop.example.org]
    gateways: [shop]
    http: [{ route: [{ destination: { host: ${destination}, port: { number: 80 } } }] }]
`;

testRule(egressServerRequiresMeshIdentity, {
  valid: {
    'the server is ISTIO_MUTUAL': '# the bundle as it is',
    'a server of another namespace is ISTIO_MUTUAL too': tenant(
      '{ port: { number: 80, name: https-x, protocol: HTTPS }, hosts: [x.example.com], tls: { mode: ISTIO_MUTUAL } }',
    ),
    'the pods are those of another gateway': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: ingressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [x.example.com] }]
    `,
    'the server listens on an address that no Service leads to': tenant(
      '{ port: { number: 80, name: http, protocol: HTTP }, bind: 127.0.0.5, hosts: [x.example.com] }',
    ),
    'the server only sends clients on to HTTPS': tenant(
      '{ port: { number: 9000, name: http, protocol: HTTP }, hosts: [x.example.com], tls: { httpsRedirect: true } }',
    ),
    'the pods serve ingress too, and the server leads to a service of the mesh': ingress(),
    'the gateway is none of egress': {
      remove: ['VirtualService istio-egress/api'],
      yaml: tenant('{ port: { number: 80, name: http, protocol: HTTP }, hosts: [x.example.com] }'),
    },
    'a TLS server that does not fit the hop is what another rule speaks of': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 80, name: https-api, protocol: HTTPS }
          hosts: [./api.example.com]
          tls: { mode: MUTUAL, credentialName: api }
    `,
  },
  invalid: {
    'a tenant adds a plaintext server': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port:
            number: 80
            name: http
            protocol: HTTP # ✗ server 'http' takes plaintext HTTP on pod port 8080 of the egress gateway: everybody is let in without an identity
          hosts: [x.example.com]
    `,
    'a Gateway without selector adds a server to every gateway': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        servers:
        - port: { number: 9000, name: tls, protocol: TLS }
          hosts: [x.example.com]
          tls:
            mode: SIMPLE # ✗ server 'tls' terminates SIMPLE TLS on pod port 9000 of the egress gateway: everybody is let in without an identity
            credentialName: x
    `,
    'a client certificate is optional': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: [x.example.com]
          tls: { mode: OPTIONAL_MUTUAL, credentialName: x } # ✗ server 'https' terminates OPTIONAL_MUTUAL TLS on pod port 8443 of the egress gateway: everybody is let in without an identity
    `,
    'TLS of an HTTP server is ignored but for redirects': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 9000, name: http, protocol: HTTP } # ✗ server 'http' takes plaintext HTTP on pod port 9000 of the egress gateway: everybody is let in without an identity
          hosts: [x.example.com]
          tls: {}
    `,
    'a certificate of another CA names anybody, and a policy believes it': `
      kind: Gateway
      metadata: { namespace: team-b, name: tenant }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 443, name: https, protocol: HTTPS }
          hosts: ['*.example.com']
          tls: { mode: MUTUAL, credentialName: x } # ✗ server 'https' terminates MUTUAL TLS on pod port 8443 of the egress gateway: it does not learn which workload asks, and DENY policy 'istio-egress/deny-team-b' depends on that
    `,
    'TLS goes through untouched, and no policy asks who sends it': {
      on: 'end-to-end-tls',
      remove: withoutPolicy,
      yaml: passthrough(forwardsUnasked),
    },
    'the mode is left out, which is PASSTHROUGH': {
      on: 'end-to-end-tls',
      remove: withoutPolicy,
      yaml: passthrough(forwardsUnasked, 'tls: {}'),
    },
    'TLS goes through untouched, and a policy asks who sends it': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml: passthrough(forwardsAsked),
    },
    'the policy asks about every name under a wildcard': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml:
        passthrough(forwardsAsked) +
        policy(
          "{ from: [{ source: { principals: ['*/sa/x'] } }], when: [{ key: connection.sni, values: ['*.example.com'] }] }",
        ),
    },
    'the policy names no SNI, and the port of the pods': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml:
        passthrough(forwardsAsked) +
        policy("{ from: [{ source: { notNamespaces: [team-a] } }], to: [{ operation: { ports: ['8443'] } }] }"),
    },
    'the policy is about another host': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml:
        passthrough(forwardsUnasked) +
        policy(
          '{ from: [{ source: { namespaces: [team-b] } }], when: [{ key: connection.sni, values: [other.example.com] }] }',
        ),
    },
    'the policy is about another port': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml:
        passthrough(forwardsUnasked) +
        policy("{ from: [{ source: { namespaces: [team-b] } }], to: [{ operation: { ports: ['8080'] } }] }"),
    },
    'the policy does not ask who sends it': {
      on: 'end-to-end-tls',
      remove: withoutRule,
      yaml: passthrough(forwardsUnasked) + policy('{ when: [{ key: connection.sni, values: [api.example.com] }] }'),
    },
    'a server that hands bytes on knows nobody either': {
      remove: ['AuthorizationPolicy istio-egress/deny-team-b'],
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: database }
        spec:
          selector: { istio: egressgateway }
          servers:
          - port: { number: 3306, name: tcp-database, protocol: TCP } # ✗ server 'tcp-database' forwards bytes on pod port 3306 of the egress gateway: it does not learn which workload asks
            hosts: [db.example.com]
      `,
    },
    'a policy for every host asks who sends the bytes': `
      kind: Gateway
      metadata: { namespace: istio-egress, name: database }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 3306, name: tcp-database, protocol: TCP } # ✗ server 'tcp-database' forwards bytes on pod port 3306 of the egress gateway: it does not learn which workload asks, and DENY policy 'istio-egress/deny-team-b' depends on that
          hosts: ['*']
    `,
    'the pods serve ingress too, but this server leads out of the mesh': ingress('api.example.com').replace(
      'mode: SIMPLE, credentialName: shop }',
      "mode: SIMPLE, credentialName: shop } # ✗ server 'https-shop' terminates SIMPLE TLS on pod port 8090 of the egress gateway: everybody is let in without an identity",
    ),
    'the pods serve ingress too, and nothing says yet what this server is for': `
      ${ingress().trim().replaceAll('\n', '\n    ')}
      ---
      kind: Gateway
      metadata: { namespace: team-a, name: blog }
      spec:
        selector: { istio: egressgateway }
        servers:
        - port: { number: 8091, name: https-blog, protocol: HTTPS }
          hosts: [blog.example.org]
          tls: { mode: SIMPLE, credentialName: blog } # ✗ server 'https-blog' terminates SIMPLE TLS on pod port 8091 of the egress gateway: everybody is let in without an identity (incomplete)
    `,
  },
});
