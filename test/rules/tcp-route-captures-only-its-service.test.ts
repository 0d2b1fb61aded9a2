import { tcpRouteCapturesOnlyItsService } from '../../src/rules/tcp-route-captures-only-its-service.ts';
import { testRule } from './test-rule.ts';

/** A database that is led to the egress gateway. */
const database = (more = '', mark = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: db }
      spec:
        hosts: [db.example.com]${more}
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 5432, name: tcp, protocol: TCP }]
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: db }
      spec:
        selector: { istio: egressgateway }
        servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: [db.example.com], tls: { mode: ISTIO_MUTUAL } }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-db }
      spec:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subsets: [{ name: db, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: db.example.com } } }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: db }
      spec:
        hosts: [db.example.com]
        gateways: [mesh, db]
        tcp:
        - match: [{ gateways: [mesh], port: 5432 }]
          route:
          - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: db, port: { number: 443 } }  ${mark}
        - match: [{ gateways: [db], port: 443 }]
          route: [{ destination: { host: db.example.com, port: { number: 5432 } } }]
      ---`;

/** The ServiceEntry of another host. */
const partner = (ports: string, more = '', metadata = ''): string => `
      kind: ServiceEntry
      metadata: { namespace: team-b, name: partner${metadata} }
      spec:
        hosts: [db.partner.example]${more}
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        - ${ports}
`;

const tcp = '{ number: 5432, name: tcp, protocol: TCP }';
const address = (last: number): string => `\n        addresses: [192.0.2.${last}]`;

const taken = (host: string, other: string): string =>
  `# ✗ connections to '${host}' on port 5432 are taken for those to '${other}': no address tells them apart`;

testRule(tcpRouteCapturesOnlyItsService, {
  valid: {
    'one host has the port': database(),
    'another host has an address': `${database()}${partner(tcp, address(20))}`,
    'both have addresses': `${database(address(10))}${partner(tcp, address(20))}`,
    'each has a port of its own': `${database()}${partner('{ number: 5433, name: tcp, protocol: TCP }')}`,
    'the other is told apart by its SNI': `${database()}${partner('{ number: 5432, name: tls, protocol: TLS }')}`,
    'clients of the other do not see the port': `${database('\n        exportTo: [istio-egress, team-a]')}${partner(
      tcp,
      "\n        exportTo: ['.']",
    )}`,
    'neither is led to the gateway': partner(tcp).concat(`
      ---
      kind: ServiceEntry
      metadata: { namespace: team-a, name: other }
      spec:
        hosts: [db.other.example]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [${tcp}]
    `),
    'the other may be reached without the gateway': {
      settings: 'directHosts: [db.partner.example]',
      yaml: `${database()}${partner(tcp)}`,
    },
  },
  invalid: {
    'the other has no address': `${database('', taken('db.partner.example', 'db.example.com'))}${partner(tcp)}`,
    'both have one address': `${database(address(10), taken('db.partner.example', 'db.example.com'))}${partner(
      tcp,
      address(10),
    )}`,
    'the port of the other has no protocol': `${database('', taken('db.partner.example', 'db.example.com'))}${partner(
      '{ number: 5432, name: something }',
    )}`,
    'the other is older: what is led to the gateway leaves directly': `${database()}${partner(
      `${tcp} ${taken('db.example.com', 'db.partner.example')}`,
      '',
      ', creationTimestamp: 2025-01-01T00:00:00Z',
    )}`,
  },
});
