import { envoyAcceptsSidecarListener } from '../../src/rules/envoy-accepts-sidecar-listener.ts';
import { testRule } from './test-rule.ts';

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';

/** The VirtualService of the bundle with other names in its mesh leg. */
const platform = (sniHosts: string, mark = ''): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        tls:
        - match:
          - gateways: [mesh]
            port: 443
            sniHosts: ${sniHosts}  ${mark}
          route: [{ destination: { host: ${gateway}, subset: api, port: { number: 443 } } }]
        tcp:
        - match: [{ gateways: [egress], port: 443 }]
          route: [{ destination: { host: api.example.com, port: { number: 443 } } }]
`;

/** A VirtualService of another team. */
const tenant = (sniHosts: string, destination: string, mark = '', more = ''): string => `
      kind: VirtualService
      metadata: { namespace: team-b, name: web${more} }
      spec:
        hosts: ['*.example.com', API.example.com]
        tls:
        - match: [{ port: 443, sniHosts: ${sniHosts} }]  ${mark}
          route: [{ destination: { host: ${destination}, port: { number: 443 } } }]
`;

/** A ServiceEntry of another team. */
const service = (host: string, port: string, mark = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: team-b, name: other }
      spec:
        hosts: ${host}  ${mark}
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [${port}]
`;

const tls = '{ number: 443, name: tls, protocol: TLS }';
const refuses = "# ✗ Envoy refuses the TLS listener of port 443 on sidecars: 'api.example.com' is listed twice";
const claimed = (other: string): string =>
  `# ✗ Envoy refuses the TLS listener of port 443 on sidecars: ${other} claims 'api.example.com' too`;
const byPlatform = claimed("VirtualService 'istio-egress/api'");

const on = 'end-to-end-tls';

/** A database whose connections lead to the egress gateway, told by the addresses that they go to. */
const database = (subnets: string, more = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: db }
      spec:
        hosts: [db.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 5432, name: tcp, protocol: TCP }]
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: db }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 5432, name: tls, protocol: TLS }, hosts: [db.example.com], tls: { mode: ISTIO_MUTUAL } }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-db }
      spec:
        host: ${gateway}
        subsets: [{ name: db, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: db.example.com } } }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: db }
      spec:
        hosts: [db.example.com]
        gateways: [mesh, db]
        tcp:
        - match:
          - gateways: [mesh]
            port: 5432
            destinationSubnets: ${subnets}
          route: [{ destination: { host: ${gateway}, subset: db, port: { number: 5432 } } }]
        ${more}
        - match: [{ gateways: [db], port: 5432 }]
          route: [{ destination: { host: db.example.com, port: { number: 5432 } } }]
`;

const otherRoute = (subnets: string): string => `- match:
          - gateways: [mesh]
            destinationSubnets: ${subnets}
          route: [{ destination: { host: db.example.com } }]`;

testRule(envoyAcceptsSidecarListener, {
  valid: {
    'every name is claimed once': { on, yaml: '# the bundle as it is' },
    'the very same list is what Istio leaves out': { on, yaml: tenant('[api.example.com]', 'www.example.com') },
    'a wildcard is another name than those that it covers': { on, yaml: tenant("['*.example.com']", gateway) },
    'a list for another port': {
      on,
      yaml: tenant('[api.example.com, www.example.com]', 'www.example.com').replace('443', '8443'),
    },
    'a ServiceEntry of the same host in the same letters': { on, yaml: service('[api.example.com]', tls) },
    'HTTP is told apart by names without their case': {
      yaml: service('[API.example.com]', '{ number: 80, name: http, protocol: HTTP }'),
    },
    'every subnet is claimed once': { yaml: database('[192.0.2.0/24]', otherRoute('[192.0.2.7, 198.51.100.0/24]')) },
    'what names no subnet comes last': { yaml: database('[0.0.0.0/0]') },
    'nothing is led to an egress gateway': {
      on: 'mesh',
      yaml: `${service('[api.example.com, API.example.com]', tls)}`,
    },
    'a VirtualService that no client sees': {
      on,
      yaml: tenant('[api.example.com, www.example.com]', 'www.example.com').replace(
        'spec:',
        "spec:\n        exportTo: ['.']\n        gateways: [nowhere]",
      ),
    },
  },
  invalid: {
    'one list has a name twice': { on, yaml: platform('[api.example.com, api.example.com]', refuses) },
    'one list has a name in letters of another case': {
      on,
      yaml: platform('[api.example.com, API.example.com]', refuses).replace(
        'hosts: [api.example.com]',
        'hosts: [api.example.com, API.example.com]',
      ),
    },
    'a longer list of another team': {
      on,
      yaml: tenant('[api.example.com, www.example.com]', 'www.example.com', byPlatform),
    },
    'the list of another team is older': {
      on,
      yaml: tenant(
        '[api.example.com, www.example.com]',
        'www.example.com',
        byPlatform,
        ', creationTimestamp: 2025-01-01T00:00:00Z',
      ),
    },
    'both lists lead to the gateway: the younger is too many': {
      on,
      yaml: tenant('[api.example.com, www.example.com]', gateway, byPlatform),
    },
    'a ServiceEntry in letters of another case': { on, yaml: service('[API.example.com]', tls, byPlatform) },
    'clients of a private VirtualService': {
      on,
      yaml: tenant('[api.example.com, www.example.com]', 'www.example.com', byPlatform).replace(
        'spec:',
        "spec:\n        exportTo: ['.']",
      ),
    },
    'a subnet in one rule, twice': {
      yaml: database(
        "[192.0.2.7, 192.0.2.7/32]  # ✗ Envoy refuses the listener of port 5432 on sidecars: '192.0.2.7/32' is listed twice",
      ),
    },
    'the same subnet in two rules, with other bits behind its prefix': {
      yaml: database(
        '[192.0.2.0/24]',
        otherRoute(
          "[192.0.2.7/24]  # ✗ Envoy refuses the listener of port 5432 on sidecars: spec.tcp[0].match[0].destinationSubnets claims '192.0.2.0/24' too",
        ),
      ),
    },
    'where only what is registered leaves': {
      on,
      yaml: `${tenant('[api.example.com, www.example.com]', 'www.example.com', byPlatform)}
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: { namespace: istio-system, name: istio }
      data: { mesh: "{ outboundTrafficPolicy: { mode: REGISTRY_ONLY } }" }
      `,
    },
  },
});
