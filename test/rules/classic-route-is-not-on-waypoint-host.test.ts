import { classicRouteIsNotOnWaypointHost } from '../../src/rules/classic-route-is-not-on-waypoint-host.ts';
import { testRule } from './test-rule.ts';

const waypoint = (namespace: string): string => `
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: { namespace: ${namespace}, name: wp }
  spec:
    gatewayClassName: istio-waypoint
    listeners: [{ name: mesh, port: 15008, protocol: HBONE, allowedRoutes: { namespaces: { from: All } } }]
  ---
`;

const entry = (port: string, namespace = 'istio-egress'): string => `
  kind: ServiceEntry
  metadata:
    namespace: istio-egress
    name: api
    labels: { istio.io/use-waypoint: wp, istio.io/use-waypoint-namespace: ${namespace} }
  spec:
    hosts: [api.example.com]
    resolution: DNS
    ports: [${port}]
`;

const http = '{ number: 80, name: http, protocol: HTTP, targetPort: 443 }';
const tls = '{ number: 443, name: tls, protocol: TLS }';

const route = (namespace: string, exportTo: string, mark = ''): string => `
  ---
  kind: VirtualService
  metadata: { namespace: ${namespace}, name: api }
  spec:
    hosts: [api.example.com]
    gateways: [mesh]
    exportTo: ${exportTo}
    http:
    - route: ${mark}
      - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }
`;

const remove = ['VirtualService istio-egress/api'];

const follows = (name: string): string =>
  `# ✗ waypoint '${name}' follows this route for 'api.example.com': the egress gateway sees the waypoint instead of the client`;

testRule(classicRouteIsNotOnWaypointHost, {
  valid: {
    'no waypoint': '# the bundle as it is',
    'a waypoint alone': { on: 'ambient-waypoint', yaml: '# the bundle as it is' },
    'the route is in the namespace of clients with sidecars': {
      remove,
      yaml: waypoint('istio-egress') + entry(http) + route('team-a', '["*"]'),
    },
    'the route is not exported to the waypoint': {
      yaml: waypoint('egress') + entry(http, 'egress') + route('istio-egress', '[team-a, team-b]'),
    },
    'the waypoint follows routes for other protocols': { yaml: waypoint('istio-egress') + entry(tls) },
    'the host is not led to the waypoint': {
      yaml: waypoint('istio-egress') + entry(http).replace('istio.io/use-waypoint: wp', 'istio.io/use-waypoint: none'),
    },
    'the waypoint is missing': entry(http),
  },

  invalid: {
    'the route is beside the waypoint': {
      yaml: waypoint('istio-egress') + entry(http) + route('istio-egress', '["*"]', follows('istio-egress/wp')),
    },
    'the route is beside the service, and exported to the waypoint': {
      yaml: waypoint('egress') + entry(http, 'egress') + route('istio-egress', '["*"]', follows('egress/wp')),
    },
    'a stream': {
      on: 'end-to-end-tls',
      yaml: `
        ${(waypoint('istio-egress') + entry(tls)).trim().replaceAll('\n', '\n      ')}
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          gateways: [mesh]
          tls:
          - match: [{ sniHosts: [api.example.com] }] ${follows('istio-egress/wp')}
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }]
      `,
    },
    'a route of the Gateway API': {
      on: 'gateway-api',
      yaml: `
        ${(waypoint('istio-egress') + entry(http)).trim().replaceAll('\n', '\n      ')}
        # ✗ HTTPRoute istio-egress/to-egress: waypoint 'istio-egress/wp' follows this route for 'api.example.com': the egress gateway sees the waypoint instead of the client
      `,
    },
  },
});
