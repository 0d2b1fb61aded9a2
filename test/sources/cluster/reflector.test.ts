import { expect, onTestFinished, test, vi } from 'vitest';
import { ownField } from '../../../src/istio/json-object.ts';
import { type ReadResource, readResource } from '../../../src/istio/read-resource.ts';
import { Reflector, type ReflectorListener, type RestartReason } from '../../../src/sources/cluster/reflector.ts';
import { defaultTiming, type Timing } from '../../../src/sources/cluster/timing.ts';
import type { FakeApiServerOptions, FakeObject } from './fake-api-server.ts';
import { startApiServer } from './start-api-server.ts';

const path = '/apis/networking.istio.io/v1/serviceentries';
const olderPath = '/apis/networking.istio.io/v1beta1/serviceentries';

/** A second is a hundredth. */
const hasty: Timing = {
  ...defaultTiming,
  minBackoff: 2,
  maxBackoff: 20,
  stall: 500,
  watchSeconds: 300,
  rest: 2,
  rediscovery: 10,
  answer: 500,
};

function entry(name: string, host = `${name}.example.com`): FakeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { namespace: 'ns', name, creationTimestamp: '2026-11-21T00:00:00Z' },
    spec: { hosts: [host] },
  };
}

async function start(options: FakeApiServerOptions = {}, timing: Partial<Timing> = {}) {
  const { server, client } = await startApiServer(options);
  const log: string[] = [];
  const restarts: RestartReason[] = [];
  const listener: ReflectorListener = {
    onChanges: (changes) => {
      for (const change of changes) {
        const { metadata } = change.operation === 'DELETE' ? change.oldObject : change.object;
        log.push(`${change.operation} ${metadata.name}`);
      }
    },
    onSynced: () => log.push('synced'),
    onContact: () => {},
    onRestart: (reason) => restarts.push(reason),
    onDrift: (objects) => log.push(`drift ${objects}`),
    onUnreadable: (key, why) => log.push(`unreadable ${key}: ${why}`),
    onBug: (error) => log.push(`bug ${String(error)}`),
  };
  const reflect = (
    changed: Partial<ReflectorListener> = {},
    read = (raw: unknown) => readResource(raw, 0),
  ): Reflector => {
    const reflected = { kind: 'ServiceEntry', paths: [path, olderPath], read };
    const deps = { client, listener: { ...listener, ...changed }, timing: { ...hasty, ...timing } };
    const reflector = new Reflector(reflected, deps);
    onTestFinished(() => reflector.close());
    return reflector;
  };
  return { server, log, restarts, reflect };
}

/** Looks often, so that a test takes as long as what it waits for. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { interval: 3, timeout: 5_000 });

function hostsOf(reflector: Reflector): readonly string[] {
  return [...reflector.resources()]
    .map((resource) => (resource.kind === 'ServiceEntry' ? `${resource.spec.hosts?.[0]}` : resource.kind))
    .sort();
}

const listRequests = (seen: readonly { readonly isWatch: boolean }[]) => seen.filter(({ isWatch }) => !isWatch).length;

test('takes over what there is, then what changes', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  server.put(path, entry('a'));
  const reflector = reflect();
  expect(reflector.isSynced).toBe(false);
  await eventually(() => expect(log).toEqual(['CREATE a', 'synced']));
  server.put(path, entry('b'));
  server.put(path, entry('a', 'other.example.com'));
  server.remove(path, 'ns/b');
  await eventually(() => expect(log.slice(2)).toEqual(['CREATE b', 'UPDATE a', 'DELETE b']));
  expect(hostsOf(reflector)).toEqual(['other.example.com']);
  expect(listRequests(server.seen)).toBe(0);
});

test('a server that does not begin watches with what there is is asked for pages', async () => {
  const { server, log, reflect } = await start({ streamsLists: false, maxPage: 2 });
  server.serve(path);
  for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(path, entry(name));
  const reflector = reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  expect(hostsOf(reflector)).toHaveLength(5);
  expect(listRequests(server.seen)).toBe(3);
  server.put(path, entry('f'));
  await eventually(() => expect(log.at(-1)).toBe('CREATE f'));
});

test('an update of nothing but the version is no change, and its version is known', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  server.put(path, entry('a'));
  const reflector = reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  const version = reflector.get('ns', 'a')?.metadata.resourceVersion;
  server.put(path, { ...entry('a'), status: { conditions: [] } });
  await eventually(() => expect(reflector.get('ns', 'a')?.metadata.resourceVersion).not.toBe(version));
  expect(log).toEqual(['CREATE a', 'synced']);
});

test('an object that was made anew, unnoticed, is another one', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  server.put(path, entry('a'));
  reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  const { metadata, ...rest } = entry('a');
  server.put(path, { ...rest, metadata: { ...metadata, creationTimestamp: '2026-11-22T00:00:00Z' } });
  await eventually(() => expect(log.slice(2)).toEqual(['DELETE a', 'CREATE a']));
});

test('a kind that comes later, or in another version only, is found', async () => {
  const { server, log, reflect } = await start();
  const reflector = reflect();
  await eventually(() => expect(log).toEqual(['synced']));
  expect(reflector.path).toBeUndefined();
  server.serve(olderPath);
  server.put(olderPath, entry('a'));
  await eventually(() => expect(log.at(-1)).toBe('CREATE a'));
  expect(reflector.path).toBe(olderPath);
});

test('a kind that goes takes its objects along, but not before it was missed several times', async () => {
  const { server, log, restarts, reflect } = await start();
  server.serve(path);
  server.put(path, entry('a'));
  reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  server.retire(path);
  await eventually(() => expect(log.at(-1)).toBe('DELETE a'));
  expect(restarts).toEqual(['missing', 'missing']);
});

test('a forgotten version is listed anew', async () => {
  const { server, log, restarts, reflect } = await start({}, { answer: 50 });
  server.serve(path);
  server.put(path, entry('a'));
  reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  server.script = ({ isWatch }) => (isWatch ? { kind: 'silence' } : undefined);
  server.cutAll();
  await eventually(() => expect(restarts).toEqual(['disconnected']));
  server.put(path, entry('b'));
  server.compact();
  server.script = () => undefined;
  await eventually(() => expect(log.at(-1)).toBe('CREATE b'));
  expect(restarts).toContain('expired');
});

test('pages that expire are listed in one piece', async () => {
  const { server, log, reflect } = await start({ streamsLists: false });
  server.serve(path);
  for (let number = 0; number < 600; number++) server.put(path, entry(`a${number}`));
  server.script = ({ query }) => (query.has('continue') ? { kind: 'status', status: 410 } : undefined);
  const reflector = reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  expect(hostsOf(reflector)).toHaveLength(600);
  expect(server.seen.filter(({ isWatch }) => !isWatch).map(({ query }) => query.get('limit'))).toEqual([
    '500',
    '500',
    null,
  ]);
});

test('a silent watch is begun anew', async () => {
  const { server, log, restarts, reflect } = await start({}, { stall: 60 });
  server.serve(path);
  let watches = 0;
  server.script = () => (++watches === 2 ? { kind: 'half-open', events: 0 } : undefined);
  reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  server.cutAll();
  await eventually(() => expect(server.watches(path)).toBe(1));
  server.put(path, entry('a'));
  await eventually(() => expect(log.at(-1)).toBe('CREATE a'));
  expect(restarts).toEqual(['disconnected', 'stalled']);
});

test('a server that asks to be left alone is', async () => {
  const { server, log, restarts, reflect } = await start({}, { maxRetryAfter: 40 });
  server.serve(path);
  const asked: number[] = [];
  server.script = () => {
    asked.push(performance.now());
    return asked.length < 3 ? { kind: 'status', status: 429, retryAfter: 1 } : undefined;
  };
  const reflector = reflect();
  await eventually(() => expect(reflector.problem).toMatch(/^GET .*serviceentries: no 429$/));
  await eventually(() => expect(log).toEqual(['synced']));
  expect(restarts).toEqual(['throttled', 'throttled']);
  expect((asked[2] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(75);
});

test('a full list puts right what a watch did not tell', async () => {
  const { server, log, reflect } = await start({ secondMs: 1 }, { drift: 100, watchSeconds: 20 });
  server.serve(path);
  server.put(path, entry('a'));
  server.script = ({ isWatch }) => (isWatch ? { kind: 'lose' } : undefined);
  reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  server.put(path, entry('b'));
  await eventually(() => expect(log.slice(2)).toEqual(['drift 1', 'CREATE b']));
  expect(server.seen.find(({ isWatch }) => !isWatch)?.query.get('resourceVersionMatch')).toBe('Exact');
});

test('what was read while a full list was under way is no drift', async () => {
  const { server, log, reflect } = await start({ secondMs: 1, bookmarkMs: 60_000 }, { drift: 40, watchSeconds: 10 });
  server.serve(path);
  server.put(path, entry('a'));
  const listing = Promise.withResolvers<void>();
  server.script = ({ isWatch, query }) => {
    if (isWatch) return { kind: 'lose' };
    if (query.get('resourceVersionMatch') !== 'Exact') return undefined;
    listing.resolve();
    return { kind: 'slow', ms: 100 };
  };
  const reflector = reflect();
  await listing.promise;
  server.put(path, entry('a', 'other.example.com'));
  await reflector.refresh('ns', 'a', AbortSignal.timeout(5_000));
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(log.slice(2)).toEqual(['UPDATE a']);
  expect(hostsOf(reflector)).toEqual(['other.example.com']);
});

test('what was read before the watch told of it is no drift', async () => {
  const { server, log, reflect } = await start({ secondMs: 1, bookmarkMs: 60_000 }, { drift: 40, watchSeconds: 10 });
  server.serve(path);
  server.put(path, entry('a'));
  let isLate = false;
  server.script = ({ isWatch }) => (isWatch && isLate ? { kind: 'lose' } : undefined);
  const reflector = reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  isLate = true;
  server.cutAll();
  server.put(path, entry('a', 'other.example.com'));
  await reflector.refresh('ns', 'a', AbortSignal.timeout(1_000));
  expect(log.slice(2)).toEqual(['UPDATE a']);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(log.slice(2)).toEqual(['UPDATE a']);
  expect(hostsOf(reflector)).toEqual(['other.example.com']);
});

test('what happens while a full list is made is no drift', async () => {
  const { server, log, reflect } = await start({ secondMs: 1 }, { drift: 30, watchSeconds: 10 });
  server.serve(path);
  reflect();
  server.script = ({ isWatch }) => (isWatch ? undefined : { kind: 'slow', ms: 20 });
  for (let number = 0; number < 40; number++) {
    server.put(path, entry(`a${number}`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(() => expect(log).toHaveLength(41));
  expect(listRequests(server.seen)).toBeGreaterThan(1);
  expect(log.filter((line) => line.startsWith('drift'))).toEqual([]);
});

test('what cannot be read leaves its last good state, and is told', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  server.put(path, entry('a'));
  const read = (raw: unknown): ReadResource =>
    ownField(raw, 'broken') === true ? { error: 'is broken' } : readResource(raw, 0);
  const reflector = reflect({}, read);
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  server.put(path, { ...entry('a', 'other.example.com'), broken: true });
  await eventually(() => expect(log.at(-1)).toBe('unreadable ns/a: is broken'));
  server.compact();
  server.cutAll(); // a list finds it broken, too
  await eventually(() => expect(log.filter((line) => line.startsWith('unreadable'))).toHaveLength(2));
  server.put(path, { ...entry('a'), kind: 'Unheard' });
  await eventually(() => expect(log.at(-1)).toBe('DELETE a'));
  expect(log.filter((line) => line.startsWith('UPDATE'))).toEqual([]);
  expect(hostsOf(reflector)).toEqual([]);
});

test('a listener that throws loses what it was told, and nothing else', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  const reflector = reflect({
    onChanges: () => {
      throw new Error('of ours');
    },
    onContact: () => {
      throw new Error('contact');
    },
  });
  await eventually(() => expect(log).toContain('synced'));
  server.put(path, entry('a'));
  server.put(path, entry('b'));
  await eventually(() => expect(hostsOf(reflector)).toHaveLength(2));
  expect(log).toContain('bug Error: of ours');
});

test('closing ends everything at once', async () => {
  const { server, log, reflect } = await start();
  server.serve(path);
  const reflector = reflect();
  await eventually(() => expect(log.at(-1)).toBe('synced'));
  await reflector.close();
  await eventually(() => expect(server.watches(path)).toBe(0));
});
