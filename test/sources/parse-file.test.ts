import { expect, test } from 'vitest';
import { parseFile, parseKeptFile } from '../../src/sources/parse-file.ts';

test.each([
  ['plain values', 'a: [1, {b: null}]\nc: text\n"<<": 0\n'],
  ['numbers that JSON lacks', 'a: .inf\nb: 1e999\nc: .nan\n'],
  ['anchors', 'a: &x [1]\nb: *x\n'],
  ['an alias of what it is in', 'a: &x\n  b: *x\n'],
  ['an ampersand that is no anchor', 'a: x&y\n'],
  ['a list of objects', 'kind: List\nitems:\n- {kind: A}\n- {kind: B}\n'],
  ['several documents', 'a: 1\n---\nb: .inf\n'],
])('a file that is kept is read as any other: %s', (_, text) => {
  expect(parseKeptFile('a.yaml', text)).toEqual(parseFile('a.yaml', text));
});
