import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { isSameJson } from '../../src/admission/same-json.ts';
import { isJsonObject } from '../../src/istio/json-object.ts';
import { fc } from '../fast-check.ts';

/** Small values, so that equal pairs occur. */
const json = fc.jsonValue({ maxDepth: 3, depthSize: 'small' });

/** The same value with the fields of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

/** What parsing the text of a value gives. */
const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the order of fields does not matter', () => {
  fc.assert(fc.property(json, (value) => isSameJson(parsed(value), reversed(parsed(value)))));
});

test('it says what deep equality says', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(isSameJson(parsed(a), parsed(b))).toBe(isDeepStrictEqual(parsed(a), parsed(b)));
    }),
  );
});

test.each<[string, string]>([
  ['{}', '[]'],
  ['[]', '{}'],
  ['null', '{}'],
  ['{"a": 1}', '{"b": 1}'],
  ['{"a": null}', '{}'],
  ['[1, 2]', '[2, 1]'],
  ['[[]]', '[[], []]'],
  ['{"__proto__": {}}', '{}'],
  ['{"a": {}}', '{"toString": {}}'],
  ['1', '"1"'],
])('%s is not %s', (a, b) => {
  expect(isSameJson(JSON.parse(a), JSON.parse(b))).toBe(false);
});

test('no depth is too deep', () => {
  const deep = (): unknown => JSON.parse(`${'[{"a":'.repeat(5e5)}1${'}]'.repeat(5e5)}`);
  expect(isSameJson(deep(), deep())).toBe(true);
});
