import { waypointServiceHasPolicy } from '../../src/rules/waypoint-service-has-policy.ts';
import { type RuleCase, testRule } from './test-rule.ts';

const remove = ['AuthorizationPolicy egress/api-for-team-a'];

/** The bundle with another policy in place of its own. */
const policy = (metadata: string, spec: string, mark = ''): RuleCase => ({
  on: 'ambient-waypoint',
  remove,
  yaml: `
    ${mark}
    kind: AuthorizationPolicy
    metadata: ${metadata}
    spec: { ${spec}, rules: [{ from: [{ source: { namespaces: [team-a] } }] }] }
  `,
});

const on = (group: string, kind: string, name: string): string =>
  `targetRefs: [{ group: ${group}, kind: ${kind}, name: ${name} }]`;

const gateway = on('gateway.networking.k8s.io', 'Gateway', 'egress-wp');
const allWaypoints = on('gateway.networking.k8s.io', 'GatewayClass', 'istio-waypoint');
const entry = on('networking.istio.io', 'ServiceEntry', 'api');

const open =
  "# ✗ ServiceEntry egress/api: no policy decides who reaches 'api.example.com' through waypoint 'egress/egress-wp': every ambient client does (incomplete)";

testRule(waypointServiceHasPolicy, {
  valid: {
    'a policy targets the service': { on: 'ambient-waypoint', yaml: '# the bundle as it is' },
    'a policy targets the waypoint': policy('{ namespace: egress, name: for-all }', gateway),
    'a policy of the root namespace targets all waypoints': policy(
      '{ namespace: istio-system, name: for-all }',
      allWaypoints,
    ),
    'one reference of the older kind': policy(
      '{ namespace: egress, name: older }',
      'targetRef: { group: networking.istio.io, kind: ServiceEntry, name: api }',
    ),
    'the host may be reached by everybody': {
      on: 'ambient-waypoint',
      remove,
      settings: 'directHosts: [api.example.com]',
      yaml: '# without its policy',
    },
    'the waypoint does not exist': {
      on: 'ambient-waypoint',
      remove: [...remove, 'Gateway egress/egress-wp'],
      yaml: '# without its policy',
    },
    'the waypoint of another vendor has policies of its own': {
      on: 'ambient-waypoint',
      remove,
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: { namespace: egress, name: egress-wp, labels: { istio.io/waypoint-for: service } }
        spec: { gatewayClassName: agentgateway-waypoint, listeners: [{ name: m, port: 15088, protocol: HTTP }] }
      `,
    },
  },

  invalid: {
    'there is no policy': { on: 'ambient-waypoint', remove, yaml: open },
    'the policy is of another namespace': policy('{ namespace: team-a, name: api }', entry, open),
    'the policy is about another ServiceEntry': policy(
      '{ namespace: egress, name: other }',
      on('networking.istio.io', 'ServiceEntry', 'other'),
      open,
    ),
    'the group is not that of the kind': policy(
      '{ namespace: egress, name: api }',
      on('""', 'ServiceEntry', 'api'),
      open,
    ),
    'all waypoints are targeted outside of the root namespace': policy(
      '{ namespace: egress, name: for-all }',
      allWaypoints,
      open,
    ),
    'the policy selects pods': policy(
      '{ namespace: egress, name: pods }',
      'selector: { matchLabels: { gateway.networking.k8s.io/gateway-name: egress-wp } }',
      open,
    ),
    'the policy only reports': policy(
      '{ namespace: egress, name: dry, annotations: { istio.io/dry-run: "true" } }',
      entry,
      open,
    ),
    'the namespace leads the service to the waypoint': {
      on: 'ambient-waypoint',
      yaml: `
        kind: Namespace
        metadata: { name: egress, labels: { istio.io/dataplane-mode: ambient, istio.io/use-waypoint: egress-wp } }
        ---
        kind: ServiceEntry
        metadata: { namespace: egress, name: more }
        spec:
          hosts: [more.example.com] # ✗ no policy decides who reaches 'more.example.com' through waypoint 'egress/egress-wp': every ambient client does (incomplete)
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]
      `,
    },
  },
});
