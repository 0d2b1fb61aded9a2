import { waypointExists } from '../../src/rules/waypoint-exists.ts';
import { type RuleCase, testRule } from './test-rule.ts';

const on = 'ambient-waypoint' as const;

/** The ServiceEntry of the bundle with other labels, the finding on the first line that has room for it. */
const entry = (labels: string, mark = ''): string => `
  kind: ServiceEntry
  metadata:
    namespace: egress
    name: api
    labels: ${labels} ${mark}
  spec:
    hosts: [api.example.com]
    resolution: DNS
    ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`;

const named = '{ istio.io/use-waypoint: egress-wp }';

/** The same with another host or resolution. */
const address = (spec: string, mark = '', labels = named): RuleCase => ({
  on,
  yaml: `
    kind: ServiceEntry
    metadata: { namespace: egress, name: api, labels: ${labels} }
    spec:
      ${spec} ${mark}
      ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
  `,
});

const waypoint = (spec: string, labels = '{}'): string => `
  ---
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: { namespace: egress, name: egress-wp, labels: ${labels} }
  spec: ${spec}
`;

const hbone = (namespaces: string): string =>
  `{ gatewayClassName: istio-waypoint, listeners: [{ name: mesh, port: 15008, protocol: HBONE, allowedRoutes: { namespaces: ${namespaces} } }] }`;

const elsewhere = (mark = ''): string => `
  kind: ServiceEntry
  metadata:
    namespace: team-a
    name: own
    labels: { istio.io/use-waypoint: egress-wp, istio.io/use-waypoint-namespace: egress } ${mark}
  spec:
    hosts: [own.example.com]
    resolution: DNS
    ports: [{ number: 443, name: tls, protocol: TLS }]
`;

testRule(waypointExists, {
  valid: {
    'the waypoint is there': { on, yaml: '# the bundle as it is' },
    'no waypoint is asked for': { on, yaml: entry('{ istio.io/use-waypoint: none }') },
    'no waypoint is named': { on, yaml: entry('{ team: a }') },
    'a service inside the mesh is not judged': {
      on,
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: egress, name: vm, labels: { istio.io/use-waypoint: nope } }
        spec: { hosts: [vm.internal], location: MESH_INTERNAL, resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
      `,
    },
    'another namespace is admitted': { on, yaml: elsewhere() + waypoint(hbone('{ from: All }')) },
    'a waypoint of another vendor takes what it likes': {
      on,
      yaml:
        elsewhere() +
        waypoint('{ gatewayClassName: agentgateway-waypoint, listeners: [{ name: m, port: 80, protocol: HTTP }] }'),
    },
    'a waypoint for everything': {
      on,
      yaml: entry(named) + waypoint(hbone('{ from: Same }'), '{ istio.io/waypoint-for: all }'),
    },
    'the host has an address of its own': address('addresses: [192.0.2.7]\n      hosts: ["*.example.com"]'),
    'what its namespace leads to a waypoint need not be meant': {
      on,
      yaml: `
        kind: Namespace
        metadata: { name: egress, labels: { istio.io/dataplane-mode: ambient, istio.io/use-waypoint: egress-wp } }
        ---
        kind: ServiceEntry
        metadata: { namespace: egress, name: any }
        spec: { hosts: ["*.example.org"], ports: [{ number: 443, name: tls, protocol: TLS }] }
      `,
    },
  },

  invalid: {
    'there is no Gateway of the name': {
      on,
      yaml: entry(
        '{ istio.io/use-waypoint: egress }',
        "# ✗ there is no waypoint 'egress/egress': ambient clients get around it (incomplete)",
      ),
    },
    'it is in another namespace than the label says': {
      on,
      yaml: entry(
        '{ istio.io/use-waypoint: egress-wp, istio.io/use-waypoint-namespace: infra }',
        "# ✗ there is no waypoint 'infra/egress-wp': ambient clients get around it (incomplete)",
      ),
    },
    'the namespace names it': {
      on,
      yaml: `
        kind: Namespace
        metadata:
          name: egress
          labels: { istio.io/dataplane-mode: ambient, istio.io/use-waypoint: nope } # ✗ there is no waypoint 'egress/nope': ambient clients get around it (incomplete)
        ---
        ${entry('{ team: a }').trim().replaceAll('\n', '\n      ')}
      `,
    },
    'it is an egress gateway': {
      on,
      yaml:
        entry(
          named,
          "# ✗ Gateway 'egress/egress-wp' is of class 'istio', which makes no waypoint: ambient clients get around it",
        ) + waypoint('{ gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }'),
    },
    'it is for workloads': {
      on,
      yaml:
        entry(
          named,
          "# ✗ waypoint 'egress/egress-wp' is not for services ('istio.io/waypoint-for: workload'): ambient clients get around it",
        ) + waypoint(hbone('{ from: Same }'), '{ istio.io/waypoint-for: workload }'),
    },
    'it admits its own namespace only': {
      on,
      yaml: elsewhere(
        "# ✗ waypoint 'egress/egress-wp' does not admit services of namespace 'team-a': ambient clients get around it",
      ),
    },
    'the host has no address, having no resolution': address(
      'hosts: [api.example.com]',
      "# ✗ 'api.example.com' has no address by which ztunnel knows it: ambient clients get around waypoint 'egress/egress-wp'",
    ),
    'a wildcard has none': address(
      'hosts: ["*.example.com"]',
      "# ✗ '*.example.com' has no address by which ztunnel knows it: ambient clients get around waypoint 'egress/egress-wp'",
    ),
    'a label takes it away': address(
      'resolution: DNS\n      hosts: [api.example.com]',
      "# ✗ 'api.example.com' has no address by which ztunnel knows it: ambient clients get around waypoint 'egress/egress-wp'",
      '{ istio.io/use-waypoint: egress-wp, networking.istio.io/enable-autoallocate-ip: "false" }',
    ),
    'a Service that counts as external': {
      on,
      settings: 'externalNamespaces: [mesh-external]',
      yaml: `
        kind: Service
        metadata:
          namespace: mesh-external
          name: partner
          labels: { istio.io/use-waypoint: nope } # ✗ there is no waypoint 'mesh-external/nope': ambient clients get around it (incomplete)
        spec: { ports: [{ name: http, port: 80 }] }
      `,
    },
  },
});
