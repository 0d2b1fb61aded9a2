import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readLines } from '../../../src/sources/cluster/read-lines.ts';
import { fc } from '../../fast-check.ts';

async function linesOf(stream: Readable, maxLength = 1_000): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const batch of readLines(stream, { maxLength, stallMs: 20 })) lines.push(...batch);
  return lines;
}

/** Bytes in pieces that end anywhere. */
function pieces(text: string, ends: readonly number[]): Readable {
  const bytes = Buffer.from(text);
  const cuts = [0, ...ends.map((end) => end % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return Readable.from(cuts.slice(1).map((end, place) => bytes.subarray(cuts[place], end)));
}

test('lines come whole, wherever the pieces of a stream end', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'ä', '→', '🚪', '{', '\r') });
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, ends) => {
      const text = lines.map((one) => `${one}\n`).join('');
      expect(await linesOf(pieces(text, ends))).toEqual(lines);
    }),
  );
});

test('a last line that nothing ends is dropped', async () => {
  expect(await linesOf(pieces('{"a":1}\n{"b"', [3]))).toEqual(['{"a":1}']);
});

test('a line that is too long ends the stream', async () => {
  await expect(linesOf(pieces('123456\n', [3]), 5)).rejects.toMatchObject({ reason: 'unreadable' });
  expect(await linesOf(pieces('12345\n12345\n', [3]), 5)).toHaveLength(2);
});

test('silence ends the stream', async () => {
  const stream = new Readable({ read: () => {} });
  stream.push('a\n');
  await expect(linesOf(stream)).rejects.toMatchObject({ reason: 'stalled' });
  expect(stream.destroyed).toBe(true);
});
