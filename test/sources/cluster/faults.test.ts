import { expect, test, vi } from 'vitest';
import { readResource } from '../../../src/istio/read-resource.ts';
import { idOf as idOfResource, type Resource, refOf } from '../../../src/istio/resources.ts';
import { createKubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { Reflector, type ReflectorListener } from '../../../src/sources/cluster/reflector.ts';
import { defaultTiming, type Timing } from '../../../src/sources/cluster/timing.ts';
import type { ResourceChange } from '../../../src/sources/diff-resources.ts';
import { fc } from '../../fast-check.ts';
import { FakeApiServer, type FakeApiServerOptions, type Fault, idOf } from './fake-api-server.ts';

/*
 * Whatever becomes of connections, versions and events, a reflector comes to hold what the server holds, and tells just the changes that
 * lead there. Scripts are random; `EGRESS_GUARD_FAULT_RUNS=1000` runs so many of them, instead of a few seconds' worth.
 */

const runs = Number(process.env['EGRESS_GUARD_FAULT_RUNS'] ?? 15);
const maxSteps = runs > 15 ? 200 : 40;
vi.setConfig({ testTimeout: 60_000 + runs * 5_000 });

const path = '/apis/networking.istio.io/v1/serviceentries';
const olderPath = '/apis/networking.istio.io/v1beta1/serviceentries';

/** A second is a thousandth, or less. */
const hasty: Timing = {
  ...defaultTiming,
  minBackoff: 1,
  maxBackoff: 8,
  maxRetryAfter: 10,
  stall: 60,
  watchSeconds: 10,
  rest: 1,
  drift: 60,
  rediscovery: 5,
  answer: 60,
};

/** What a script does, one after the other. */
type Step =
  | { readonly do: 'put'; readonly name: string; readonly host: string; readonly born: number }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'fault'; readonly fault: Fault; readonly requests: number }
  | { readonly do: 'cut' | 'compact' | 'retire' | 'serve' | 'exchange-token' }
  /** Somebody wants to know what there is now. */
  | { readonly do: 'read'; readonly name: string }
  | { readonly do: 'catch-up' }
  | { readonly do: 'wait'; readonly ms: number };

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'cut' },
    { kind: 'silence' },
    { kind: 'shuffle' },
    { kind: 'too-old' },
    { kind: 'duplicate' },
    { kind: 'lose' },
    { kind: 'status', status: 410 },
    { kind: 'status', status: 429, retryAfter: 1 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503, retryAfter: 0, body: '<html>' },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 403 },
    { kind: 'status', status: 404 },
  ),
  fc.record({ kind: fc.constant('slow' as const), ms: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('truncate' as const), bytes: fc.integer({ min: 0, max: 900 }) }),
  fc.record({ kind: fc.constant('half-open' as const), events: fc.integer({ min: 0, max: 3 }) }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      name,
      host: fc.constantFrom('one.example.com', 'two.example.com'),
      born: fc.constantFrom(1, 1, 1, 2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('fault' as const), fault, requests: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('cut', 'cut', 'cut', 'compact', 'compact', 'retire', 'serve', 'serve', 'exchange-token'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('catch-up' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 15 }) }) },
);

const script = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: maxSteps, size: 'max' }),
  streamsLists: fc.boolean(),
  maxPage: fc.constantFrom(1, 2, 3, 500),
});

/** A server whose script is a list of steps. */
class FaultyServer {
  readonly #server: FakeApiServer;
  readonly #faults: Fault[] = [];
  token = 'token-0';
  #tokens = 0;

  constructor(options: FakeApiServerOptions) {
    this.#server = new FakeApiServer({ ...options, bookmarkMs: 5, secondMs: 1 });
    this.#server.serve(path);
    this.#server.script = () => this.#faults.shift();
    this.#server.tokens = [this.token];
  }

  start(): Promise<string> {
    return this.#server.start();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** `namespace/name`, version and host of all that there is. */
  state(): readonly string[] {
    return this.#server
      .objects(path)
      .map((object) => `${idOf(object)} ${object.metadata.resourceVersion} ${hostOf(object['spec'])}`)
      .sort();
  }

  /** No more faults, and one more object. */
  recover(): void {
    this.#faults.length = 0;
    this.#server.serve(path);
    this.#put('last', 'last.example.com', 3);
  }

  async take(next: Step): Promise<void> {
    if (next.do === 'wait') await new Promise((resolve) => setTimeout(resolve, next.ms));
    else if (next.do === 'fault') this.#faults.push(...Array.from({ length: next.requests }, () => next.fault));
    else if (next.do === 'cut') this.#server.cutAll();
    else if (next.do === 'compact') this.#server.compact();
    else if (next.do === 'retire') this.#server.retire(path);
    else if (next.do === 'serve') this.#server.serve(path);
    else if (next.do === 'exchange-token') this.#exchangeToken();
    else if (!this.#server.isServed(path)) return;
    else if (next.do === 'remove') this.#server.remove(path, `ns/${next.name}`);
    else if (next.do === 'put') this.#put(next.name, next.host, next.born);
  }

  #exchangeToken(): void {
    this.token = `token-${++this.#tokens}`;
    this.#server.tokens = [this.token];
  }

  #put(name: string, host: string, born: number): void {
    this.#server.put(path, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { namespace: 'ns', name, creationTimestamp: `2026-11-21T00:00:0${born}Z` },
      spec: { hosts: [host] },
    });
  }
}

function hostOf(spec: unknown): string {
  return JSON.stringify(spec);
}

function stateOf(resources: Iterable<Resource>): readonly string[] {
  return [...resources]
    .map(({ metadata, spec }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion} ${hostOf(spec)}`)
    .sort();
}

/** What somebody knows who only hears of changes. Throws for one that cannot be. */
class Hearer {
  readonly resources = new Map<string, Resource>();

  hear(changes: readonly ResourceChange[]): void {
    for (const change of changes) {
      const id = idOfResource(refOf(change.operation === 'DELETE' ? change.oldObject : change.object));
      if (this.resources.has(id) === (change.operation === 'CREATE')) throw new Error(`${change.operation} of ${id}`);
      if (change.operation === 'DELETE') this.resources.delete(id);
      else this.resources.set(id, change.object);
    }
  }
}

/** All but the versions, which may rise unheard. */
const withoutVersions = (state: readonly string[]): readonly string[] =>
  state.map((line) => line.replace(/ \d+ /, ' '));

async function play({ steps, ...options }: { readonly steps: readonly Step[] } & FakeApiServerOptions): Promise<void> {
  const server = new FaultyServer(options);
  const url = await server.start();
  let token = server.token;
  const client = createKubernetesClient({
    url,
    namespace: undefined,
    authorize: async (isRefused) => {
      if (isRefused) token = server.token;
      return { headers: { authorization: `Bearer ${token}` } };
    },
  });
  const hearer = new Hearer();
  const bugs: unknown[] = [];
  const listener: ReflectorListener = {
    onChanges: (changes) => hearer.hear(changes),
    onSynced: () => {},
    onContact: () => {},
    onRestart: () => {},
    onDrift: () => {},
    onUnreadable: () => {},
    onBug: (error) => bugs.push(error),
  };
  const read = (raw: unknown) => readResource(raw, 0);
  const reflector = new Reflector(
    { kind: 'ServiceEntry', paths: [path, olderPath], read },
    { client, listener, timing: hasty },
  );
  try {
    const looks: Promise<void>[] = [];
    const look = (read: Promise<void>): void => void looks.push(read.catch(() => {})); // some meet with a fault
    for (const next of steps) {
      if (next.do === 'read') look(reflector.refresh('ns', next.name, AbortSignal.timeout(60)));
      else if (next.do === 'catch-up') look(reflector.catchUp(AbortSignal.timeout(60)));
      else await server.take(next);
    }
    await Promise.all(looks);
    server.recover();
    await vi.waitFor(() => expect(stateOf(reflector.resources())).toEqual(server.state()), {
      interval: 5,
      timeout: 8_000,
    });
    expect(withoutVersions(stateOf(hearer.resources.values()))).toEqual(withoutVersions(server.state()));
    expect(bugs).toEqual([]);
    expect(reflector.isSynced).toBe(true);
  } finally {
    await reflector.close();
    await server.close();
  }
}

test('after every script the reflector holds what the server holds', async () => {
  const scripts = fc.array(script, { minLength: 8, maxLength: 8 }); // most of the time of each is waiting
  await fc.assert(
    fc.asyncProperty(scripts, async (all) => void (await Promise.all(all.map(play)))),
    { numRuns: runs, endOnFailure: true }, // a smaller script would take minutes to find
  );
});
