import { describe, expect, test } from 'vitest';
import { isVisibleFrom, visibilityOf } from '../../src/istio/visibility.ts';

describe('a resource in ns is visible', () => {
  // pilot/pkg/model/push_context.go initServiceRegistry, initVirtualServices, initDefaultExportMaps
  test.each<[what: string, exportTo: string[] | undefined, meshDefault: string[], from: string, expected: boolean]>([
    ['without exportTo, by the default *', undefined, ['*'], 'other', true],
    ['with an empty exportTo, as without', [], ['*'], 'other', true],
    ['without exportTo, by the default .', undefined, ['.'], 'ns', true],
    ['not elsewhere, by the default .', undefined, ['.'], 'other', false],
    ['to nobody, by the default ~', undefined, ['~'], 'ns', false],
    ['to nobody, by an empty default', undefined, [], 'ns', false],
    ['with exportTo, whatever the default', ['*'], ['.'], 'other', true],
    ['in its own namespace, by .', ['.'], ['*'], 'ns', true],
    ['not elsewhere, by .', ['.'], ['*'], 'other', false],
    ['in its own namespace, by name', ['ns'], ['*'], 'ns', true],
    ['where it is exported to', ['team-a'], ['*'], 'team-a', true],
    ['not in its own namespace, unless that is listed', ['team-a'], ['*'], 'ns', false],
    ['in one of several', ['.', 'team-a'], ['*'], 'team-a', true],
    ['to nobody, by ~', ['~'], ['*'], 'ns', false],
    ['to nobody, by ~ among names', ['~', 'team-a'], ['*'], 'team-a', false],
    ['everywhere, by * before ~', ['~', '*'], ['.'], 'other', true],
    ['twice the same is once', ['team-a', 'team-a'], ['*'], 'team-a', true],
    ['case counts', ['Team-a'], ['*'], 'team-a', false],
  ])('%s', (_, exportTo, meshDefault, from, expected) => {
    expect(isVisibleFrom(visibilityOf(exportTo, meshDefault, 'ns'), from)).toBe(expected);
  });

  test('the namespaces are known by name, . resolved', () => {
    expect(visibilityOf(['.', 'team-a'], ['*'], 'ns').namespaces).toEqual(new Set(['ns', 'team-a']));
  });
});
