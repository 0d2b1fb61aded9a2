import { gatewayLegIsBound } from '../../src/rules/gateway-leg-is-bound.ts';
import { type RuleCase, testRule } from './test-rule.ts';

const meshLeg = (gateways: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        ${gateways}
        http:
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
`;

const gatewayLeg = (head: string): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: gateway-leg }
      spec:
        ${head}
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
`;

const unbound =
  "no VirtualService of 'api.example.com' has a route for Gateway 'istio-egress/egress', at which its requests arrive (incomplete)";

/** The gateway leg of the bundle with the Gateway API, with another reference to its listener. */
const attached = (
  reference: string,
  { mark = '', hostnames = '[api.example.com]', namesMark = '', namespace = 'istio-egress', kind = 'HTTPRoute' } = {},
): string => `
      kind: ${kind}
      metadata: { namespace: ${namespace}, name: from-egress }
      spec:
        parentRefs:
        - name: api-egress
          ${reference} ${mark}
        hostnames: ${hostnames} ${namesMark}
        rules: [{ backendRefs: [{ group: networking.istio.io, kind: Hostname, name: api.example.com, port: 80 }] }]
`;

const onApi = (yaml: string, remove: readonly string[] = []): RuleCase => ({ on: 'gateway-api', remove, yaml });

const listener = (text: string): string => `
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: { namespace: istio-egress, name: api-egress }
      spec:
        gatewayClassName: istio
        listeners: [{ name: https, port: 80, hostname: api.example.com, ${text}, tls: { options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } } }]
`;

const detached = (reason: string, isIncomplete = false): string =>
  `# ✗ the route is not attached to listener 'https' of Gateway 'istio-egress/api-egress', at which requests for 'api.example.com' arrive: ${reason}${isIncomplete ? ' (incomplete)' : ''}`;

const ownRoute = ['HTTPRoute istio-egress/from-egress'];

testRule(gatewayLegIsBound, {
  valid: {
    'a route of the Gateway API is attached to the listener': onApi('# the bundle as it is'),
    'the route names section and port of the listener': onApi(attached('sectionName: https\n          port: 80')),
    'the listener takes routes of the namespace': onApi(
      attached('namespace: istio-egress', { namespace: 'team-a' }) +
        listener('protocol: HTTPS, allowedRoutes: { namespaces: { from: All } }'),
      ownRoute,
    ),
    'the hostnames of the route are those of the listener': onApi(attached('sectionName: https', { hostnames: '[]' })),
    'a TLSRoute is attached to a listener for byte streams': onApi(
      attached('sectionName: https', { kind: 'TLSRoute' }) + listener('protocol: TLS'),
      ownRoute,
    ),
    'one VirtualService has both legs': '# the bundle as it is',
    'each leg has a VirtualService': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      ${gatewayLeg('hosts: [api.example.com]\n        gateways: [egress]').trim()}
    `,
    'the one of the gateway is for a wildcard': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      ${gatewayLeg("hosts: ['*.example.com']\n        gateways: [egress]").trim()}
    `,
    'the Gateway that is listed does not exist: gateway-reference-resolves speaks': `
      ${meshLeg('gateways: [mesh, other]').trim()}
    `,
    'only some requests have a route': `
      ${meshLeg('gateways: [mesh]').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: gateway-leg }
      spec:
        hosts: [api.example.com]
        gateways: [egress]
        http: [{ match: [{ uri: { prefix: /v1 } }], route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]
    `,
  },
  invalid: {
    'no route of the Gateway API is for the host': onApi(
      "# ✗ Gateway istio-egress/api-egress: no route is attached to listener 'https' of Gateway 'istio-egress/api-egress', at which requests for 'api.example.com' arrive (incomplete)",
      ownRoute,
    ),
    'the route names another section': onApi(
      attached('sectionName: http', { mark: detached('it names another listener') }),
    ),
    'the route names another port': onApi(attached('port: 443', { mark: detached('the listener has port 80') })),
    'the route is of another kind': onApi(
      attached('sectionName: https').replace(
        '- name: api-egress',
        `- name: api-egress ${detached('the listener takes no HTTPRoute')}`,
      ) + listener('protocol: TLS'),
    ),
    'the route is in another namespace': onApi(
      attached('namespace: istio-egress', { namespace: 'team-a' }).replace(
        '- name: api-egress',
        `- name: api-egress ${detached("the listener takes no routes of namespace 'team-a'", true)}`,
      ),
      ownRoute,
    ),
    'the route is for other hostnames': onApi(
      attached('sectionName: https', {
        hostnames: '[www.example.com]',
        namesMark: detached('its hostnames are others', true),
      }),
    ),
    'the route names a Gateway that does not exist': onApi(
      attached('sectionName: https').replace(
        'name: api-egress\n',
        `name: nope ${detached("there is no Gateway 'istio-egress/nope'", true)}\n`,
      ),
    ),
    'the route names another Gateway': onApi(
      `${attached('sectionName: https').replace(
        'name: api-egress\n',
        `name: web ${detached("it names Gateway 'istio-egress/web'", true)}\n`,
      )}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: { namespace: istio-egress, name: web }
      spec: { gatewayClassName: nginx, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`,
    ),
    'no VirtualService is bound to the Gateway': meshLeg(`gateways: [mesh]  # ✗ ${unbound}`),
    'one is, and all its rules are for sidecars': meshLeg(`gateways: [mesh, egress]  # ✗ ${unbound}`),
    'one of another host is': `
      ${meshLeg(`gateways: [mesh]  # ✗ ${unbound}`).trim()}
      ---
      ${gatewayLeg('hosts: [www.example.com]\n        gateways: [egress]').trim()}
    `,
    'a server of byte streams, which does not even listen': {
      on: 'end-to-end-tls',
      yaml: `
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh]  # ✗ ${unbound}
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
      `,
    },
    'a server that forwards TLS, on a plain hop': {
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
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh]  # ✗ ${unbound}
          tls:
          - match: [{ port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
      `,
    },
    'the route is for the SNI of another host': {
      on: 'end-to-end-tls',
      remove: ['DestinationRule istio-egress/egress-api'],
      yaml: `
        kind: Gateway
        metadata: { namespace: istio-egress, name: egress }
        spec:
          selector: { istio: egressgateway }
          servers:
          - { port: { number: 443, name: tls, protocol: TLS }, hosts: ['*.example.com'], tls: { mode: PASSTHROUGH } }
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: ['*.example.com']
          gateways: [mesh, egress]
          tls:
          - match: [{ gateways: [mesh], port: 443, sniHosts: [api.example.com] }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
          - match:
            - gateways: [egress]
              sniHosts: [www.example.com]  # ✗ no 'tls' match for Gateway 'istio-egress/egress' names SNI 'api.example.com' (incomplete)
            route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
      `,
    },
  },
});
