import { describe, expect, test } from 'vitest';
import { Document } from 'yaml';
import { InputError } from '../../src/input-error.ts';
import { type ParsedDocument, parseDocuments } from '../../src/sources/parse-documents.ts';
import { fc } from '../fast-check.ts';
import { writableJson } from '../yaml/writable-json.ts';

function parse(text: string): readonly ParsedDocument[] {
  return [...parseDocuments(text, 'a.yaml')];
}

function values(text: string): readonly unknown[] {
  return parse(text).map(({ value }) => value);
}

describe('YAML 1.2, as its core schema reads it', () => {
  test.each<[string, string, ...unknown[]]>([
    [
      'scalars',
      'a: 012\nb: 0x1F\nc: 0o14\nd: 1_000\ne: .5\nf: 1e3\ng: ~\nh: yes\ni: TRUE\nj: 2026-11-21\nk: 1:30\nl: on\n',
      {
        a: 12,
        b: 31,
        c: 12,
        d: '1_000',
        e: 0.5,
        f: 1000,
        g: null,
        h: 'yes',
        i: true,
        j: '2026-11-21',
        k: '1:30',
        l: 'on',
      },
    ],
    ['multi-line text', 'a: |\n  x\n  ---y\nb: >-\n  x\n  y\n\n  z\n', { a: 'x\n---y\n', b: 'x y\nz' }],
    [
      'comments and quotes',
      "# c\na: b # c\nb: b#c\nc: 'it''s'\nd: \"\\u00e9\\n\"\n",
      { a: 'b', b: 'b#c', c: "it's", d: 'é\n' },
    ],
    [
      'flow collections',
      'a: {b, c: [1, 2,]}\nd: [{e: f}, g: h]\n',
      { a: { b: null, c: [1, 2] }, d: [{ e: 'f' }, { g: 'h' }] },
    ],
    ['documents', '---\na: 1\n--- # comment\nb: 1\n---\n---\nc: 1\n', { a: 1 }, { b: 1 }, null, { c: 1 }],
    ['a document on the line of its marker', '--- {a: 1}\n--- text\n', { a: 1 }, 'text'],
    ['text that looks like a marker', 'a: |\n ---\n b\nb: "---"\nc: ---d\n', { a: '---\nb\n', b: '---', c: '---d' }],
    ['Windows line ends', 'a: 1\r\n---\r\nb:\r\n- 1\r\n', { a: 1 }, { b: [1] }],
    ['merge keys', 'a: &x {b: 1, c: 1}\nd: {<<: *x, c: 2}\n', { a: { b: 1, c: 1 }, d: { b: 1, c: 2 } }],
    ['a quoted key that looks like a merge key', '"<<": 0\n', { '<<': 0 }],
    ['an ampersand that is no anchor', 'a: x&y\nb: "https://h/?a=1&b=2"\n', { a: 'x&y', b: 'https://h/?a=1&b=2' }],
    ['an alias of a list', 'a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    ['numbers that JSON lacks', 'a: .inf\nb: 1e999\nc: .nan\n', { a: Infinity, b: Infinity, c: Number.NaN }],
    ['directives and document ends', '%YAML 1.2\n---\na: 1\n...\n---\nb: 1\n', { a: 1 }, { b: 1 }],
    ['keys that are no text', '1: a\ntrue: b\n1.5: c\n', { 1: 'a', true: 'b', 1.5: 'c' }],
    ['nothing', ''],
    ['a comment', '# nothing\n'],
  ])('%s', (_, text, ...expected) => {
    expect(values(text)).toEqual(expected);
  });

  test('a key __proto__ is a key like others', () => {
    const [value] = values('__proto__: {a: 1}\n');
    expect(Object.keys(Object(value))).toEqual(['__proto__']);
  });

  test('every document knows where it begins', () => {
    const text = 'a: 1\n---\nb: 1\n---\nc: 1\n';
    expect(parse(text).map(({ offset }) => text.slice(offset, offset + 5))).toEqual(['a: 1\n', '---\nb', '---\nc']);
  });

  test('what was written is read', () => {
    const styles = fc.record({
      lineWidth: fc.constantFrom(0, 40),
      indent: fc.constantFrom(2, 4),
      collectionStyle: fc.constantFrom<'any' | 'block' | 'flow'>('any', 'block', 'flow'),
    });
    fc.assert(
      fc.property(fc.array(writableJson, { minLength: 1 }), styles, (written, style) => {
        const text = written.map((value) => `---\n${new Document(value).toString(style)}`).join('');
        expect(withoutMinusZero(values(text))).toEqual(withoutMinusZero(written));
      }),
    );
  });
});

test('JSON means what it means as YAML', () => {
  const json = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value);
      expect(withoutMinusZero(values(text))).toEqual(withoutMinusZero(values(`# YAML\n${text}`)));
    }),
    { examples: [[{ '<<': 0 }], [{ '': '' }], [[]]] },
  );
});

/** YAML's emitter writes it as 0. */
function withoutMinusZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('what is no YAML is an error where it stands', () => {
  test.each([
    ['a key that is written twice', 'a: 1\na: 2\n', /^a\.yaml:2:1: is not YAML: map keys must be unique/],
    [
      'a merge key without a map',
      'a: 1\n---\nb: { <<: 0 }\n',
      /^a\.yaml:2:1: is not usable YAML: merge sources must be maps/,
    ],
    ['an alias without anchor', '---\nb: *none\n', /^a\.yaml:1:1: is not usable YAML: unresolved alias/],
  ])('%s', (_, text, message) => {
    expect(() => values(text)).toThrow(message);
  });

  test('whatever is typed is read, or refused with an InputError', () => {
    const tokens = [
      'a',
      ': ',
      '- ',
      '\n',
      '\n  ',
      '"',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '#',
      '|',
      '1',
      '~',
      '---\n',
      '\t',
      '?',
    ];
    const token = fc.constantFrom(...tokens, '&a ', '*a ', '!t ', '!!binary ', '<<: ', '%YAML 1.1\n');
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (typed) => {
        try {
          values(typed.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
