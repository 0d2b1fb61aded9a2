import { expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import { gatewayOriginatesTls } from '../../src/rules/gateway-originates-tls.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { testRule } from './test-rule.ts';

const plain = (port: number): string => `the gateway sends plain HTTP to 'api.example.com:${port}'`;

/** The DestinationRule of the bundle for the external host with another traffic policy. */
const origination = (trafficPolicy: string, finding = ''): string => `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:  ${finding}
        host: api.example.com
        ${trafficPolicy.trim()}
`;

/** The ServiceEntry of the bundle with other ports. */
const entry = (ports: string): string => `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports:
        ${ports}
`;

/** The gateway leg to another port of the ServiceEntry. */
const routeTo = (port: number): string => `
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - match: [{ gateways: [egress], port: 80 }]
          route: [{ destination: { host: api.example.com, port: { number: ${port} } } }]
`;

testRule(gatewayOriginatesTls, {
  valid: {
    'the port of the ServiceEntry is SIMPLE': '# the bundle as it is',
    'the application speaks TLS itself': { on: 'end-to-end-tls', yaml: '# the bundle as it is' },
    'the top level is SIMPLE': origination('trafficPolicy: { tls: { mode: SIMPLE } }'),
    'the top level is MUTUAL': origination('trafficPolicy: { tls: { mode: MUTUAL, credentialName: api-client } }'),
    'the settings of another port leave the top level as it is': origination(
      'trafficPolicy: { tls: { mode: SIMPLE }, portLevelSettings: [{ port: { number: 8080 }, tls: { mode: DISABLE } }] }',
    ),
    'a wildcard rule originates': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate }
        spec:
          host: '*.example.com'
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
    'a rule of the root namespace originates': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-system, name: originate }
        spec:
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
      `,
    },
    'a rule for the pods of the gateway originates': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate }
        spec:
          workloadSelector: { matchLabels: { istio: egressgateway } }
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE, credentialName: api-ca } }
      `,
    },
    'a rule of a client without TLS does not reach the gateway': `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:
        host: api.example.com
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }
    `,
    'the gateway routes to a port of its own, and that is SIMPLE': `
      ${entry(`
        - { number: 80, name: http, protocol: HTTP }
        - { number: 443, name: https, protocol: HTTPS }
      `).trim()}
      ---
      ${routeTo(443).trim()}
      ---
      ${origination('trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] }').trim()}
    `,
    'what a sidecar sends directly is another matter': {
      remove: ['VirtualService istio-egress/api', 'DestinationRule istio-egress/originate-api'],
      yaml: '# a ServiceEntry alone',
    },
    'a path that breaks before is another matter': {
      remove: ['DestinationRule istio-egress/egress-api', 'DestinationRule istio-egress/originate-api'],
      yaml: '# the subset is gone too',
    },
  },
  invalid: {
    'no rule at all': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `# ✗ ServiceEntry istio-egress/api: ${plain(443)} (incomplete)`,
    },
    'the rule speaks of the target port': origination(
      'trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] }',
      `# ✗ ${plain(443)}`,
    ),
    'the rule has no mode': origination(`
        trafficPolicy:
          tls: { sni: api.example.com }  # ✗ ${plain(443)}
    `),
    'settings of the port without tls hide those of the top level': origination(
      `
        trafficPolicy:
          tls: { mode: SIMPLE }
          portLevelSettings: [{ port: { number: 80 }, connectionPool: { tcp: { maxConnections: 10 } } }]  # ✗ ${plain(443)}
      `,
    ),
    'an exact rule without tls hides a wildcard one': `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: wild }
      spec:
        host: '*.example.com'
        trafficPolicy: { tls: { mode: SIMPLE } }
      ---
      ${origination('trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } }', `# ✗ ${plain(443)}`).trim()}
    `,
    'the rule stands in the namespace of a client': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: team-a, name: originate-api }
        spec:
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
        # ✗ ServiceEntry istio-egress/api: ${plain(443)} (incomplete)
      `,
    },
    'the rule selects pods of others': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: `
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: originate-api }
        spec:
          workloadSelector: { matchLabels: { istio: ingressgateway } }
          host: api.example.com
          trafficPolicy: { tls: { mode: SIMPLE } }
        # ✗ ServiceEntry istio-egress/api: ${plain(443)} (incomplete)
      `,
    },
    'port 80 is dialled': {
      remove: ['DestinationRule istio-egress/originate-api'],
      yaml: entry(`
        - { number: 80, name: http, protocol: HTTP }  # ✗ ${plain(80)} (incomplete)
      `),
    },
    'the gateway routes to port 443, and the rule speaks of port 80': `
      ${entry(`
        - { number: 80, name: http, protocol: HTTP }
        - { number: 443, name: https, protocol: HTTPS }
      `).trim()}
      ---
      ${routeTo(443).trim()}
      ---
      ${origination(
        'trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] }',
        `# ✗ ${plain(443)}`,
      ).trim()}
    `,
    'a ServiceEntry of a client with a rule of its own is older than the one of the platform': `
      apiVersion: networking.istio.io/v1beta1
      kind: ServiceEntry
      metadata: { namespace: team-a, name: api, creationTimestamp: 2025-01-01T00:00:00Z }
      spec:
        hosts: [api.example.com]
        location: MESH_EXTERNAL
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec:
        host: '*.example.com'
        exportTo: [team-b]
        trafficPolicy: { tls: { mode: SIMPLE } }
      ---
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec:  # ✗ ${plain(443)}
        host: api.example.com
        trafficPolicy:
          connectionPool: { tcp: { maxConnections: 10 } }
    `,
  },
});

it.each([
  ['port 443', '{ number: 8000, name: http, protocol: HTTP, targetPort: 443 }', 'error'],
  ['a port for HTTPS', '{ number: 8000, name: http, protocol: HTTPS }', 'error'],
  ['a port for HTTP', '{ number: 8000, name: http, protocol: HTTP }', 'warning'],
])('plain HTTP to %s', (_, port, severity) => {
  const cases = parseManifests('case.yaml', `${entry(`- ${port}`)}---${routeTo(8000)}`);
  const { resources } = readInput([...bundleFiles('http-origination'), cases]);
  const kept = resources.filter(({ metadata }) => metadata.name !== 'originate-api');
  const settings = parseSettings('', 'settings.yaml', []);
  const guard = createGuard(kept, settings, { today: () => '2026-01-01', assumesGateways: true });
  const found = guard.check().filter(({ rule }) => rule === gatewayOriginatesTls.name);
  expect(found.map((finding) => finding.severity)).toEqual([severity]);
});
