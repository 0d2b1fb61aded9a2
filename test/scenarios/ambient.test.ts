import { describe, expect, it } from 'vitest';
import type { Guard } from '../../src/analysis/guard.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { creationAt, guardOf } from './oracle-manifests.ts';

/*
 * Ambient clients send through ztunnel and waypoints, which are not looked into: nothing is said of them, neither that they get around
 * an egress gateway nor that they do not. Sidecars beside them are judged as ever.
 */

const api = { protocol: 'http', host: 'api.example.com', port: 80 } as const;

/** The bundle with further manifests laid over it. */
function guardWith(manifests: string): Guard {
  return guardOf(readInput([...bundleFiles('ambient-waypoint'), parseManifests('more.yaml', manifests)]).resources);
}

const from = (namespace: string): { readonly namespace: string; readonly serviceAccount: string } => ({
  namespace,
  serviceAccount: 'default',
});

function clientsOf(guard: Guard): { readonly sidecars: readonly string[]; readonly ambient: readonly string[] } {
  return {
    sidecars: guard.access().map((path) => path.from.namespace),
    ambient: guard.unevaluated().map((answer) => answer.from.namespace),
  };
}

describe('the canonical design', () => {
  it('has no finding, and no path', () => {
    const guard = guardWith('');
    expect(guard.check()).toEqual([]);
    expect(clientsOf(guard)).toEqual({ sidecars: [], ambient: ['egress', 'team-a', 'team-b'] });
  });

  it('says of each client and target what decides instead', () => {
    expect(guardWith('').whyUnevaluated({ from: from('team-a'), to: api })).toEqual({
      from: from('team-a'),
      to: api,
      reason: "waypoint 'egress/egress-wp' takes the traffic of this ambient client: what it does is not evaluated",
    });
  });
});

describe('the reason', () => {
  const reasonOf = (guard: Guard): string | undefined => guard.unevaluated()[0]?.reason;
  const entry = (labels: string): string => `
kind: ServiceEntry
metadata: { namespace: egress, name: api, labels: ${labels} }
spec: { hosts: [api.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
`;

  it('names a waypoint that the namespace names', () => {
    const namespace =
      'kind: Namespace\nmetadata: { name: egress, labels: { istio.io/dataplane-mode: ambient, istio.io/use-waypoint: egress-wp } }';
    expect(reasonOf(guardWith(`${entry('{}')}---\n${namespace}`))).toMatch(/^waypoint 'egress\/egress-wp' takes/);
  });

  it('says that there is none', () => {
    expect(reasonOf(guardWith(entry('{ istio.io/use-waypoint: none }')))).toContain('and no waypoint');
  });

  it('says that the named one does not take it', () => {
    expect(reasonOf(guardWith(entry('{ istio.io/use-waypoint: nope }')))).toMatch(
      /^waypoint 'egress\/nope' is named .* and does not take it/,
    );
  });
});

describe('what matters about the canonical design', () => {
  /** The rules that speak of the bundle with something else in place of its own, or without it; `?` where a resource is waited for. */
  const spoken = (manifests: string, without = ''): readonly string[] => {
    const { resources } = readInput([...bundleFiles('ambient-waypoint'), parseManifests('more.yaml', manifests)]);
    const guard = guardOf(
      resources.filter(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}` !== without),
    );
    return guard.check().map(({ rule, severity, incomplete }) => `${severity} ${rule}${incomplete ? '?' : ''}`);
  };
  const hidden = 'error waypoint-exists?';
  const unguarded = 'warning waypoint-service-has-policy?';
  const entry = (labels: string, spec: string): string =>
    `kind: ServiceEntry\nmetadata: { namespace: egress, name: api, labels: ${labels} }\nspec: { hosts: [api.example.com], ${spec} }`;
  const named = '{ istio.io/use-waypoint: egress-wp }';
  const ports = 'ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]';
  const waypoint = (labels: string, spec: string): string =>
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { namespace: egress, name: egress-wp, labels: ${labels} }\nspec: { ${spec} }`;
  const hbone = 'listeners: [{ name: mesh, port: 15008, protocol: HBONE }]';
  const policy = (metadata: string, spec: string): string =>
    `kind: AuthorizationPolicy\nmetadata: { name: api-for-team-a, ${metadata} }\nspec: { ${spec}, rules: [{ from: [{ source: { namespaces: [team-a] } }] }] }`;
  const target = (group: string, kind: string, name: string): string =>
    `targetRefs: [{ group: ${group}, kind: ${kind}, name: ${name} }]`;
  const own = target('networking.istio.io', 'ServiceEntry', 'api');

  it.each([
    ['the waypoint is deleted', '', 'KubernetesGateway egress/egress-wp', [hidden]],
    [
      'the waypoint gets another name',
      entry('{ istio.io/use-waypoint: wp }', `resolution: DNS, ${ports}`),
      '',
      [hidden],
    ],
    [
      'the waypoint is looked for elsewhere',
      entry(
        '{ istio.io/use-waypoint: egress-wp, istio.io/use-waypoint-namespace: infra }',
        `resolution: DNS, ${ports}`,
      ),
      '',
      [hidden],
    ],
    [
      'the waypoint becomes a gateway',
      waypoint('{}', `gatewayClassName: istio, ${hbone}`),
      '',
      ['error waypoint-exists'],
    ],
    [
      'the waypoint is for workloads',
      waypoint('{ istio.io/waypoint-for: workload }', `gatewayClassName: istio-waypoint, ${hbone}`),
      '',
      ['error waypoint-exists'],
    ],
    ['the label is taken away', entry('{}', `resolution: DNS, ${ports}`), '', ['error egress-policy-is-attached']],
    [
      'the service is taken out',
      entry('{ istio.io/use-waypoint: none }', `resolution: DNS, ${ports}`),
      '',
      ['error egress-policy-is-attached'],
    ],
    ['the resolution is taken away', entry(named, ports), '', ['error waypoint-exists']],
    [
      'the host gets no address',
      entry(
        '{ istio.io/use-waypoint: egress-wp, networking.istio.io/enable-autoallocate-ip: "false" }',
        `resolution: DNS, ${ports}`,
      ),
      '',
      ['error waypoint-exists'],
    ],
    ['the origination is deleted', '', 'DestinationRule egress/originate-api', ['error waypoint-originates-tls?']],
    [
      'the origination is for another port',
      'kind: DestinationRule\nmetadata: { namespace: egress, name: originate-api }\nspec: { host: api.example.com, trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] } }',
      '',
      ['error waypoint-originates-tls'],
    ],
    ['the policy is deleted', '', 'AuthorizationPolicy egress/api-for-team-a', [unguarded]],
    [
      'the policy is moved',
      policy('namespace: team-a', own),
      'AuthorizationPolicy egress/api-for-team-a',
      ['warning egress-policy-is-attached?', unguarded],
    ],
    [
      'the policy targets all waypoints',
      policy('namespace: egress', target('gateway.networking.k8s.io', 'GatewayClass', 'istio-waypoint')),
      '',
      ['error egress-policy-is-attached', unguarded],
    ],
    [
      'the policy targets something else',
      policy('namespace: egress', target('networking.istio.io', 'ServiceEntry', 'other')),
      '',
      ['warning egress-policy-is-attached?', unguarded],
    ],
    ['the policy selects pods', policy('namespace: egress', 'selector: { matchLabels: { app: wp } }'), '', [unguarded]],
    [
      'the policy only reports',
      policy('namespace: egress, annotations: { istio.io/dry-run: "true" }', own),
      '',
      [unguarded],
    ],
    [
      'a team gets sidecars',
      'kind: Namespace\nmetadata: { name: team-b, labels: { istio-injection: enabled } }',
      '',
      ['error waypoint-service-is-not-open-to-sidecars'],
    ],
    [
      'a policy for the waypoint takes the place of that for the service',
      policy('namespace: egress', target('gateway.networking.k8s.io', 'Gateway', 'egress-wp')),
      '',
      [],
    ],
    ['the host is hidden from others by exportTo', entry(named, `exportTo: ["."], resolution: DNS, ${ports}`), '', []],
  ])('%s', (_, manifests, without, rules) => {
    expect(spoken(manifests, without)).toEqual(rules);
  });
});

describe('a client', () => {
  it.each([
    ['is judged where its namespace is injected', 'labels: { istio-injection: enabled }', 'sidecars'],
    ['is judged where its namespace says nothing', 'annotations: {}', 'sidecars'],
    ['is none where its namespace is not injected', 'labels: { istio-injection: disabled }', undefined],
    [
      'is ambient only where it is not injected',
      'labels: { istio.io/dataplane-mode: ambient, istio-injection: enabled }',
      'sidecars',
    ],
    ['is ambient where its namespace says so', 'labels: { istio.io/dataplane-mode: ambient }', 'ambient'],
    [
      'is ambient beside pods without sidecars',
      'labels: { istio.io/dataplane-mode: ambient, istio-injection: disabled }',
      'ambient',
    ],
  ])('%s', (_, metadata, kind) => {
    const guard = guardWith(`
kind: Namespace
metadata: { name: team-c, ${metadata} }
---
kind: DestinationRule
metadata: { namespace: team-c, name: own }
spec: { host: db.team-c.svc.cluster.local, trafficPolicy: { tls: { mode: DISABLE } } }
`);
    const { sidecars, ambient } = clientsOf(guard);
    expect([sidecars.includes('team-c'), ambient.includes('team-c')]).toEqual([
      kind === 'sidecars',
      kind === 'ambient',
    ]);
    expect(guard.whyUnevaluated({ from: from('team-c'), to: api }) !== undefined).toBe(kind === 'ambient');
  });

  it('is taken to be ambient where its namespace says nothing and names waypoints', () => {
    const guard = guardWith(`
kind: ServiceEntry
metadata: { namespace: team-d, name: api, labels: { istio.io/use-waypoint: egress-wp, istio.io/use-waypoint-namespace: egress } }
spec: { hosts: [api.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }] }
`);
    expect(clientsOf(guard)).toMatchObject({ sidecars: [], ambient: expect.arrayContaining(['team-d']) });
  });

  it('may be one of both kinds in one namespace', () => {
    const guard = guardWith(`
kind: Pod
metadata: { namespace: team-a, name: old, labels: { app: old, sidecar.istio.io/inject: "true" } }
spec: { serviceAccountName: old, containers: [{ name: app }] }
---
kind: Pod
metadata: { namespace: team-a, name: new, labels: { app: new } }
spec: { serviceAccountName: new, containers: [{ name: app }] }
`);
    expect(clientsOf(guard)).toMatchObject({ sidecars: ['team-a'], ambient: ['egress', 'team-a', 'team-b'] });
    const isAmbient = (serviceAccount: string): boolean =>
      guard.whyUnevaluated({ from: { namespace: 'team-a', serviceAccount }, to: api }) !== undefined;
    expect([isAmbient('old'), isAmbient('new')]).toEqual([false, true]);
  });

  it('comes and goes with the label of its namespace', () => {
    const guard = guardWith('');
    const [team] = readInput([
      parseManifests('ns.yaml', 'kind: Namespace\nmetadata: { name: team-b, labels: { istio-injection: enabled } }'),
    ]).resources;
    if (team === undefined) throw new Error('no namespace');
    guard.apply([creationAt(60, team)]);
    expect(clientsOf(guard)).toEqual({ sidecars: ['team-b'], ambient: ['egress', 'team-a'] });
    expect(guard.access()).toMatchObject([{ outcome: 'direct' }]);
  });
});
