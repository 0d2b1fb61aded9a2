import { waypointServiceIsNotOpenToSidecars } from '../../src/rules/waypoint-service-is-not-open-to-sidecars.ts';
import { testRule } from './test-rule.ts';

const on = 'ambient-waypoint' as const;

const namespace = (name: string, labels: string): string => `
  kind: Namespace
  metadata: { name: ${name}, labels: { ${labels} } }
`;

const injected = 'istio-injection: enabled';
const ambient = 'istio.io/dataplane-mode: ambient';

const entry = (exportTo: string, mark = ''): string => `
  ---
  kind: ServiceEntry
  metadata: { namespace: egress, name: api, labels: { istio.io/use-waypoint: egress-wp } }
  spec:
    hosts: [api.example.com] ${mark}
    exportTo: ${exportTo}
    resolution: DNS
    ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`;

const reach = (who: string): string =>
  `sidecars of ${who} reach 'api.example.com' directly, past waypoint 'egress/egress-wp'`;

const open = (who: string): string => `# ✗ ServiceEntry egress/api: ${reach(who)}`;

testRule(waypointServiceIsNotOpenToSidecars, {
  valid: {
    'all clients are ambient': { on, yaml: '# the bundle as it is' },
    'the ServiceEntry is hidden from sidecars': { on, yaml: namespace('team-c', injected) + entry('["."]') },
    'nobody knows whether there are sidecars': {
      on,
      yaml: `
        kind: PeerAuthentication
        metadata: { namespace: team-c, name: strict }
        spec: { mtls: { mode: STRICT } }
      `,
    },
    'the host may be reached directly': {
      on,
      settings: 'directHosts: [api.example.com]',
      yaml: namespace('team-c', injected),
    },
    'sidecars are led to an egress gateway': '# the bundle as it is',
    'sidecars reach what no waypoint guards': {
      on,
      remove: ['ServiceEntry egress/api'],
      yaml: `${namespace('team-c', injected)}
  ---
  kind: ServiceEntry
  metadata: { namespace: egress, name: other }
  spec: { hosts: [other.example.com], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
    },
    'the waypoint is missing': { on, remove: ['Gateway egress/egress-wp'], yaml: namespace('team-c', injected) },
  },

  invalid: {
    'a namespace is injected': { on, yaml: namespace('team-c', injected) + open("'team-c'") },
    'several are, and the host is exported to them': {
      on,
      yaml: `
  ${namespace('team-c', injected)}
  ---
  ${namespace('team-d', injected)}
  ---
  ${namespace('team-e', `${ambient}, istio.io/rev: canary`)}
  ${entry('[egress, team-d, team-e]', `# ✗ ${reach("'team-d' and 1 more")}`)}
`,
    },
    'some pods of an ambient namespace are injected': {
      on,
      yaml: `
        kind: Pod
        metadata: { namespace: team-b, name: old, labels: { sidecar.istio.io/inject: "true" } }
        spec: { containers: [{ name: app }] }
        ${open("'team-b'")}
      `,
    },
    'no policy guards the host': {
      on,
      remove: ['AuthorizationPolicy egress/api-for-team-a'],
      yaml: namespace('team-c', injected) + open("'team-c'"),
    },
  },
});
