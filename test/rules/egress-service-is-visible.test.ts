import { egressServiceIsVisible } from '../../src/rules/egress-service-is-visible.ts';
import { testRule } from './test-rule.ts';

const hidden = '# ✗ the Service of the egress gateway is not exported to all clients whose route leads to it';

/** The Service of the gateway in the bundle, exported elsewhere. */
const service = (exportTo: string, mark = ''): string => `
      kind: Service
      metadata:
        namespace: istio-egress
        name: istio-egressgateway
        annotations:  ${mark}
          networking.istio.io/exportTo: '${exportTo}'
      spec:
        selector: { istio: egressgateway, app: istio-egressgateway }
        ports: [{ name: http2, port: 80, targetPort: 8080 }, { name: https, port: 443, targetPort: 8443 }]
`;

/** What the mesh says of Services that say nothing. */
const privateByDefault = `
      kind: ConfigMap
      metadata: { namespace: istio-system, name: istio }
      data: { mesh: "{ defaultServiceExportTo: ['.'] }" }
`;

const proxied = (imported: string, mark = ''): string => `
      kind: Sidecar
      metadata: { namespace: team-a, name: default }
      spec:
        egress: [{ hosts: [${imported}] }]
        outboundTrafficPolicy:
          mode: ALLOW_ANY
          egressProxy: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }  ${mark}
`;

testRule(egressServiceIsVisible, {
  valid: {
    'a Service is exported to everybody': '# the bundle as it is',
    'the Service is exported to its clients': service('team-a,team-b,istio-egress'),
    'the Service is exported where Services usually are not': `${service('*')}---${privateByDefault}`,
    'a namespace that does not see the host either': `
      ${service('team-a').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        exportTo: ['.', team-a]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'a Sidecar imports the gateway to which it leads unknown traffic': proxied(
      "'istio-egress/istio-egressgateway*'",
    ).replace("'istio-egress/istio-egressgateway*'", 'istio-egress/istio-egressgateway.istio-egress.svc.cluster.local'),
    'the Service has no such port: ports-line-up speaks': service('*').replace('port: 80,', 'port: 81,'),
  },
  invalid: {
    'a Service for its own namespace': service('.', hidden),
    'one client is forgotten': service('team-a', hidden),
    'Services are private by default': `
      # ✗ Service istio-egress/istio-egressgateway: the Service of the egress gateway is not exported to all clients whose route leads to it
      ${privateByDefault.trim()}
      ---
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        exportTo: ['*']
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `,
    'a Sidecar does not import the gateway to which it leads unknown traffic': proxied(
      "'team-a/*'",
      "# ✗ the Sidecar does not import 'istio-egressgateway.istio-egress.svc.cluster.local', which it leads unknown traffic to",
    ),
  },
});
