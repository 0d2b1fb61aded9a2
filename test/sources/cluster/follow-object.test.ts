import { expect, onTestFinished, test, vi } from 'vitest';
import { followObject } from '../../../src/sources/cluster/follow-object.ts';
import { defaultTiming } from '../../../src/sources/cluster/timing.ts';
import { startApiServer } from './start-api-server.ts';

const path = '/api/v1/namespaces/guard/secrets';
const timing = { ...defaultTiming, minBackoff: 10, maxBackoff: 40 };

/** A server with an object, and how often who follows that has heard of something. */
async function begin() {
  const { server, client } = await startApiServer({ bookmarkMs: 60_000 });
  server.serve(path);
  server.put(path, { metadata: { namespace: 'guard', name: 'mine' } });
  const heard = { changes: 0, errors: [] as string[] };
  const closing = new AbortController();
  const onChange = (): void => void heard.changes++;
  const onError = (error: unknown): void => void heard.errors.push(String(error));
  const done = followObject(client, { path, name: 'mine', onChange, onError, timing }, closing.signal);
  onTestFinished(() => closing.abort());
  await vi.waitUntil(() => heard.changes > 0 && server.watches(path) === 1);
  return { server, heard, closing, done };
}

test('an object that is followed is heard of at first, and whenever it changes or goes', async () => {
  const { server, heard } = await begin();
  server.put(path, { metadata: { namespace: 'guard', name: 'mine', labels: { now: 'new' } } });
  await vi.waitUntil(() => heard.changes === 2);
  server.remove(path, 'guard/mine');
  await vi.waitUntil(() => heard.changes === 3);
  expect(heard.errors).toEqual([]);
});

test('it is asked for by its name, which a Role may be about', async () => {
  const { server } = await begin();
  const [asked] = server.seen;
  expect(asked).toMatchObject({ path, isWatch: true });
  expect(asked?.query.get('fieldSelector')).toBe('metadata.name=mine');
});

test('it is followed on when the watch breaks, also after it was refused for a while', async () => {
  const { server, heard } = await begin();
  let refusals = 0;
  server.script = () => (refusals++ < 2 ? { kind: 'status', status: 403 } : undefined);
  server.cutAll();
  await vi.waitUntil(() => server.watches(path) === 1 && heard.changes > 1);
  expect(heard.errors.filter((error) => error.includes('403'))).toHaveLength(2);
  const before = heard.changes;
  server.put(path, { metadata: { namespace: 'guard', name: 'mine', labels: { now: 'newer' } } });
  await vi.waitUntil(() => heard.changes > before);
});

test('nothing is heard once it is not followed any more', async () => {
  const { server, heard, closing, done } = await begin();
  closing.abort();
  await done;
  await vi.waitUntil(() => server.watches(path) === 0);
  expect(heard).toEqual({ changes: 1, errors: [] });
});
