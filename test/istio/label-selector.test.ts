import { describe, expect, test } from 'vitest';
import { matchesLabels } from '../../src/istio/label-selector.ts';
import type { LabelSelector } from '../../src/istio/resources.gen.ts';

const known = [
  ['a', { team: 'one', routes: 'yes' }],
  ['b', { team: 'two' }],
  ['c', {}],
] as const;

describe('the namespaces that a selector selects', () => {
  // conversion.go namespacesFromSelector; apimachinery LabelSelectorAsSelector
  test.each<[selector: LabelSelector, names: readonly string[]]>([
    [{}, ['a', 'b', 'c']],
    [{ matchLabels: { team: 'one' } }, ['a']],
    [{ matchLabels: { team: 'one', routes: 'no' } }, []],
    [{ matchExpressions: [{ key: 'team', operator: 'In', values: ['two', 'one'] }] }, ['a', 'b']],
    [{ matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['one'] }] }, ['b', 'c']],
    [{ matchExpressions: [{ key: 'routes', operator: 'Exists' }] }, ['a']],
    [{ matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, ['c']],
    [{ matchExpressions: [{ key: 'team', operator: 'Near' }] }, []],
    [{ matchLabels: { team: 'two' }, matchExpressions: [{ key: 'routes', operator: 'Exists' }] }, []],
  ])('%j: %j', (selector, names) => {
    expect(matchesLabels(selector, known)).toEqual(names);
  });
});

test('a namespace that is not known is selected by its name alone', () => {
  const byLabel = { matchLabels: { 'kubernetes.io/metadata.name': 'unknown' } };
  const byList = {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['unknown', 'b'] }],
  };
  expect(matchesLabels(byLabel, known)).toEqual(['unknown']);
  expect(matchesLabels(byList, known)).toEqual(['b', 'unknown']);
  expect(matchesLabels({ matchLabels: { ...byLabel.matchLabels, team: 'one' } }, known)).toEqual([]);
});
