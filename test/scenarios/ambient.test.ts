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
