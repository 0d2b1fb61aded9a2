import { routeDestinationExists } from '../../src/rules/route-destination-exists.ts';
import { testRule } from './test-rule.ts';

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';

/** The VirtualService of the bundle, its mesh leg to another destination. */
const api = (destination: string, mark = '', namespace = 'istio-egress'): string => `
      kind: VirtualService
      metadata: { namespace: ${namespace}, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, istio-egress/egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route:
          - destination: ${destination}  ${mark}
        - match: [{ gateways: [istio-egress/egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`;

/** A Service of the mesh. */
const mock = (exportTo: string): string => `
      kind: Service
      metadata: { namespace: team-a, name: mock, annotations: { networking.istio.io/exportTo: '${exportTo}' } }
      spec:
        selector: { app: mock }
        ports: [{ name: http, port: 80 }]
`;

const mockHost = 'mock.team-a.svc.cluster.local';

const sidecar = (imported: string): string => `
      kind: Sidecar
      metadata: { namespace: istio-system, name: default }
      spec: { egress: [{ hosts: [istio-egress/*, ${imported}] }] }
`;

const remove = ['VirtualService istio-egress/api'];

testRule(routeDestinationExists, {
  valid: {
    'the route leads to the gateway': '# the bundle as it is',
    'the route leads to a Service of the mesh': `${mock('*')}---${api(`{ host: ${mockHost}, port: { number: 80 } }`)}`,
    'the gateway has no such port: ports-line-up speaks': api(
      `{ host: ${gateway}, subset: api, port: { number: 81 } }`,
    ),
    'the gateway has no such subset: subset-exists speaks': api(`{ host: ${gateway}, subset: other }`),
    'the gateway is named in part: service-host-is-qualified speaks': api('{ host: istio-egressgateway.istio-egress }'),
    'a destination that is known because the route leads there, though no Sidecar imports it': `
      ${mock('*').trim()}
      ---
      ${sidecar('istio-system/*').trim()}
      ---
      ${api(`{ host: ${mockHost}, port: { number: 80 } }`).trim()}`,
    'the host is to be reached directly': {
      settings: 'directHosts: [api.example.com]',
      yaml: api('{ host: nowhere.istio-egress.svc.cluster.local }'),
    },
    'nobody takes the route': {
      yaml: api('{ host: nowhere.istio-egress.svc.cluster.local }').replace('port: 80 }]', 'port: 8080 }]'),
    },
  },
  invalid: {
    'a slip of the pen': api(
      '{ host: istio-egressgatway.istio-egress.svc.cluster.local }',
      "# ✗ the route leads to 'istio-egressgatway.istio-egress.svc.cluster.local', which is no service (incomplete)",
    ),
    'a bare name is completed with the namespace of the VirtualService': {
      remove,
      yaml: api(
        '{ host: istio-egressgateway }',
        "# ✗ the route leads to 'istio-egressgateway.platform.svc.cluster.local', which is no service (incomplete)",
        'platform',
      ),
    },
    'a port that the Service does not have': `${mock('*')}---${api(
      `{ host: ${mockHost}, port: { number: 8080 } }`,
      `# ✗ the route leads to '${mockHost}', which has no port 8080`,
    )}`,
    'a subset that nobody defines': `${mock('*')}---${api(
      `{ host: ${mockHost}, subset: v1, port: { number: 80 } }`,
      `# ✗ the route leads to '${mockHost}', and no DestinationRule that the clients apply to it has a subset 'v1' (incomplete)`,
    )}`,
    'a Service that the clients do not see': `${mock('istio-egress')}---${api(
      `{ host: ${mockHost}, port: { number: 80 } }`,
      `# ✗ the route leads to '${mockHost}', which the clients do not see`,
    )}`,
  },
});
