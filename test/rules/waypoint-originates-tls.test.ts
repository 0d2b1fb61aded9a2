import { waypointOriginatesTls } from '../../src/rules/waypoint-originates-tls.ts';
import { type RuleCase, testRule } from './test-rule.ts';

/** The bundle with another DestinationRule in place of its own. */
const rule = (spec: string, mark = ''): RuleCase => ({
  on: 'ambient-waypoint',
  yaml: `
    kind: DestinationRule
    metadata: { namespace: egress, name: originate-api }
    spec: ${mark}
      host: api.example.com
      ${spec}
  `,
});

const plain = "# ✗ waypoint 'egress/egress-wp' sends plain HTTP to 'api.example.com:443'";
const atEntry = `# ✗ ServiceEntry egress/api: waypoint 'egress/egress-wp' sends plain HTTP to 'api.example.com:443' (incomplete)`;

const entry = (port: string): string => `
    kind: ServiceEntry
    metadata: { namespace: egress, name: api, labels: { istio.io/use-waypoint: egress-wp } }
    spec:
      hosts: [api.example.com]
      resolution: DNS
      ports:
      - ${port}
`;

testRule(waypointOriginatesTls, {
  valid: {
    'a DestinationRule originates TLS': { on: 'ambient-waypoint', yaml: '# the bundle as it is' },
    'a gateway is the matter of another rule': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: '# the bundle without origination',
    },
    'the application speaks TLS': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: entry('{ number: 443, name: tls, protocol: TLS }'),
    },
    'a BackendTLSPolicy originates TLS': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: `
        kind: BackendTLSPolicy
        metadata: { namespace: egress, name: origination }
        spec:
          targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
          validation: { hostname: api.example.com, wellKnownCACertificates: System }
      `,
    },
    'a route of the waypoint may lead elsewhere': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: `
        kind: HTTPRoute
        metadata: { namespace: egress, name: to-tls }
        spec:
          parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api, port: 80 }]
          rules: [{ backendRefs: [{ group: networking.istio.io, kind: Hostname, name: api.example.com, port: 443 }] }]
      `,
    },
  },

  invalid: {
    'no DestinationRule is for the host': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: atEntry,
    },
    'it is in a namespace of which the waypoint applies none': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: originate-api }
        spec: { host: api.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }
        ${atEntry}
      `,
    },
    'it is for another port': rule(
      'trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] }',
      plain,
    ),
    'it leaves the mode out': rule(`trafficPolicy: { tls: { sni: api.example.com } } ${plain}`),
    'plain HTTP to a port for it': {
      on: 'ambient-waypoint',
      remove: ['DestinationRule egress/originate-api'],
      yaml: entry(
        "{ number: 80, name: http, protocol: HTTP } # ✗ waypoint 'egress/egress-wp' sends plain HTTP to 'api.example.com:80' (incomplete)",
      ),
    },
  },
});
