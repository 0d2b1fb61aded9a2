import { describe, expect, test } from 'vitest';
import type { ServerDependencies } from '../../src/admission/server.ts';
import { isJsonObject } from '../../src/istio/json-object.ts';
import { expectValidAnswer } from './expect-valid-answer.ts';
import { child, createHarness, denied, jsonObject, post, sample, sampleNames, sampleWith } from './harness.ts';

const mebibyte = 1_024 * 1_024;
const gatewayCreate = sample('gateway-v1-create');
const gatewayCreateUid = child(jsonObject(gatewayCreate), 'request')['uid'];

/** The value with a key of its own in every object, however nested. */
function withKeyEverywhere(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withKeyEverywhere(item, key));
  if (!isJsonObject(value)) return value;
  const poison = { allowed: true, uid: 'x', name: 'x', spec: {}, prototype: { allowed: true } };
  const entries = Object.entries(value).map(([name, item]) => [name, withKeyEverywhere(item, key)] as const);
  return Object.fromEntries([[key, poison], ...entries]);
}

describe('a review', () => {
  test.each(sampleNames)('%s is answered', async (name) => {
    const harness = createHarness();
    const response = await post(harness, sample(name));
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    const { uid } = child(jsonObject(sample(name)), 'request');
    expect(expectValidAnswer(response.body, uid)).toMatchObject({ allowed: true });
    expect(harness.lines).toHaveLength(1);
  });

  test('is judged with what the objects say, in the given time', async () => {
    const harness = createHarness({ now: () => 1_000 });
    await post(harness, sample('gateway-v1-update-dryrun'), '/validate?timeout=5s');
    const { change, context } = harness.asked[0] ?? {};
    const identity = { kind: 'Gateway', metadata: expect.objectContaining({ namespace: 'demo', name: 'gateway-v1' }) };
    expect(change).toMatchObject({ operation: 'UPDATE', object: identity, oldObject: identity });
    expect(context).toEqual({ dryRun: true, deadline: 6_000 });
  });

  test('a deletion is judged by its old object only, within ten seconds by default', async () => {
    const harness = createHarness({ now: () => 0 });
    await post(harness, sample('serviceentry-v1-delete'));
    const { change, context } = harness.asked[0] ?? {};
    expect(change).toEqual({ operation: 'DELETE', oldObject: expect.objectContaining({ kind: 'ServiceEntry' }) });
    expect(context).toEqual({ dryRun: false, deadline: 10_000 });
  });

  test('without consequence is not judged', async () => {
    const harness = createHarness();
    await post(harness, sample('virtualservice-v1-ssa-noop'));
    expect(harness.asked).toEqual([]);
  });

  test('of a deletion that is refused is admitted where it came out meanwhile that the namespace is being deleted', async () => {
    let isTerminating = false;
    const decide = async () => {
      isTerminating = true;
      return denied;
    };
    const harness = createHarness({ decide, isNamespaceTerminating: () => isTerminating });
    const { body } = await post(harness, sample('serviceentry-v1-delete'));
    expect(child(jsonObject(body), 'response')).toMatchObject({ allowed: true });
    expect(harness.lines).toMatchObject([{ decision: 'allow', admitReason: 'terminating-namespace', rules: [] }]);
    isTerminating = false;
    expect(child(jsonObject((await post(harness, sample('serviceentry-v1-create'))).body), 'response')).toMatchObject({
      allowed: false,
    });
  });

  test('may take its time to be judged', async () => {
    const response = await post(createHarness({ decide: async () => denied }), gatewayCreate);
    expect(response.statusCode).toBe(200);
    expect(expectValidAnswer(response.body, gatewayCreateUid)).toMatchObject({
      allowed: false,
      status: { code: 403, reason: 'Forbidden' },
      warnings: denied.warnings.map(({ message }) => message),
    });
  });

  test.each(['__proto__', 'constructor'])('a key %s anywhere changes nothing', async (key) => {
    const plain = createHarness({ decide: () => denied });
    const poisoned = createHarness({ decide: () => denied });
    const expected = await post(plain, gatewayCreate);
    const body = JSON.stringify(withKeyEverywhere(JSON.parse(gatewayCreate), key));
    expect(body.split(`"${key}"`).length).toBeGreaterThan(20);
    const response = await post(poisoned, body);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(expected.json());
    expect(Reflect.get({}, 'allowed')).toBeUndefined();
  });

  test('of 23 MiB is answered', async () => {
    const response = await post(
      createHarness({ decide: () => denied }),
      `${' '.repeat(23 * mebibyte)}${gatewayCreate}`,
    );
    expect(response.statusCode).toBe(200);
    expectValidAnswer(response.body, gatewayCreateUid);
  });

  test('nested a million deep is answered', async () => {
    const deep = `${'['.repeat(1e6)}${']'.repeat(1e6)}`;
    const object = `{"apiVersion":"networking.istio.io/v1","kind":"Gateway","metadata":{"name":"n"},"spec":{"x":${deep}}}`;
    const marked = { object: '@', oldObject: '@', operation: 'UPDATE' };
    const response = await post(
      createHarness(),
      JSON.stringify(sampleWith('gateway-v1-update', marked)).replaceAll('"@"', object),
    );
    expect(response.statusCode).toBe(200);
  });
});

describe('a bug', () => {
  const bug = new Error('no mesh', { cause: new TypeError('undefined is not a function') });

  test.each<[string, ServerDependencies['decide']]>([
    [
      'thrown',
      () => {
        throw bug;
      },
    ],
    ['rejected', () => Promise.reject(bug)],
    [
      'dressed as a client error',
      () => {
        throw Object.assign(bug, { statusCode: 200, code: 'FST_ERR_CTP_BODY_TOO_LARGE' });
      },
    ],
  ])('%s gets 500, and the log has the stack', async (_name, decide) => {
    const harness = createHarness({ decide });
    const response = await post(harness, gatewayCreate);
    expect(response.statusCode).toBe(500);
    expect(response.json()).toEqual({ error: 'internal error; the log of egress-guard says more' });
    expect(response.headers).not.toHaveProperty('retry-after');
    expect(harness.lines).toHaveLength(1);
    expect(harness.lines[0]).toMatchObject({ level: 'error', uid: gatewayCreateUid, decision: 'error' });
    expect(harness.lines[0]?.['error']).toMatch(/Error: no mesh\n.*at [\s\S]*caused by TypeError: undefined/);
    expect(await harness.metrics.registry.metrics()).toContain(
      'egress_guard_admission_errors_total{cause="internal"} 1',
    );
  });

  test.each([undefined, 'text', Object.create(null)])('may throw anything', async (thrown) => {
    const harness = createHarness({ decide: () => Promise.reject(thrown) });
    expect((await post(harness, gatewayCreate)).statusCode).toBe(500);
    expect(harness.lines[0]?.['error']).toMatch(/^thrown: /);
  });
});
