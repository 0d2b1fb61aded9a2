import { afterAll, describe, expect, test } from 'vitest';
import { MalformedReview, parseReview } from '../../src/admission/review.ts';
import { buildServer } from '../../src/admission/server.ts';
import { isJsonObject, type JsonObject } from '../../src/istio/json-object.ts';
import { fc } from '../fast-check.ts';
import { expectValidAnswer } from './expect-valid-answer.ts';
import { createHarness, denied, jsonObject, sample, sampleNames } from './harness.ts';

const { deps, lines } = createHarness({ decide: () => denied });
const app = buildServer(deps);

afterAll(() => app.close());

/** Posts a body and expects an answer that is valid for it: a review exactly if it can be read, else a 400 in one line. */
async function expectAnswer(payload: string | Buffer): Promise<void> {
  lines.length = 0;
  const headers = { 'content-type': 'application/json' };
  const response = await app.inject({ method: 'POST', url: '/validate', headers, payload });
  expect(lines).toHaveLength(1);
  expect([200, 400]).toContain(response.statusCode);
  if (response.statusCode === 200) {
    expectValidAnswer(response.body, parseReview(JSON.parse(payload.toString())).uid);
    return;
  }
  expect(response.body).not.toContain('allowed');
  expect(jsonObject(response.body)).toEqual({ error: expect.stringMatching(/^[^\n]+$/) });
}

/** Whether `parseReview` takes a body. */
function isReview(body: unknown): boolean {
  try {
    parseReview(body);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedReview);
    return false;
  }
}

const anyJson = fc.jsonValue({ maxDepth: 4 });

/** A recorded review in which one value, anywhere, was replaced by another or removed. */
const mutatedReview = fc
  .tuple(fc.constantFrom(...sampleNames), fc.nat(), fc.option(anyJson, { nil: undefined, freq: 4 }))
  .map(([name, place, value]) => replaceAt(jsonObject(sample(name)), place, value));

/** Replaces the value at the place-th field of all (modulo their number), in document order; undefined removes it. */
function replaceAt(body: JsonObject, place: number, value: unknown): unknown {
  const count = countFields(body);
  let left = place % count;
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (!isJsonObject(node)) return node;
    return Object.fromEntries(
      Object.entries(node).flatMap(([key, item]) => {
        if (left-- !== 0) return [[key, walk(item)] as const];
        return value === undefined ? [] : [[key, value] as const];
      }),
    );
  };
  return walk(body);
}

function countFields(node: unknown): number {
  if (Array.isArray(node)) return node.reduce((sum: number, item) => sum + countFields(item), 0);
  if (!isJsonObject(node)) return 0;
  return Object.values(node).reduce((sum: number, item) => sum + 1 + countFields(item), 0);
}

describe('the server answers', () => {
  test('arbitrary bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), (bytes) => expectAnswer(Buffer.from(bytes))));
  });

  test('arbitrary JSON', async () => {
    await fc.assert(fc.asyncProperty(anyJson, (body) => expectAnswer(JSON.stringify(body))));
  });

  test('reviews with arbitrary requests', async () => {
    const request = fc.record({
      uid: fc.string({ minLength: 1, unit: 'grapheme' }),
      kind: fc.record({
        group: fc.constantFrom('', 'networking.istio.io'),
        kind: fc.constantFrom('Gateway', 'Service'),
      }),
      operation: fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'CONNECT'),
      object: fc.option(fc.dictionary(fc.string(), anyJson)),
      oldObject: fc.option(fc.dictionary(fc.constantFrom('metadata', 'kind', 'apiVersion', 'spec'), anyJson)),
    });
    await fc.assert(
      fc.asyncProperty(request, (made) =>
        expectAnswer(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: made })),
      ),
    );
  });

  test('reviews with one wrong value', async () => {
    let reviews = 0;
    await fc.assert(
      fc.asyncProperty(mutatedReview, async (body) => {
        if (isReview(body)) reviews++;
        await expectAnswer(JSON.stringify(body));
      }),
      { numRuns: 300 },
    );
    expect(reviews).toBeGreaterThan(100);
  });

  test('reviews with a broken byte', async () => {
    const bytes = fc.tuple(fc.constantFrom(...sampleNames), fc.nat(), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(bytes, async ([name, place, byte]) => {
        const body = Buffer.from(sample(name));
        body[place % body.length] = byte;
        await expectAnswer(body);
      }),
    );
  });
});
