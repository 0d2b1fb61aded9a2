import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { type BundleName, bundle, bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { creationAt, decideInTurn, guardOf, isSurrounding } from './oracle-manifests.ts';
import { ordersOf } from './orders-of.ts';

/*
 * Resources of one design come in any order, and go in any order. Users do not choose it: `kubectl apply -f` follows file names, GitOps
 * controllers their own mind.
 */

/** The bundles, and in how many orders their objects come and go: six objects have 720 orders, five 120. */
const designs = [
  { name: 'http-origination', orders: 720 },
  { name: 'end-to-end-tls', orders: 120 },
  { name: 'registry-only', orders: 60 },
  { name: 'gateway-api', orders: 300 },
  { name: 'ambient-waypoint', orders: 24 },
] as const satisfies readonly { readonly name: BundleName; readonly orders: number }[];

/** For hundreds of orders, on a busy machine, in milliseconds. */
const patience = 60_000;

const nameOf = (resource: Resource): string => displayRef(refOf(resource));

describe.each(designs)('$name', ({ name, orders }) => {
  const surroundings = bundle(name).filter(isSurrounding);
  const design = bundle(name).filter((resource) => !isSurrounding(resource));

  it('is admitted in every order, and says the same in the end', { timeout: patience }, () => {
    const expected = guardOf(bundle(name)).check();
    for (const order of ordersOf(design, orders)) {
      const guard = guardOf(surroundings);
      const decisions = decideInTurn(
        guard,
        order.map((object, second) => creationAt(second, object)),
      );
      expect(
        decisions.flatMap(({ denials }) => denials),
        order.map(nameOf).join(', '),
      ).toEqual([]);
      expect(guard.check(), order.map(nameOf).join(', ')).toEqual(expected);
    }
  });

  it('can be deleted in every order, within two rounds', { timeout: patience }, () => {
    const expected = guardOf(surroundings).check();
    for (const order of ordersOf(design, orders)) {
      const guard = guardOf(bundle(name));
      const left = deleteAll(guard, deleteAll(guard, order));
      expect(left.map(nameOf), order.map(nameOf).join(', ')).toEqual([]);
      expect(guard.check()).toEqual(expected);
    }
  });

  it('can be deleted in one round where the ServiceEntry goes first', () => {
    const order = design.toSorted((a, b) => Number(b.kind === 'ServiceEntry') - Number(a.kind === 'ServiceEntry'));
    expect(deleteAll(guardOf(bundle(name)), order)).toEqual([]);
  });

  it('can be deleted in the order that the messages name, even where what is incomplete is refused', () => {
    const first = ['ServiceEntry', 'VirtualService', 'AuthorizationPolicy'];
    const order = design.toSorted((a, b) => rankIn(first, a) - rankIn(first, b));
    const settings = { ...defaultSettings, preset: 'strict' } as const;
    const guard = createGuard(bundle(name), settings, { today: () => '2026-01-01', assumesGateways: false });
    expect(deleteAll(guard, order).map(nameOf)).toEqual([]);
  });

  it('may be applied again as it is', () => {
    const guard = guardOf(bundle(name));
    const answers = design.map((object) => guard.decide({ operation: 'UPDATE', object, oldObject: object }));
    for (const answer of answers) expect(answer).toEqual({ allowed: true, denials: [], warnings: [], rules: [] });
  });

  it('may have its lists in another order', () => {
    const guard = guardOf(bundle(name));
    for (const object of design.map(withListsReversed)) {
      const answer = guard.decide({ operation: 'UPDATE', object });
      expect(answer, nameOf(object)).toEqual({ allowed: true, denials: [], warnings: [], rules: [] });
    }
  });
});

const twoProblems = `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } }
---
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: everywhere }
spec:
  action: DENY
  rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
`;

describe('with problems that are there already', () => {
  const broken = laidOver(twoProblems);

  it('the example has two', () => {
    expect(errorsOf(guardOf(broken))).toEqual(
      expect.arrayContaining(['egress-policy-is-scoped', 'hop-sni-matches-host']),
    );
  });

  it('the objects may be applied again, and their lists reordered', () => {
    const guard = guardOf(broken);
    for (const object of [...broken, ...broken.map(withListsReversed)].filter((resource) => !isSurrounding(resource))) {
      const answer = guard.decide({ operation: 'UPDATE', object });
      expect(answer, nameOf(object)).toMatchObject({ allowed: true, denials: [] });
    }
  });

  it.each([
    ['one of two problems', laidOver(twoProblems), 'egress-api', 'everywhere'],
    ['the other', laidOver(twoProblems), 'everywhere', 'egress-api'],
  ])('a change that repairs %s is admitted', (_, before, repaired, left) => {
    const guard = guardOf(before);
    const good = bundle('http-origination').find(({ metadata }) => metadata.name === repaired);
    const wrong = before.find(({ metadata }) => metadata.name === repaired);
    const change: Change =
      good === undefined
        ? { operation: 'DELETE', ...(wrong && { oldObject: wrong }) }
        : { operation: 'UPDATE', object: good };
    expect(guard.decide(change)).toMatchObject({ allowed: true, denials: [] });
    guard.apply([change]);
    expect(guard.check().find(({ severity }) => severity === 'error')?.resource.name).toBe(left);
  });

  it('a change that repairs one of two problems of one field is admitted, and says what is left', () => {
    const plaintextAndWrongSni = `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets: [{ name: api, trafficPolicy: { tls: { sni: other.example.com } } }]
`;
    const guard = guardOf(laidOver(plaintextAndWrongSni));
    const object = laidOver(plaintextAndWrongSni.replace('sni:', 'mode: ISTIO_MUTUAL, sni:')).find(
      ({ metadata }) => metadata.name === 'egress-api',
    );
    const answer = guard.decide({ operation: 'UPDATE', ...(object && { object }) });
    expect(answer).toMatchObject({ allowed: true, denials: [] });
    expect(answer.rules).toContain('hop-sni-matches-host');
  });

  it('a change of something else is nobody’s business', () => {
    const [entry] = laidOver(`
kind: ServiceEntry
metadata: { namespace: team-a, name: internal }
spec:
  hosts: [internal.team-a.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
`).filter(({ metadata }) => metadata.name === 'internal');
    const answer = guardOf(broken).decide({ operation: 'CREATE', ...(entry && { object: entry }) });
    expect(answer).toEqual({ allowed: true, denials: [], warnings: [], rules: [] });
  });
});

it('a balancer that leads past the pods of the gateway is refused in every order, and told of at its field', () => {
  const manifests = `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  trafficPolicy: { loadBalancer: { simple: PASSTHROUGH } }
  subsets: [{ name: api, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]
`;
  const field = 'spec.trafficPolicy.loadBalancer.simple';
  const resources = laidOver(manifests);
  const design = resources.filter((resource) => !isSurrounding(resource));
  for (const order of ordersOf(design, 60)) {
    const changes = order.map((object, second) => creationAt(second, object));
    const decisions = decideInTurn(guardOf(resources.filter(isSurrounding)), changes);
    const denials = decisions.flatMap((decision) => decision.denials);
    expect(denials, order.map(nameOf).join(', ')).not.toEqual([]);
    expect(new Set(denials.map(({ resource, field: told }) => `${resource} ${told}`))).toEqual(
      new Set([`DestinationRule istio-egress/egress-api ${field}`]),
    );
    expect(decisions.flatMap(({ rules }) => rules)).toContain('hop-leads-to-gateway-pods');
  }
});

it('a route that waits for the server of another is told of when it comes, and refuses the other when that is created anew', () => {
  const [waiting] = readInput([
    parseManifests(
      'tenant.yaml',
      `
kind: VirtualService
metadata: { namespace: team-b, name: elsewhere }
spec:
  hosts: [api.example.com]
  gateways: [istio-egress/egress]
  tcp: [{ route: [{ destination: { host: other.example.com, port: { number: 443 } } }] }]
`,
    ),
  ]).resources;
  const guard = guardOf(bundle('end-to-end-tls'));
  const platforms = bundle('end-to-end-tls').find(({ kind }) => kind === 'VirtualService');
  if (waiting === undefined || platforms === undefined) throw new Error('there are two VirtualServices');
  const creation = creationAt(1, waiting);
  const told = guard.decide(creation);
  expect(told).toMatchObject({ allowed: true, rules: ['tls-server-has-one-destination'] });
  expect(told.warnings).toHaveLength(1);
  expect(told.warnings[0]?.message).toContain('VirtualService team-b/elsewhere spec.tcp[0].route[0].destination: ');
  guard.apply([creation, { operation: 'DELETE', oldObject: platforms }]);
  const anew = guard.decide(creationAt(2, platforms));
  expect(anew.denials.map(({ reason, resource }) => `${reason}: ${resource}`)).toContain(
    'tls-server-has-one-destination: VirtualService team-b/elsewhere',
  );
  guard.apply([{ operation: 'DELETE', oldObject: waiting }]);
  expect(guard.decide(creationAt(3, platforms)).denials).toEqual([]);
});

function laidOver(manifests: string): readonly Resource[] {
  return readInput([...bundleFiles('http-origination'), parseManifests('changes.yaml', manifests)]).resources;
}

function errorsOf(guard: Guard): string[] {
  return guard.check().flatMap(({ rule, severity }) => (severity === 'error' ? [rule] : []));
}

/** The place of a resource's kind among some; those of other kinds come last. */
function rankIn(kinds: readonly string[], { kind }: Resource): number {
  const place = kinds.indexOf(kind);
  return place === -1 ? kinds.length : place;
}

/** Deletes what may be deleted, and returns the rest. */
function deleteAll(guard: Guard, order: readonly Resource[]): Resource[] {
  return order.filter((oldObject) => {
    const change: Change = { operation: 'DELETE', oldObject };
    const { allowed } = guard.decide(change);
    if (allowed) guard.apply([change]);
    return !allowed;
  });
}

/** Lists whose order means something: the first route or the first match counts. */
const orderedLists: ReadonlySet<string> = new Set(['http', 'tls', 'tcp', 'match', 'route']);

/** The same resource with every list reversed whose order means nothing. */
function withListsReversed(resource: Resource): Resource {
  return Object.assign({}, resource, { spec: reversed(resource.spec, '') });
}

function reversed(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => reversed(item, ''));
    return orderedLists.has(name) ? items : items.reverse();
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, reversed(child, key)]));
}
