import { expect, test } from 'vitest';
import { LineCounter, parseAllDocuments } from 'yaml';
import { parseFieldPath } from '../../src/yaml/field-path.ts';
import { lineOf } from '../../src/yaml/line-of.ts';
import { fc } from '../fast-check.ts';

test('lines and columns are counted as the YAML library counts them', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a: 1', '', '# x', 'b: c'), { minLength: 1 }), fc.nat(), (lines, seed) => {
      const text = lines.join('\n');
      const counter = new LineCounter();
      parseAllDocuments(text, { lineCounter: counter, uniqueKeys: false });
      const offset = seed % (text.length + 1);
      const { line, column } = lineOf(text, offset);
      expect(
        text
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
          (line > 1 ? 1 : 0) +
          column -
          1,
      ).toBe(offset);
      if (offset < text.length && counter.lineStarts.length > 0)
        expect({ line, col: column }).toEqual(counter.linePos(offset));
    }),
  );
});

test.each([
  ['', []],
  ['spec', ['spec']],
  ['spec.http[0].match[12].uri', ['spec', 'http', 0, 'match', 12, 'uri']],
  ["metadata.labels['app.kubernetes.io/name']", ['metadata', 'labels', 'app.kubernetes.io/name']],
  ["spec.portLevelMtls['9090'].mode", ['spec', 'portLevelMtls', '9090', 'mode']],
  ['spec.hosts[', ['spec', 'hosts']],
  ['[1]', [1]],
])('the steps of %s', (path, steps) => {
  expect(parseFieldPath(path)).toEqual(steps);
});
