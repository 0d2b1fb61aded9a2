import { describe, expect, test } from 'vitest';
import { fewLines, limitBytes, oneLine } from '../../src/admission/limit-text.ts';
import { fc } from '../fast-check.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });

describe('oneLine', () => {
  test.each<[string, number, string]>([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['a\r\n\tb', 10, 'a b'],
    ['𝒳𝒳', 3, '𝒳…'],
    ['\u001b[31mred', 20, '\u{fffd}[31mred'],
    ['\u202egnp.exe', 20, '\u{fffd}gnp.exe'],
    ['\ud800', 5, '\u{fffd}'],
    ['', 5, ''],
  ])('%j in %d', (given, length, expected) => {
    expect(oneLine(given, length)).toBe(expected);
  });

  test('is well formed, short and without control characters', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 100 }), (given, length) => {
        const line = oneLine(given, length);
        expect(line.length).toBeLessThanOrEqual(length);
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(line.isWellFormed()).toBe(true);
        expect(oneLine(line, length)).toBe(line);
      }),
    );
  });
});

describe('fewLines', () => {
  test('keeps line breaks', () => {
    expect(fewLines('a\n\tb\u0007', 10)).toBe('a\n\tb\u{fffd}');
  });

  test('is well formed and short', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 100 }), (given, length) => {
        expect(fewLines(given, length).length).toBeLessThanOrEqual(length);
        expect(fewLines(given, length).isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('limitBytes', () => {
  test('counts bytes, not characters', () => {
    expect(limitBytes('abc', 3)).toBe('abc');
    expect(limitBytes('abcd', 3)).toBe('abc');
    expect(limitBytes('ää', 4)).toBe('ää');
    expect(limitBytes('äää', 4)).toBe('ää');
    expect(limitBytes('äää', 3)).toBe('ä\u{fffd}');
  });
});
