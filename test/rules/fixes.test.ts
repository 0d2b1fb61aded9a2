import { describe, expect, it } from 'vitest';
import { readInput } from '../../src/sources/read-input.ts';
import { type BundleName, bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { guardOf } from '../scenarios/oracle-manifests.ts';

/** What a fix says depends on the design: the first idea does not mend every one. */

/** The fixes of a rule where manifests are laid over a bundle. */
function fixesOf(rule: string, on: BundleName, yaml: string): readonly string[] {
  const { resources } = readInput([...bundleFiles(on), parseManifests('case.yaml', yaml.replaceAll(/^ {6}/gm, ''))]);
  const found = guardOf(resources).check();
  return [...new Set(found.filter((finding) => finding.rule === rule).map(({ fix }) => fix))];
}

const gateway = 'istio-egressgateway.istio-egress.svc.cluster.local';

const cases: readonly (readonly [what: string, rule: string, on: BundleName, fix: string, yaml: string])[] = [
  [
    'nobody speaks TLS on port 80: the port changes, too',
    'gateway-originates-tls',
    'http-origination',
    'set `targetPort: 443` on port 80 of the ServiceEntry, and `tls: {mode: SIMPLE}` for port 80 in a DestinationRule for ' +
      "'www.example.com' in namespace 'istio-egress'",
    `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: www }
      spec:
        hosts: [www.example.com]
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP }]
      ---
      kind: Gateway
      metadata: { namespace: istio-egress, name: www }
      spec:
        selector: { istio: egressgateway }
        servers:
        - { port: { number: 80, name: https-www, protocol: HTTPS }, hosts: [./www.example.com], tls: { mode: ISTIO_MUTUAL } }
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-www }
      spec:
        host: ${gateway}
        subsets: [{ name: www, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: www.example.com } } }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: www }
      spec:
        hosts: [www.example.com]
        gateways: [mesh, www]
        http:
        - match: [{ gateways: [mesh] }]
          route: [{ destination: { host: ${gateway}, subset: www, port: { number: 80 } } }]
        - match: [{ gateways: [www] }]
          route: [{ destination: { host: www.example.com, port: { number: 80 } } }]
    `,
  ],
  [
    'a DestinationRule that is there is not to be written a second time',
    'gateway-originates-tls',
    'http-origination',
    "set `tls: {mode: SIMPLE}` for port 80 (the ServiceEntry's, not its targetPort 443)",
    `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec: { host: api.example.com, trafficPolicy: { tls: { mode: DISABLE } } }
    `,
  ],
  [
    'routes of the Gateway API know no subsets',
    'hop-sni-serves-one-host',
    'gateway-api',
    "add a listener for 'www.example.com' on a port of its own, route the host to that port, and set " +
      '`tls: {mode: ISTIO_MUTUAL, sni: www.example.com}` for it in the DestinationRule',
    `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: www }
      spec:
        hosts: [www.example.com]
        resolution: DNS
        ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
      ---
      kind: HTTPRoute
      metadata: { namespace: istio-egress, name: www }
      spec:
        parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: www }]
        rules: [{ backendRefs: [{ name: api-egress-istio, port: 80 }] }]
    `,
  ],
  [
    'a wildcard is no SNI',
    'hop-uses-istio-mutual',
    'http-origination',
    `add a DestinationRule for '${gateway}' with \`tls: {mode: ISTIO_MUTUAL}\` and an \`sni\` that '*.example.org' covers for port 80`,
    `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: wild }
      spec:
        hosts: ['*.example.org']
        resolution: NONE
        ports: [{ number: 80, name: http, protocol: HTTP }]
      ---
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: egress-api }
      spec: { host: other.istio-egress.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: wild }
      spec:
        hosts: ['*.example.org']
        http: [{ route: [{ destination: { host: ${gateway}, port: { number: 80 } } }] }]
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [unused.example.com]
        http: [{ route: [{ destination: { host: unused.example.com } }] }]
    `,
  ],
  [
    'a route of another namespace names the namespace of the Gateway',
    'gateway-leg-is-bound',
    'gateway-api',
    'set `{namespace: istio-egress, name: api-egress}`',
    `
      kind: HTTPRoute
      metadata: { namespace: istio-egress, name: from-egress }
      spec:
        parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: unused }]
        rules: []
      ---
      kind: HTTPRoute
      metadata: { namespace: team-a, name: from-egress }
      spec:
        parentRefs: [{ name: api-egress }]
        hostnames: [api.example.com]
        rules: [{ backendRefs: [{ group: networking.istio.io, kind: Hostname, name: api.example.com, port: 80 }] }]
    `,
  ],
  [
    'a rule for the very Service has no other host to keep',
    'destination-rule-is-not-shadowed',
    'http-origination',
    "drop it, or repeat subset 'api' of DestinationRule 'istio-egress/egress-api'",
    `
      kind: DestinationRule
      metadata: { namespace: team-a, name: own }
      spec: { host: ${gateway}, trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } } }
    `,
  ],
  [
    'TLS of the application is not to be wrapped in TLS of another kind',
    'mesh-tls-stays-in-mesh',
    'end-to-end-tls',
    'drop the TLS settings, as the application speaks TLS itself',
    `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: api }
      spec: { host: api.example.com, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
    `,
  ],
  [
    'the certificate is the one of the SNI that is sent',
    'origination-verifies-host',
    'http-origination',
    'add `subjectAltNames: [edge.example.net]`',
    `
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: originate-api }
      spec: { host: api.example.com, trafficPolicy: { tls: { mode: SIMPLE, sni: edge.example.net } } }
    `,
  ],
  [
    'pods of the Gateway API are selected by the name of their Gateway',
    'egress-policy-is-scoped',
    'gateway-api',
    'add `selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: api-egress}}`',
    `
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec: { action: DENY, rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }] }
    `,
  ],
  [
    'a wildcard has no address that DNS could tell',
    'external-service-is-bounded',
    'http-origination',
    'add the `addresses` of the hosts',
    `
      kind: ServiceEntry
      metadata: { namespace: istio-egress, name: wild }
      spec: { hosts: ['*.example.org'], resolution: NONE, ports: [{ number: 5432, name: tcp, protocol: TCP }] }
    `,
  ],
];

describe('the fix', () => {
  it.each(cases)('%s', (_, rule, on, fix, yaml) => expect(fixesOf(rule, on, yaml)).toEqual([fix]));
});
