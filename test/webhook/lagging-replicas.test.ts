import { describe, expect, it } from 'vitest';
import { LiveGuard } from '../../src/admission/live-guard.ts';
import { createMetrics } from '../../src/admission/metrics.ts';
import { type LiveCluster, SecondLook } from '../../src/admission/second-look.ts';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Decision } from '../../src/analysis/decision.ts';
import type { Change } from '../../src/analysis/guard.ts';
import { idOf, type Resource, type ResourceRef, refOf } from '../../src/istio/resources.ts';
import { rules } from '../../src/rules/index.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { patience } from '../egress/property.ts';
import { fc } from '../fast-check.ts';
import { isSurrounding, oracleResources } from '../scenarios/oracle-manifests.ts';
import { statedMutations } from '../scenarios/stated-mutations.ts';

/*
 * Two replicas before one store. What is stored reaches each by a watch that lags as the script has it. A guard that sees the store itself says
 * what a single consistent server would do: what that admits no replica may refuse.
 */

const surroundings = oracleResources('s16-1-canonical-http').filter(isSurrounding);

const design = oracleResources('s16-1-canonical-http').filter((one) => !isSurrounding(one));

/** The design under another subset, and its DestinationRules with both: who moves from one to the other writes three times. */
const moved = design.map((resource) =>
  withSpec(resource, JSON.parse(JSON.stringify(resource.spec).replaceAll('"api"', '"other"'))),
);
const moving = design.flatMap((resource, at) => {
  const [other] = [moved[at]];
  if (resource.kind !== 'DestinationRule' || other?.kind !== 'DestinationRule') return [];
  const subsets = [...(resource.spec.subsets ?? []), ...(other.spec.subsets ?? [])];
  return subsets.length === 0 ? [] : [withSpec(resource, { ...resource.spec, subsets })];
});

/** Variants of a design that are wrong in some way, mostly. */
const mutated = statedMutations.flatMap(({ name }) => oracleResources(name)).filter((one) => !isSurrounding(one));

/** One version of an object in the store; without `object`, its deletion. */
interface Version {
  readonly ref: ResourceRef;
  readonly number: number;
  readonly object?: Resource;
}

/** The API server's store with its log of versions, and a guard that never lags. */
class Store {
  readonly log: Version[] = [];
  readonly guard = guardOf();
  readonly #objects = new Map<string, Version>();

  constructor(objects: readonly Resource[]) {
    for (const object of objects) {
      const change = this.request(object, false);
      if (change) this.store(change);
    }
  }

  /** The request that `kubectl apply` or `kubectl delete` makes of a wanted state; undefined where there is nothing to do. */
  request(wanted: Resource, isDeletion: boolean): Change | undefined {
    const oldObject = this.find(refOf(wanted));
    if (isDeletion) return oldObject && { operation: 'DELETE', oldObject };
    const created = oldObject?.metadata.created ?? Date.UTC(2026, 0, 1) + this.log.length * 1000;
    const resourceVersion = String(this.log.length + 1);
    const object = Object.assign({}, wanted, { metadata: { ...wanted.metadata, created, resourceVersion } });
    return oldObject ? { operation: 'UPDATE', object, oldObject } : { operation: 'CREATE', object };
  }

  store(change: Change): void {
    const subject = change.object ?? change.oldObject;
    if (subject === undefined) return;
    const { object } = change;
    const version = { ref: refOf(subject), number: this.log.length + 1, ...(object && { object }) };
    this.log.push(version);
    this.#objects.set(idOf(version.ref), version);
    this.guard.apply([change]);
  }

  find(ref: ResourceRef): Resource | undefined {
    return this.#objects.get(idOf(ref))?.object;
  }

  /** What there is of an object now: as if deleted if it has never been there. */
  version(ref: ResourceRef): Version {
    return this.#objects.get(idOf(ref)) ?? { ref, number: this.log.length };
  }
}

/** A replica of the webhook: its watch has told of the store's log up to a place. */
class Replica implements LiveCluster {
  readonly #store: Store;
  readonly #guard = guardOf();
  readonly #look: SecondLook;
  readonly #seen = new Map<string, number>();
  #place = 0;
  /** Milliseconds. */
  now = 0;
  /** What happens while it waits before it judges again. */
  meanwhile: () => unknown = () => undefined;
  isApiServerAway = false;
  isTooLarge = false;
  /** So often the guard was asked. */
  judged = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#look = new SecondLook({
      guard: this.#countedGuard(),
      cluster: this,
      metrics: createMetrics('0.0.0'),
      now: () => this.now,
      wait: async (ms) => {
        this.now += ms;
        await this.meanwhile();
      },
    });
  }

  /** What the guard alone would say, by what it has heard. */
  firstLook(change: Change): Decision {
    return this.#guard.decide(change);
  }

  decide(change: Change, dryRun = false): Promise<Decision> {
    return this.#look.decide(change, { dryRun, deadline: Number.POSITIVE_INFINITY });
  }

  /** Lets the watch tell of so many more versions. */
  hear(count = this.#store.log.length): void {
    for (const version of this.#store.log.slice(this.#place, this.#place + count)) this.#take(version);
    this.#place = Math.min(this.#place + count, this.#store.log.length);
  }

  async read(refs: readonly ResourceRef[]): Promise<void> {
    if (this.isApiServerAway) throw new Error('away');
    for (const ref of refs) this.#take(this.#store.version(ref));
  }

  async catchUp(): Promise<void> {
    if (this.isTooLarge) throw new Error('too large');
    for (const version of this.#store.log) this.#take(this.#store.version(version.ref));
  }

  #countedGuard(): Pick<LiveGuard, 'decide' | 'find' | 'version'> {
    const guard = this.#guard;
    return {
      decide: (change, given) => {
        this.judged++;
        return guard.decide(change, given);
      },
      find: (ref) => guard.find(ref),
      get version() {
        return guard.version;
      },
    };
  }

  #take({ ref, number, object }: Version): void {
    if ((this.#seen.get(idOf(ref)) ?? 0) >= number) return;
    this.#seen.set(idOf(ref), number);
    const oldObject = this.#guard.find(ref);
    if (object === undefined) this.#guard.apply(oldObject ? [{ operation: 'DELETE', oldObject }] : []);
    else this.#guard.apply([oldObject ? { operation: 'UPDATE', object, oldObject } : { operation: 'CREATE', object }]);
  }
}

function withSpec(resource: Resource, spec: object): Resource {
  return Object.assign({}, resource, { spec });
}

function withName(resource: Resource, name: string): Resource {
  return Object.assign({}, resource, { metadata: { ...resource.metadata, name } });
}

function guardOf(): LiveGuard {
  const options = { today: () => '2026-01-01', assumesGateways: false };
  const metrics = createMetrics('0.0.0');
  return new LiveGuard(surroundings, defaultSettings, { createGuard, options, rules, metrics });
}

/** A request that goes to one of the replicas, after both have heard of some more. */
const step = fc.record({
  to: fc.constantFrom(0, 1),
  heard: fc.tuple(fc.nat(1), fc.nat(1)),
  wanted: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...design, ...moved, ...moving) },
    { weight: 1, arbitrary: fc.constantFrom(...mutated) },
  ),
  isDeletion: fc.constantFrom(true, false, false, false),
});

describe('two replicas whose watches lag', () => {
  it('refuse nothing that a single consistent server admits', { timeout: patience }, async () => {
    let refuted = 0;
    const script = fc.tuple(fc.boolean(), fc.array(step, { minLength: 5, maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(script, async ([isComplete, steps]) => {
        const { store, replicas } = begin(isComplete ? design : []);
        for (const { to, heard, wanted, isDeletion } of steps) {
          replicas.forEach((one, at) => {
            one.hear(heard[at]);
          });
          const change = store.request(wanted, isDeletion);
          if (change === undefined) continue;
          const isAdmitted = store.guard.decide(change).allowed;
          if (isAdmitted && !replicas[to].firstLook(change).allowed) refuted++;
          const decision = await replicas[to].decide(change);
          if (isAdmitted) expect(messagesOf(decision)).toEqual([]);
          if (decision.allowed) store.store(change);
        }
      }),
      { seed: Number(process.env['SEED'] ?? 1), numRuns: Number(process.env['RUNS'] ?? 40) },
    );
    expect(refuted).toBeGreaterThan(0);
  });
});

describe('a replica that has not heard of it', () => {
  it('admits what rests on an object that it admitted itself a moment ago, and only a moment', async () => {
    const { store, replica } = begin(design);
    const renamed = requestFor(store, moving, 'DestinationRule');
    expect((await replica.decide(renamed)).allowed).toBe(true); // admitted, and not stored yet
    replica.isTooLarge = true;
    const route = requestFor(store, moved, 'VirtualService');
    expect(messagesOf(await replica.decide(route))).toEqual([]);
    replica.now += 5_000;
    expect(messagesOf(await replica.decide(route))).toEqual([expect.stringContaining("has a subset 'other'")]);
  });

  it('remembers nothing of a dry run', async () => {
    const { store, replica } = begin(design);
    replica.isTooLarge = true;
    await replica.decide(requestFor(store, moving, 'DestinationRule'), true);
    const decision = await replica.decide(requestFor(store, moved, 'VirtualService'));
    expect(messagesOf(decision)).toEqual([expect.stringContaining("has a subset 'other'")]);
  });

  it('waits for its watch before it refuses', async () => {
    const { store, replica } = begin(design);
    store.store(requestFor(store, moving, 'DestinationRule'));
    Object.assign(replica, { meanwhile: () => replica.hear(), isTooLarge: true, isApiServerAway: true });
    expect((await replica.decide(requestFor(store, moved, 'VirtualService'))).allowed).toBe(true);
    expect(replica.now).toBe(50);
  });

  it('judges again only if it has heard of something while it waited', async () => {
    const { store, replica } = begin(design);
    expect((await replica.decide(requestFor(store, moved, 'VirtualService'))).allowed).toBe(false);
    expect([replica.now, replica.judged]).toEqual([50, 1]);
    const elsewhere = moved.map((object) => withName(object, 'elsewhere'));
    store.store(requestFor(store, elsewhere, 'ServiceEntry'));
    replica.meanwhile = () => replica.hear();
    expect((await replica.decide(requestFor(store, moved, 'VirtualService'))).allowed).toBe(false);
    expect(replica.judged).toBe(3);
  });

  it('judges again what it has meanwhile admitted the ground for', async () => {
    const { store, replica } = begin(design);
    replica.isTooLarge = true;
    replica.meanwhile = () => replica.decide(requestFor(store, moving, 'DestinationRule'));
    expect(messagesOf(await replica.decide(requestFor(store, moved, 'VirtualService')))).toEqual([]);
    expect(replica.judged).toBe(4); // the route, what it needs, and the route again: without that, and with it
  });

  it('reads what a denial rests on', async () => {
    const { store, replica } = begin(design);
    const entry = design.find(({ kind }) => kind === 'ServiceEntry');
    if (entry) store.store({ operation: 'DELETE', oldObject: entry });
    replica.isTooLarge = true;
    const route = design.find(({ kind }) => kind === 'VirtualService');
    const deletion = route && store.request(route, true);
    if (deletion === undefined) throw new Error('the design has a route');
    expect(replica.firstLook(deletion).allowed).toBe(false);
    expect((await replica.decide(deletion)).allowed).toBe(true);
  });

  it('only warns where the API server cannot be asked', async () => {
    const { store, replica } = begin(design);
    replica.isApiServerAway = true;
    const decision = await replica.decide(requestFor(store, moved, 'VirtualService'));
    expect(decision).toMatchObject({ allowed: true, denials: [] });
    expect(decision.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('admitted, because the API server did not answer'),
      expect.stringContaining('(interruption)'),
      expect.stringContaining('(subset-exists)'),
    ]);
  });

  it('judges an update by the object that it replaces, though it has not heard of that', async () => {
    const { store, replica } = begin(design.filter(({ kind }) => kind !== 'VirtualService'));
    store.store(requestFor(store, design, 'VirtualService'));
    const direct = design.map((object) =>
      object.kind === 'VirtualService' ? withSpec(object, { ...object.spec, gateways: ['egress'] }) : object,
    );
    const door = requestFor(store, direct, 'VirtualService');
    expect(messagesOf(await replica.decide(door))).toContainEqual(expect.stringContaining('(door)'));
  });
});

/** A store with objects that both replicas have heard of. */
function begin(objects: readonly Resource[]) {
  const store = new Store(objects);
  const replicas = [new Replica(store), new Replica(store)] as const;
  for (const replica of replicas) replica.hear();
  return { store, replicas, replica: replicas[0] };
}

/** The request to write the object of a kind as a design has it; of several, the first. */
function requestFor(store: Store, objects: readonly Resource[], kind: Resource['kind']): Change {
  const wanted = objects.find((object) => object.kind === kind);
  const change = wanted && store.request(wanted, false);
  if (change === undefined) throw new Error(`no ${kind} to write`);
  return change;
}

function messagesOf({ denials }: Decision): readonly string[] {
  return denials.map(({ message }) => message);
}
