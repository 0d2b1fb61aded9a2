import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Document, parseAllDocuments } from 'yaml';
import { parseDocuments } from '../../src/sources/parse-documents.ts';

interface Parsed {
  readonly offset: number;
  readonly value: unknown;
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the library says that is asked about everything unusual. Empty documents do not count. */
function reference(text: string): readonly Parsed[] {
  return [...parseAllDocuments(text, { merge: true, logLevel: 'silent' })].map((document) => {
    if (document.errors.length > 0) throw new Error('not YAML');
    return { offset: document.range[0], value: document.toJS() };
  });
}

function parse(text: string): readonly Parsed[] {
  return [...parseDocuments(text, 'a.yaml')];
}

describe('both parsers agree on', () => {
  test.each([
    [
      'scalars',
      'a: 012\nb: 0x1F\nc: 0o14\nd: 1_000\ne: .5\nf: 1e3\ng: ~\nh: Null\ni: yes\nj: TRUE\nk: 2026-11-21\nl: 1:30\nm: "x"\nn: .inf\no: -0\np: on',
    ],
    ['multi-line text', 'a: |\n  x\n  ---y\nb: >-\n  x\n  y\n\n  z\nc: "x\n  y"\nd: x\n  y\n'],
    ['comments and quotes', "# c\na: b # c\nb: b#c\nc: 'it''s'\nd: \"\\u00e9\\x41\\n\"\n"],
    ['flow collections', 'a: {b, c: [1, 2,]}\nd: [{e: f}, g: h]\n'],
    ['documents', '---\na: 1\n--- # comment\nb: 1\n---\n---\nc: 1\n---\n'],
    ['a document on the line of its marker', '--- {a: 1}\n--- text\n'],
    ['text that looks like a marker', 'a: |\n ---\n b\nb: "---"\nc: ---d\n'],
    ['Windows line ends', 'a: 1\r\n---\r\nb:\r\n- 1\r\n'],
    ['anchors, aliases and merge keys', 'a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n'],
    ['an ampersand that is no anchor', 'a: x&y\nb: "https://h/?a=1&b=2"\nc: a & b\n'],
    ['directives and document ends', '%YAML 1.2\n---\na: 1\n...\n---\nb: 1\n'],
    ['keys that are no text', '1: a\ntrue: b\n1.5: c\n'],
    ['a key __proto__', '__proto__: {a: 1}\n'],
    ['nothing', ''],
    ['a comment', '# nothing\n'],
  ])('%s', (_, text) => {
    const withContent = ({ value }: Parsed): boolean => value !== null && value !== undefined;
    expect(
      parse(text)
        .filter(withContent)
        .map(({ value }) => value),
    ).toEqual(
      reference(text)
        .filter(withContent)
        .map(({ value }) => value),
    );
  });

  test('whatever is written', () => {
    const styles = fc.record({
      lineWidth: fc.constantFrom(0, 40),
      indent: fc.constantFrom(2, 4),
      collectionStyle: fc.constantFrom('any', 'block', 'flow'),
    });
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), styles, (values, { collectionStyle, ...style }) => {
        const text = values
          .map(
            (value) => `---\n${new Document(value).toString({ ...style, collectionStyle: collectionStyle as 'any' })}`,
          )
          .join('');
        expect(parse(text)).toEqual(reference(text));
      }),
    );
  });

  test('the maps in whatever is typed, but for the name of a key that is null', () => {
    const token = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '\n  ',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ', ',
      '#',
      ' #',
      '|',
      '>',
      '1',
      '~',
      '---\n',
      '\n---\n',
      'b: c\n',
      '\t',
      '?',
      '&a ',
      '!t ',
      '<<: ',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join('');
        fc.pre(!text.includes('{{')); // a template
        const values = (documents: readonly Parsed[]): unknown =>
          JSON.parse(JSON.stringify(documents.map(({ value }) => value).filter(isMap)).replaceAll('"null":', '"":'));
        let expected: readonly Parsed[];
        try {
          expected = reference(text);
        } catch {
          return; // ours may take more, such as a tab where it does no harm
        }
        expect(values(parse(text))).toEqual(values(expected));
      }),
      { numRuns: 2000 },
    );
  });
});
