import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { judgedKind } from '../../src/admission/judged-kinds.ts';
import { isJsonObject, type JsonObject } from '../../src/istio/json-object.ts';
import { bundle } from '../bundles/bundle.ts';
import { identityOf, readManifests } from '../demo/manifests.ts';
import { isRule } from '../scenarios/expected-rules.ts';
import { guardOf, isSurrounding, oracleResources } from '../scenarios/oracle-manifests.ts';
import { ordersOf } from '../scenarios/orders-of.ts';
import { statedMutations } from '../scenarios/stated-mutations.ts';
import { groupOf, type Manifest } from './admission-review.ts';
import { type Answer, SimulatedCluster } from './simulated-cluster.ts';

/*
 * What test/scenarios/orders.test.ts and mutations.test.ts ask of the guard, asked of the webhook: every request is an AdmissionReview that
 * passes the handler of the HTTPS server, and the guard learns of what is stored as it does from a watch.
 */

const bundles = join(import.meta.dirname, '../bundles');
const oracle = join(import.meta.dirname, '../oracle/written');

/** Good designs for one host, which are alternatives of each other. */
const designs = {
  'http-origination': designIn(join(bundles, 'http-origination.yaml')),
  'end-to-end-tls': designIn(join(bundles, 'end-to-end-tls.yaml')),
  'legs-apart': designIn(join(bundles, 'legs-apart.yaml')),
} as const;

type DesignName = keyof typeof designs;

/** What is there before: under ALLOW_ANY what is not routed leaves directly, under REGISTRY_ONLY what is not registered stays. */
const meshes = {
  ALLOW_ANY: bundle('legs-apart').filter(isSurrounding),
  REGISTRY_ONLY: [
    ...bundle('registry-only').filter(isSurrounding),
    ...bundle('legs-apart').filter((resource) => isSurrounding(resource) && resource.kind !== 'MeshConfig'),
  ],
} as const;

type MeshName = keyof typeof meshes;

/** So many orders of a design are tried; the guard itself is asked about all 720 of six objects in test/scenarios/orders.test.ts. */
const orderCounts: Readonly<Record<MeshName, number>> = { ALLOW_ANY: 40, REGISTRY_ONLY: 12 };

/** For thousands of requests, on a busy machine, in milliseconds. */
const patience = 120_000;

const meshNames = ['ALLOW_ANY', 'REGISTRY_ONLY'] as const satisfies readonly MeshName[];
const designNames = ['http-origination', 'end-to-end-tls', 'legs-apart'] as const satisfies readonly DesignName[];

const cluster = new SimulatedCluster();

afterAll(() => cluster.close());

/** The objects of a file that the webhook is asked about, without what is there before anybody designs egress. */
function designIn(file: string): readonly Manifest[] {
  return readManifests(file).filter((manifest) => {
    return judgedKind({ group: groupOf(manifest), kind: manifest.kind }) !== undefined && groupOf(manifest) !== '';
  });
}

const named = (objects: readonly Manifest[]): string => objects.map(identityOf).join(', ');

const refusalsIn = (answers: readonly Answer[]): string[] =>
  answers.filter(({ allowed }) => !allowed).map(({ request, message }) => `${request}: ${message}`);

async function applyAll(objects: readonly Manifest[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const object of objects) answers.push(await cluster.apply(object));
  return answers;
}

async function deleteAll(objects: readonly Manifest[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const object of objects) answers.push(await cluster.delete(object));
  return answers;
}

/** The stored objects among some. */
function left(objects: readonly Manifest[]): readonly Manifest[] {
  const stored = new Set(cluster.objects.map(identityOf));
  return objects.filter((object) => stored.has(identityOf(object)));
}

const designsInMeshes = meshNames.flatMap((mesh) => designNames.map((design) => ({ mesh, design })));

describe.each(designsInMeshes)('$design under $mesh', ({ mesh, design }) => {
  const objects = designs[design];

  it('is admitted in every order', { timeout: patience }, async () => {
    for (const order of ordersOf(objects, orderCounts[mesh])) {
      cluster.reset(meshes[mesh]);
      expect(refusalsIn(await applyAll(order)), named(order)).toEqual([]);
      expect(cluster.errors(), named(order)).toEqual([]);
    }
  });

  it('is deleted in every order, within two rounds', { timeout: patience }, async () => {
    for (const order of ordersOf(objects, orderCounts[mesh])) {
      cluster.reset(meshes[mesh], objects);
      await deleteAll(order);
      await deleteAll(left(order));
      expect(cluster.objects.map(identityOf), named(order)).toEqual([]);
      expect(cluster.errors(), named(order)).toEqual([]);
    }
  });

  it('may be applied again, as it is and with its lists in another order, without a word', async () => {
    cluster.reset(meshes[mesh], objects);
    for (const { request, ...answer } of await applyAll([...objects, ...objects.map(withListsReversed)]))
      expect(answer, request).toEqual({ allowed: true, message: '', warnings: [] });
  });
});

/** So many orders of creating a mutated bundle are tried. */
const sampledOrders = 8;

const contradictory = statedMutations.filter(({ name, errors }) => {
  if (errors.length === 0 || !errors.every(isRule)) return false;
  return guardOf(oracleResources(name))
    .check()
    .some(({ severity, incomplete }) => severity === 'error' && !incomplete);
});

it('there are mutations that contradict themselves', () => expect(contradictory).not.toEqual([]));

it.each(contradictory)('$name is refused at some object, in any order', { timeout: patience }, async ({ name }) => {
  const surroundings = oracleResources(name).filter(isSurrounding);
  for (const order of ordersOf(designIn(join(oracle, `${name}.yaml`)), sampledOrders)) {
    cluster.reset(surroundings);
    expect(refusalsIn(await applyAll(order)), named(order)).not.toEqual([]);
  }
});

/** So many orders of applying a design over another are tried. */
const sampledMoves = 8;

/** `kubectl apply --prune` gives up its deletions where an object is refused; so often it is run. */
const maxRounds = 3;

/**
 * Moves between designs that cannot be made in place. The clients of the old port are cut off by whichever object goes first, and the new
 * design has no use for what would keep them: deleting the ServiceEntry first says that they are to be.
 */
const breakBeforeMake: Readonly<Record<MeshName, ReadonlyMap<string, string>>> = {
  ALLOW_ANY: new Map([
    ['http-origination → end-to-end-tls', 'HTTP on port 80 goes, TLS on port 443 comes, in objects of the same names'],
    ['end-to-end-tls → http-origination', 'TLS on port 443 goes, HTTP on port 80 comes, in objects of the same names'],
    ['end-to-end-tls → legs-apart', 'TLS on port 443 goes, and its routes are not pruned before all is applied'],
    ['legs-apart → end-to-end-tls', 'HTTP on port 80 goes, and its routes are not pruned before all is applied'],
  ]),
  REGISTRY_ONLY: new Map([
    ['http-origination → end-to-end-tls', 'HTTP on port 80 goes, TLS on port 443 comes, in objects of the same names'],
    ['legs-apart → end-to-end-tls', 'HTTP on port 80 goes, and its routes are not pruned before all is applied'],
  ]),
};

const moves = meshNames.flatMap((mesh) =>
  designNames.flatMap((from) =>
    designNames
      .filter((to) => to !== from)
      .map((to) => ({
        mesh,
        from,
        to,
        reason: breakBeforeMake[mesh].get(`${from} → ${to}`),
      })),
  ),
);

describe.each(moves)('$from → $to under $mesh', ({ mesh, from, to, reason }) => {
  const wayOut = 'delete ServiceEntry istio-egress/api first';

  /** Applies and prunes until nothing is refused; what the last round refused. */
  async function move(order: readonly Manifest[]): Promise<readonly string[]> {
    let refused: readonly string[] = [];
    for (let round = 1; round <= maxRounds; round++) {
      refused = refusalsIn(await applyAll(order));
      if (refused.length > 0) continue;
      const kept = new Set(order.map(identityOf));
      refused = refusalsIn(await deleteAll(cluster.objects.filter((object) => !kept.has(identityOf(object)))));
      if (refused.length === 0) return [];
    }
    return refused;
  }

  function expectArrived(order: readonly Manifest[]): void {
    expect(cluster.objects.map(identityOf).sort(), named(order)).toEqual(order.map(identityOf).sort());
    expect(cluster.errors(), named(order)).toEqual([]);
  }

  const orders = ordersOf(designs[to], sampledMoves);

  it.runIf(reason === undefined)('converges within three rounds', { timeout: patience }, async () => {
    for (const order of orders) {
      cluster.reset(meshes[mesh], designs[from]);
      expect(await move(order), named(order)).toEqual([]);
      expectArrived(order);
    }
  });

  it.runIf(reason !== undefined)(`names the step that goes first: ${reason}`, { timeout: patience }, async () => {
    let stuck = 0;
    for (const order of orders) {
      cluster.reset(meshes[mesh], designs[from]);
      const refused = await move(order);
      if (refused.length === 0) continue;
      stuck++;
      expect(refused.join('\n'), named(order)).toContain(wayOut);
    }
    expect(stuck).toBeGreaterThan(0);
  });

  const last = 'converges within three rounds where the ServiceEntry goes first';
  it(last, { timeout: patience }, async () => {
    for (const order of orders) {
      cluster.reset(meshes[mesh], designs[from]);
      const entries = cluster.objects.filter(({ kind }) => kind === 'ServiceEntry');
      expect(refusalsIn(await deleteAll(entries))).toEqual([]);
      expect(await move(order), named(order)).toEqual([]);
      expectArrived(order);
    }
  });
});

describe('with two problems that are there already', () => {
  const good = designs['http-origination'];
  const wrongSni = changed('DestinationRule istio-egress/egress-api', {
    host: 'istio-egressgateway.istio-egress.svc.cluster.local',
    subsets: [{ name: 'api', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: 'other.example.com' } } }],
  });
  const unscoped: Manifest = {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { namespace: 'istio-system', name: 'everywhere' },
    spec: { action: 'DENY', rules: [{ when: [{ key: 'connection.sni', values: ['api.example.com'] }] }] },
  };
  const faulty = [...good.map((object) => (identityOf(object) === identityOf(wrongSni) ? wrongSni : object)), unscoped];

  function changed(identity: string, spec: JsonObject): Manifest {
    const object = good.find((candidate) => identityOf(candidate) === identity);
    if (object === undefined) throw new Error(`there is no ${identity}`);
    return { ...object, spec };
  }

  const errorRules = (): string[] => cluster.errors().map((error) => error.slice(0, error.indexOf(':')));

  it('a change that repairs one is admitted, and the other is left', async () => {
    cluster.reset(meshes.ALLOW_ANY, faulty);
    expect(errorRules()).toEqual(expect.arrayContaining(['egress-policy-is-scoped', 'hop-sni-matches-host']));
    expect(refusalsIn([await cluster.apply(changed(identityOf(wrongSni), specOf(good, wrongSni)))])).toEqual([]);
    expect(errorRules()).toContain('egress-policy-is-scoped');
    expect(errorRules()).not.toContain('hop-sni-matches-host');
  });

  it('so is the repair of the other, by an update or a deletion', async () => {
    const scoped = { ...unscoped, spec: { ...asObject(unscoped['spec']), selector: gatewayPods } };
    for (const repair of [() => cluster.apply(scoped), () => cluster.delete(unscoped)]) {
      cluster.reset(meshes.ALLOW_ANY, faulty);
      expect(refusalsIn([await repair()])).toEqual([]);
      expect(errorRules()).not.toContain('egress-policy-is-scoped');
      expect(errorRules()).toContain('hop-sni-matches-host');
    }
  });

  it('every object may be applied again, as it is and with its lists in another order', async () => {
    cluster.reset(meshes.ALLOW_ANY, faulty);
    const before = cluster.errors();
    expect(refusalsIn(await applyAll([...faulty, ...faulty.map(withListsReversed)]))).toEqual([]);
    expect(cluster.errors()).toEqual(before);
  });
});

const gatewayPods = { matchLabels: { istio: 'egressgateway' } };

function specOf(objects: readonly Manifest[], like: Manifest): JsonObject {
  return asObject(objects.find((object) => identityOf(object) === identityOf(like))?.['spec']);
}

function asObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new Error('not an object');
  return value;
}

/** Lists whose order means something: the first route or the first match counts. */
const orderedLists: ReadonlySet<string> = new Set(['http', 'tls', 'tcp', 'match', 'route']);

/** The same object with every list reversed whose order means nothing. */
function withListsReversed(object: Manifest): Manifest {
  return { ...object, spec: reversed(object['spec'], '') };
}

function reversed(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => reversed(item, ''));
    return orderedLists.has(name) ? items : items.reverse();
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, reversed(child, key)]));
}
